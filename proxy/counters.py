"""What the workers count, in one map of shared memory: each writes its own rows, everybody reads all.

    counters = Counters.create(workers=2); counters.writer(0).count(series=5, status_class=2, micros=850)

A *series* is 64 unsigned 64-bit cells: answers by status class, answers cut short, the sum of the latencies, and a
histogram of them. Series are numbered by the supervisor and keep their number for its life, so a reload loses no
count. Pages of the map that nobody touched take no memory, so its size costs nothing. A count is never a
message, so nothing is lost under load.
"""

import ipaddress
import mmap
import os
from bisect import bisect_right
from collections.abc import Collection
from dataclasses import dataclass
from hashlib import blake2b

CELLS = 64
MAX_SERIES = 1 << 18  # two for each of 100,000 routes, and room for those that reloads retire
GAUGES = 64
# Connections by address, as a count-min sketch (Cormode and Muthukrishnan, 2005): two cells for each address; with
# 10,000 connections over 8,192 columns a stranger shares both of his with another once in ten thousand times.
COLUMNS = 8192
# Backends and their addresses are numbered like series, and keep their number; what the cells of one mean is said in
# `standing.py`. Thousands of each are more than reloads of a day bring.
BACKENDS, BACKEND_CELLS = 1024, 256
ADDRESSES, ADDRESS_CELLS = 4096, 8
_HEADER = 2  # the key of the sketch: who cannot know it cannot choose addresses that share a stranger's columns
_SKETCH = GAUGES
_BACKENDS = _SKETCH + 2 * COLUMNS
_ADDRESSES = _BACKENDS + BACKENDS * BACKEND_CELLS
_SERIES = _ADDRESSES + ADDRESSES * ADDRESS_CELLS
# By pair of series, exchanges that were to be compared and never reached the keeper, by their `copies.Cause`.
DROP_CELLS = 4
_DROPS = _SERIES + MAX_SERIES * CELLS
_ROW = _DROPS + MAX_SERIES // 2 * DROP_CELLS
# Before the workers' rows, to which an upgrade adds, comes the keeper's: what it found at each address, what became of
# the copies for each backend, and by pair of series what became of the comparisons (`verdicts.py`).
SHADOW_CELLS = 16
VERDICT_CELLS = 32
_SHADOWS = ADDRESSES * ADDRESS_CELLS
_VERDICTS = _SHADOWS + BACKENDS * SHADOW_CELLS
_KEEPER_ROW = _VERDICTS + MAX_SERIES // 2 * VERDICT_CELLS
_FIRST_ROW = _KEEPER_ROW

# Of a series: answers of class 0 to 5, then these.
CUT, SUM, FIRST_BUCKET = 6, 7, 8
# Microseconds; each bound is 1.33 times the one before, from 100 us to about 6 minutes: a p95 is known to within a
# third.
BOUNDS = tuple(round(100 * 1.33**n) for n in range(CELLS - FIRST_BUCKET - 1))

# Gauges of one worker.
CONNECTIONS, IN_FLIGHT, TASKS, GENERATION, DRAINING, LINES, LINES_LOST = range(7)


@dataclass(frozen=True, slots=True)
class Tally:
    """One series, summed over the workers. `answers[c]`: answers of class `c`xx; `histogram[i]`.

    Those under `BOUNDS[i]` us.
    """

    answers: tuple[int, ...]
    cut: int
    micros: int
    histogram: tuple[int, ...]

    @property
    def hits(self) -> int:
        """Answers of every kind, and those cut short."""
        return sum(self.answers) + self.cut

    def quantile(self, share: float) -> float | None:
        """An upper bound of the latency, in seconds, that `share` of the answers stayed under.

        None if there were none.
        """
        wanted = share * sum(self.histogram)
        seen = 0
        for bound, count in zip((*BOUNDS, BOUNDS[-1] * 2), self.histogram, strict=True):
            seen += count
            if count and seen >= wanted:
                return bound / 1e6
        return None


# Supervisors that say the same mean the same by each cell. The first number: raise it when the meaning of one changes.
LAYOUT = f"2: {_HEADER} {_FIRST_ROW} {_BACKENDS} {_ADDRESSES} {_SERIES} {_ROW} {CELLS} {BOUNDS[-1]}"


def place_of(row: int, series: int) -> int:
    """Where the cells of a series begin in the map, in bytes."""
    return 8 * (_HEADER + _FIRST_ROW + row * _ROW + _SERIES + series * CELLS)


def place_of_verdicts(series: int) -> int:
    """Where the verdict cells of a pair of series begin in the map, in bytes; those of the next pair follow."""
    return 8 * (_HEADER + _VERDICTS + series // 2 * VERDICT_CELLS)


def place_of_drops(row: int, series: int) -> int:
    """Where one worker's drops of a pair of series begin in the map, in bytes; those of the next pair follow."""
    return 8 * (_HEADER + _FIRST_ROW + row * _ROW + _DROPS + series // 2 * DROP_CELLS)


def free_rows(rows: int, busy: Collection[int], workers: int) -> tuple[int, ...]:
    """Rows for that many workers that nobody writes to: those that are left of `rows`, then new ones behind them."""
    free = [row for row in range(rows) if row not in busy]
    return tuple((free + list(range(rows, rows + workers)))[:workers])


def layout(workers: int) -> int:
    """Bytes of a map for that many workers."""
    return 8 * (_HEADER + _FIRST_ROW + workers * _ROW)


def _host(address: str) -> bytes:
    """What of an address is one host: an IPv6 host has its /64 to choose addresses from."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        return parsed.ipv4_mapped.packed if parsed.ipv4_mapped else parsed.packed[:8]
    return parsed.packed


def _columns(key: bytes, address: str) -> tuple[int, int]:
    """Where an address is counted."""
    digest = blake2b(_host(address), digest_size=8, key=key).digest()
    first, second = int.from_bytes(digest[:4]), int.from_bytes(digest[4:])
    return _SKETCH + first % COLUMNS, _SKETCH + COLUMNS + second % COLUMNS


class Counters:
    """The map, as seen by one process."""

    def __init__(self, fd: int, workers: int) -> None:
        self.fd = fd
        self.workers = workers
        self._map = mmap.mmap(fd, layout(workers))
        self._whole = memoryview(self._map).cast("Q")
        self._cells = self._whole[_HEADER + _FIRST_ROW :]
        self._key = bytes(self._whole[:_HEADER].cast("B"))

    @property
    def identity(self) -> str:
        """Of this map and no other, wherever it is handed; tells nothing of the sketch's key."""
        return blake2b(digest_size=8, key=self._key, person=b"identity").hexdigest()

    @classmethod
    def create(cls, workers: int) -> "Counters":
        """A new map, all zero, that children can be handed by its descriptor; rows for that many workers."""
        fd = os.memfd_create("stranglerfig-counters")
        os.ftruncate(fd, layout(workers))
        os.pwrite(fd, os.urandom(8 * _HEADER), 0)
        return cls(fd, workers)

    @classmethod
    def grown(cls, fd: int, rows: int) -> "Counters":
        """A map that others use, with rows behind theirs."""
        if os.fstat(fd).st_size < layout(rows):
            os.ftruncate(fd, layout(rows))
        return cls(fd, rows)

    def of_backend(self, number: int) -> tuple[memoryview, ...]:
        """The cells of one backend, worker by worker."""
        return self._of_workers(_BACKENDS + number * BACKEND_CELLS, BACKEND_CELLS)

    def of_server(self, number: int) -> tuple[memoryview, ...]:
        """The cells of one address of a backend, worker by worker."""
        return self._of_workers(_ADDRESSES + number * ADDRESS_CELLS, ADDRESS_CELLS)

    def found_by_keeper(self, number: int) -> memoryview:
        """What the keeper, who alone writes it, has found at one address of a backend."""
        start = _HEADER + number * ADDRESS_CELLS
        return self._whole[start : start + ADDRESS_CELLS]

    def shadowed(self, number: int) -> memoryview:
        """What became of the copies for one backend, as the keeper, who alone writes it, counts it."""
        start = _HEADER + _SHADOWS + number * SHADOW_CELLS
        return self._whole[start : start + SHADOW_CELLS]

    def judged(self, series: int) -> memoryview:
        """What became of the comparisons of a pair of series, as the keeper, who alone writes it, counts it."""
        start = place_of_verdicts(series) // 8
        return self._whole[start : start + VERDICT_CELLS]

    def _of_workers(self, start: int, length: int) -> tuple[memoryview, ...]:
        starts = (worker * _ROW + start for worker in range(self.workers))
        return tuple(self._cells[at : at + length] for at in starts)

    def writer(self, worker: int) -> "Writer":
        """The rows of one worker; there is only ever one writer to them."""
        return Writer(self._cells[worker * _ROW : (worker + 1) * _ROW], self._key)

    def total(self, gauge: int) -> int:
        """One gauge, summed over the workers."""
        return sum(self._cells[worker * _ROW + gauge] for worker in range(self.workers))

    def of_address(self, address: str) -> int:
        """Connections open from an address: never too few, and almost never too many."""
        return min(self.total(column) for column in _columns(self._key, address))

    def tally(self, series: int) -> Tally:
        """One series, summed over the workers."""
        if not 0 <= series < MAX_SERIES:
            raise IndexError(f"there is no series {series}")
        starts = [worker * _ROW + _SERIES + series * CELLS for worker in range(self.workers)]
        cells = [sum(self._cells[start + cell] for start in starts) for cell in range(CELLS)]
        return Tally(tuple(cells[:CUT]), cells[CUT], cells[SUM], tuple(cells[FIRST_BUCKET:]))

    def gauge(self, worker: int, gauge: int) -> int:
        """One gauge of one worker."""
        return self._cells[worker * _ROW + gauge]

    def close(self) -> None:
        """Give the map back; the descriptor stays its owner's."""
        self._cells.release()
        self._whole.release()
        self._map.close()


class Writer:
    """One worker's rows. A plain increment is enough: nobody else writes here."""

    __slots__ = ("_key", "cells")

    def __init__(self, cells: memoryview, key: bytes) -> None:
        self.cells = cells
        self._key = key
        # What a worker that died had open is closed.
        for cell in (CONNECTIONS, IN_FLIGHT, TASKS, DRAINING, *range(_SKETCH, _BACKENDS)):
            cells[cell] = 0

    def count(self, series: int, status_class: int, micros: int) -> None:
        """One answer, whole."""
        cells = self.cells
        start = _SERIES + series * CELLS
        cells[start + status_class] += 1
        cells[start + SUM] += micros
        cells[start + FIRST_BUCKET + bisect_right(BOUNDS, micros)] += 1

    def count_cut(self, series: int) -> None:
        """One answer that ended before its end, or a citizen who left before it."""
        self.cells[_SERIES + series * CELLS + CUT] += 1

    def count_drop(self, series: int, cause: int) -> None:
        """An exchange of this pair of series that was to be compared, and will not reach the keeper."""
        self.cells[_DROPS + series // 2 * DROP_CELLS + cause] += 1

    def add_address(self, address: str, amount: int) -> None:
        """A connection from `address` opened (1) or closed (-1)."""
        for column in _columns(self._key, address):
            self.cells[column] += amount

    def add(self, gauge: int, amount: int) -> None:
        """Move a gauge."""
        self.cells[gauge] += amount

    def set(self, gauge: int, value: int) -> None:
        """Set a gauge."""
        self.cells[gauge] = value
