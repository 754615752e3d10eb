"""Sums over very many series, read from the file behind the map: a page that nobody touched stays untouched.

Read through the map itself, each such page would take memory from then on.
"""

import os
from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from proxy.counters import CELLS, DROP_CELLS, VERDICT_CELLS, place_of, place_of_drops, place_of_verdicts

# Series that are read at once: a megabyte.
PIECE = 2048

Cells = npt.NDArray[np.uint64]
Span = tuple[int, int]


def sums(descriptor: int, rows: int, spans: Iterable[Span]) -> Cells:
    """The cells of both sides, summed over the rows and over pairs of series: of shape (2, CELLS).

    `spans`: from the first series of a pair to behind the last, as `SeriesBook.spans` has them.
    """
    total = np.zeros((2, CELLS), dtype=np.uint64)
    for first, end in spans:
        for row in range(rows):
            for at in range(first, end, PIECE):
                count = min(PIECE, end - at)
                data = os.pread(descriptor, 8 * CELLS * count, place_of(row, at))
                total += np.frombuffer(data, dtype=np.uint64).reshape(-1, 2, CELLS).sum(axis=0, dtype=np.uint64)
    return total


def verdict_sums(descriptor: int, spans: Iterable[Span]) -> list[int]:
    """The keeper's cells of verdicts, summed over pairs of series."""
    return _sums(descriptor, ((place_of_verdicts(span[0]), span) for span in spans), VERDICT_CELLS)


def drop_sums(descriptor: int, rows: int, spans: Iterable[Span]) -> list[int]:
    """The workers' cells of exchanges that never reached the keeper, summed over the rows and over pairs of series."""
    places = ((place_of_drops(row, span[0]), span) for span in spans for row in range(rows))
    return _sums(descriptor, places, DROP_CELLS)


def _sums(descriptor: int, places: Iterable[tuple[int, Span]], cells: int) -> list[int]:
    total = np.zeros(cells, dtype=np.uint64)
    for place, (first, end) in places:
        for at, count in _pieces((end - first) // 2):
            data = os.pread(descriptor, 8 * cells * count, place + 8 * cells * at)
            total += np.frombuffer(data, dtype=np.uint64).reshape(-1, cells).sum(axis=0, dtype=np.uint64)
    summed: list[int] = total.tolist()
    return summed


def _pieces(length: int) -> Iterator[tuple[int, int]]:
    for at in range(0, length, PIECE):
        yield at, min(PIECE, length - at)
