"""What caches are told of answers that differ by visitor."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.caching import kept_apart, kept_private

A, Z = b"Server: x\r\n", b"X-Rate: 5%b\r\n"
VARY = b"Vary: Cookie\r\n"
APART = [  # law, before, after
    ("what says nothing varies by cookie", A, A + VARY),
    ("it loses public", b"Cache-Control: public, max-age=60\r\n", b"Cache-Control: max-age=60\r\n" + VARY),
    ("and s-maxage", b"cache-control: max-age=60,S-MaxAge=600\r\n", b"Cache-Control: max-age=60\r\n" + VARY),
    ("to the last word", b"Cache-Control: public\r\n", VARY),
    ("in several lines", A + b"Cache-Control: public\r\n" + Z + b"Cache-Control: max-age=1, s-maxage=2\r\n",
     A + b"Cache-Control: max-age=1\r\n" + Z + VARY),
    ("a quoted comma ends nothing", b'Cache-Control: private="a, public", public, x\r\n',
     b'Cache-Control: private="a, public", x\r\n' + VARY),
    ("nor a quote that is not closed", b'Cache-Control: a="b, public, c\r\n', b'Cache-Control: a="b, c\r\n' + VARY),
    ("other words stay", b"Cache-Control: publicly, no-cache, immutable\r\n",
     b"Cache-Control: publicly, no-cache, immutable\r\n" + VARY),
    ("what is not kept is left alone", b"Cache-Control: no-store, public\r\n", b"Cache-Control: no-store, public\r\n"),
    ("what varies already goes on", b"vary: Accept-Encoding, COOKIE\r\n", b"vary: Accept-Encoding, COOKIE\r\n"),
    ("or by everything", b"Vary: *\r\n", b"Vary: *\r\n"),
    ("or by other things", b"Vary: Accept-Encoding\r\n", b"Vary: Accept-Encoding\r\n" + VARY),
    ("or by things like it", b"Vary: X-Cookie\r\n", b"Vary: X-Cookie\r\n" + VARY),
    ("no edge is told otherwise", b"CDN-Cache-Control: max-age=9\r\nSurrogate-Control: max-age=9\r\n" + A, A + VARY),
]  # fmt: skip
PRIVATE = [
    ("what says nothing is private", A, A + b"Cache-Control: private\r\n"),
    ("it loses public", Z + b"Cache-Control: public, max-age=60\r\n" + A,
     Z + b"Cache-Control: max-age=60, private\r\n" + A),
    ("whatever else it says", b"Cache-Control: no-store\r\n", b"Cache-Control: no-store, private\r\n"),
    ("once is enough", b"Cache-Control: Private, max-age=60\r\n", b"Cache-Control: Private, max-age=60\r\n"),
    ("of some fields is not of all", b'Cache-Control: private="set-cookie"\r\n',
     b'Cache-Control: private="set-cookie", private\r\n'),
    ("no edge is told otherwise", b"Cdn-Cache-Control: max-age=9\r\n" + A, A + b"Cache-Control: private\r\n"),
]  # fmt: skip


@pytest.mark.parametrize(("law", "before", "after"), APART, ids=[case[0] for case in APART])
def test_an_answer_is_kept_apart(law: str, before: bytes, after: bytes) -> None:
    assert kept_apart(before) == after, law


@pytest.mark.parametrize(("law", "before", "after"), PRIVATE, ids=[case[0] for case in PRIVATE])
def test_an_answer_is_kept_private(law: str, before: bytes, after: bytes) -> None:
    assert kept_private(before) == after, law


NAMES = st.sampled_from((b"Cache-Control", b"cache-control", b"Vary", b"X-A", b"CDN-Cache-Control"))
WORDS = st.sampled_from((b"public", b"private", b"s-maxage=1", b'x="a, b"', b'"', b"%", b"%b", b"no-store", b"Cookie",
                         b"*", b"max-age=5", b""))  # fmt: skip
LINES = st.lists(st.builds(lambda name, words: name + b": " + b", ".join(words) + b"\r\n", NAMES, st.lists(WORDS)))


@given(LINES.map(b"".join))
def test_twice_is_once_and_no_line_is_broken(lines: bytes) -> None:
    for way in (kept_apart, kept_private):
        once = way(lines)
        assert way(once) == once
        assert all(b": " in line for line in once.split(b"\r\n")[:-1])
        others = [line for line in lines.split(b"\r\n") if line.startswith(b"X-A")]
        assert [line for line in once.split(b"\r\n") if line.startswith(b"X-A")] == others
    said = [line for line in kept_private(lines).split(b"\r\n") if b"cache-control" in line.lower()]
    assert len(said) == 1
    assert b"private" in said[0]
