"""What is under way when a worker ends is finished: when the proxy stops, is upgraded, or loses its supervisor."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from proxy.control import ask
from tests.conftest import Start
from tests.processes import Started
from tests.proxy.test_upgrade import end, has_ended

SECONDS = 20
WEBSOCKET = b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
HOW = pytest.mark.parametrize("how", ["stop", "upgrade", "supervisor killed"])


class Backend:
    """/download: pieces when `more` is called, then the end; /ws: an echo; everything else: what was sent."""

    def __init__(self) -> None:
        self.pieces: asyncio.Queue[bytes] = asyncio.Queue()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                if b" /ws " in head:
                    writer.write(b"HTTP/1.1 101 Go\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
                    while data := await reader.read(65536):
                        writer.write(data)
                elif b" /download " in head:
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n")
                    for _ in range(3):
                        writer.write(await self.pieces.get())
                else:
                    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
                    body = await reader.readexactly(int(lengths[0].split(b":")[1])) if lengths else b"nothing"
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        writer.transport.abort()


@dataclass
class Citizen:
    """One connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def head(self) -> bytes:
        async with asyncio.timeout(SECONDS):
            return await self.reader.readuntil(b"\r\n\r\n")

    async def read(self, count: int) -> bytes:
        async with asyncio.timeout(SECONDS):
            return await self.reader.readexactly(count)

    async def rest(self) -> bytes:
        async with asyncio.timeout(SECONDS):
            return await self.reader.read()


@dataclass
class Scene:
    """A proxy with one worker before a backend."""

    folder: Path
    backend: Backend
    process: Started
    port: int

    @contextlib.asynccontextmanager
    async def citizen(self) -> AsyncIterator[Citizen]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield Citizen(reader, writer)
        finally:
            writer.transport.abort()

    def workers(self) -> list[int]:
        status: Any = ask(self.folder, {"do": "status"})
        return [worker["pid"] for worker in status["workers"]]

    async def leave(self, how: str) -> None:
        """Until the worker drains."""
        number: signal.Signals | None = {
            "stop": signal.SIGTERM,
            "upgrade": signal.SIGUSR2,
            "supervisor killed": signal.SIGKILL,
        }[how]
        async with self.citizen() as another, asyncio.timeout(SECONDS):
            head = b""
            while b"\r\nConnection: close\r\n" not in head:
                another.send(b"GET /again HTTP/1.1\r\nHost: a\r\n\r\n")
                head = await another.head()
                await another.read(7)
                if number:
                    os.kill(self.process.pid, number)
                    number = None


@contextlib.asynccontextmanager
async def a_scene(folder: Path, start: Start, fig: Path, grace: str = "5s") -> AsyncIterator[Scene]:
    backend = Backend()
    async with await asyncio.start_server(backend.serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        (folder / "routes.yaml").write_text(
            f"version: 1\nlisten: 127.0.0.1:0\nworkers: 1\ngrace: {grace}\n"
            f"backends:\n  legacy: {{url: http://127.0.0.1:{port}}}\ndefault: legacy\n"
        )
        process = start([fig, "serve", "-c", folder / "routes.yaml"], name="proxy")
        found = await asyncio.to_thread(process.wait_for, r"serving http://127\.0\.0\.1:(\d+)", seconds=30)
        try:
            yield Scene(folder, backend, process, int(found.group(1)))
        finally:
            await asyncio.to_thread(end, folder)


@HOW
def test_what_is_under_way_is_finished(tmp_path: Path, start: Start, fig: Path, how: str) -> None:
    async def main() -> None:
        async with (
            a_scene(tmp_path, start, fig) as scene,
            scene.citizen() as downloads,
            scene.citizen() as posts,
            scene.citizen() as idles,
            scene.citizen() as types,
            scene.citizen() as chats,
        ):
            [worker] = scene.workers()
            downloads.send(b"GET /download HTTP/1.1\r\nHost: a\r\n\r\n")
            scene.backend.pieces.put_nowait(b"1111")
            await downloads.head()
            assert await downloads.read(4) == b"1111"
            posts.send(b"POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\nhalf")
            idles.send(b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n")
            assert b"close" not in await idles.head()
            assert await idles.read(7) == b"nothing"
            types.send(b"GET /b HTTP/1.1\r\nHo")
            chats.send(WEBSOCKET)
            assert (await chats.head()).startswith(b"HTTP/1.1 101 ")

            await scene.leave(how)

            chats.send(b"still here")
            assert await chats.read(10) == b"still here"
            idles.send(b"GET /c HTTP/1.1\r\nHost: a\r\n\r\n")
            types.send(b"st: a\r\n\r\n")
            for citizen in (idles, types):
                assert b"\r\nConnection: close\r\n" in await citizen.head()
                assert await citizen.rest() == b"nothing"
            posts.send(b"half")
            assert b"\r\nConnection: close\r\n" in await posts.head()
            assert await posts.rest() == b"halfhalf"
            for piece in (b"2222", b"3333"):
                scene.backend.pieces.put_nowait(piece)
                assert await downloads.read(4) == piece
            assert await downloads.rest() == b""
            chats.writer.write_eof()
            assert await chats.rest() == b""
            assert await asyncio.to_thread(has_ended, worker), "with the last citizen, not after the whole grace"

    asyncio.run(main())


@HOW
def test_what_does_not_end_has_the_grace_period(tmp_path: Path, start: Start, fig: Path, how: str) -> None:
    async def main() -> None:
        async with (
            a_scene(tmp_path, start, fig, grace="5s") as scene,
            scene.citizen() as idles,
            scene.citizen() as chats,
        ):
            [worker] = scene.workers()
            idles.send(b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n")
            await idles.head()
            chats.send(WEBSOCKET)
            await chats.head()
            began = asyncio.get_running_loop().time()
            await scene.leave(how)
            assert await idles.rest() == b"nothing", "ended, and not reset"
            with contextlib.suppress(ConnectionResetError):
                assert await chats.rest() == b""
            assert await asyncio.to_thread(has_ended, worker)
            assert asyncio.get_running_loop().time() - began < 12

    asyncio.run(main())
