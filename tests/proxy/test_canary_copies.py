"""At a canary each side is asked what the other has answered, and legacy's answer is the control, whoever answered."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from proxy.control import ask
from proxy.visitors import bucket_of
from tests.conftest import Start
from tests.proxy.backends import Answers, Raw, page, raw
from tests.proxy.test_shadowed_bytes import Site, a_site, get, resets
from tests.proxy.test_tls_limits import until

IN, OUT = (next(f"{n:032x}" for n in range(99) if (bucket_of(b"%032x" % n, b"repairs") < 5_000) is inside)
           for inside in (True, False))  # fmt: skip


@contextlib.contextmanager
def a_canary(
    folder: Path, start: Start, fig: Path, legacy: Answers | None = None, new: Answers | None = None, **more: str
) -> Iterator[Site]:
    copied = "shadow: {sample: 100%}"
    with (
        raw(legacy, new) as (one, other),
        a_site(folder, start, fig, one, other, "canary 50%", copied, "", **more) as site,
    ):
        yield site


def verdicts(site: Site) -> Any:
    status: Any = ask(site.folder, {"do": "status"})
    return next(row["verdicts"] for row in status["slices"] if row["name"] == "repairs")


def marked(backend: Raw) -> list[bytes]:
    return [each for each in backend.requests if b"\r\nFig-Shadow: 1\r\n" in each]


def visit(site: Site, visitor: str, cookies: str = "", target: str = "/repairs/7") -> bytes:
    answer = site.send(get(target, f"Cookie: {cookies}fig_visitor={visitor}"))
    assert answer.startswith(b"HTTP/1.1 200"), answer
    return answer


def test_each_side_is_asked_what_the_other_answered(tmp_path: Path, start: Start, fig: Path) -> None:
    """The same page, with a lifetime: what the proxy adds for the citizen is no difference."""
    same = page(b"<p>ok</p>", b"Cache-Control: public, max-age=60")
    with a_canary(tmp_path, start, fig, lambda *_: same, lambda *_: same) as site:
        legacy, candidate = site.legacy, site.candidate
        assert b"Vary: Cookie" in visit(site, OUT)
        until(lambda: len(marked(candidate)) == 1)
        assert (len(legacy.requests) - len(marked(legacy)), len(candidate.requests)) == (1, 1)
        until(lambda: b"Cache-Control: max-age=60" in visit(site, IN) and verdicts(site)["matched"] >= 2)
        assert verdicts(site)["second_reads"] < len(marked(legacy)), "beside those that teach what differs by itself"
        assert b"Set-Cookie: fig_visitor=" in site.send(get("/repairs/7"))
        now = verdicts(site)
        assert now["mismatched"] == now["ignored"] == 0
        assert now["unjudged"] == now["causes"]["paced"]
        for each in (*legacy.requests, *candidate.requests):
            assert b"fig_" not in each


def test_of_a_session_the_slice_is_asked_and_legacy_is_not(tmp_path: Path, start: Start, fig: Path) -> None:
    with a_canary(tmp_path, start, fig) as site:
        visit(site, OUT, "JSESSIONID=1; ")
        until(lambda: len(marked(site.candidate)) == 1)
        until(lambda: visit(site, IN, "JSESSIONID=1; ") != b"" and site.copies("legacy")["withheld"] > 1)
        assert marked(site.legacy) == []


def test_on_a_repeatable_route_it_is(tmp_path: Path, start: Start, fig: Path) -> None:
    with a_canary(tmp_path, start, fig, repeatable="true") as site:
        until(lambda: visit(site, IN, "JSESSIONID=1; ") != b"" and marked(site.legacy) != [])
        assert b"\r\nCookie: JSESSIONID=1\r\n" in marked(site.legacy)[0]


def test_who_stays_with_legacy_for_having_written_proves_nothing(tmp_path: Path, start: Start, fig: Path) -> None:
    with a_canary(tmp_path, start, fig) as site:
        visit(site, IN, "fig_wrote_repairs=9999999999; ", "/repairs/wrote")
        visit(site, OUT)
        until(lambda: marked(site.candidate) != [])
        assert site.candidate.asked_for(b"/repairs/wrote") == []


def copies_fail(head: bytes, connection: socket.socket) -> bytes:
    return resets(head, connection) if b"\r\nFig-Shadow: 1" in head else page()


def test_a_slice_that_gives_no_second_answer_differs(tmp_path: Path, start: Start, fig: Path) -> None:
    with a_canary(tmp_path, start, fig, new=copies_fail) as site:
        visit(site, OUT)
        until(lambda: verdicts(site)["waiting"]["learning"])
        assert verdicts(site)["judged"] == 0


def test_without_legacys_answer_there_is_nothing_to_compare_with(tmp_path: Path, start: Start, fig: Path) -> None:
    with a_canary(tmp_path, start, fig, legacy=copies_fail) as site:
        until(lambda: visit(site, IN) != b"" and verdicts(site)["causes"]["cut"])
        assert verdicts(site)["judged"] == 0
