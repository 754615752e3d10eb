"""Citizens who ask and ask, and forgive nothing.

Nothing is asked twice: a connection that is refused, reset or closed without an answer is a failure, unless the answer
before it said `Connection: close`.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field


@dataclass
class Citizens:
    """`keeping` of them keep their connections; `fresh` open one for each request; `thinking` pause in between."""

    port: int
    tls: ssl.SSLContext | None = None
    answers: int = 0
    failures: list[str] = field(default_factory=list)
    by_connection: dict[int, list[str]] = field(default_factory=dict)  # failures by the citizen's own port
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _numbers: int = 0

    @contextlib.asynccontextmanager
    async def asking(self, *, keeping: int = 16, fresh: int = 8, thinking: int = 8) -> AsyncIterator[None]:
        """While this lasts, they ask; at its end each finishes."""
        each = [self._keep(0.0) for _ in range(keeping)]
        each += [self._keep(0.1) for _ in range(thinking)]
        each += [self._open_each_time() for _ in range(fresh)]
        tasks = [asyncio.create_task(one) for one in each]
        try:
            yield
        finally:
            self._stop.set()
            await asyncio.gather(*tasks)

    async def answered(self, more: int, seconds: float = 60.0) -> None:
        """Wait for so many more answers."""
        until = self.answers + more
        async with asyncio.timeout(seconds):
            while self.answers < until:
                await asyncio.sleep(0.02)  # what is waited for is many others' doing

    async def _keep(self, pause: float) -> None:
        while not self._stop.is_set():
            async with self._connection() as (reader, writer, port):
                while not self._stop.is_set() and await self._ask(reader, writer, port):
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(pause):  # as long as a citizen reads
                            await self._stop.wait()

    async def _open_each_time(self) -> None:
        while not self._stop.is_set():
            async with self._connection() as (reader, writer, port):
                await self._ask(reader, writer, port)

    @contextlib.asynccontextmanager
    async def _connection(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter, int]]:
        port, writer = 0, None
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=self.tls)
            port = writer.get_extra_info("sockname")[1]
            yield reader, writer, port
        except (OSError, asyncio.IncompleteReadError) as error:
            self.failures.append(repr(error))
            self.by_connection.setdefault(port, []).append(repr(error))
        finally:
            if writer is not None:
                writer.transport.abort()

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> bool:
        """One request, half of them with a body; whether the connection goes on."""
        number = self._numbers = self._numbers + 1
        if number % 2:
            writer.write(b"GET /a%d HTTP/1.1\r\nHost: a\r\n\r\n" % number)
        else:
            writer.write(b"POST /a%d HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody" % number)
        async with asyncio.timeout(30):
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
            body = await reader.readexactly(length)
        if not head.startswith(b"http/1.1 200 ") or body != b"legacy /a%d" % number:
            self.failures.append(f"{head!r} {body!r}")
        self.answers += 1
        return b"\r\nconnection: close\r\n" not in head
