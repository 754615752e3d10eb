"""The keeper's half of shadowing: each copied exchange is asked of the other side, and both answers are handed on.

Nothing here is waited for by anybody: a candidate that is slow or down costs copies, which are counted, and no citizen
anything.
"""

import asyncio
import contextlib
import socket
from collections import Counter
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Protocol

from proxy.asking import Asking
from proxy.claims import Claim, Route
from proxy.compare.values import Reply
from proxy.composing import Composed, exchanged
from proxy.copies import BadFrame, Frame, Outcome, frames, told
from proxy.counters import Counters
from proxy.exchanged import Exchanged, Failure, Side
from proxy.gathered import Gathered
from proxy.intake import Served
from proxy.second import second_side
from proxy.waiting import PATIENCE, Waiting

# Requests under way to one candidate: what a small service bears beside its citizens. A few more wait (waiting.py).
AT_ONCE = 16
# Messages taken in before the loop turns to the answers again: about a millisecond.
MESSAGES = 32
# Bytes of one message (see copies.py), and room to tell one that is too long.
_ROOM = 256 * 1024
_OUTCOMES = {None: Outcome.WITHHELD, Failure.FAILED: Outcome.FAILED, Failure.LATE: Outcome.LATE}
_OUTCOMES[Failure.LARGE] = Outcome.OVER


class Consumer(Protocol):
    """Who makes something of the copies."""

    async def begins(self, exchanged: Exchanged) -> bool:
        """The other side is about to be asked, and is when this returns; `answered` gets what it does."""

    def answered(self, exchanged: Exchanged, answer: Reply | Failure, *, again: bool) -> None:
        """The side that did not answer the citizen has been asked; see `exchanged.sides` for which is which."""

    def missed(self, series: int, outcome: Outcome) -> None:
        """An exchange that was copied and not asked; `series`: of its claim. What workers give up, they count."""


class Shadows:
    """Reads what the workers send, as long as it is entered. `asking`: entered for longer."""

    def __init__(self, counters: Counters, copies: Sequence[socket.socket], asking: Asking, consumer: Consumer) -> None:
        self._counters = counters
        self._copies = [(each, Gathered()) for each in copies]
        self._asking = asking
        self._consumer = consumer
        self._claims: Mapping[int, Claim] | None = None
        self._under_way: Counter[str] = Counter()
        self._waiting = Waiting()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "Shadows":
        for copies, _gathered in self._copies:
            copies.setblocking(False)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._waiting = Waiting()
        for copies, _gathered in self._copies:
            asyncio.get_running_loop().remove_reader(copies)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def take_in(self, served: Served) -> None:
        """What comes belongs to these claims from now on; nothing is read before something is known."""
        if self._claims is None:
            for copies, gathered in self._copies:
                asyncio.get_running_loop().add_reader(copies, self._read, copies, gathered)
        self._claims = served.claims

    def _read(self, copies: socket.socket, gathered: Gathered) -> None:
        for _ in range(MESSAGES):
            try:
                message = copies.recv(_ROOM)
            except BlockingIOError:
                return
            if not message:  # nobody holds the other end any more
                asyncio.get_running_loop().remove_reader(copies)
                return
            with contextlib.suppress(BadFrame):  # what could be read was; the next message begins anew
                for frame in frames(message):
                    self._take(frame, gathered)

    def _take(self, frame: Frame, gathered: Gathered) -> None:
        whole = gathered.take(frame)
        while gathered.lost:
            self._miss(gathered.lost.pop(), Outcome.BUSY)
        if whole is not None:
            missed = self._second(whole)
            if missed is not None:
                self._miss(whole, missed)

    def _miss(self, frame: Frame, outcome: Outcome) -> None:
        self._counters.shadowed(frame.place)[outcome] += 1
        self._consumer.missed(frame.series, outcome)

    def _second(self, frame: Frame) -> Outcome | None:
        """Ask the other side, in a task of its own, now or soon; or why not."""
        claim = (self._claims or {}).get(frame.series)
        if claim is None or not isinstance(claim.leads_to, Route):
            return Outcome.LOST
        route = claim.leads_to
        answered_by: Side = "slice" if frame.by_slice else "legacy"
        reverse = route.shadowing is not None and route.shadowing.reverse
        side = second_side(route.stage.name, answered_by, reverse=reverse)
        if side is None:
            return Outcome.LOST
        # First what costs nothing: of a busy site most copies are turned away here.
        backend = route.backend if side == "slice" else route.legacy
        if self._under_way[backend] >= AT_ONCE:
            return self._wait(backend, frame)
        pacer = self._asking.pacer(route.legacy) if side == "legacy" else None
        if pacer is not None and not pacer.is_free(monotonic()):
            return Outcome.PACED
        try:
            exchange = exchanged(told(frame.data, frame.body), claim, route, answered_by, frame.micros)
        except BadFrame:
            return Outcome.LOST
        request = self._asking.compose(exchange, side)
        if request is None:
            return Outcome.WITHHELD
        if pacer is not None:
            pacer.begins(monotonic())
        self._under_way[backend] += 1
        self._counters.shadowed(frame.place)[Outcome.SENT] += 1
        task = asyncio.create_task(self._ask(frame, exchange, side, request))
        self._tasks.add(task)

        def ended(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            self._under_way[backend] -= 1
            if pacer is not None:
                pacer.ended()
            self._go_on(backend)

        task.add_done_callback(ended)
        return None

    def _wait(self, backend: str, frame: Frame) -> Outcome | None:
        loop = asyncio.get_running_loop()
        if not self._waiting.put(backend, frame, loop.time()):
            return Outcome.BUSY
        loop.call_later(PATIENCE + 0.01, self._tire)  # a timer may come a hair too soon
        return None

    def _tire(self) -> None:
        for frame in self._waiting.tired(asyncio.get_running_loop().time()):
            self._miss(frame, Outcome.BUSY)

    def _go_on(self, backend: str) -> None:
        """There is room at a backend again, for those that wait."""
        while self._under_way[backend] < AT_ONCE and (frame := self._waiting.next(backend)) is not None:
            missed = self._second(frame)
            if missed is not None:
                self._miss(frame, missed)

    async def _ask(self, frame: Frame, exchange: Exchanged, side: Side, request: Composed) -> None:
        counted = self._counters.shadowed(frame.place)
        again = await self._consumer.begins(exchange)
        answer = await self._asking.ask(exchange, side, request)
        if isinstance(answer, Reply):
            counted[Outcome.ANSWERED] += 1
        else:
            counted[_OUTCOMES[answer]] += 1
        if answer is not None:
            self._consumer.answered(exchange, answer, again=again)
