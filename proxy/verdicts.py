"""How often each verdict was reached on a route: the meaning of the keeper's cells of a pair of series.

    verdicts = Verdicts(counters.judged(series)); verdicts.reached(Verdict.MATCHED); verdicts.unjudged(Unjudged.LIMIT)

The keeper alone writes them, and the map outlives it, so that one that is killed loses no count.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from proxy.compare.values import Unjudged, Verdict

# Cells of a pair of series. Counts: judged exchanges, second reads of legacy; those that were not judged, by cause.
_VERDICTS = (Verdict.MATCHED, Verdict.MISMATCHED, Verdict.IGNORED)
REREAD = 3
# Gauges: mismatches that wait for what may explain them, more second reads or the next commit of a dataset.
WAITING = {Unjudged.LEARNING: 4, Unjudged.STALE: 5}
# Whether its mismatches count without second reads, because legacy must not be asked again; 1 or 0.
UNTAUGHT = 6
# Exchanges that the workers were to copy and did not reach the keeper are theirs to count: see `standing.NOT_COPIED`.
FIRST_CAUSE = 8
_CAUSES = {cause: FIRST_CAUSE + at for at, cause in enumerate(Unjudged)}


class Verdicts:
    """The cells of one route's pair of series, to count in."""

    __slots__ = ("cells",)

    def __init__(self, cells: memoryview) -> None:
        self.cells = cells

    def reached(self, verdict: Verdict) -> None:
        """One exchange was judged; UNJUDGED has a cause of its own."""
        self.cells[_VERDICTS.index(verdict)] += 1

    def unjudged(self, cause: Unjudged) -> None:
        """One was not."""
        self.cells[_CAUSES[cause]] += 1

    def reread(self) -> None:
        """Legacy was asked a second time."""
        self.cells[REREAD] += 1

    def waits(self, cause: Unjudged, amount: int) -> None:
        """A mismatch waits (1), or does not any more (-1), unless the next keeper has let it go meanwhile."""
        self.cells[WAITING[cause]] = max(0, self.cells[WAITING[cause]] + amount)

    def is_untaught(self, *, untaught: bool) -> None:
        """Whether mismatches count without second reads."""
        self.cells[UNTAUGHT] = untaught

    def let_go(self) -> None:
        """What the keeper before us held is not judged any more."""
        for cause, cell in WAITING.items():
            self.cells[_CAUSES[cause]] += self.cells[cell]
            self.cells[cell] = 0


@dataclass(frozen=True, slots=True)
class Told:
    """What came of the comparisons of a route, or of all routes of a slice.

    `judged`: by verdict; `unjudged` and `waiting`: by cause, those that wait apart; `second_reads` of legacy;
    `routes_untaught`: those whose mismatches count without them.
    """

    judged: Mapping[str, int]
    unjudged: Mapping[str, int]
    waiting: Mapping[str, int]
    second_reads: int
    routes_untaught: int

    def as_json(self) -> dict[str, object]:
        """As `fig status --json` has it: what waits is unjudged until it is judged."""
        unjudged = {cause: count + self.waiting.get(cause, 0) for cause, count in self.unjudged.items()}
        return {
            **self.judged,
            "judged": sum(self.judged.values()),
            "unjudged": sum(unjudged.values()),
            "causes": unjudged,
            "waiting": dict(self.waiting),
            "second_reads": self.second_reads,
            "routes_untaught": self.routes_untaught,
        }


def told(cells: Sequence[int], drops: Sequence[int] = ()) -> Told:
    """The cells of a route, or their sum over the routes of a slice. `drops`: the workers', by `copies.Cause`."""
    unjudged = {str(cause): cells[cell] for cause, cell in _CAUSES.items()}
    for cause, count in zip(_DROPPED, drops, strict=False):
        unjudged[str(cause)] += count
    return Told(
        {str(verdict): cells[at] for at, verdict in enumerate(_VERDICTS)},
        unjudged,
        {str(cause): cells[cell] for cause, cell in WAITING.items()},
        cells[REREAD],
        cells[UNTAUGHT],
    )


# In the order of `copies.Cause`, by which workers count.
_DROPPED = (Unjudged.FULL, Unjudged.LARGE, Unjudged.CUT)
