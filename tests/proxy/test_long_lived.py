"""WebSockets and event streams: they live through reloads, and a stop gives them the grace period."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

from proxy.control import ask
from tests.conftest import Start
from tests.processes import Started

UPGRADE = b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
EVENTS = b"GET /events HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n"


class Backend:
    """Echoes on /ws; on /events sends one event for each `tick`."""

    def __init__(self) -> None:
        self.ticks: asyncio.Queue[bytes] = asyncio.Queue()
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            head = await reader.readuntil(b"\r\n\r\n")
            if b" /ws " in head:
                writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
                while data := await reader.read(65536):
                    writer.write(data)
                    await writer.drain()
            else:
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n\r\n")
                while True:
                    writer.write(b"data: %b\n\n" % await self.ticks.get())
                    await writer.drain()
        writer.transport.abort()


@contextlib.asynccontextmanager
async def serving(folder: Path, start: Start, fig: Path) -> AsyncIterator[tuple[Backend, Started, int]]:
    backend = Backend()
    async with await asyncio.start_server(backend.serve, "127.0.0.1", 0) as server:
        backend.port = server.sockets[0].getsockname()[1]
        write(folder, backend.port, "a")
        process = start([fig, "serve", "-c", folder / "routes.yaml"], name="proxy")
        found = await asyncio.to_thread(process.wait_for, r"serving http://127\.0\.0\.1:(\d+)", seconds=20)
        yield backend, process, int(found.group(1))


def write(folder: Path, port: int, gone: str, grace: str = "1s") -> None:
    (folder / "routes.yaml").write_text(
        f"version: 1\nlisten: 127.0.0.1:0\nworkers: 1\ngrace: {grace}\nbackends:\n"
        f"  legacy: {{url: http://127.0.0.1:{port}}}\ndefault: legacy\ngone: [/{gone}]\n"
    )


async def an_event(reader: asyncio.StreamReader, backend: Backend, text: bytes) -> None:
    backend.ticks.put_nowait(text)
    async with asyncio.timeout(10):
        assert await reader.readuntil(b"\n\n\r\n") == b"%x\r\ndata: %b\n\n\r\n" % (8 + len(text), text)


def test_they_live_through_reloads_and_get_the_grace_period(tmp_path: Path, start: Start, fig: Path) -> None:
    folder = tmp_path

    async def main() -> None:
        async with serving(folder, start, fig) as (backend, process, port):
            socket_reader, socket_writer = await asyncio.open_connection("127.0.0.1", port)
            socket_writer.write(UPGRADE)
            assert (await socket_reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
            event_reader, event_writer = await asyncio.open_connection("127.0.0.1", port)
            event_writer.write(EVENTS)
            assert b"\r\nContent-Type: text/event-stream\r\n" in await event_reader.readuntil(b"\r\n\r\n")
            await an_event(event_reader, backend, b"before")

            for name in ("b", "c", "d"):
                write(folder, backend.port, name)
                assert (await asyncio.to_thread(ask, folder, {"do": "reload"}))["ok"] is True
                socket_writer.write(name.encode())
                assert await socket_reader.readexactly(1) == name.encode()
                await an_event(event_reader, backend, name.encode())

            os.kill(process.pid, signal.SIGTERM)
            await asyncio.to_thread(process.wait_for, "stopping", seconds=10)
            socket_writer.write(b"still here")
            assert await socket_reader.readexactly(10) == b"still here"
            await an_event(event_reader, backend, b"still here")
            async with asyncio.timeout(10):  # and then the grace is over
                with contextlib.suppress(ConnectionError):
                    assert await socket_reader.read() == b""
            assert await asyncio.to_thread(process.wait) == 0
            for writer in (socket_writer, event_writer):
                writer.transport.abort()

    asyncio.run(main())
