"""How a backend and its addresses stand: the meaning of their cells in the shared map, and their sums over all workers.

    standing = Standing(counters.of_backend(3), mine=0); standing.mine[ASKED] += 1; standing.total(ASKED)

Each worker writes its own cells and reads everybody's, so what is decided here holds for the whole process group.
"""

from collections.abc import Collection, Sequence

from proxy.counters import BACKEND_CELLS, Counters

# Cells of a backend. Gauges, which end with the worker that holds them: connections that are open or being opened,
# those of them that wait for work, requests that wait for a connection, and when this worker began to try a backend
# whose breaker had cooled.
CONNECTIONS, IDLE, QUEUED, TRYING = range(4)
# Counts, which only grow: requests whose outcome is known, those of them that failed, those that were sent beyond the
# citizens' own; then, for people, of each kind: asked again, asked elsewhere, refused because the queue was full.
ASKED, FAILED, EXTRA, RETRIES, FALLBACKS, REFUSED = range(4, 10)
# The breaker's moments, in milliseconds of the machine's monotonic clock; and ASKED of all when it closed.
OPENED, CLOSED, CLOSED_AFTER = range(10, 13)
# Exchanges that were to be copied to it and were not, by their `copies.Cause`.
NOT_COPIED = range(13, 16)
# ASKED and EXTRA at the beginning of each of the last seconds; ASKED of all at each of this worker's last failures.
_SECONDS, _FIRST_SECOND, _FIRST_FAILURE = 16, 16, 128
REMEMBERED = BACKEND_CELLS - _FIRST_FAILURE
# Seconds over which extra requests are weighed: one storm, not yesterday's.
WINDOW = 10

# Cells of one address, by worker: connections open or being opened, those that wait for work, failures in all, and
# until when (in milliseconds) it is ejected.
AT_ADDRESS, IDLE_AT_ADDRESS, FAILED_THERE, EJECTED = range(4)
# Cells of one address, by the keeper: whether it is down, when it was last asked (in milliseconds), how often it is.
DOWN, FOUND, EVERY = range(3)
# Silent intervals after which what the keeper found counts no more: it may have died.
SILENT_INTERVALS = 3


class Standing:
    """One backend, as one worker sees and changes it. `rows`: its cells, worker by worker."""

    __slots__ = ("mine", "rows")

    def __init__(self, rows: Sequence[memoryview], mine: int) -> None:
        self.rows = rows
        self.mine = rows[mine]

    def begin(self, second: int) -> None:
        """What a worker that died held is let go, and its last seconds begin with nothing."""
        for cell in (CONNECTIONS, IDLE, QUEUED, TRYING):
            self.mine[cell] = 0
        for each in range(_SECONDS):
            self.tick(second + each)

    def total(self, cell: int) -> int:
        """The cell, over all workers."""
        return sum([row[cell] for row in self.rows])

    def latest(self, cell: int) -> int:
        """The greatest of all workers' values."""
        return max([row[cell] for row in self.rows])

    def others(self, cell: int) -> int:
        """The cell, over all workers but this one."""
        return self.total(cell) - self.mine[cell]

    # Over the last seconds.

    def tick(self, second: int) -> None:
        """A second begins."""
        at = _FIRST_SECOND + second % _SECONDS * 2
        self.mine[at], self.mine[at + 1] = self.mine[ASKED], self.mine[EXTRA]

    def lately(self, second: int) -> tuple[int, int]:
        """Requests asked, and sent beyond the citizens' own, in the last WINDOW seconds, over all workers."""
        at = _FIRST_SECOND + (second - WINDOW) % _SECONDS * 2
        asked = sum([row[ASKED] - row[at] for row in self.rows])
        return asked, sum([row[EXTRA] - row[at + 1] for row in self.rows])

    # Failures, in the order of all requests.

    def fail(self) -> None:
        """A request failed: the how-manieth of all workers' is kept, so that the last ones can be told."""
        mine = self.mine
        mine[ASKED] += 1
        mine[_FIRST_FAILURE + mine[FAILED] % REMEMBERED] = self.total(ASKED)
        mine[FAILED] += 1

    def failures(self, of: int) -> int:
        """How many of the last `of` requests failed, over all workers, since the breaker last closed."""
        after = max(0, self.total(ASKED) - of, self.latest(CLOSED_AFTER))
        return sum([number > after for row in self.rows for number in row[_FIRST_FAILURE:]])


def let_go(counters: Counters, row: int, backends: Collection[int], servers: Collection[int]) -> None:
    """What a worker that has ended held of each backend and address is held by nobody."""
    for number in backends:
        Standing(counters.of_backend(number), row).begin(0)
    for number in servers:
        cells = counters.of_server(number)[row]
        cells[AT_ADDRESS] = cells[IDLE_AT_ADDRESS] = 0


def is_down(found: memoryview, now: int) -> bool:
    """Whether the keeper's word is that an address is down; `now` in milliseconds."""
    return bool(found[DOWN]) and not is_silent(found, now)


def is_silent(found: memoryview, now: int) -> bool:
    """Whether the keeper has said nothing of an address for so long that what it said counts no more."""
    return now - found[FOUND] > SILENT_INTERVALS * found[EVERY]
