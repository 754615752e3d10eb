"""What the ledger is asked: hits by side over time, what was moved, slices, routes, their history, their differences.

    with Ledger.of(home) as ledger: ledger.over_time("hour", since, until, slice="repairs")

Moments are seconds since 1970; ranges have their beginning and not their end. While the keeper writes, and without it.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Subquery, func, select, union_all
from sqlalchemy.exc import DBAPIError

from proxy.counters import CELLS, CUT, FIRST_BUCKET, SUM, Tally
from proxy.ledger.engines import NoDriver, reading
from proxy.ledger.place import Place, place_of
from proxy.ledger.schema import ANSWERS, HITS, MEASURES, STEPS, VERDICTS, Step, changes, differences, rolled, routes
from proxy.ledger.trouble import said

_COUNTED = (*ANSWERS, "cut", "micros")


class Unreadable(Exception):
    """The ledger cannot be read just now, or is not there; the text says why."""


@dataclass(frozen=True, slots=True)
class Hits:
    """Answers of one side. `answers[c]`: of class `c`xx; `micros`: the sum of their latencies."""

    answers: tuple[int, ...]
    cut: int
    micros: int

    @property
    def hits(self) -> int:
        """Answers of every kind, and those cut short."""
        return sum(self.answers) + self.cut


@dataclass(frozen=True, slots=True)
class Moment:
    """Hits of one step: from `at` on, of one side (`legacy`, `slice`, `proxy`)."""

    at: int
    side: str
    hits: Hits


@dataclass(frozen=True, slots=True)
class OfSlice:
    """Hits of one side of one slice; `slice` is empty for what no slice claims."""

    slice: str
    side: str
    hits: Hits


@dataclass(frozen=True, slots=True)
class OfRoute:
    """Hits of one side of one route."""

    slice: str
    pattern: str
    side: str
    hits: Hits


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of comparing the answers of a slice, or of one of its routes (`pattern`), by verdict and by cause."""

    slice: str
    pattern: str
    matched: int
    mismatched: int
    ignored: int
    second_reads: int
    unjudged: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class StageChange:
    """Who moved a slice (`*`: all of them, the bypass), from what to what, when (UTC, ISO 8601) and why."""

    at: str
    slice: str
    before: str
    after: str
    by: str
    who: str
    why: str


@dataclass(frozen=True, slots=True)
class Grouped:
    """One way in which answers of a route differed, and how often. `first` and `last`: seconds since 1970."""

    slice: str
    pattern: str
    path: str
    kind: str
    control: str
    candidate: str
    count: int
    first: float
    last: float
    example: str
    control_value: str | None
    candidate_value: str | None


class Ledger:
    """Open for reading, for as long as it is entered; each question is a transaction of its own."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._engine: Engine | None = None

    @classmethod
    def of(cls, home: Path, url: str | None = None) -> "Ledger":
        """The ledger of the proxy that serves from `home`; `url`: its `ledger:`."""
        return cls(place_of(home, url))

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(self, _: type[BaseException] | None, __: object, ___: TracebackType | None) -> None:
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    @contextlib.contextmanager
    def _asking(self) -> Iterator[Connection]:
        try:
            if self._engine is None:
                self._engine = reading(self._place)
            with self._engine.begin() as connection:
                yield connection
        except (DBAPIError, NoDriver, OSError) as error:
            raise Unreadable(said(error, self._place)) from None

    def over_time(self, step: str, since: float, until: float, slice: str | None = None) -> tuple[Moment, ...]:  # noqa: A002
        """Hits by side, a moment each `minute`, `hour` or `day` in which anybody counted. Raises Unreadable."""
        with self._asking() as connection:
            finely = next(each for each in STEPS if each.name == step)
            rows = _rows(connection, "hits", _COUNTED, since, until, finely)
            at = rows.c.at - rows.c.at % finely.seconds
            asked = select(at, rows.c.side, *_sums(rows, _COUNTED)).group_by(at, rows.c.side).order_by(at, rows.c.side)
            if slice is not None:
                asked = asked.join(routes, routes.c.id == rows.c.route).where(routes.c.slice == slice)
            return tuple(Moment(at, side, _hits(counts)) for at, side, *counts in connection.execute(asked))

    def moved(self, since: float, until: float) -> float | None:
        """Of the answers that were legacy's once, the share that slices gave: 0 to 1; None if there were none."""
        with self._asking() as connection:
            rows = _rows(connection, "hits", _COUNTED, since, until)
            asked = select(rows.c.side, *_sums(rows, _COUNTED)).group_by(rows.c.side)
            by_side = {side: _hits(counts).hits for side, *counts in connection.execute(asked)}
        whole = by_side.get("slice", 0) + by_side.get("legacy", 0)
        return by_side.get("slice", 0) / whole if whole else None

    def by_slice(self, since: float, until: float) -> tuple[OfSlice, ...]:
        """Hits of each slice, by side. Raises Unreadable."""
        with self._asking() as connection:
            rows = _rows(connection, "hits", _COUNTED, since, until)
            by = (routes.c.slice, rows.c.side)
            asked = select(*by, *_sums(rows, _COUNTED)).join(routes, routes.c.id == rows.c.route)
            found = connection.execute(asked.group_by(*by).order_by(*by))
            return tuple(OfSlice(name, side, _hits(counts)) for name, side, *counts in found)

    def by_route(self, slice: str, since: float, until: float) -> tuple[OfRoute, ...]:  # noqa: A002
        """Hits of each route of a slice, by side. Raises Unreadable."""
        with self._asking() as connection:
            rows = _rows(connection, "hits", _COUNTED, since, until)
            by = (routes.c.slice, routes.c.pattern, rows.c.side)
            asked = select(*by, *_sums(rows, _COUNTED)).join(routes, routes.c.id == rows.c.route)
            found = connection.execute(asked.where(routes.c.slice == slice).group_by(*by).order_by(*by))
            return tuple(OfRoute(name, pattern, side, _hits(counts)) for name, pattern, side, *counts in found)

    def latencies(self, slice: str, side: str, since: float, until: float) -> Tally:  # noqa: A002
        """How long the answers of one side of a slice took: `.quantile(0.95)`. Raises Unreadable."""
        with self._asking() as connection:
            rows = _rows(connection, "hits", HITS, since, until)
            asked = select(*_sums(rows, HITS)).join(routes, routes.c.id == rows.c.route)
            found = connection.execute(asked.where(routes.c.slice == slice, rows.c.side == side)).one()
        cells = [int(cell or 0) for cell in found]
        assert len(cells) == CELLS
        return Tally(tuple(cells[:CUT]), cells[CUT], cells[SUM], tuple(cells[FIRST_BUCKET:]))

    def judged(self, since: float, until: float, slice: str | None = None) -> tuple[Judged, ...]:  # noqa: A002
        """Verdicts of each slice; or, of one, those of each route. Raises Unreadable."""
        with self._asking() as connection:
            rows = _rows(connection, "verdicts", VERDICTS, since, until)
            by = [routes.c.slice, *([routes.c.pattern] if slice is not None else [])]
            asked = select(*by, *_sums(rows, VERDICTS)).join(routes, routes.c.id == rows.c.route)
            if slice is not None:
                asked = asked.where(routes.c.slice == slice)
            found: list[list[Any]] = [list(row) for row in connection.execute(asked.group_by(*by).order_by(*by))]
        return tuple(_judged(row[0], row[1] if slice is not None else "", row[len(by) :]) for row in found)

    def history(self, slice: str | None = None, limit: int = 100) -> tuple[StageChange, ...]:  # noqa: A002
        """Changes of stage, the newest first; of a slice with those of all slices. Raises Unreadable."""
        asked = select(*(changes.c[name] for name in StageChange.__slots__)).order_by(changes.c.at.desc())
        if slice is not None:
            asked = asked.where(changes.c.slice.in_((slice, "*")))
        with self._asking() as connection:
            return tuple(StageChange(*row) for row in connection.execute(asked.limit(limit)))

    def differences(self, slice: str | None = None, since: float = 0.0, limit: int = 1000) -> tuple[Grouped, ...]:  # noqa: A002
        """How answers differed, the most frequent first; by days that begin after `since`. Raises Unreadable."""
        table = differences
        by = [table.c[name] for name in ("slice", "pattern", "path", "kind", "control", "candidate")]
        count = func.sum(table.c.count)
        # The example and the values of any day are as good as another's.
        examples = [func.max(table.c[name]) for name in ("example", "control_value", "candidate_value")]
        asked = select(*by, count, func.min(table.c.first), func.max(table.c.last), *examples)
        asked = asked.where(table.c.day >= since).group_by(*by).order_by(count.desc(), *by).limit(limit)
        if slice is not None:
            asked = asked.where(table.c.slice == slice)
        with self._asking() as connection:
            found: list[list[Any]] = [[*row[:6], int(row[6]), *row[7:]] for row in connection.execute(asked)]
        return tuple(Grouped(*row) for row in found)


def _rows(
    connection: Connection,
    measure: str,
    names: Sequence[str],
    since: float,
    until: float,
    step: Step | None = None,
) -> Subquery:
    """Each count of a range once, in columns of these names: of what is rolled up the coarser rows, else the finer.

    No coarser than `step`, by default what the length of the range asks for, as long as the finer ones are kept. The
    range begins with a whole row.
    """
    step = step or next((each for each in STEPS if until - since <= each.keep), STEPS[-1])
    known = {row.step: row for row in connection.execute(select(rolled))}
    # Where the rows of each step begin to be asked, from the coarsest on.
    begins = [0]
    for finer, coarser in reversed(tuple(pairwise(STEPS))):
        if not known:
            begins.append(0)
        elif finer.seconds < step.seconds:
            begins.append(known[coarser.name].until)
        else:
            begins.append(known[finer.name].forgotten)
    parts = []
    for each, low, high in zip(reversed(STEPS), begins, (*begins[1:], None), strict=True):
        table = MEASURES[measure][each.name]
        part = select(*table.primary_key, *(table.c[name] for name in names)).where(
            table.c.at >= max(low, since // each.seconds * each.seconds)
        )
        parts.append(part.where(table.c.at < (until if high is None else min(high, until))))
    return union_all(*parts).subquery()


def _sums(rows: Subquery, names: Sequence[str]) -> list[ColumnElement[int]]:
    return [func.sum(rows.c[name]) for name in names]


def _judged(name: str, pattern: str, counts: Sequence[int]) -> Judged:
    said = dict(zip(VERDICTS, map(int, counts), strict=True))
    unjudged = {name.removeprefix("unjudged_"): said[name] for name in VERDICTS if name.startswith("unjudged_")}
    judged = (said["matched"], said["mismatched"], said["ignored"], said["second_reads"])
    return Judged(name, pattern, *judged, unjudged)


def _hits(counts: Sequence[int]) -> Hits:
    *answers, cut, micros = map(int, counts)
    return Hits(tuple(answers), cut, micros)
