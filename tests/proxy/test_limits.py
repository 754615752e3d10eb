"""The limits that hold for the whole proxy, and what it costs to be patient: memory, descriptors, connections."""

from __future__ import annotations

import asyncio
import contextlib
import re
import resource
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from proxy.control import ask
from tests.conftest import Start

REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


@contextlib.asynccontextmanager
async def a_backend(reply: Callable[[asyncio.StreamWriter], object] | None = None) -> AsyncIterator[int]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                if reply is None:
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                    await writer.drain()
                else:
                    await reply(writer)  # type: ignore[misc]
        writer.transport.abort()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


def serve(folder: Path, backend: int, start: Start, fig: Path, more: str = "", workers: int = 1) -> int:
    (folder / "routes.yaml").write_text(
        f"version: 1\nlisten: 127.0.0.1:0\nworkers: {workers}\n{more}"
        f"backends:\n  legacy: {{url: http://127.0.0.1:{backend}}}\ndefault: legacy\n"
    )
    process = start([fig, "serve", "-c", folder / "routes.yaml"], name="proxy")
    return int(process.wait_for(r"serving http://127\.0\.0\.1:(\d+)", seconds=20).group(1))


def memory(folder: Path, field: str) -> list[float]:
    """MiB of each worker: VmHWM is the most it ever had, VmRSS what it has now."""
    workers = ask(folder, {"do": "status"})["workers"]
    texts = [Path(f"/proc/{worker['pid']}/status").read_text() for worker in workers]  # type: ignore[attr-defined]
    return [int(re.search(rf"{field}:\s+(\d+) kB", text)[1]) / 1024 for text in texts]  # type: ignore[index]


async def connect(port: int, source: str = "127.0.0.1") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))


async def hung_up(writers: list[asyncio.StreamWriter]) -> None:
    for writer in writers:
        writer.transport.abort()
    for writer in writers:
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def status(port: int, source: str) -> tuple[int, asyncio.StreamWriter]:
    reader, writer = await connect(port, source)
    with contextlib.suppress(ConnectionError):
        writer.write(REQUEST)
    head = await reader.readuntil(b"\r\n\r\n")
    return int(head[9:12]), writer


def test_one_address_may_have_so_many_connections_and_another_is_served(
    tmp_path: Path, start: Start, fig: Path
) -> None:
    async def main() -> None:
        async with a_backend() as backend:
            port = serve(tmp_path, backend, start, fig, "limits: {per_address: 5}\n", workers=2)
            served = [await status(port, "127.0.0.9") for _ in range(5)]
            assert [code for code, _ in served] == [200] * 5
            refused, sixth = await status(port, "127.0.0.9")
            assert refused == 429
            other, neighbour = await status(port, "127.0.0.10")
            assert other == 200
            await hung_up([sixth, neighbour, *(writer for _, writer in served)])
            async with asyncio.timeout(10):
                while ask(tmp_path, {"do": "status"})["connections"]:
                    await asyncio.sleep(0.02)  # another process counts: nothing here could say when
            again, writer = await status(port, "127.0.0.9")
            assert again == 200, "who has left is counted no more"
            await hung_up([writer])

    asyncio.run(main())


def test_all_workers_together_have_so_many_connections(tmp_path: Path, start: Start, fig: Path) -> None:
    async def main() -> None:
        async with a_backend() as backend:
            port = serve(tmp_path, backend, start, fig, "limits: {connections: 8}\n", workers=2)
            served = [await status(port, f"127.0.0.{20 + n}") for n in range(8)]
            assert [code for code, _ in served] == [200] * 8
            refused, ninth = await status(port, "127.0.0.40")
            assert refused == 503
            await hung_up([ninth, *(writer for _, writer in served)])

    asyncio.run(main())


def test_a_trusted_balancer_may_have_more(tmp_path: Path, start: Start, fig: Path) -> None:
    async def main() -> None:
        async with a_backend() as backend:
            port = serve(tmp_path, backend, start, fig, "limits: {per_address: 2}\ntrust: [127.0.0.7]\n")
            served = [await status(port, "127.0.0.7") for _ in range(6)]
            assert [code for code, _ in served] == [200] * 6
            await hung_up([writer for _, writer in served])

    asyncio.run(main())


@pytest.mark.slow
def test_two_gibibytes_to_a_citizen_who_does_not_read_keep_a_worker_under_80_mib(
    tmp_path: Path, start: Start, fig: Path
) -> None:
    size = 2 * 2**30
    block = bytes(2**20)
    sent = 0

    async def big(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        while sent < size:
            writer.write(block)
            await writer.drain()
            sent += len(block)

    async def main() -> None:
        async with a_backend(big) as backend:
            port = serve(tmp_path, backend, start, fig)
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=65536)
            writer.write(REQUEST)
            await reader.readuntil(b"\r\n\r\n")
            before = -1
            while before != sent:  # until nothing moves any more, because nobody reads
                before = sent
                await asyncio.sleep(0.3)  # a third of a second without a byte: the kernel's buffers are full
            assert sent < 64 * 2**20, "what the kernel holds, and no more"
            taken = 0
            while taken < size:
                piece = await reader.read(2**20)
                assert piece
                taken += len(piece)
            assert memory(tmp_path, "VmHWM")[0] < 80
            await hung_up([writer])

    asyncio.run(main())


@pytest.mark.slow
def test_ten_thousand_idle_connections_are_held_and_served(tmp_path: Path, start: Start, fig: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 < hard < 12_000:
        pytest.skip(f"a process may have {hard} descriptors here; ulimit -Hn 12000 allows them")
    resource.setrlimit(resource.RLIMIT_NOFILE, (12_000, hard))

    async def main() -> None:
        async with a_backend() as backend:
            port = serve(tmp_path, backend, start, fig, "limits: {connections: 10100, per_address: 2000}\n", workers=2)
            empty = sum(memory(tmp_path, "VmRSS"))
            writers: list[asyncio.StreamWriter] = []
            for batch in range(100):
                opened = await asyncio.gather(*(connect(port, f"127.0.0.{100 + batch % 10}") for _ in range(100)))
                writers += [writer for _, writer in opened]
            async with asyncio.timeout(20):
                while ask(tmp_path, {"do": "status"})["connections"] != 10_000:
                    await asyncio.sleep(0.05)  # another process counts: nothing here could say when
            each = (sum(memory(tmp_path, "VmRSS")) - empty) / 10_000 * 1024
            assert each < 16, f"{each:.1f} KiB a connection"
            served, one = await status(port, "127.0.0.1")
            assert served == 200
            await hung_up([one, *writers])

    try:
        asyncio.run(main())
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
