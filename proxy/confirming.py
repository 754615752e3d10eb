"""Mismatches asked again of both sides before they count: where legacy never differed from itself, and still may.

confirming.doubt(exchanged, differences, learning)    # until it is known, a mismatch in these places waits

Legacy in turn, as law 2 has it, and one exchange at a time; what is known of a place then is not asked again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from proxy.compare.values import Difference, Kind, Unjudged
from proxy.exchanged import Exchanged
from proxy.heard import Compared
from proxy.judging import may_pass
from proxy.noise import ROUNDS, Learning, Spot, spot_of
from proxy.rereading import Rereading

# Exchanges that are held to be asked again, and bytes of them; the places of more count as if they had been.
DOUBTED, DOUBTED_BYTES = 64, 16 * 1024 * 1024
# Seconds between two looks for one whose turn it is.
LOOK_SECONDS = 0.1

Again = Callable[[Exchanged], Awaitable[Compared | Unjudged | None]]


@dataclass(frozen=True, slots=True)
class _Doubted:
    exchanged: Exchanged
    spots: frozenset[Spot]
    learning: Learning


class Confirming:
    """`again`: both sides' second answers, compared, None without them; `known`: told the series there is more of."""

    def __init__(self, rereading: Rereading, again: Again, known: Callable[[int], None]) -> None:
        self._rereading = rereading
        self._again = again
        self._known = known
        self._doubted: list[_Doubted] = []
        self._bytes = 0

    def doubt(self, exchanged: Exchanged, differences: Iterable[Difference], learning: Learning) -> None:
        """Have it asked again, where it may be and that tells something: a service that fails needs none."""
        spots = frozenset(spot_of(each) for each in differences if may_pass(each) and learning.is_unsure(each))
        full = len(self._doubted) >= DOUBTED or self._bytes + exchanged.size > DOUBTED_BYTES
        if not spots or full or not self._rereading.may(exchanged):
            return
        learning.doubted |= spots
        self._bytes += exchanged.size
        self._doubted.append(_Doubted(exchanged, spots, learning))

    async def run(self) -> None:
        """Ask, one exchange after the other, until this is cancelled. Patterns still learning come when they know."""
        while True:
            ready = (each for each in self._doubted if each.learning.has_learned or each.learning.cannot_learn)
            if (doubted := next(ready, None)) is None:
                await asyncio.sleep(LOOK_SECONDS)
                continue
            try:
                await self._ask(doubted)
            finally:
                self._doubted.remove(doubted)
                self._bytes -= doubted.exchanged.size
                doubted.learning.doubted -= doubted.spots
            self._known(doubted.exchanged.claim.series)

    async def _ask(self, doubted: _Doubted) -> None:
        left = doubted.spots
        for _ in range(ROUNDS):
            compared = await self._again(doubted.exchanged)
            # Where a side fails now, what differed then is left as if it could not be asked again: it counts.
            if not isinstance(compared, Compared) or any(_fails(each, left) for each in compared.differences):
                return
            left = doubted.learning.asked_again(left, {spot_of(each) for each in compared.differences})
            if not left:
                return
        doubted.learning.confirm(left)


def _fails(difference: Difference, spots: frozenset[Spot]) -> bool:
    """Whether such a difference hides those that are asked about: another status has another page."""
    return not may_pass(difference) or (difference.kind is Kind.STATUS and spot_of(difference) not in spots)
