"""One transaction of the ledger's writer: what was counted, and how much of it is written down by now, both or neither.

So a keeper that is killed neither loses a hit nor writes one twice; and of two keepers of one map, as there are during
an upgrade, the one that came last writes, and the other finds that out in its own transaction.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, Select, insert, select, update

from proxy.counters import Counters
from proxy.ledger.cells import Moved, Seen
from proxy.ledger.many import add, replace
from proxy.ledger.schema import FINEST, MEASURES, STEPS, maps, recorded, rolled, routes
from proxy.plan import DEFAULT_SERIES, HEALTH_SERIES, NOT_FOUND_SERIES, REFUSED_SERIES

Names = Mapping[int, tuple[str, str]]  # the first series of a pair: slice and pattern
OWN: Names = {
    DEFAULT_SERIES: ("", "default"),
    NOT_FOUND_SERIES: ("", "not found"),
    REFUSED_SERIES: ("", "refused"),
    HEALTH_SERIES: ("", "health"),
}
_FIRST_PAIR = len(OWN)


class Succeeded(Exception):
    """Another keeper writes what this map counts."""


@dataclass(frozen=True, slots=True)
class Called:
    """What a series counts for."""

    slice: str
    pattern: str
    side: str


def called(series: int, names: Names) -> Called:
    """Whose series it is.

    >>> called(7, {6: ("repairs", "/repairs/*")})
    Called(slice='repairs', pattern='/repairs/*', side='slice')
    """
    if series < _FIRST_PAIR:
        return Called(*OWN[series], "legacy" if series == DEFAULT_SERIES else "proxy")
    second = (series - _FIRST_PAIR) % 2
    name = names[series - second]
    return Called(*name, "proxy" if not name[0] else "slice" if second else "legacy")


class Writer:
    """The writer of what one map counts. `name`: this keeper's own, as no other has it."""

    def __init__(self, counters: Counters, name: str) -> None:
        self.names: Names = {}
        self._counters = counters
        self._name = name
        self._map = counters.identity
        self._seen = Seen()
        self._is_sure = False  # that the ledger has what we have seen, and that it is us who writes
        self._routes: dict[tuple[str, str], int] = {}

    def forget(self) -> None:
        """Something went wrong: what is written down is to be read again before the next transaction."""
        self._is_sure = False
        self._routes = {}

    def write(self, engine: Engine, now: float, more: Callable[[Connection], None] = lambda _: None) -> int:
        """Write down what was counted since, in the minute of `now`, and `more`. How many series counted.

        Raises Succeeded, and what the driver raises; then nothing is written, and the caller is to `forget`.
        """
        with engine.begin() as connection:
            writer = connection.execute(_writer(self._map)).scalar()
            if writer is None:
                self._begin(connection)
            elif not self._is_sure:
                self._take_over(connection)
            elif writer != self._name:
                raise Succeeded
            moved = list(self._seen.moved(self._counters, max(self.names, default=0) + 2))
            if moved:
                self._note(connection, moved, now)
            more(connection)
        for each in moved:
            self._seen.take(each)
        self._is_sure = True
        return sum(len(each.series) for each in moved)

    def _begin(self, connection: Connection) -> None:
        """A map that the ledger does not know: nothing is written down of it, or it was in a ledger that is gone."""
        connection.execute(insert(maps).values(id=self._map, writer=self._name, last=0.0))
        replace(connection, recorded, [(self._map, *each) for each in self._seen.rows()])

    def _take_over(self, connection: Connection) -> None:
        """From here on it is us who writes; what is written down is our beginning."""
        connection.execute(update(maps).where(maps.c.id == self._map).values(writer=self._name))
        self._seen = Seen()
        for row in connection.execute(select(recorded).where(recorded.c.map == self._map)):
            self._seen.put(row.measure, row.series, row.cells)

    def _note(self, connection: Connection, moved: Sequence[Moved], now: float) -> None:
        connection.execute(update(maps).where(maps.c.id == self._map).values(last=now))
        at = begins(connection, now)
        for each in moved:
            numbers = each.series.tolist()
            who = [called(number, self.names) for number in numbers]
            ids = self._ids(connection, {(each.slice, each.pattern) for each in who})
            table = MEASURES[each.measure][FINEST.name]
            keys = [(at, ids[one.slice, one.pattern], one.side)[: len(table.primary_key)] for one in who]
            add(connection, table, [(*key, *cells) for key, cells in zip(keys, each.since.tolist(), strict=True)])
            replace(connection, recorded, [(self._map, *row) for row in each.rows])

    def _ids(self, connection: Connection, wanted: set[tuple[str, str]]) -> Mapping[tuple[str, str], int]:
        """The numbers of routes in the ledger; those it has not seen yet get one."""
        if not wanted <= self._routes.keys():
            self._routes = _known(connection)
            if new := wanted - self._routes.keys():
                rows = [{"slice": name, "pattern": pattern} for name, pattern in sorted(new)]
                connection.execute(insert(routes), rows)
                self._routes = _known(connection)
        return self._routes


def _known(connection: Connection) -> dict[tuple[str, str], int]:
    return {(row.slice, row.pattern): row.id for row in connection.execute(select(routes))}


def _writer(identity: str) -> Select[str]:
    """Who writes what that map counts; locked, where the database has such locks, until we are done."""
    return select(maps.c.writer).where(maps.c.id == identity).with_for_update()


def begins(connection: Connection, now: float) -> int:
    """The minute that what is counted now belongs to; if it was rolled up already, that is to be done again.

    A clock that was put back does not make what is forgotten count anew: then it is the first minute that is kept.
    """
    at = int(now) // FINEST.seconds * FINEST.seconds
    known = {row.step: row for row in connection.execute(select(rolled))}
    if not known:
        rows = [{"step": step.name, "until": at // step.seconds * step.seconds, "forgotten": 0} for step in STEPS]
        connection.execute(insert(rolled), rows)
        return at
    at = max(at, int(known[FINEST.name].forgotten))
    for step in STEPS[1:]:
        if at < known[step.name].until:
            again = at // step.seconds * step.seconds
            connection.execute(update(rolled).where(rolled.c.step == step.name).values(until=again))
    return at
