"""Server-sent events: who looks at a page is told that something has changed, and asks for it.

One task looks for all of them, and only while there is somebody; what is sent is a number, so a stream costs nothing.
"""

import asyncio
import contextlib
from hashlib import blake2b
from json import dumps
from typing import Any

from aiohttp import web

from proxy.admin.security import SECURITY
from proxy.admin.told import Told

# Streams at once: each is a page that somebody has open. One more is refused, and that page works by reloading.
STREAMS = 64
# Seconds between looks: as fast as a page need move, and one question to the supervisor.
LOOK_SECONDS = 2.0
# Seconds without a change after which a comment is sent, so that who is gone is noticed.
ALIVE_SECONDS = 20.0
# What moves all the time and says nothing by itself.
_MOVING = ("uptime", "tasks")


class Events:
    """Open streams, and the task that looks for them."""

    def __init__(self, told: Told) -> None:
        self._told = told
        self._news = asyncio.Condition()
        self._number = 0
        self._streams = 0
        self._closing = False
        self._looking: asyncio.Task[None] | None = None

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """One stream, until its reader or the keeper leaves."""
        if self._closing or self._streams >= STREAMS:
            return web.Response(status=503, headers={"Retry-After": "60"}, text="no more streams; reload the page\n")
        headers = {**SECURITY, "Content-Type": "text/event-stream; charset=utf-8"}
        stream = web.StreamResponse(headers=headers)
        self._streams += 1
        try:
            if self._looking is None:
                self._looking = asyncio.create_task(self._look())
            await stream.prepare(request)
            await stream.write(b"retry: 5000\n\n")
            await self._send(stream)
        except ConnectionError:  # it is gone
            pass
        finally:
            self._streams -= 1
            if not self._streams and self._looking is not None:
                self._looking.cancel()
                self._looking = None
        return stream

    async def _send(self, stream: web.StreamResponse) -> None:
        seen = self._number
        while not self._closing:
            with contextlib.suppress(TimeoutError):
                async with self._news, asyncio.timeout(ALIVE_SECONDS):
                    await self._news.wait_for(lambda: self._closing or self._number != seen)  # noqa: B023  # at once
            changed, seen = self._number != seen, self._number
            if not self._closing:
                await stream.write(b"event: changed\ndata: %d\n\n" % seen if changed else b": still here\n\n")

    async def _look(self) -> None:
        before = b""
        while True:
            now = _digest(await self._told.status())
            if now != before:
                before = now
                await self.changed()
            await asyncio.sleep(LOOK_SECONDS)

    async def changed(self) -> None:
        """Tell everybody."""
        async with self._news:
            self._number += 1
            self._news.notify_all()

    async def close(self) -> None:
        """End every stream, and take no more: browsers come back to the next keeper by themselves."""
        self._closing = True
        async with self._news:
            self._news.notify_all()


def _digest(status: dict[str, Any]) -> bytes:
    still = {name: value for name, value in status.items() if name not in _MOVING}
    return blake2b(dumps(still, sort_keys=True, default=str).encode()).digest()
