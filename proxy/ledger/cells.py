"""What the shared map has counted since it was last written down, series by series.

Read from the file behind the map, and only where somebody counted: untouched pages are skipped.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from proxy.counters import CELLS, MAX_SERIES, Counters, place_of

# Series that are read at once: a megabyte for each row of the map.
PIECE = 2048

Cells = npt.NDArray[np.int64]
Row = tuple[str, int, bytes]  # measure, series, and its cells as `recorded` has them


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
        self._cells: Cells = np.zeros((MAX_SERIES, CELLS), dtype=np.int64)

    def put(self, series: int, cells: bytes) -> None:
        """As a row of `recorded` has it."""
        self._cells[series] = np.frombuffer(cells, dtype="<i8")

    def rows(self) -> list[Row]:
        """All that was put or taken."""
        return [row for at in range(0, MAX_SERIES, PIECE) for row in self._rows_of(at)]

    def moved(self, counters: Counters, end: int) -> Iterator[Moved]:
        """Of the series below `end`, those that have counted."""
        for at in range(0, end, PIECE):
            count = min(PIECE, end - at)
            total = _read(counters, at, count)
            if total is None:
                continue
            before = self._cells[at : at + count]
            changed = np.flatnonzero((total != before).any(axis=1))
            if changed.size:
                yield Moved("hits", changed + at, total[changed], total[changed] - before[changed])

    def _rows_of(self, at: int) -> list[Row]:
        cells = self._cells[at : at + PIECE]
        used = np.flatnonzero(cells.any(axis=1))
        return _rows("hits", used + at, cells[used])

    def take(self, moved: Moved) -> None:
        """It is written down."""
        self._cells[moved.series] = moved.total


def _rows(measure: str, series: npt.NDArray[np.int64], cells: Cells) -> list[Row]:
    texts = (row.tobytes() for row in cells.astype("<i8"))
    return [(measure, number, text) for number, text in zip(series.tolist(), texts, strict=True)]


def _read(counters: Counters, first: int, count: int) -> Cells | None:
    """Their cells, summed over the workers; None where nobody has counted yet."""
    length, total = 8 * CELLS * count, None
    for row in range(counters.workers):
        place = place_of(row, first)
        if not _is_touched(counters.fd, place, length):
            continue
        cells = np.frombuffer(os.pread(counters.fd, length, place), dtype=np.int64).reshape(count, CELLS)
        total = cells if total is None else total + cells
    return total


def _is_touched(descriptor: int, place: int, length: int) -> bool:
    """Whether the file has data there, and no hole (lseek(2), SEEK_DATA)."""
    try:
        return os.lseek(descriptor, place, os.SEEK_DATA) < place + length
    except OSError:  # ENXIO: nothing but a hole up to its end
        return False
