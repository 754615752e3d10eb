"""What a candidate gets and what citizens get, byte for byte, however the candidate behaves; and law 2 at legacy."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from proxy.control import ask
from tests.conftest import Start
from tests.processes import Started
from tests.proxy.backends import Answers, Raw, page, raw
from tests.proxy.test_tls_limits import until

ROUTES = """\
version: 1
listen: 127.0.0.1:0
hosts: [www.anytown.gov.uk]
workers: 1
grace: 1s
trust: [127.0.0.0/8]
backends:
  legacy: {{url: http://127.0.0.1:{legacy}}}
  repairs: {{url: http://127.0.0.1:{repairs}, cookies: [pilot], {backend}}}
default: legacy
slices:
  repairs:
    backend: repairs
    stage: {stage}
    repeatable: {repeatable}
    routes: [{{path: /jobs/*, rewrite: /api/v2/jobs/*}}, {{path: /repairs/*, methods: [GET, HEAD, POST]}}]
    {shadow}
"""
COPIED = "shadow: {sample: 100%, methods: [GET, HEAD, POST], reverse: true, max_body: 200KiB}"


@dataclass
class Site:
    """A proxy, with legacy and a candidate behind it."""

    folder: Path
    legacy: Raw
    candidate: Raw
    process: Started
    port: int

    def send(self, request: bytes) -> bytes:
        """All that comes back for one request, after which the connection is closed."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
            connection.sendall(request)
            answer = b""
            while data := connection.recv(1 << 20):
                answer += data
            return answer

    def copies(self, backend: str = "repairs") -> dict[str, int]:
        rows: object = ask(self.folder, {"do": "status"})["backends"]
        assert isinstance(rows, list)
        return {row["name"]: dict(row["copies"]) for row in rows}[backend]


@contextlib.contextmanager
def a_site(
    folder: Path,
    start: Start,
    fig: Path,
    legacy: Raw,
    candidate: Raw,
    stage: str = "shadow",
    shadow: str = COPIED,
    backend: str = "sandbox: true",
    repeatable: str = "false",
) -> Iterator[Site]:
    folder.mkdir(exist_ok=True)
    said = {"stage": stage, "shadow": shadow, "backend": backend, "repeatable": repeatable}
    (folder / "routes.yaml").write_text(ROUTES.format(legacy=legacy.port, repairs=candidate.port, **said))
    process = start([fig, "serve", "-c", folder / "routes.yaml"], name=folder.name)
    port = int(process.wait_for(r"serving http://127\.0\.0\.1:(\d+)", seconds=20).group(1))
    yield Site(folder, legacy, candidate, process, port)


def get(target: str, *fields: str, method: str = "GET") -> bytes:
    lines = (f"{method} {target} HTTP/1.1", "Host: www.anytown.gov.uk", *fields, "Connection: close")
    return "\r\n".join((*lines, "", "")).encode()


def post(target: str, body: bytes, *fields: str) -> bytes:
    return get(target, *fields, f"Content-Length: {len(body)}", method="POST") + body


REQUESTS = [
    get("/repairs/7?page=2", "Accept: text/html", "X-Two: 1", "X-Two: 2"),
    get("/jobs/%7E9/a%20b?q=1;2", "Cookie: JSESSIONID=1; pilot=yes; other=3"),
    get("/repairs//7/./8", "Referer: http://www.anytown.gov.uk/repairs", "X-Forwarded-For: 203.0.113.9"),
    get("/repairs/1", "Fig-Shadow: no", "Forwarded: for=203.0.113.9;proto=https", method="HEAD"),
    get("/repairs/2", 'If-None-Match: "a"', "tracestate: a=b", "traceparent: 00-" + "ab" * 16 + "-" + "cd" * 8 + "-01"),
    post(
        "/repairs/report",
        b"a=1&at=http%3A%2F%2Fwww.anytown.gov.uk%2F",
        "Content-Type: application/x-www-form-urlencoded",
    ),
    post("/repairs/report", b'{"a": 1}', "Content-Type: application/json"),
]
_OF_CACHES = b'If-None-Match: "a"\r\n'
_IDS = re.compile(rb"(?<=\r\nX-Request-Id: )[^\r]*|(?<=\r\ntraceparent: )[^\r]*")


def seen(requests: list[bytes]) -> list[bytes]:
    """Without the mark, and what differs by itself: ids, and the candidate's port where two have two."""
    return sorted(_IDS.sub(b"", each.replace(b"Fig-Shadow: 1\r\n", b"")) for each in requests)


@pytest.mark.parametrize("backend", ["sandbox: true", "sandbox: true, host: backend", "sandbox: true, links: rewrite"])
def test_the_candidate_gets_what_it_would_get_at_live_but_for_the_mark(
    tmp_path: Path, start: Start, fig: Path, backend: str
) -> None:
    with raw(None, None) as (legacy, candidate):
        with a_site(tmp_path / "shadow", start, fig, legacy, candidate, backend=backend) as site:
            for request in REQUESTS:
                assert site.send(request).startswith(b"HTTP/1.1 200")
            until(lambda: len(candidate.requests) >= len(REQUESTS))
            copies = list(candidate.requests)
            assert all(each.count(b"\r\nFig-Shadow: 1\r\n") == 1 for each in copies)
            ids = {match[0] for each in copies for match in [re.search(rb"X-Request-Id: [^\r]*", each)] if match}
            assert ids == {
                match[0] for each in legacy.requests for match in [re.search(rb"X-Request-Id: [^\r]*", each)] if match
            }
        candidate.requests.clear()
        with a_site(tmp_path / "live", start, fig, legacy, candidate, stage="live", shadow="", backend=backend) as site:
            for request in REQUESTS:
                assert site.send(request).startswith(b"HTTP/1.1 200")
            assert not any(_OF_CACHES in each for each in copies)  # whoever answered in full is compared in full
            assert seen(copies) == seen([each.replace(_OF_CACHES, b"") for each in candidate.requests])


def hangs(head: bytes, connection: socket.socket) -> bytes:
    threading.Event().wait(30)
    return b""


def resets(head: bytes, connection: socket.socket) -> bytes:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
    return b""


def says_2_gib(head: bytes, connection: socket.socket) -> bytes:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2147483648\r\n\r\n")
    for _ in range(2048):
        connection.sendall(b"x" * (1 << 20))
    return b""


BAD: dict[str, tuple[Answers, set[str]]] = {
    "hanging": (hangs, {"sent", "busy"}),
    "resetting": (resets, {"failed", "busy"}),
    "garbage": (lambda head, connection: b"\x00\xff garbage\r\n\r\n" * 50, {"failed", "busy"}),
    "2 GiB": (says_2_gib, {"over", "busy"}),
    "a 500": (lambda head, connection: page(b"no").replace(b"200 OK", b"500 No", 1), {"answered", "busy"}),
}
ANSWERS = {
    b"/repairs/small": page(b"<p>small</p>", b"Set-Cookie: a=1; Path=/", b"Set-Cookie: b=2"),
    b"/repairs/none": b"HTTP/1.1 204 No Content\r\nDate: Wed, 25 Nov 2026 12:00:00 GMT\r\n\r\n",
    b"/repairs/chunked": b"HTTP/1.1 200 OK\r\nDate: Wed, 25 Nov 2026 12:00:00 GMT\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5\r\nhello\r\n0\r\n\r\n",
    b"/repairs/large": page(b"large " * 30_000),
    b"/repairs/larger": page(b"larger " * 300_000),
    b"/repairs/missing": page(b"missing").replace(b"200 OK", b"404 Not Found", 1),
}


def of_legacy(head: bytes, connection: socket.socket) -> bytes:
    return ANSWERS.get(head.split(b" ")[1], page())


@pytest.mark.parametrize("how", BAD)
def test_citizens_get_the_same_bytes_whatever_the_candidate_does(
    tmp_path: Path, start: Start, fig: Path, how: str
) -> None:
    answers, outcomes = BAD[how]
    requests = [get(target.decode()) for target in ANSWERS] * 4
    with raw(of_legacy, answers) as (legacy, candidate):
        with a_site(tmp_path / "alone", start, fig, legacy, candidate, shadow="") as site:
            alone = [site.send(request) for request in requests]
        with a_site(tmp_path / "shadowed", start, fig, legacy, candidate) as site:
            shadowed = [site.send(request) for request in requests]
            until(lambda: candidate.requests != [])
            until(lambda: sum(site.copies()[name] for name in (*outcomes, "large")) >= len(requests))
            copies = site.copies()
        assert shadowed == alone
        assert copies["large"] == 4


def test_citizens_get_the_same_bytes_when_the_keeper_is_killed_again_and_again(
    tmp_path: Path, start: Start, fig: Path
) -> None:
    with raw(of_legacy, None) as (legacy, candidate), a_site(tmp_path, start, fig, legacy, candidate) as site:
        want = {target: site.send(get(target.decode())) for target in ANSWERS}
        pids = set()
        while len(pids) < 3:
            keeper: object = ask(site.folder, {"do": "status"})["keeper"]
            assert isinstance(keeper, dict)
            if keeper["state"] == "running" and keeper["pid"] not in pids:
                pids.add(keeper["pid"])
                with contextlib.suppress(ProcessLookupError):
                    os.kill(keeper["pid"], signal.SIGKILL)
            for target, answer in want.items():
                assert site.send(get(target.decode())) == answer
        before = len(candidate.requests)
        until(lambda: site.send(get("/repairs/small")) != b"" and len(candidate.requests) > before)


def test_an_unsafe_request_goes_to_a_sandbox_alone_and_only_as_far_as_it_is_held(
    tmp_path: Path, start: Start, fig: Path
) -> None:
    kind = "Content-Type: text/plain"
    with raw(None, None) as (legacy, candidate):
        with a_site(
            tmp_path / "real",
            start,
            fig,
            legacy,
            candidate,
            backend="sandbox: false",
            shadow=COPIED.replace(", POST", ""),
        ) as site:
            site.send(post("/repairs/report", b"real", kind))
            site.send(get("/repairs/after"))
            until(lambda: len(candidate.asked_for(b"/repairs/after")) == 1)
            assert len(candidate.requests) == 1
        with a_site(tmp_path / "sandbox", start, fig, legacy, candidate) as site:
            site.send(post("/repairs/report", b"tried", kind))
            site.send(post("/repairs/7/delete", b"never", kind))
            site.send(post("/repairs/report?_method=DELETE", b"never", kind))
            form = "Content-Type: application/x-www-form-urlencoded"
            site.send(post("/repairs/report", b"_method=DELETE", form))
            site.send(post("/repairs/report", b"x" * 60_000, kind))
            site.send(post("/repairs/report", b"x" * 70_000, kind))
            site.send(get("/repairs/last"))
            until(lambda: len(candidate.asked_for(b"/repairs/last")) == 1)
            posts = candidate.asked_for(b"POST")
            assert sorted(each.partition(b"\r\n\r\n")[2] for each in posts) == [b"tried", b"x" * 60_000]
            assert (site.copies()["withheld"], site.copies()["large"]) == (3, 1)
        assert [len(each.partition(b"\r\n\r\n")[2]) for each in legacy.asked_for(b"POST")][-1] == 70_000


SESSIONS = ("Cookie: JSESSIONID=1", "Authorization: Basic YTpi", "Cookie: _ga=1; basket=2")


@pytest.mark.parametrize("repeatable", ["false", "true"])
def test_at_live_legacy_is_asked_again_once_a_second_and_nothing_of_a_session(
    tmp_path: Path, start: Start, fig: Path, repeatable: str
) -> None:
    with contextlib.ExitStack() as stack:
        legacy, candidate = stack.enter_context(raw(None, None))
        said = {"stage": "live", "repeatable": repeatable}
        with a_site(tmp_path, start, fig, legacy, candidate, **said) as site:
            for session in SESSIONS:
                site.send(get("/repairs/of-somebody", session))
            site.send(post("/repairs/report", b"a", "Content-Type: text/plain"))
            site.send(get("/repairs/7/cancel"))
            if repeatable == "true":
                until(lambda: site.send(get("/repairs/of-somebody", SESSIONS[0])) != b"" and legacy.requests != [])
                assert {each.partition(b" HTTP")[0] for each in legacy.requests} == {b"GET /repairs/of-somebody"}
                return
            until(lambda: sum(site.copies("legacy").values()) >= 4)
            assert legacy.requests == []
            # Which of the two it is depends on whether a second has gone by since the keeper came.
            assert site.copies("legacy")["withheld"] + site.copies("legacy")["paced"] == 4
            until(lambda: site.send(get("/jobs/9", "Cookie: _ga=1")) != b"" and site.copies("legacy")["sent"] > 0)
            until(lambda: legacy.requests != [])
            asked = legacy.requests[0]
            assert asked.startswith(b"GET /jobs/9 HTTP/1.1\r\n")  # in its own words
            assert b"\r\nFig-Shadow: 1\r\n" in asked


def test_in_a_canary_each_safe_answer_goes_to_the_other_side(tmp_path: Path, start: Start, fig: Path) -> None:
    def named(name: bytes) -> Answers:
        return lambda head, connection: page(name)

    with contextlib.ExitStack() as stack:
        legacy, candidate = stack.enter_context(raw(named(b"legacy"), named(b"slice")))
        with a_site(tmp_path, start, fig, legacy, candidate, stage="canary 50%") as site:
            by: dict[bytes, list[bytes]] = {b"legacy": [], b"slice": []}

            def go_on() -> bool:
                target = f"/repairs/{sum(map(len, by.values()))}"
                answer = site.send(get(target))
                by[answer.rpartition(b"\r\n\r\n")[2]].append(target.encode())
                asked_again = site.copies("legacy")["sent"] + site.copies("legacy")["paced"]  # who compares goes first
                return len(by[b"legacy"]) > 1 and asked_again > 1

            until(go_on)
            until(lambda: site.copies("repairs")["answered"] + site.copies("repairs")["busy"] == len(by[b"legacy"]))
            site.send(post("/repairs/report", b"a", "Content-Type: text/plain", "Cookie: a=1"))
            copies = {each.split(b" ")[1] for each in candidate.requests if b"\r\nFig-Shadow: 1\r\n" in each}
            again = [each for each in legacy.requests if b"\r\nFig-Shadow: 1\r\n" in each]
    assert copies <= set(by[b"legacy"])
    assert copies
    assert {each.split(b" ")[1] for each in again} <= {*by[b"slice"], *by[b"legacy"]}  # some to learn what is noise
    assert {each.split(b" ")[0] for each in again} <= {b"GET"}
