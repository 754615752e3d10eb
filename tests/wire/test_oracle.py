"""The judge is no friend: a relay that passes every byte on as it is fails where a proxy must not."""

from __future__ import annotations

import asyncio
import contextlib

from scripts.conformances.play import Report, play
from tests.processes import free_port
from tests.wire.case import Case
from tests.wire.player import Patience
from tests.wire.subjects import CASES

# One of each kind of harm, and one that even a relay gets right.
FAILS = (
    "two Hosts",
    "a NUL in a value",
    "a bare LF before a name that matters",
    "a length with a plus",
    "CL.TE: the chunks end before the length",
    "TE.CL: the length ends before the chunks",
    "a nominated field",
    "a reply: a nominated field",
    "103 to HTTP/1.0",
    "to HTTP/1.0: chunks",
    "a reply: HTTP/0.9: a body at once",
    "a body: two lengths",
    "304, and a body all the same",
    "beyond the end: a whole reply",
    "a 101 to another protocol than was asked for",
    "OPTIONS with Max-Forwards: 0",
)
PASSES = ("a plain GET", "a body with a length", "a body: chunks", "WebSocket: the handshake and a frame each way")


async def _relay(backend: int, stream: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    other, onward = await asyncio.open_connection("127.0.0.1", backend)

    async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while piece := await source.read(1 << 16):
                sink.write(piece)
                await sink.drain()
        sink.close()

    await asyncio.gather(pump(stream, onward), pump(other, writer))


def of(names: tuple[str, ...]) -> list[Case]:
    return [case for case in CASES if case.name in names]


async def _through_a_relay(cases: list[Case]) -> Report:
    backend = free_port()
    server = await asyncio.start_server(lambda *ends: _relay(backend, *ends), "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        return await play(port, backend, cases=cases, variants=("whole",), patience=Patience(reply=0.6, close=0.4))


def test_a_relay_fails_where_it_does_harm() -> None:
    cases = of(FAILS)
    assert len(cases) == len(FAILS)
    report = asyncio.run(_through_a_relay(cases))
    assert [case.name for case in cases if not report.fails(case)] == []


def test_a_relay_passes_what_is_plain() -> None:
    cases = of(PASSES)
    assert len(cases) == len(PASSES)
    report = asyncio.run(_through_a_relay(cases))
    assert {case.name: report.findings[case.name][0] for case in cases if report.fails(case)} == {}
