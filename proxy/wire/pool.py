"""A worker's part in one backend: which address is asked, whether there is a connection to be had, how it stands."""

import asyncio
import ssl
from collections import deque
from collections.abc import Collection
from random import random
from typing import TYPE_CHECKING

from proxy.balance import choose
from proxy.breaker import State
from proxy.generation import Backend, Generation
from proxy.standing import CONNECTIONS, IDLE, QUEUED, REFUSED
from proxy.votes import Votes
from proxy.wire.lane import Lane
from proxy.wire.station import Station
from proxy.wire.tls import client_context

if TYPE_CHECKING:
    from proxy.wire.exchange import Exchange
    from proxy.wire.upstream import Upstream

# How often who waits looks whether another worker has let a connection go.
POLL_SECONDS = 0.05


def pool_for(station: Station, generation: Generation, name: str) -> "Pool":
    """The pool of one backend, as that generation has it."""
    is_served_by = generation is station.generation
    pool = station.named.get(name) if is_served_by else None
    if pool is None:
        backend = generation.backends[name]
        pool = station.pools.get(backend)
        if pool is None:
            pool = station.pools[backend] = Pool(station, backend)
        if is_served_by:
            station.named[name] = pool
    return pool


class Ticket:
    """A place in the queue for a connection."""

    __slots__ = ("deadline", "exchange", "pool")

    def __init__(self, pool: "Pool", exchange: "Exchange") -> None:
        self.pool = pool
        self.exchange = exchange
        self.deadline = pool.station.now + pool.backend.first_byte

    def expired(self) -> None:
        """It waited as long as an answer may take."""
        self.pool.leave(self.exchange)
        self.exchange.upstream_failed(503, "no connection to it came free", "queue")


class Pool:
    """`lane`: the only one, where there is one address. `troubled`: something is to be looked at before a request.

    `mine`: this worker's cells of the backend; `waiting`: who waits for a connection; `contended`: others wait, at
    another worker; `pressed`: a connection that comes back may not simply be kept; `down`: the keeper found no address
    up.
    """

    __slots__ = (
        "_ticked", "_tls", "backend", "closed", "connecting", "contended", "down", "lane", "lanes", "mine", "pressed",
        "standing", "station", "troubled", "votes", "waiting",
    )  # fmt: skip

    def __init__(self, station: Station, backend: Backend) -> None:
        self.station = station
        self.backend = backend
        self.standing = station.standing(backend.number)
        self.mine = self.standing.mine
        self.votes = Votes(self.standing, backend.breaking)
        self.lanes = tuple(Lane(self, server) for server in backend.servers)
        self.lane = self.lanes[0] if len(self.lanes) == 1 else None
        self.connecting: set[asyncio.Task[None]] = set()
        self.waiting: deque[Ticket] = deque()
        self.closed = self.contended = self.pressed = False
        self.troubled = False
        self._ticked = int(station.now)
        self._tls: ssl.SSLContext | None = None
        self.look()

    def choose(self, tried: Collection[Lane] = ()) -> Lane:
        """The address to ask: one that is usable and was not tried, if there is one."""
        fresh = [lane for lane in self.lanes if lane not in tried] or self.lanes
        lanes = [lane for lane in fresh if lane.usable] or fresh
        return lanes[choose([lane.load for lane in lanes], random())]  # noqa: S311  # no secret

    def look(self) -> None:
        """See how the backend stands by the word of all workers, and tell them how it stands here."""
        now = self.millis()
        for second in range(self._ticked + 1, now // 1000 + 1):
            self.standing.tick(second)
        self._ticked = now // 1000
        for lane in self.lanes:
            lane.look(now)
        self.contended = self.standing.others(QUEUED) > 0
        self.pressed = self.closed or self.contended or bool(self.waiting)
        if self.contended:
            self._let_idle_go()
        if not self.closed:
            self.mine[IDLE] = sum([len(lane.idle) for lane in self.lanes])
        self.down = all(lane.down for lane in self.lanes)
        self.troubled = self.down or self.votes.state(now) is not State.CLOSED or any(lane.fails for lane in self.lanes)

    def failed(self) -> None:
        """A request failed here, whoever is asked now."""
        breaking = self.backend.breaking
        if self.votes.failed(self.millis()):
            self.station.say(
                f"backend {self.backend.name}: {breaking.enough} of its last {breaking.of} requests failed;"
                f" it is left alone for {breaking.cool:g} s"
            )
        self.troubled = True

    def millis(self) -> int:
        """Now, as moments in the map are written."""
        return int(self.station.now * 1000)

    def tls(self) -> ssl.SSLContext | None:
        """How its addresses are spoken to. Raises OSError, ssl.SSLError."""
        if self._tls is None and self.backend.tls is not None:
            self._tls = client_context(self.backend.tls)
        return self._tls

    def close(self) -> None:
        """Close what is idle, and what comes back."""
        self.closed = self.pressed = True
        self._let_idle_go()

    def _let_idle_go(self) -> None:
        for lane in self.lanes:
            for upstream in lane.idle[:]:
                lane.let_go(upstream)

    # Connections, which are limited over all workers, and who waits for one.

    def connect(self, exchange: "Exchange", lane: Lane) -> None:
        """Open a connection for `exchange`, or let it wait for one."""
        if not self._has_place():
            # One that waits for work is worth less than one for a request that cannot use it.
            spare = next((each for each in self.lanes if each.idle), None)
            if spare is None or self.waiting:
                self._wait(exchange)
                return
            spare.let_go(spare.idle[0])
            if not self._has_place():
                self._wait(exchange)
                return
        lane.connect(exchange)

    def _has_place(self) -> bool:
        """Take the place of one more connection, if there is one.

        It is written down before all are counted, so that two workers never both take the last.
        """
        self.mine[CONNECTIONS] += 1
        if not self._over_share() and self.standing.total(CONNECTIONS) <= self.backend.connections:
            return True
        self.mine[CONNECTIONS] -= 1
        return False

    def _over_share(self) -> bool:
        """Whether this worker has more than its part of the connections while others wait elsewhere."""
        return self.contended and self.mine[CONNECTIONS] > max(1, self.backend.connections // len(self.standing.rows))

    def _wait(self, exchange: "Exchange") -> None:
        self.mine[QUEUED] += 1
        if self.standing.total(QUEUED) > self.backend.queue:
            self.mine[QUEUED] -= 1
            self.mine[REFUSED] += 1
            exchange.upstream_failed(503, "its queue is full", "queue")
            return
        if not self.waiting:
            self.station.loop.call_later(POLL_SECONDS, self._poll)
        ticket = Ticket(self, exchange)
        self.waiting.append(ticket)
        self.station.open.add(ticket)
        self.pressed = True

    def _poll(self) -> None:
        if self.waiting:
            self.freed()
        if self.waiting:
            self.station.loop.call_later(POLL_SECONDS, self._poll)

    def leave(self, exchange: "Exchange") -> None:
        """It waits no longer, if it did."""
        for ticket in self.waiting:
            if ticket.exchange is exchange:
                self.waiting.remove(ticket)
                self._left(ticket)
                return

    def _left(self, ticket: Ticket) -> None:
        self.mine[QUEUED] -= 1
        self.station.open.discard(ticket)

    def freed(self) -> None:
        """A place may be free: who waits longest gets it."""
        while self.waiting and self._has_place():
            ticket = self.waiting.popleft()
            self._left(ticket)
            lane = ticket.exchange.lane = self.choose()
            lane.connect(ticket.exchange)

    def returned(self, upstream: "Upstream") -> bool:
        """Whether a connection that came back was given to who waits, or closed."""
        if self.waiting and not self._over_share():
            ticket = self.waiting.popleft()
            self._left(ticket)
            upstream.reused = True
            ticket.exchange.connected(upstream)
            return True
        if self.closed or self.contended:
            upstream.lane.let_go(upstream)
            return True
        return False
