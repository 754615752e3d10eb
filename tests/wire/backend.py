"""The scripted backend: takes apart what a proxy sends it, strictly, and replies with the raw bytes of each case."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.wire import reader
from tests.wire.case import ID, AwaitBody, Close, Echo, HalfClose, Pause, Reset, Stall, Step

TOKEN = re.compile(rb"case-[0-9a-f]{8}-[0-9a-f]{5}")
# Nothing a case sends is larger; a proxy that sends more is not passing it on.
LIMIT = 8 * 1024 * 1024


@dataclass
class Sighting:
    """What the backend saw of one case."""

    requests: list[reader.Message] = field(default_factory=list)
    heads: list[reader.Head] = field(default_factory=list)
    # What the strict reader could not read, and requests that were never whole.
    bad: list[str] = field(default_factory=list)
    partial: list[bytes] = field(default_factory=list)
    tunnelled: bytes = b""
    connections: int = 0
    has_head: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class Script:
    """What to do for one case, and what was seen of it."""

    steps: Sequence[Step] | None
    early: bool
    slowly: bool
    sighting: Sighting = field(default_factory=Sighting)


@dataclass
class ScriptedBackend:
    """Listens on 127.0.0.1:`port`. `scripts`: by the token of the case."""

    port: int = 0
    scripts: dict[bytes, Script] = field(default_factory=dict)
    strays: list[bytes] = field(default_factory=list)
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def __aenter__(self) -> ScriptedBackend:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port, backlog=512, limit=LIMIT)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, stream: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        connection = _Connection(self, stream, writer)
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            await connection.serve()
        writer.close()

    def script_for(self, data: bytes) -> tuple[bytes, Script | None]:
        """The case whose token stands in these bytes."""
        for token in TOKEN.findall(data):
            if token in self.scripts:
                return token, self.scripts[token]
        return b"", None


class _Connection:
    """One connection of the proxy: requests of any cases, one after the other."""

    def __init__(self, backend: ScriptedBackend, stream: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.backend = backend
        self.stream = stream
        self.writer = writer
        self.buffer = b""
        self.ended = False
        self.last: Script | None = None
        self.seen: set[int] = set()

    async def serve(self) -> None:
        while await self._one():
            pass

    async def _more(self) -> bool:
        piece = await self.stream.read(1 << 16)
        self.buffer += piece
        self.ended = not piece
        return not self.ended

    def _attributed(self, data: bytes) -> list[Script]:
        """The cases these bytes come from: those they name, or else the one whose request came before them."""
        found = [self.backend.scripts[token] for token in set(TOKEN.findall(data)) if token in self.backend.scripts]
        return found or ([] if self.last is None else [self.last])

    async def _one(self) -> bool:
        """One request and its reply; False when the connection is over."""
        head: reader.Head | None = None
        try:
            while (head := reader.read_head(self.buffer, 0, reply=False)) is None:
                if not await self._more():
                    self._left_over()
                    return False
            return await self._answer(head)
        except reader.Bad as bad:
            for script in self._attributed(self.buffer):
                script.sighting.bad.append(f"{bad}, in {self.buffer[:300]!r}")
                script.sighting.has_head.set()
            if not self._attributed(self.buffer):
                self.backend.strays.append(self.buffer)
            self.writer.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
            return False

    def _left_over(self) -> None:
        if self.buffer:
            for script in self._attributed(self.buffer):
                script.sighting.partial.append(self.buffer)

    async def _answer(self, head: reader.Head) -> bool:
        token, script = self.backend.script_for(self.buffer[: head.end])
        if script is None:
            # The token may stand in the body alone: then the head is not what the citizen sent.
            token, script = self.backend.script_for(self.buffer)
        if script is None:
            self.backend.strays.append(self.buffer[: head.end])
            self.writer.write(b"HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
            return False
        self.last = script
        script.sighting.heads.append(head)
        script.sighting.has_head.set()
        if id(script) not in self.seen:
            self.seen.add(id(script))
            script.sighting.connections += 1
        steps = script.steps
        scripted = steps is not None and b"plain" not in head.start[1]
        if not scripted:
            body = b"%b of %b" % (head.start[1], token)
            body = body if head.start[0] != b"HEAD" else b""
            steps = (b"HTTP/1.1 200 OK\r\nX-Echo: %b\r\nContent-Length: %d\r\n\r\n%b" % (token, len(body), body),)
            await self._whole(script)
        elif not script.early:
            await self._whole(script)
        for step in steps:
            if not await self._take(step, token, script):
                return False
        if b"close" in head.tokens(b"connection") or (
            head.start[2] == b"HTTP/1.0" and b"keep-alive" not in head.tokens(b"connection")
        ):
            return False
        if scripted and script.early and AwaitBody() not in steps:
            # The reply is out; whatever of the request still comes belongs to it.
            await self._whole(script)
        return True

    async def _whole(self, script: Script) -> None:
        """Read on until the request is whole; its bytes leave the buffer. Raises Bad."""
        while (request := reader.read_request(self.buffer)) is None:
            if not await self._more():
                script.sighting.partial.append(self.buffer)
                raise ConnectionResetError
        script.sighting.requests.append(request)
        script.sighting.bad += [f"loose: {each}" for each in request.head.loose]
        self.buffer = self.buffer[len(request.raw) :]

    async def _take(self, step: Step, token: bytes, script: Script) -> bool:
        match step:
            case bytes():
                await self._send(step.replace(ID, token), slowly=script.slowly)
            case Pause():
                await asyncio.sleep(step.seconds)
            case AwaitBody():
                await self._whole(script)
            case HalfClose():
                self.writer.write_eof()
            case Close():
                self.writer.close()
                return False
            case Reset():
                reset(self.writer)
                return False
            case Stall():
                while await self._more():
                    pass
                return False
            case Echo():
                await self._echo(script)
                return False
        return True

    async def _send(self, data: bytes, *, slowly: bool) -> None:
        size = 1 if slowly and len(data) < 4096 else len(data)
        for at in range(0, len(data), size or 1):
            self.writer.write(data[at : at + size])
            await self.writer.drain()
            if slowly:
                await asyncio.sleep(0)

    async def _echo(self, script: Script) -> None:
        while True:
            script.sighting.tunnelled += self.buffer
            self.writer.write(self.buffer)
            self.buffer = b""
            await self.writer.drain()
            if not await self._more():
                return


def reset(writer: asyncio.StreamWriter) -> None:
    """Close by a reset: what was not yet sent is lost, and the other side gets an error."""
    sock = writer.get_extra_info("socket")
    if sock is not None and not writer.is_closing():
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def no_delay(writer: asyncio.StreamWriter) -> None:
    """Each write a segment of its own."""
    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
