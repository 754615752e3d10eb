"""What the connections of one worker share: the table they go by, the pools, the counters, the clock."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Protocol

from proxy.counters import CONNECTIONS, IN_FLIGHT, Writer
from proxy.generation import Generation

NEVER = float("inf")
# How often deadlines are looked at; every limit of time is kept to within twice this.
SWEEP_SECONDS = 0.25
# Log lines a second and worker; the rest are counted. A backend that is down must not fill the disk.
LOG_LINES = 50


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
    counters: Writer
    log: Callable[[str], None]
    open: set[Expiring] = field(default_factory=set)
    draining: bool = False
    in_flight: int = 0
    # As old as the last sweep: good enough for deadlines, and free.
    now: float = field(default_factory=monotonic)
    _prefix: str = field(default_factory=lambda: os.urandom(5).hex())
    _issued: int = 0
    _logged: int = 0
    _unlogged: int = 0

    def reference(self) -> str:
        """A new request id: unique among workers, short enough to be read out on the telephone."""
        self._issued += 1
        return f"{self._prefix}-{self._issued:x}"

    def say(self, text: str) -> None:
        """A line for the log, unless there were too many this second."""
        if self._logged < LOG_LINES:
            self._logged += 1
            self.log(text)
        else:
            self._unlogged += 1

    def enter(self, connection: Expiring) -> None:
        """A citizen's connection opened."""
        self.open.add(connection)
        self.counters.add(CONNECTIONS, 1)

    def leave(self, connection: Expiring) -> None:
        """A citizen's connection closed."""
        self.open.discard(connection)
        self.counters.add(CONNECTIONS, -1)

    def sweep(self) -> None:
        """End what has waited too long, and do so again in a moment."""
        now = self.now = monotonic()
        self.counters.set(IN_FLIGHT, self.in_flight)
        for connection in [each for each in self.open if each.deadline < now]:
            connection.expired()
        self.loop.call_later(SWEEP_SECONDS, self.sweep)

    def refill_log(self) -> None:
        """Allow the next second its lines, and say how many the last one left out."""
        if self._unlogged:
            self.log(f"{self._unlogged} more lines like these were left out")
        self._logged = self._unlogged = 0
        self.loop.call_later(1.0, self.refill_log)
