"""WebSockets, and the other wishes of Upgrade; OPTIONS of the server and of the last hop."""

from __future__ import annotations

import asyncio

import pytest

from proxy.plan import DEFAULT_SERIES
from tests.proxy.wire.stand import (
    HOST,
    OK,
    Close,
    Runner,
    ScriptedBackend,
    Silence,
    a_stand,
    close,
    read_all,
    status_of,
)

ASK = (
    b"GET /ws HTTP/1.1\r\n" + HOST + b"Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
SWITCH = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)
SWITCHED = (
    b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
    b"Connection: Upgrade\r\nUpgrade: websocket\r\nVia: 1.1 stranglerfig\r\n\r\n"
)


class Echo(ScriptedBackend):
    """Switches, greets, and sends back what it gets."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open[task] = writer
        try:
            self.requests.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(SWITCH + b"hello")
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except (ConnectionError, asyncio.CancelledError):
            pass
        writer.close()


def test_bytes_pass_both_ways_as_they_are(run: Runner) -> None:
    async def main() -> None:
        backend = Echo()
        async with a_stand(backend) as stand:
            reader, writer = await asyncio.open_connection("127.0.0.1", stand.port)
            writer.write(ASK + b"early")
            assert await reader.readexactly(len(SWITCHED)) == SWITCHED
            assert await reader.readexactly(10) == b"helloearly"
            frame = b"\x81\x85GET / HTTP/1.1\r\n\r\n\x00\xff" * 10_000
            writer.write(frame)
            assert await reader.readexactly(len(frame)) == frame
            await close(writer)
            assert b"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" in backend.requests[0]
            assert b"\r\nSec-WebSocket-Version: 13\r\n" in backend.requests[0]
            while stand.station.open:
                await asyncio.sleep(0)
            tally = stand.counters.tally(DEFAULT_SERIES)
            assert (tally.answers[1], tally.hits) == (1, 1)
            assert stand.station.in_flight == 0

    run(main)


def test_a_side_that_vanishes_ends_the_other(run: Runner) -> None:
    async def main() -> None:
        async with a_stand(ScriptedBackend([[SWITCH, Close()]])) as stand:
            assert await stand.talk(ASK, eof=False) == SWITCHED
            assert stand.station.in_flight == 0

    run(main)


def test_a_tunnel_that_nobody_uses_is_ended(run: Runner) -> None:
    async def main() -> None:
        async with a_stand(ScriptedBackend([[SWITCH, Silence()]]), idle=0.1) as stand:
            assert await stand.talk(ASK, eof=False) == SWITCHED

    run(main)


def test_what_the_backend_declines_is_an_ordinary_answer(run: Runner) -> None:
    async def main() -> None:
        declined = b"HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\n\r\nno"
        backend = ScriptedBackend([[declined], [OK]])
        async with a_stand(backend) as stand:
            reply = await stand.talk(ASK + b"GET /next HTTP/1.1\r\n" + HOST + b"\r\n")
            assert reply.count(b"HTTP/1.1 ") == 2
            assert status_of(reply) == 426

    run(main)


@pytest.mark.parametrize(
    "switch",
    [SWITCH.replace(b"Upgrade: websocket\r\n", b""), SWITCH.replace(b"websocket", b"h2c")],
    ids=["to nothing", "to something else"],
)
def test_a_switch_to_anything_else_is_a_502(run: Runner, switch: bytes) -> None:
    async def main() -> None:
        async with a_stand(ScriptedBackend([[switch]])) as stand:
            assert status_of(await stand.talk(ASK)) == 502

    run(main)


@pytest.mark.parametrize(
    ("wish", "passes"),
    [
        (b"Upgrade: foo/2\r\nConnection: upgrade\r\n", True),
        (b"Upgrade: websocket\r\n", True),
        (b"Upgrade: websocket, foo\r\nConnection: upgrade\r\n", True),
        (b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: x\r\n", False),
        (b"Upgrade: websocket, H2C\r\nConnection: upgrade\r\n", False),
    ],
)
def test_other_wishes_end_here_and_h2c_is_refused(run: Runner, wish: bytes, passes: bool) -> None:
    async def main() -> None:
        backend = ScriptedBackend()
        async with a_stand(backend) as stand:
            reply = await stand.talk(b"GET / HTTP/1.1\r\n" + HOST + wish + b"\r\n")
            assert status_of(reply) == (200 if passes else 400)
            assert not any(b"pgrade" in request for request in backend.requests)

    run(main)


@pytest.mark.parametrize(
    ("head", "got"),
    [
        (b"OPTIONS * HTTP/1.1\r\n", b"OPTIONS * HTTP/1.1\r\n"),
        (b"OPTIONS /a HTTP/1.1\r\nMax-Forwards: 5\r\n", b"\r\nMax-Forwards: 4\r\n"),
        (b"GET /a HTTP/1.1\r\nMax-Forwards: 5\r\n", b"\r\nMax-Forwards: 5\r\n"),
        (b"OPTIONS /a HTTP/1.1\r\nMax-Forwards: many\r\n", b"\r\nMax-Forwards: many\r\n"),
    ],
)
def test_options_reach_the_backend_and_forwards_are_counted(run: Runner, head: bytes, got: bytes) -> None:
    async def main() -> None:
        backend = ScriptedBackend()
        async with a_stand(backend) as stand:
            assert status_of(await stand.talk(head + HOST + b"\r\n")) == 200
            assert got in backend.requests[0]

    run(main)


def test_the_last_hop_answers_itself(run: Runner) -> None:
    async def main() -> None:
        backend = ScriptedBackend()
        async with a_stand(backend) as stand:
            reader, writer = await asyncio.open_connection("127.0.0.1", stand.port)
            writer.write(b"OPTIONS /a HTTP/1.1\r\n" + HOST + b"Max-Forwards: 0\r\nConnection: close\r\n\r\n")
            reply = await read_all(reader)
            await close(writer)
        assert reply == (
            b"HTTP/1.1 204 No Content\r\nAllow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n"
            b"Connection: close\r\n\r\n"
        )
        assert backend.requests == []

    run(main)
