"""What the shared map has counted since it was last written down, series by series.

Read from the file behind the map, and only where somebody counted: untouched pages are skipped.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from proxy.copies import Cause
from proxy.counters import (
    CELLS,
    DROP_CELLS,
    MAX_SERIES,
    VERDICT_CELLS,
    Counters,
    place_of,
    place_of_drops,
    place_of_verdicts,
)
from proxy.ledger.schema import HITS, VERDICTS
from proxy.sums import is_hole
from proxy.verdicts import FIRST_CAUSE, REREAD

# Series that are read at once: a megabyte for each row of the map.
PIECE = 2048

Cells = npt.NDArray[np.int64]
Row = tuple[str, int, bytes]  # measure, series, and its cells as `recorded` has them


@dataclass(frozen=True, slots=True)
class Measure:
    """Something that is counted: `width` cells for each `stride` series.

    `read`: those of a count of them, from a first series on; None where nobody has counted.
    """

    width: int
    stride: int
    read: Callable[[Counters, int, int], Cells | None]


@dataclass(frozen=True, slots=True)
class Moved:
    """Series that counted: their numbers, what they have counted in all, and since they were last written down."""

    measure: str
    series: npt.NDArray[np.int64]
    total: Cells
    since: Cells

    @property
    def rows(self) -> list[Row]:
        """What is written down of them."""
        return _rows(self.measure, self.series, self.total)


class Seen:
    """What of one map was written down last. Nothing, until it is `put`."""

    def __init__(self) -> None:
        # As sparse as the map itself: what is not written to takes no memory.
        self._cells = {
            name: np.zeros((MAX_SERIES // each.stride, each.width), dtype=np.int64) for name, each in MEASURES.items()
        }

    def put(self, measure: str, series: int, cells: bytes) -> None:
        """As a row of `recorded` has it."""
        self._cells[measure][series // MEASURES[measure].stride] = np.frombuffer(cells, dtype="<i8")

    def rows(self) -> list[Row]:
        """All that was put or taken."""
        return [row for name in MEASURES for at in range(0, MAX_SERIES, PIECE) for row in self._rows_of(name, at)]

    def _rows_of(self, name: str, first: int) -> list[Row]:
        stride = MEASURES[name].stride
        cells = self._cells[name][first // stride : (first + PIECE) // stride]
        used = np.flatnonzero(cells.any(axis=1))
        return _rows(name, first + used * stride, cells[used])

    def moved(self, counters: Counters, end: int) -> Iterator[Moved]:
        """Of the series below `end`, those that have counted."""
        for name, measure in MEASURES.items():
            for first in range(0, end, PIECE):
                count = min(PIECE, end - first) // measure.stride
                total = measure.read(counters, first, count)
                if total is None:
                    continue
                at = first // measure.stride
                before = self._cells[name][at : at + count]
                changed = np.flatnonzero((total != before).any(axis=1))
                if changed.size:
                    numbers = first + changed * measure.stride
                    yield Moved(name, numbers, total[changed], total[changed] - before[changed])

    def take(self, moved: Moved) -> None:
        """It is written down."""
        self._cells[moved.measure][moved.series // MEASURES[moved.measure].stride] = moved.total


def _rows(measure: str, series: npt.NDArray[np.int64], cells: Cells) -> list[Row]:
    texts = (row.tobytes() for row in cells.astype("<i8"))
    return [(measure, number, text) for number, text in zip(series.tolist(), texts, strict=True)]


def _hits(counters: Counters, first: int, count: int) -> Cells | None:
    """Answers, summed over the workers."""
    total = None
    for row in range(counters.workers):
        cells = _read(counters, place_of(row, first), count, CELLS)
        if cells is not None:
            total = cells if total is None else total + cells
    return total


def _verdicts(counters: Counters, first: int, count: int) -> Cells | None:
    """The keeper's verdicts, and what the workers had to drop before it came to one."""
    judged = _read(counters, place_of_verdicts(first), count, VERDICT_CELLS)
    drops = [_read(counters, place_of_drops(row, first), count, DROP_CELLS) for row in range(counters.workers)]
    if judged is None and not any(each is not None for each in drops):
        return None
    total = np.zeros((count, len(VERDICTS)), dtype=np.int64)
    if judged is not None:
        total[:, : REREAD + 1] = judged[:, : REREAD + 1]
        causes = len(VERDICTS) - REREAD - 1
        total[:, REREAD + 1 :] = judged[:, FIRST_CAUSE : FIRST_CAUSE + causes]
    for each in drops:
        if each is not None:
            for cause in Cause:
                total[:, VERDICTS.index(f"unjudged_{cause.name.lower()}")] += each[:, cause]
    return total


MEASURES: Mapping[str, Measure] = MappingProxyType(
    {"hits": Measure(len(HITS), 1, _hits), "verdicts": Measure(len(VERDICTS), 2, _verdicts)}
)


def _read(counters: Counters, place: int, count: int, width: int) -> Cells | None:
    length = 8 * width * count
    if is_hole(counters.fd, place, length):
        return None
    return np.frombuffer(os.pread(counters.fd, length, place), dtype=np.int64).reshape(count, width)
