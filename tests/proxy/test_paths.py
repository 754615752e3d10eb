"""How a path may be read: one canonical form, and every other form a server might make of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.paths import BadPath, PathRules, Readings, fold_case, read_path, remove_dot_segments

RULES = PathRules()

CASES = [  # path, canonical, others
    ("/", "/", []),
    ("/repairs/42", "/repairs/42", []),
    ("/a.b/c~d", "/a.b/c~d", []),
    ("/a/", "/a/", []),
    ("/%41%7e", "/A~", []),
    ("/%c3%a9", "/%C3%A9", []),
    ("/a%20b", "/a%20b", []),
    ("//", "/", ["//"]),
    ("/a//b", "/a/b", ["/a//b"]),
    ("/a/./b", "/a/b", ["/a/./b"]),
    ("/a/../b", "/b", ["/a/../b"]),
    ("/a/..", "/", ["/a/.."]),
    ("/../../a", "/a", ["/../../a"]),
    ("/%2e%2E/a", "/a", ["/../a"]),
    ("/a%2Fb", "/a%2Fb", ["/a/b"]),
    ("/a%2f..%2fb", "/a%2F..%2Fb", ["/a/../b", "/b"]),
    ("/a%5Cb", "/a%5Cb", ["/a/b"]),
    ("/a;jsessionid=1/b;c", "/a/b", []),
    ("/a/..;/b", "/b", ["/a/../b", "/a/..;/b"]),
    ("/.well-known/x", "/.well-known/x", []),
    ("/a/...", "/a/...", []),
]


@pytest.mark.parametrize(("path", "canonical", "others"), CASES)
def test_readings(path: str, canonical: str, others: list[str]) -> None:
    expected = Readings(canonical.encode(), tuple(sorted(other.encode() for other in others)))
    assert read_path(path.encode(), RULES) == expected


def test_bytes_beyond_ascii_are_read_as_their_escapes() -> None:
    assert read_path(b"/caf\xc3\xa9", RULES) == read_path(b"/caf%c3%a9", RULES) == Readings(b"/caf%C3%A9")


@pytest.mark.parametrize(
    ("path", "why"),
    [
        (b"a", "the path does not begin with a slash"),
        (b"/a b", "a control byte or a blank in the path"),
        (b"/a\x7f", "a control byte or a blank in the path"),
        (b"/a\\b", "a raw backslash in the path"),
        (b"/a#b", "a raw # in the path"),
        (b"/a%", "a bad percent-encoding in the path"),
        (b"/a%4", "a bad percent-encoding in the path"),
        (b"/a%4g", "a bad percent-encoding in the path"),
        (b"/a%00", "a NUL in the path"),
    ],
)
def test_what_no_two_servers_agree_on_is_refused(path: bytes, why: str) -> None:
    assert read_path(path, RULES) == BadPath(why)


def test_where_parameters_count_they_are_read_both_ways() -> None:
    assert read_path(b"/a;x/b", PathRules(strip_params=False)) == Readings(b"/a;x/b", (b"/a/b",))


paths = st.text(st.sampled_from("/.;%ab2Ff5cCeE~\u00e9"), max_size=12).map(lambda text: ("/" + text).encode())


@given(paths)
def test_the_canonical_form_is_its_own_only_canonical_form(path: bytes) -> None:
    readings = read_path(path, RULES)
    if isinstance(readings, Readings):
        again = read_path(readings.canonical, RULES)
        assert isinstance(again, Readings)
        assert again.canonical == readings.canonical


@given(paths)
def test_the_canonical_form_has_no_dots_doubles_or_parameters(path: bytes) -> None:
    readings = read_path(path, RULES)
    if isinstance(readings, Readings):
        assert b"//" not in readings.canonical
        assert b";" not in readings.canonical
        assert not {b".", b".."} & set(readings.canonical.split(b"/"))


@given(paths)
def test_removing_dots_twice_is_removing_them_once(path: bytes) -> None:
    assert remove_dot_segments(remove_dot_segments(path)) == remove_dot_segments(path)


def test_folding_keeps_the_length_and_the_escapes() -> None:
    assert fold_case(b"/Ab%C3%A9") == b"/ab%C3%A9"
