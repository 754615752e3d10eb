"""What the connections of one worker share: the table they go by, the pools, the counters, the clock."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from random import getrandbits
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from proxy.counters import CONNECTIONS, IN_FLIGHT, TASKS, Counters, Writer
from proxy.generation import Backend, Generation
from proxy.standing import Standing
from proxy.trace import opening
from proxy.wire.log import AccessLog
from proxy.wire.outbox import Outbox
from proxy.wire.plans import Plans, Visitors

if TYPE_CHECKING:
    from proxy.wire.pool import Pool

NEVER = float("inf")
# How often deadlines are looked at; every limit of time is kept to within twice this.
SWEEP_SECONDS = 0.25
# Log lines a second and worker; the rest are counted. A backend that is down must not fill the disk.
LOG_LINES = 50


@dataclass(frozen=True, slots=True)
class Door:
    """What is true of every connection of one listener. `hsts`: the line to add to answers, or nothing."""

    proto: bytes = b"http"
    hsts: bytes = b""


PLAIN = Door()


class Expiring(Protocol):
    """A connection with a deadline."""

    deadline: float

    def expired(self) -> None:
        """The deadline has passed."""


@dataclass(slots=True, eq=False)
class Station:
    """One worker's share of everything. `open`: every connection, so that its deadline is seen to."""

    loop: asyncio.AbstractEventLoop
    generation: Generation
    shared: Counters
    index: int
    log: Callable[[str], None]
    pools: "dict[Backend, Pool]" = field(default_factory=dict)
    # Those of the generation that is served by.
    named: "dict[str, Pool]" = field(default_factory=dict)
    open: set[Expiring] = field(default_factory=set)
    fast: bool = True  # heads that are canonical already are taken in whole (proxy/wire/fast.py)
    draining: bool = False
    # Draining, and others serve on in this worker's place.
    succeeded: bool = False
    in_flight: int = 0
    # The way to the keeper, for copies; None where there is none.
    outbox: Outbox | None = None
    # As old as the last sweep: good enough for deadlines, and free.
    now: float = field(default_factory=monotonic)
    plans: Plans = field(init=False)
    counters: Writer = field(init=False)
    journal: AccessLog = field(init=False)
    # The same while it is on: most ask no more of it than this.
    access: AccessLog | None = None
    visitors: Visitors = field(default_factory=Visitors)
    # The line that an answer without a date gets.
    date: bytes = b""
    _standings: dict[int, Standing] = field(default_factory=dict)
    _opening: bytes = field(default_factory=lambda: opening(*(os.urandom(n).hex().encode() for n in (5, 8))))
    _issued: int = 0
    _logged: int = 0
    _unlogged: int = 0

    def __post_init__(self) -> None:
        self.counters = self.shared.writer(self.index)
        self.journal = AccessLog(self.counters, self.say)
        self.serve_by(self.generation)

    def serve_by(self, generation: Generation) -> None:
        """From the next request on."""
        self.generation = generation
        self.named = {}
        self.plans = Plans(generation.rules, self.visitors)
        self.journal.set(generation.log)
        self.access = self.journal if generation.log.share else None

    def standing(self, number: int) -> Standing:
        """How a backend stands. What a worker before this one held of it is let go when it is first asked for."""
        standing = self._standings.get(number)
        if standing is None:
            standing = self._standings[number] = Standing(self.shared.of_backend(number), self.index)
            standing.begin(int(self.now))
        return standing

    @property
    def number(self) -> int:
        """Tells the latest request from others of this worker, modulo 2**32."""
        return self._issued & 0xFFFFFFFF

    def trace(self) -> bytes:
        """The lines that name a new request to a backend: its id, and the trace it begins (see proxy/trace.py)."""
        self._issued += 1
        draw = getrandbits(64) or 1  # unique is all that an id must be: nobody is let in for knowing one
        return self._opening % (self._issued, draw, draw)

    def say(self, text: str) -> None:
        """A line for the log, unless there were too many this second."""
        if self._logged < LOG_LINES:
            self._logged += 1
            self.log(text)
        else:
            self._unlogged += 1

    def enter(self, connection: Expiring, address: str) -> int | None:
        """A citizen's connection opened; the status to refuse it with, if there are too many.

        `address` is empty for a trusted peer, behind which there are many citizens.
        """
        limits = self.generation.limits
        self.open.add(connection)
        self.counters.add(CONNECTIONS, 1)
        if address:
            self.counters.add_address(address, 1)
            if self.shared.of_address(address) > limits.per_address:
                return 429
        return 503 if self.shared.total(CONNECTIONS) > limits.connections else None

    def leave(self, connection: Expiring, address: str) -> None:
        """A citizen's connection closed."""
        self.open.discard(connection)
        self.counters.add(CONNECTIONS, -1)
        if address:
            self.counters.add_address(address, -1)

    def sweep(self) -> None:
        """End what has waited too long, and do so again in a moment."""
        self.loop.call_later(SWEEP_SECONDS, self.sweep)  # first: whatever happens below, deadlines go on being kept
        now = self.now = monotonic()
        self.counters.set(IN_FLIGHT, self.in_flight)
        for pool in self.pools.values():
            pool.look()
        self.journal.sweep()
        for connection in [each for each in self.open if each.deadline < now]:
            connection.expired()

    def each_second(self) -> None:
        """The date of now; the log's lines for the next second, and how many the last one left out."""
        self.date = b"Date: %b\r\n" % formatdate(usegmt=True).encode()
        self.journal.each_second()
        if self._unlogged:
            self.log(f"{self._unlogged} more lines like these were left out")
        self._logged = self._unlogged = 0
        self.counters.set(TASKS, len(asyncio.all_tasks(self.loop)))
        self.loop.call_later(1.0, self.each_second)
