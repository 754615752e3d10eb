"""A worker's connections to one backend: which of its addresses is asked, and how the backend stands."""

import asyncio
import ssl
from collections.abc import Collection
from random import random

from proxy.balance import choose
from proxy.breaker import State
from proxy.generation import Backend
from proxy.standing import IDLE
from proxy.votes import Votes
from proxy.wire.lane import Lane
from proxy.wire.station import Station
from proxy.wire.tls import client_context


def pool_for(station: Station, backend: Backend) -> "Pool":
    """The pool of one backend, as this generation has it."""
    pool = station.pools.get(backend)
    if pool is None:
        pool = station.pools[backend] = Pool(station, backend)
    return pool


class Pool:
    """`lane`: the only one, where there is one address. `troubled`: something is to be looked at before a request.

    `mine`: this worker's cells of the backend.
    """

    __slots__ = (
        "_ticked", "_tls", "backend", "closed", "connecting", "lane", "lanes", "mine", "standing", "station",
        "troubled", "votes",
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
        self.closed = False
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
        if not self.closed:
            self.mine[IDLE] = sum([len(lane.idle) for lane in self.lanes])
        self.troubled = self.votes.state(now) is not State.CLOSED or any(lane.fails for lane in self.lanes)

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
        self.closed = True
        for lane in self.lanes:
            for upstream in lane.idle[:]:
                lane.let_go(upstream)
