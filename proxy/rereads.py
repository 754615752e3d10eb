"""Which request legacy is asked a second time next, where more wish for it than may be. Pure: the caller brings `now`.

wishes.add(Wish(…), now); wishes.next(now) -> the Wish whose route pattern knows least, of those that are ripe
"""

from dataclasses import dataclass

from proxy.compare.values import Reply
from proxy.exchanged import Exchanged
from proxy.noise import Learning

# Wishes that wait for one legacy: their bodies are held, up to `max_body` each.
WISHES = 16
# Seconds after which a second read would tell what has changed since, not what differs by itself.
STALE_SECONDS = 30.0
# Seconds that a second read waits which is to come some seconds later, between the first and the second of these: what
# a page shows to the minute, or who comes in between, is seen so.
SOON, LATER = 2.0, 10.0


@dataclass(frozen=True, slots=True)
class Wish:
    """To ask legacy again what it answered so. `ripe`: from when on."""

    exchanged: Exchanged
    control: Reply
    learning: Learning
    ripe: float


def delay(draw: float) -> float:
    """How long a second read waits: half of them not at all. `draw`: of 0 to 1, by chance."""
    return 0.0 if draw < 0.5 else SOON + (LATER - SOON) * (2 * draw - 1)


class Wishes:
    """Those for one legacy."""

    def __init__(self) -> None:
        self._wishes: list[Wish] = []

    def add(self, wish: Wish, now: float) -> None:
        """Take one in; where there are too many, one of the pattern that knows most goes."""
        self._forget(now)
        self._wishes.append(wish)
        if len(self._wishes) > WISHES:
            self._wishes.remove(max(self._wishes, key=_knows))

    def next(self, now: float, *, learners: bool = False) -> Wish | None:
        """The one to fulfil now, which is one no more; None if none is ripe. `learners`: of who knows too little."""
        self._forget(now)
        ripe = [wish for wish in self._wishes if wish.ripe <= now and not (learners and wish.learning.has_learned)]
        if not ripe:
            return None
        wish = min(ripe, key=_knows)
        self._wishes.remove(wish)
        return wish

    def __len__(self) -> int:
        return len(self._wishes)

    def _forget(self, now: float) -> None:
        self._wishes = [wish for wish in self._wishes if wish.ripe + STALE_SECONDS > now]


def _knows(wish: Wish) -> int:
    return wish.learning.reads
