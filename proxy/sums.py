"""Sums over very many series, read from the file behind the map: a page that nobody touched stays untouched.

Read through the map itself, each such page would take memory from then on.
"""

import os
from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from proxy.counters import CELLS, DROP_CELLS, MAX_SERIES, VERDICT_CELLS, place_of, place_of_drops, place_of_verdicts
from proxy.verdicts import WAITING

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


def waiting(descriptor: int) -> list[int]:
    """The pairs of series, by their first, of which the keeper that wrote last held mismatches."""
    found: list[int] = []
    for at, count in _pieces(MAX_SERIES // 2):
        place, length = place_of_verdicts(2 * at), 8 * VERDICT_CELLS * count
        if is_hole(descriptor, place, length):
            continue
        cells = np.frombuffer(os.pread(descriptor, length, place), dtype=np.uint64).reshape(-1, VERDICT_CELLS)
        held = cells[:, list(WAITING.values())].any(axis=1)
        found += [2 * (at + int(pair)) for pair in np.flatnonzero(held)]
    return found


def is_hole(descriptor: int, place: int, length: int) -> bool:
    """Whether nobody has touched that stretch of the map (lseek(2), SEEK_DATA)."""
    try:
        return os.lseek(descriptor, place, os.SEEK_DATA) >= place + length
    except OSError:  # ENXIO: nothing but a hole up to its end
        return True


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
