"""Legacy asked a second time, to learn what differs by itself: in turn, one at a time, as law 2 has it.

rereading.wish(exchanged, control, learning)    # sooner or later legacy is asked again, if its turn comes
"""

import asyncio
from collections.abc import Callable, Coroutine
from time import monotonic

from proxy.asking import Asking
from proxy.compare.values import Reply
from proxy.exchanged import Exchanged, Failure
from proxy.noise import Learning
from proxy.pacing import GAP
from proxy.rereads import Wish, Wishes, delay
from proxy.verdicts import Verdicts

# Seconds between two looks at whether legacy may be asked again.
TURN_SECONDS = 0.1

Learn = Callable[[Exchanged, Reply, Reply, Learning], Coroutine[object, object, None]]


class Rereading:
    """`learn`: what is made of both of legacy's answers; `start`: has work done beside this; `dice`: of 0 to 1."""

    def __init__(
        self,
        asking: Asking,
        verdicts: Callable[[int], Verdicts],
        learn: Learn,
        start: Callable[[Coroutine[object, object, None]], None],
        dice: Callable[[], float],
    ) -> None:
        self._asking = asking
        self._verdicts = verdicts
        self._learn = learn
        self._start = start
        self._dice = dice
        self._wishes: dict[str, Wishes] = {}

    def may(self, exchanged: Exchanged) -> bool:
        """Whether legacy may be asked it again at all."""
        return self._asking.compose(exchanged, "legacy") is not None

    async def begins(self, exchanged: Exchanged, learning: Learning) -> bool:
        """Before the other side is asked: whether legacy is to be asked again when it has been.

        Half of the time it is asked again now: whoever is asked last may find what the first has warmed up.
        """
        if not learning.wants_reading(exchanged.route.comparing.noise, self._dice()):
            return False
        pacer = self._asking.pacer(exchanged.route.legacy)
        if exchanged.answered_by != "legacy" or self._dice() < 0.5 or not pacer.is_free(monotonic()):
            return True
        if not self.may(exchanged) or not pacer.begins(monotonic()):
            return True
        try:
            again = await self._ask(exchanged)
        finally:
            pacer.ended()
        learning.came(may_be_repeated=True)
        self._heard(exchanged, exchanged.reply, again, learning)
        return False

    def wish(self, exchanged: Exchanged, control: Reply, learning: Learning) -> None:
        """Have legacy asked again, where that may be, now or some seconds later."""
        may = self.may(exchanged)
        learning.came(may_be_repeated=may)
        if not may:
            return
        legacy, now = exchanged.route.legacy, monotonic()
        wishes = self._wishes.get(legacy)
        if wishes is None:
            wishes = self._wishes[legacy] = Wishes()
            self._start(self._fulfil(legacy, wishes))
        wishes.add(Wish(exchanged, control, learning, now + delay(self._dice())), now)

    async def _fulfil(self, legacy: str, wishes: Wishes) -> None:
        """Ask one legacy again, time after time. Who knows enough lets others that ask it a second time go first."""
        pacer = self._asking.pacer(legacy)
        while True:
            now = monotonic()
            wish = wishes.next(now, learners=now < pacer.due + GAP) if pacer.is_free(now) else None
            if wish is None or not pacer.begins(now):
                await asyncio.sleep(TURN_SECONDS)
                continue
            try:
                again = await self._ask(wish.exchanged)
            finally:
                pacer.ended()
            self._heard(wish.exchanged, wish.control, again, wish.learning)

    async def in_turn(self, exchanged: Exchanged) -> Reply | Failure | None:
        """Legacy's second answer, when its turn comes."""
        pacer = self._asking.pacer(exchanged.route.legacy)
        while not pacer.begins(monotonic()):  # noqa: ASYNC110  # a second or two
            await asyncio.sleep(TURN_SECONDS)
        try:
            return await self._ask(exchanged)
        finally:
            pacer.ended()

    async def _ask(self, exchanged: Exchanged) -> Reply | Failure | None:
        again = await self._asking.ask(exchanged, "legacy")
        if again is not None:
            self._verdicts(exchanged.claim.series).reread()
        return again

    def _heard(self, exchanged: Exchanged, control: Reply, again: Reply | Failure | None, learning: Learning) -> None:
        if isinstance(again, Reply):
            self._start(self._learn(exchanged, control, again, learning))
