"""A worker's connections to one address of a backend."""

import asyncio
from typing import TYPE_CHECKING

from proxy.generation import Server
from proxy.standing import AT_ADDRESS, CONNECTIONS, EJECTED, FAILED_THERE, IDLE_AT_ADDRESS, is_down
from proxy.wire.upstream import Upstream

if TYPE_CHECKING:
    from proxy.wire.exchange import Exchange
    from proxy.wire.pool import Pool

# Idle connections a worker keeps to one address: enough for the bursts of a council's site, few enough for a small
# monolith.
IDLE_LIMIT = 64
# Seconds an idle connection is kept; servers that say nothing close theirs after 5 (Apache, Node) to 75 (nginx).
IDLE_SECONDS = 55.0
# A connection idle for longer may be closing as we write; a request that must not be sent twice gets a fresh one then.
SURE_SECONDS = 1.0
# Failures in a row, as one worker sees them, after which an address is left out: one is chance, three are not.
EJECT_AFTER = 3
# Seconds it is left out, as long as a breaker cools; after that, one more failure leaves it out again.
EJECT_SECONDS = 10.0


class Lane:
    """Last in, first out, so that what is not needed grows old and goes.

    `open`: connections there, or being opened; `fails`: failures in a row; `elsewhere`: requests in flight from other
    workers, as of the last look; `usable`: neither ejected nor found down.
    """

    __slots__ = ("down", "elsewhere", "fails", "idle", "mine", "open", "pool", "rows", "server", "usable")

    def __init__(self, pool: "Pool", server: Server) -> None:
        station = pool.station
        self.pool = pool
        self.server = server
        self.rows = station.shared.of_server(server.number)
        self.mine = self.rows[station.index]
        self.idle: list[Upstream] = []
        self.open = self.fails = self.elsewhere = 0
        self.usable, self.down = True, False

    @property
    def load(self) -> int:
        """Requests in flight there, of all workers."""
        return self.open - len(self.idle) + self.elsewhere

    def take(self, exchange: "Exchange") -> Upstream | None:
        """An idle connection, or None; one that is surely open if the request may not be sent again."""
        idle = self.idle
        while idle:
            upstream = idle[-1]
            if self.pool.station.now - upstream.idle_since > SURE_SECONDS and not exchange.may_be_sent_again:
                return None
            idle.pop()
            transport = upstream.transport
            if transport is not None and not transport.is_closing():
                upstream.reused = True
                return upstream
        return None

    def give_back(self, upstream: Upstream) -> None:
        """Its reply is whole and it can be used on."""
        pool = self.pool
        if pool.pressed and pool.returned(upstream):
            return
        if pool.station.draining:
            self.let_go(upstream)
            return
        if len(self.idle) >= IDLE_LIMIT:
            # The oldest goes: in its place the fresh one would have to be opened anew for each request that must not be
            # repeated.
            self.let_go(self.idle[0])
        upstream.idle_since = pool.station.now
        upstream.deadline = upstream.idle_since + IDLE_SECONDS
        self.idle.append(upstream)

    def let_go(self, upstream: Upstream) -> None:
        """Close it."""
        self.forget(upstream)
        upstream.abort()

    def forget(self, upstream: Upstream) -> None:
        """It closes, or has."""
        if upstream in self.idle:
            self.idle.remove(upstream)
        if upstream.counted:
            upstream.counted = False
            self._one_less()

    def _one_less(self) -> None:
        self.open -= 1
        self.mine[AT_ADDRESS] -= 1
        self.pool.mine[CONNECTIONS] -= 1
        if self.pool.waiting:
            self.pool.station.loop.call_soon(self.pool.freed)

    def connect(self, exchange: "Exchange") -> None:
        """Open a connection for `exchange`, whose place is taken already, and which is told how it went."""
        self.open += 1
        self.mine[AT_ADDRESS] += 1
        pool = self.pool
        task = pool.station.loop.create_task(self._connect(exchange))
        pool.connecting.add(task)
        task.add_done_callback(pool.connecting.discard)

    async def _connect(self, exchange: "Exchange") -> None:
        pool = self.pool
        backend, station = pool.backend, pool.station
        try:
            async with asyncio.timeout(backend.connect):
                _, upstream = await station.loop.create_connection(
                    lambda: Upstream(station, backend, self),
                    self.server.host,
                    self.server.port,
                    ssl=pool.tls(),
                    server_hostname=self.server.host if backend.tls else None,
                )
        except TimeoutError:
            self._not_connected(exchange, 504, "it did not take the connection in time")
            return
        except OSError as error:
            self._not_connected(exchange, 502, f"it cannot be reached: {error.strerror or error}")
            return
        if not upstream.is_open:
            self._not_connected(exchange, 502, "it closed the connection at once")
            return
        upstream.counted = True
        if exchange.is_over:
            self.give_back(upstream)
        else:
            exchange.connected(upstream)

    def _not_connected(self, exchange: "Exchange", status: int, why: str) -> None:
        self._one_less()
        self.failed()
        exchange.upstream_failed(status, why, "connect")

    # How the address does.

    def failed(self) -> None:
        """No connection, or no good answer."""
        self.mine[FAILED_THERE] += 1
        self.fails += 1
        if self.fails >= EJECT_AFTER and self.pool.lane is None:
            self.fails = EJECT_AFTER - 1
            self.mine[EJECTED] = self.pool.millis() + int(EJECT_SECONDS * 1000)
            self.usable = False
        self.pool.troubled = True

    def look(self, now: int) -> None:
        """See how it does by everybody's word; `now` in milliseconds."""
        idle = self.mine[IDLE_AT_ADDRESS] = len(self.idle)
        flying = sum([row[AT_ADDRESS] - row[IDLE_AT_ADDRESS] for row in self.rows])
        self.elsewhere = flying - (self.mine[AT_ADDRESS] - idle)
        ejected = max([row[EJECTED] for row in self.rows]) > now
        found = self.pool.station.shared.found_by_keeper(self.server.number)
        self.down = is_down(found, now)
        self.usable = not ejected and not self.down
