"""From differences to a verdict, and the mismatches that wait for one. Pure.

conclude(differences, ignored=False, learning=learning) -> Reached(Verdict.MISMATCHED, differences)
"""

from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass

from proxy.compare.values import Difference, Kind, Verdict
from proxy.noise import Learning

# Route patterns whose noise is known; of more, those that were asked for longest ago are learned anew.
PATTERNS = 4096
# Mismatches that wait for second reads or are asked again: their differences, not the bodies, some 10 KiB each at most.
WAITING, WAITING_OF_ONE = 1000, 32


@dataclass(frozen=True, slots=True)
class Reached:
    """A verdict. `counting`: the differences that are no noise, of a mismatch."""

    verdict: Verdict
    counting: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True)
class Waits:
    """Too little is known yet to tell these differences from noise."""

    counting: tuple[Difference, ...]


def conclude(differences: tuple[Difference, ...], *, ignored: bool, learning: Learning) -> Reached | Waits:
    """What comes of a comparison. `ignored`: there were differences that `ignore:` or built-in knowledge excused."""
    counting = learning.counting(differences)
    if not counting:
        return Reached(Verdict.IGNORED if differences or ignored else Verdict.MATCHED)
    if not (learning.has_learned or learning.cannot_learn) or any(map(learning.is_doubted, counting)):
        return Waits(counting)
    return Reached(Verdict.MISMATCHED, counting)


def may_pass(difference: Difference) -> bool:
    """Whether it may be gone when both are asked again and nothing is wrong: not of a service that fails."""
    failed = difference.kind is Kind.STATUS and difference.candidate.startswith("5")
    return not failed and difference.kind not in (Kind.NO_ANSWER, Kind.UNREADABLE)


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Two answers that differ, as far as is known.

    `example`: the request, redacted; `at`: seconds since 1970; `pair`: the number of both answers in `Findings`.
    """

    series: int
    slice: str
    pattern: str
    example: str
    differences: tuple[Difference, ...]
    at: float
    pair: int | None = None


class Patterns:
    """What is known of each route pattern, by its series, and the mismatches that wait for more to be known."""

    def __init__(self) -> None:
        self._known: OrderedDict[int, Learning] = OrderedDict()
        self._waiting: dict[int, deque[Mismatch]] = {}
        self._count = 0

    def of(self, series: int) -> Learning:
        """What is known of one; nothing, of a new one."""
        learning = self._known.get(series)
        if learning is None:
            learning = self._known[series] = Learning()
            if len(self._known) > PATTERNS:  # one that mismatches wait for is not forgotten
                old = next((each for each in self._known if each not in self._waiting), None)
                if old is not None:
                    del self._known[old]
        self._known.move_to_end(series)
        return learning

    def has_room(self, series: int) -> bool:
        """Whether one more of a pattern may wait."""
        return self._count < WAITING and len(self._waiting.get(series, ())) < WAITING_OF_ONE

    def wait(self, mismatch: Mismatch) -> None:
        """Hold a mismatch until more is known; `has_room` is to be asked before."""
        self._waiting.setdefault(mismatch.series, deque()).append(mismatch)
        self._count += 1

    def released(self, series: int) -> Iterator[tuple[Mismatch, Reached]]:
        """Those of a pattern that can be judged by now, each once; the others wait on."""
        learning = self.of(series)
        if not (learning.has_learned or learning.cannot_learn):
            return
        waiting = self._waiting.pop(series, deque())
        self._count -= len(waiting)
        for mismatch in waiting:
            concluded = conclude(mismatch.differences, ignored=False, learning=learning)
            if isinstance(concluded, Reached):
                yield mismatch, concluded
            else:
                self.wait(mismatch)
