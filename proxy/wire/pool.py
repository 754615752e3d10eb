"""The open connections to one backend that wait for work."""

import asyncio
import ssl
from typing import TYPE_CHECKING

from proxy.generation import Backend
from proxy.wire.station import Station
from proxy.wire.tls import client_context
from proxy.wire.upstream import Upstream

if TYPE_CHECKING:
    from proxy.wire.exchange import Exchange

# Idle connections a worker keeps to one backend: enough for the bursts of a council's site, few enough for a small
# monolith.
IDLE_LIMIT = 64
# Seconds an idle connection is kept; servers that say nothing close theirs after 5 (Apache, Node) to 75 (nginx).
IDLE_SECONDS = 55.0
# A connection idle for longer may be closing as we write; a request that must not be sent twice gets a fresh one then.
SURE_SECONDS = 1.0


def pool_for(station: Station, backend: Backend) -> "Pool":
    """The pool of one backend, as this generation has it."""
    pool = station.pools.get(backend)
    if pool is None:
        pool = station.pools[backend] = Pool(station, backend)
    return pool


class Pool:
    """Last in, first out, so that what is not needed grows old and goes."""

    __slots__ = ("_connecting", "_idle", "_tls", "backend", "station")

    def __init__(self, station: Station, backend: Backend) -> None:
        self.station = station
        self.backend = backend
        self._idle: list[Upstream] = []
        self._connecting: set[asyncio.Task[None]] = set()
        self._tls: ssl.SSLContext | None = None

    def take(self, *, may_repeat: bool) -> Upstream | None:
        """An idle connection, or None; one that is surely open if the request may not be repeated."""
        while self._idle:
            if not may_repeat and self.station.now - self._idle[-1].idle_since > SURE_SECONDS:
                return None
            upstream = self._idle.pop()
            if upstream.is_open:
                upstream.reused = True
                return upstream
        return None

    def give_back(self, upstream: Upstream) -> None:
        """Its reply is whole and it can be used on."""
        if len(self._idle) >= IDLE_LIMIT or self.station.draining:
            upstream.abort()
            return
        upstream.idle_since = self.station.now
        upstream.deadline = upstream.idle_since + IDLE_SECONDS
        self._idle.append(upstream)

    def forget(self, upstream: Upstream) -> None:
        """It closed."""
        if upstream in self._idle:
            self._idle.remove(upstream)

    def connect(self, exchange: "Exchange") -> None:
        """Open a connection for `exchange`, which is told how it went."""
        task = self.station.loop.create_task(self._connect(exchange))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    async def _connect(self, exchange: "Exchange") -> None:
        backend, station = self.backend, self.station
        try:
            if backend.tls is not None and self._tls is None:
                self._tls = client_context(backend.tls)
            async with asyncio.timeout(backend.connect):
                _, upstream = await station.loop.create_connection(
                    lambda: Upstream(station, backend, self),
                    backend.host,
                    backend.port,
                    ssl=self._tls,
                    server_hostname=backend.tls.name if backend.tls else None,
                )
        except TimeoutError:
            exchange.upstream_failed(504, "it did not take the connection in time")
        except OSError as error:
            exchange.upstream_failed(502, f"it cannot be reached: {error.strerror or error}")
        else:
            if exchange.is_over:
                self.give_back(upstream)
            else:
                exchange.connected(upstream)

    def close(self) -> None:
        """Close what is idle."""
        for upstream in self._idle[:]:
            upstream.abort()
        self._idle.clear()
