"""A backend sees the citizen's cookies that it may see, and no others."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.compiler import Held, SeriesBook, make_generation
from proxy.config import load
from proxy.cookies import kept_cookies, without_others, without_ours
from tests.proxy.wire.stand import HOST, Runner, ScriptedBackend, a_stand

NAMES = frozenset({b"repairs_session", b"lang"})

CASES = [  # law, value, what is kept
    ("legacy's session stays behind", b"JSESSIONID=1; repairs_session=2", b"repairs_session=2"),
    ("the order stays", b"repairs_session=2; a=b; lang=cy", b"repairs_session=2; lang=cy"),
    ("all may be kept", b"lang=cy; repairs_session=2", b"lang=cy; repairs_session=2"),
    ("none may be", b"JSESSIONID=1; a=b", None),
    ("a name is whole", b"repairs_session2=1; xlang=2; lan=3", None),
    ("a name has its case", b"Lang=1", None),
    ("one that is there twice stays twice", b"lang=a; lang=b", b"lang=a; lang=b"),
    ("blanks around it are none of it", b" \tlang =a ;JSESSIONID=1;repairs_session=2", b"lang =a; repairs_session=2"),
    ("a value may hold =", b"lang=a=b==", b"lang=a=b=="),
    ("a value is no name", b"x=lang; lang=x", b"lang=x"),
    ("a quoted value hides none", b'lang="a; JSESSIONID=1"', b'lang="a'),
    ("bytes beyond ASCII pass", b"lang=caf\xe9; y=\xe9", b"lang=caf\xe9"),
    ("nothing is nothing", b"", None),
    ("empty pairs are nothing", b"; ;lang=1;", b"lang=1"),
]


@pytest.mark.parametrize(("law", "value", "kept"), CASES, ids=[case[0] for case in CASES])
def test_what_is_kept(law: str, value: bytes, kept: bytes | None) -> None:
    assert kept_cookies(value, NAMES) == kept
    assert kept_cookies(value, frozenset()) is None


COOKIES = st.sampled_from([b"lang", b"repairs_session", b"JSESSIONID", b"a"])
PAIR = st.tuples(COOKIES, st.from_regex(rb"[!-:<-~]*", fullmatch=True))


@given(st.lists(PAIR))
def test_exactly_the_named_ones_are_kept(pairs: list[tuple[bytes, bytes]]) -> None:
    kept = kept_cookies(b"; ".join(b"=".join(pair) for pair in pairs), NAMES)
    assert (kept or b"") == b"; ".join(b"=".join(pair) for pair in pairs if pair[0] in NAMES)


def test_a_field_without_any_is_left_out_and_every_other_stays() -> None:
    lines = b"Cookie: JSESSIONID=1\r\nAccept: */*\r\ncookie: a=1; lang=cy\r\nX-Cookie: a=1\r\n"
    assert without_others(lines, NAMES) == b"Accept: */*\r\ncookie: lang=cy\r\nX-Cookie: a=1\r\n"


OURS = [  # lines, and what a backend gets that sees all cookies but ours
    (b"Cookie: fig_visitor=1\r\n", b""),
    (b"Cookie: a=b; fig_visitor=1\r\n", b"Cookie: a=b\r\n"),
    (b"cookie: fig_visitor=1; a=b;c=d\r\n", b"cookie: a=b;c=d\r\n"),
    (b"Cookie: a=b; fig_wrote_repairs=1; fig_visitor =2; c=d\r\n", b"Cookie: a=b; c=d\r\n"),
    (b"Cookie: a=b\r\nAccept: */*\r\nCookie: fig_visitor=1\r\n", b"Cookie: a=b\r\nAccept: */*\r\n"),
    (b"Cookie: fig_visitors=1; config_visitor=2; a=fig_visitor=3\r\n",
     b"Cookie: fig_visitors=1; config_visitor=2; a=fig_visitor=3\r\n"),
    (b"X-Cookie: fig_visitor=1\r\nReferer: /?fig_visitor=1\r\n",
     b"X-Cookie: fig_visitor=1\r\nReferer: /?fig_visitor=1\r\n"),
]  # fmt: skip


@pytest.mark.parametrize(("lines", "kept"), OURS)
def test_our_own_are_cut_out_and_the_others_stay_as_they_are(lines: bytes, kept: bytes) -> None:
    assert without_ours(lines) == kept
    assert without_ours(b"Accept: */*\r\n" + lines + b"X-A: 1\r\n") == b"Accept: */*\r\n" + kept + b"X-A: 1\r\n"


def test_while_a_slice_is_in_canary_no_backend_sees_ours(tmp_path: Path) -> None:
    for stage, seen in (("live", None), ("canary 5%", "all but ours")):
        (tmp_path / "routes.yaml").write_text(
            ROUTES.replace("{backend: planning,", f"{{backend: planning, stage: {stage},")
        )
        generation, _ = make_generation(1, load(tmp_path / "routes.yaml", {}).spec, Held(), SeriesBook())
        assert generation.backends["legacy"].cookies == seen
        assert generation.backends["old"].cookies == seen
        assert generation.backends["planning"].cookies == frozenset()


ROUTES = """\
version: 1
listen: 127.0.0.1:8080
backends:
  legacy: {url: http://127.0.0.1:8081}
  repairs: {url: http://127.0.0.1:9001, cookies: [repairs_session]}
  planning: {url: http://127.0.0.1:9002}
  old: {url: http://127.0.0.1:9003}
  narrow: {url: http://127.0.0.1:9004, cookies: [lang]}
default: legacy
slices:
  repairs: {backend: repairs, routes: [/repairs/*]}
  planning: {backend: planning, legacy: old, routes: [/planning/*]}
"""


def test_a_slice_sees_no_session_of_legacys_unless_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "routes.yaml").write_text(ROUTES)
    loaded = load(tmp_path / "routes.yaml", {})
    generation, _ = make_generation(1, loaded.spec, Held(), SeriesBook())
    assert {name: backend.cookies for name, backend in generation.backends.items()} == {
        "legacy": None,
        "repairs": frozenset({b"repairs_session"}),
        "planning": frozenset(),
        "old": None,
        "narrow": frozenset({b"lang"}),
    }


def test_on_the_wire(run: Runner) -> None:
    request = b"GET / HTTP/1.1\r\n" + HOST + b"Cookie: JSESSIONID=1; lang=cy\r\nX-A: 1\r\nCookie: JSESSIONID=2\r\n\r\n"

    async def main() -> None:
        backend = ScriptedBackend()
        async with a_stand(backend, cookies=frozenset({b"lang"})) as stand:
            await stand.talk(request)
        assert b"JSESSIONID" not in backend.requests[0]
        assert backend.requests[0].startswith(b"GET / HTTP/1.1\r\n" + HOST + b"Cookie: lang=cy\r\nX-A: 1\r\n")

    run(main)
