"""The proxy's own connections on loopback, between raw bytes on one side and scripted backends on the other."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import re
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from proxy.counters import Counters
from proxy.generation import Backend, Generation, Limits, LogSettings, Server
from proxy.headers import Network
from proxy.paths import PathRules
from proxy.plan import Rules
from proxy.table import Claim, Table
from proxy.wire.downstream import Downstream
from proxy.wire.station import Station

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
HOST = b"Host: www.anytown.gov.uk\r\n"
SECONDS = 10.0
OFF = LogSettings()
# As for `fig serve`: the whole suite is run both ways.
FAST = not os.environ.get("FIG_NO_FAST_PATH")


class Reset:
    """A step of a script: reset the connection."""


class Close:
    """A step of a script: close it in order."""


class Silence:
    """A step of a script: say nothing, and stay."""


Step = bytes | Reset | Close | Silence | asyncio.Event


@dataclass
class ScriptedBackend:
    """Answers the n-th request with the n-th script, the last one for all that follow; keeps what it was sent.

    `most`: connections it had open at once.
    """

    scripts: Sequence[Sequence[Step]] = ((OK,),)
    reads_body: bool = True
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    most: int = 0
    port: int = 0
    got_head: asyncio.Event = field(default_factory=asyncio.Event)
    _open: dict[asyncio.Task[None], asyncio.StreamWriter] = field(default_factory=dict)

    async def close(self) -> None:
        """End every connection."""
        for task, writer in self._open.items():
            task.cancel()
            await close(writer)
        await asyncio.gather(*self._open, return_exceptions=True)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._open[task] = writer
        self.most = max(self.most, sum(not each.done() for each in self._open))
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                index = len(self.requests)
                self.requests.append(head)
                self.got_head.set()
                if self.reads_body:
                    self.requests[index] += await self._body(head, reader)
                for step in self.scripts[min(index, len(self.scripts) - 1)]:
                    if not await self._take(step, reader, writer):
                        return
        writer.close()

    @staticmethod
    async def _body(head: bytes, reader: asyncio.StreamReader) -> bytes:
        if length := re.search(rb"(?i)\r\ncontent-length: (\d+)", head):
            return await reader.readexactly(int(length[1]))
        if not re.search(rb"(?i)\r\ntransfer-encoding: chunked", head):
            return b""
        body = b""
        while not body.endswith(b"0\r\n\r\n"):
            body += await reader.readuntil(b"\r\n")
        return body

    @staticmethod
    async def _take(step: Step, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        match step:
            case bytes():
                writer.write(step)
                await writer.drain()
            case asyncio.Event():
                await step.wait()
            case Silence():
                await reader.read()
                return False
            case Reset():
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
                return False
            case Close():
                writer.close()
                return False
        return True


@dataclass
class Stand:
    """Workers' connections: citizens arrive at `port`, or at a certain worker's of `ports`."""

    ports: list[int]
    stations: list[Station]
    counters: Counters
    log: list[str]

    @property
    def port(self) -> int:
        return self.ports[0]

    @property
    def station(self) -> Station:
        return self.stations[0]

    async def talk(self, data: bytes, *, piece: int = 0, eof: bool = True, worker: int = 0) -> bytes:
        """Send bytes, whole or `piece` at a time, and read until the proxy closes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.ports[worker])
        try:
            with contextlib.suppress(ConnectionError):
                for at in range(0, len(data), piece or len(data) or 1):
                    writer.write(data[at : at + (piece or len(data))])
                    await writer.drain()
                    if piece:
                        await asyncio.sleep(0)
                if eof:
                    writer.write_eof()
            return await read_all(reader)
        finally:
            await close(writer)

    def hits(self, series: int) -> int:
        return self.counters.tally(series).hits


async def close(writer: asyncio.StreamWriter) -> None:
    """Close a stream and see it closed."""
    writer.close()
    with contextlib.suppress(ConnectionError, asyncio.CancelledError):
        await writer.wait_closed()


async def read_all(reader: asyncio.StreamReader) -> bytes:
    """Everything until the end; what came before a reset."""
    got = b""
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(SECONDS):
            while piece := await reader.read(1 << 16):
                got += piece
    return got


# One of a backend's addresses: a scripted one, or a port where nobody listens.
At = ScriptedBackend | int


@contextlib.asynccontextmanager
async def a_stand(
    *backends: At | Sequence[At],
    claims: Sequence[Claim] = (),
    hosts: Sequence[bytes] = (),
    limits: Limits | None = None,
    trust: Sequence[Network] = (),
    first_byte: float = SECONDS,
    idle: float = SECONDS,
    workers: int = 1,
    log: LogSettings = OFF,
    **of_backends: Any,
) -> AsyncIterator[Stand]:
    """Backends are called b0, b1, …; b0 is the default. One that is a sequence has several addresses.

    `of_backends`: what else is true of each of them.
    """
    loop = asyncio.get_running_loop()
    groups = [[each] if isinstance(each, At) else list(each) for each in backends]
    scripted = [each for group in groups for each in group if isinstance(each, ScriptedBackend)]
    servers = []
    for each in scripted:
        servers.append(await asyncio.start_server(each.serve, "127.0.0.1", 0))
        each.port = servers[-1].sockets[0].getsockname()[1]
    by_name: dict[str, Backend] = {}
    places = itertools.count()
    for index, group in enumerate(groups):
        ports = [each if isinstance(each, int) else each.port for each in group]
        at = tuple(Server("127.0.0.1", port, next(places)) for port in ports)
        times: dict[str, Any] = {"connect": 1.0, "first_byte": first_byte, "idle": idle, "number": index, **of_backends}
        by_name[f"b{index}"] = Backend(f"b{index}", at, b"b.internal", **times)
    rules = Rules(Table(claims), "b0" if backends else None, frozenset(hosts), PathRules())
    counters = Counters.create(workers)
    said: list[str] = []
    stations, proxies = [], []
    for index in range(workers):
        generation = Generation(1, rules, by_name, tuple(trust), limits or Limits(), log=log)
        station = Station(loop, generation, counters, index, said.append, fast=FAST)
        stations.append(station)
        station.sweep()
        proxies.append(await loop.create_server(partial(Downstream, station), "127.0.0.1", 0))
    try:
        yield Stand([each.sockets[0].getsockname()[1] for each in proxies], stations, counters, said)
    finally:
        for server in (*proxies, *servers):
            server.close()
        for each in scripted:
            await each.close()
        for station in stations:
            for pool in station.pools.values():
                pool.close()
            for connection in list(station.open):
                transport = getattr(connection, "transport", None)
                if transport is not None:
                    transport.abort()
            while station.open:
                await asyncio.sleep(0)  # each is told by the loop that it closed


# What the proxy says of every request's id and trace; no two are alike.
TRACED = re.compile(
    rb"X-Request-Id: ([!-~]+)\r\n(?:tracestate: ([!-~]+)\r\n)?traceparent: 00-([0-9a-f]{32})-([0-9a-f]{16})-0[0-3]\r\n"
)


def untraced(request: bytes) -> bytes:
    """A request as a backend got it, less the lines that name it, which must be there once."""
    rest, times = TRACED.subn(b"", request)
    assert times == 1, request
    return rest


Runner = Callable[[Callable[[], Awaitable[None]]], None]


def status_of(reply: bytes) -> int:
    """The status of the first reply; 0 if there is none."""
    match = re.match(rb"HTTP/1\.1 (\d{3})", reply)
    return int(match[1]) if match else 0
