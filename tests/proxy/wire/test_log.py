"""The access log tells of each request, over real connections, whatever became of it."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import re
import socket
import struct
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proxy.claims import Claim, Fallback, Pattern, Redirect, Route
from proxy.counters import LINES, LINES_LOST
from proxy.generation import LogSettings
from proxy.stages import LIVE
from tests.proxy.wire.stand import HOST, OK, TRACED, Close, Runner, ScriptedBackend, Silence, Stand, a_stand

ROUTE = Route("repairs", LIVE, "b1", "b0", names_method=False)
TO_NEW = Redirect(Pattern(b"/new", is_prefix=False), 301)
CLAIMS = [
    Claim(Pattern(b"/repairs", is_prefix=True), None, ROUTE, "routes.yaml:12", 5),
    Claim(Pattern(b"/old", is_prefix=False), None, TO_NEW, "routes.yaml:20", 7),
]
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
Talk = Callable[[Stand], Awaitable[object]]


async def lines(stand: Stand, file: Path, count: int = 1) -> list[dict[str, Any]]:
    """The lines in the file, once there are so many."""
    async with asyncio.timeout(20):
        while stand.counters.total(LINES) < count:
            await asyncio.sleep(0.01)  # another thread's doing
    return read(file)


def read(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def logged(
    run: Runner, file: Path, backends: Sequence[ScriptedBackend], talk: Talk, count: int = 1, **more: Any
) -> list[dict[str, Any]]:
    """What a talk leaves in the log."""
    found: list[dict[str, Any]] = []

    async def main() -> None:
        log = LogSettings(1.0, "json", str(file))
        async with a_stand(*backends, claims=CLAIMS, log=log, **more) as stand:
            await talk(stand)
            found.extend(await lines(stand, file, count))
            assert len(found) == count
            assert stand.counters.total(LINES_LOST) == 0
            stand.station.journal.stop()

    run(main)
    return found


def test_an_answer_of_the_slice(run: Runner, tmp_path: Path) -> None:
    legacy, slice_ = ScriptedBackend(), ScriptedBackend()
    request = b"GET /repairs/7?street=x HTTP/1.1\r\n" + HOST + b"\r\n"
    (said,) = logged(run, tmp_path / "log", [legacy, slice_], lambda stand: stand.talk(request))
    ((request_id, _, trace, span),) = TRACED.findall(slice_.requests[0])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", said.pop("time"))
    assert 0 < said.pop("seconds") < 10
    assert said == {
        "id": request_id.decode(),
        "trace": trace.decode(),
        "span": span.decode(),
        "client": "127.0.0.1",
        "method": "GET",
        "host": "www.anytown.gov.uk",
        "target": "/repairs/7?street=x",
        "status": 200,
        "bytes": 2,
        "slice": "repairs",
        "side": "slice",
        "backend": "b1",
        "stage": "live",
        "route": "/repairs/*",
        "address": f"127.0.0.1:{slice_.port}",
        "outcome": "whole",
    }


GET = b"GET / HTTP/1.1\r\n" + HOST + b"\r\n"
POST = b"POST / HTTP/1.1\r\n" + HOST
OUTCOMES: list[tuple[str, tuple[object, ...], bytes, dict[str, object]]] = [
    ("a body with a length", (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", b"123456789"), GET,
     {"status": 200, "bytes": 9, "side": "legacy", "slice": None, "backend": "b0", "outcome": "whole"}),
    ("a chunked body, without its framing", (CHUNKED + b"3\r\nabc\r\n", b"4\r\ndefg\r\n0\r\n\r\n"), GET,
     {"status": 200, "bytes": 7, "outcome": "whole"}),
    ("a body that ends with the connection", (b"HTTP/1.1 200 OK\r\n\r\nabc", Close()), GET,
     {"status": 200, "bytes": 3, "outcome": "whole"}),
    ("no body to HEAD", (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",), b"HEAD / HTTP/1.1\r\n" + HOST + b"\r\n",
     {"method": "HEAD", "status": 200, "bytes": 0, "outcome": "whole"}),
    ("a backend that breaks off", (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1234", Close()), GET,
     {"status": 200, "bytes": 4, "outcome": "cut"}),
    ("a backend that says nothing", (Close(),), POST + b"Content-Length: 0\r\n\r\n",
     {"status": 502, "backend": "b0", "side": "legacy", "outcome": "own"}),
    ("a redirect", (OK,), b"GET /old HTTP/1.1\r\n" + HOST + b"\r\n",
     {"status": 301, "bytes": 0, "side": "proxy", "backend": None, "route": "/old", "outcome": "own"}),
    ("nonsense", (OK,), b"nonsense\r\n\r\n",
     {"status": 400, "method": "", "target": "", "side": "proxy", "outcome": "refused"}),
    ("a path of two readings", (OK,), b"GET /a%00 HTTP/1.1\r\n" + HOST + b"\r\n",
     {"status": 400, "method": "GET", "target": "/a%00", "side": "proxy", "outcome": "refused"}),
    ("a body that is malformed", (Silence(),), POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\nno chunk\r\n",
     {"status": 400, "method": "POST", "outcome": "refused"}),
]  # fmt: skip


@pytest.mark.parametrize(("what", "script", "request_bytes", "expected"), OUTCOMES, ids=[case[0] for case in OUTCOMES])
def test_what_became_of_it(
    run: Runner, tmp_path: Path, what: str, script: Any, request_bytes: bytes, expected: dict[str, object]
) -> None:
    backends = [ScriptedBackend(scripts=(script,), reads_body=False), ScriptedBackend()]
    (said,) = logged(run, tmp_path / "log", backends, lambda stand: stand.talk(request_bytes))
    assert {key: said[key] for key in expected} == expected
    assert len(said["trace"]) == 32


def test_the_page_the_citizen_got_has_the_lines_id_and_size(run: Runner, tmp_path: Path) -> None:
    replies: list[bytes] = []

    async def talk(stand: Stand) -> None:
        replies.append(await stand.talk(b"GET /a%00 HTTP/1.1\r\n" + HOST + b"\r\n"))

    (said,) = logged(run, tmp_path / "log", [ScriptedBackend(), ScriptedBackend()], talk)
    assert b"reference <strong>%b</strong>" % said["id"].encode() in replies[0]
    assert said["bytes"] == len(replies[0].partition(b"\r\n\r\n")[2])


def test_who_leaves_before_the_answer_is_told_of_without_a_status(run: Runner, tmp_path: Path) -> None:
    backend = ScriptedBackend(scripts=((Silence(),),))

    async def talk(stand: Stand) -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", stand.port)
        writer.write(GET)
        await backend.got_head.wait()
        reset = struct.pack("ii", 1, 0)  # who only ends sending may still be reading
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
        writer.transport.abort()

    (said,) = logged(run, tmp_path / "log", [backend, ScriptedBackend()], talk)
    assert (said["status"], said["bytes"], said["outcome"]) == (None, 0, "cut")


def test_a_websocket_is_told_of_when_it_ends(run: Runner, tmp_path: Path) -> None:
    switched = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    backend = ScriptedBackend(scripts=((switched, Silence()),))
    request = b"GET /live HTTP/1.1\r\n" + HOST + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"

    async def talk(stand: Stand) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", stand.port)
        writer.write(request)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
        assert not (tmp_path / "log").exists()
        writer.close()

    (said,) = logged(run, tmp_path / "log", [backend, ScriptedBackend()], talk)
    assert (said["status"], said["outcome"]) == (101, "whole")


@pytest.mark.parametrize("trusted", [True, False])
def test_a_citizen_behind_a_trusted_peer_is_the_client(run: Runner, tmp_path: Path, trusted: bool) -> None:
    request = b"GET / HTTP/1.1\r\n" + HOST + b"X-Forwarded-For: 198.51.100.7\r\n\r\n"
    backends = [ScriptedBackend(), ScriptedBackend()]
    trust = [ipaddress.ip_network("127.0.0.0/8")] if trusted else []
    (said,) = logged(run, tmp_path / "log", backends, lambda stand: stand.talk(request), trust=trust)
    assert said["client"] == ("198.51.100.7" if trusted else "127.0.0.1")


def test_a_forged_line_is_no_line(run: Runner, tmp_path: Path) -> None:
    forged = b'GET /"},{"target":"/innocent HTTP/1.1\r\nUser-Agent: x"\\ %b\r\n' % (b"\xff" * 9) + HOST + b"\r\n"
    backends = [ScriptedBackend(), ScriptedBackend()]
    said = logged(run, tmp_path / "log", backends, lambda stand: stand.talk(forged * 3), count=3)
    assert {each["target"] for each in said} == {'/"},{"target":"/innocent'}


def test_a_share_of_the_requests_is_sampled(run: Runner, tmp_path: Path) -> None:
    """A quarter of 2,000, give or take six standard deviations (19 each)."""

    async def main() -> None:
        log = LogSettings(0.25, "combined", str(tmp_path / "log"))
        async with a_stand(ScriptedBackend(), log=log) as stand:
            for _ in range(20):
                await stand.talk(GET * 100)
            stand.station.journal.stop()
        assert 384 < (tmp_path / "log").read_bytes().count(b'"GET / HTTP/1.1" 200 2 ') < 616

    run(main)


def test_off_says_nothing_and_a_change_is_heard_by_the_next_request(run: Runner, tmp_path: Path) -> None:
    async def main() -> None:
        backend = ScriptedBackend()
        async with a_stand(backend) as stand:
            await stand.talk(GET)
            file = tmp_path / "log"
            on = replace(stand.station.generation, log=LogSettings(1.0, "json", str(file)))
            stand.station.serve_by(on)
            await stand.talk(GET)
            assert len(await lines(stand, file)) == 1
            stand.station.serve_by(replace(on, log=LogSettings()))
            await stand.talk(GET)
            stand.station.journal.stop()
            assert file.read_bytes().count(b"\n") == 1
        assert len(backend.requests) == 3

    run(main)


def test_a_full_disk_costs_lines_and_no_answer(run: Runner) -> None:
    async def main() -> None:
        async with a_stand(ScriptedBackend(), log=LogSettings(1.0, "json", "/dev/full")) as stand:
            reply = await stand.talk(GET * 50)
            assert reply.count(b"HTTP/1.1 200 OK") == 50
            async with asyncio.timeout(20):
                while stand.counters.total(LINES_LOST) < 50:
                    await asyncio.sleep(0.01)  # another thread's doing
            stand.station.journal.each_second()
            stand.station.journal.each_second()
            assert stand.log == ["50 lines of the access log are lost: No space left on device"]
            assert stand.counters.total(LINES) == 0

    run(main)


def test_what_is_counted_has_a_line_and_a_fallback_counts_twice(run: Runner, tmp_path: Path) -> None:
    route = replace(ROUTE, fallback=Fallback("b0", frozenset({"reset"})))
    backend = ScriptedBackend(scripts=((OK,), (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1", Close()), (OK,)))
    asked = [b"GET /", b"GET /", b"GET /old", b"GET /repairs/1", b"GET /a%00", b"nonsense"]

    async def main() -> None:
        log = LogSettings(1.0, "json", str(tmp_path / "log"))
        claims = [replace(CLAIMS[0], leads_to=route), CLAIMS[1]]
        async with a_stand(backend, ScriptedBackend(scripts=((Close(),),)), claims=claims, log=log) as stand:
            for each in asked:
                await stand.talk(each + b" HTTP/1.1\r\n" + HOST + b"\r\n")
            said = await lines(stand, tmp_path / "log", len(asked))
            assert len(said) == len(asked)
            assert [each["outcome"] for each in said] == ["whole", "cut", "own", "whole", "refused", "refused"]
            fell_back = said[3]
            assert (fell_back["slice"], fell_back["side"], fell_back["backend"]) == ("repairs", "legacy", "b0")
            assert fell_back["address"] == f"127.0.0.1:{backend.port}"
            assert sum(stand.hits(series) for series in range(10)) == len(asked) + 1
            stand.station.journal.stop()

    run(main)
