"""Sums over very many series, read from the file behind the map: a page that nobody touched stays untouched.

Read through the map itself, each such page would take memory from then on.
"""

import os
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from proxy.counters import CELLS, place_of

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
