"""Which rows are new: how far a dataset has got, and the conditions that choose what comes after. Pure.

Rows are told apart by (cursor, key): a coarse cursor has ties, and a window too large for one commit is taken in
stretches that may end amid them. Whatever was committed late, within `lag`, is read again with the next window.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from extractors.compiled import Column, Dataset
from extractors.dialects import Dialect, Relation
from extractors.dialects.base import select
from notation.problems import Refused


@dataclass(frozen=True, slots=True)
class Position:
    """How far a dataset has got, as its newest commit keeps it: texts that `Dialect.literal` takes back.

    `until` is the newest cursor there was when the window was made, None if there was none; `at` is the last
    (cursor, *key) that was committed, if the window was not taken to its end.
    """

    column: str
    native: str
    until: str | None
    at: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {"column": self.column, "native": self.native, "until": self.until, "at": list(self.at)}


def position(kept: Mapping[str, Any] | None) -> Position | None:
    """The inverse of `as_json`."""
    if not kept:
        return None
    return Position(kept["column"], kept["native"], kept["until"], tuple(kept["at"]))


@dataclass(frozen=True, slots=True)
class Order:
    """Columns of one relation by which rows are put in order: the key, or the cursor and then the key."""

    dialect: Dialect
    relation: Relation
    columns: tuple[str, ...]
    natives: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(map(self.dialect.quoted, self.columns))

    def after(self, place: Sequence[str]) -> str:
        """Rows beyond a place: `(a > 1 OR (a = 1 AND (b > 2 OR b IS NULL)))`, which every product understands.

        Of the rows whose first column has a value, each is either here or in `up_to`.
        """
        return self._compared(place, ">", ">")

    def up_to(self, place: Sequence[str]) -> str:
        """Rows not beyond a place."""
        return self._compared(place, "<", "<=")

    def _compared(self, place: Sequence[str], each: str, last: str) -> str:
        condition = ""
        pairs = list(enumerate(zip(self.names, self.natives, place, strict=True)))
        for number, (name, native, text) in reversed(pairs):
            literal = self.dialect.literal(text, native)
            here = f"{name} {each if condition else last} {literal}"
            if number and each == ">":
                here = f"{here} OR {name} IS NULL"
            here = f"{here} OR ({name} = {literal} AND {condition})" if condition else here
            condition = f"({here})" if " OR " in here else here
        return condition

    def without_place(self) -> str:
        """Rows that have none, since their first column is NULL."""
        return f"{self.names[0]} IS NULL"

    def place_of(self, number: int, where: str) -> str:
        """The question for the place of the row that is `number` among those of `where`, from 1."""
        texts = ", ".join(map(self.dialect.text, self.names, self.natives))
        return self.dialect.page(self.relation, texts, where, self.names, number - 1, 1)


@dataclass(frozen=True, slots=True)
class Window:
    """The cursor of one relation: what is asked, and which rows are new."""

    dialect: Dialect
    relation: Relation
    column: str
    native: str
    lag: float
    order: Order  # cursor, then key if it may be noted
    now: str = ""  # rows whose cursor is later than this are of the future, and say nothing of when they changed

    @property
    def name(self) -> str:
        return self.dialect.quoted(self.column)

    def stands(self, position: Position) -> str:
        """The question for the newest cursor there is since the position, whether (1) it is older than the one known,
        and how many rows are new and how many have no cursor. Only those rows are looked at: an index on the cursor
        finds them, and without one a single scan tells all four.
        """
        most = f"max({self.name})"
        if self.now:
            most = f"max(CASE WHEN {self.until(self.now)} THEN {self.name} END)"
        older = "0"
        if position.until is not None:
            older = f"CASE WHEN {most} < {self.dialect.literal(position.until, self.native)} THEN 1 ELSE 0 END"
        new = self.since(position) + (f" AND {self.until(self.now)}" if self.now else "")
        counted = (f"SUM(CASE WHEN {each} THEN 1 ELSE 0 END)" for each in (new, self.without()))
        where = f"({self.since(position)} OR {self.without()})" if position.until is not None else ""
        return select(self.relation, ", ".join((self.dialect.text(most, self.native), older, *counted)), where)

    def since(self, position: Position) -> str:
        """Rows that are new, or may be: changed since, or not committed yet when the last window was made."""
        if position.until is None:
            return f"{self.name} IS NOT NULL"
        late = f"{self.name} >= {self.settled(position.until)}"
        return f"({late} OR {self.order.after(position.at)})" if position.at else late

    def settled(self, until: str) -> str:
        """The moment before which no row is committed any more. Raises Refused if a lag makes no sense here."""
        literal = self.dialect.literal(until, self.native)
        return self.dialect.earlier(literal, self.lag, self.native) if self.lag else literal

    def until(self, until: str) -> str:
        return f"{self.name} <= {self.dialect.literal(until, self.native)}"

    def without(self) -> str:
        """Rows that say nothing of when they changed: read each time, in a pass of their own."""
        none = f"{self.name} IS NULL"
        return f"({none} OR {self.name} > {self.dialect.literal(self.now, self.native)})" if self.now else none


def may_be_noted(columns: Iterable[Column]) -> bool:
    """Whether values may stand in a position: it lies on the disk in the clear, so only what is kept as it is may."""
    return all(column.privacy == "keep" for column in columns)


_MOMENT = re.compile(
    r"(?P<mark>'?)(?P<day>\d{4,6}-\d{2}-\d{2})"
    r"(?:(?P<between>[ T])\d{2}:\d{2}(?P<seconds>:\d{2})?(?P<fraction>\.\d+)?)?(?P<zone>Z|[+-]\d{2}(?::?\d{2})?)?'?"
)
_ENDLESS = ("nan", "infinity", "inf", "9e999")


def written_as(known: str, now: datetime) -> str:
    """A moment of UTC in the form of a cursor that is known: `2024-01-31 09:30:00.5`; "" if that is none.

    Where clocks are not on UTC, rows of their last hours count as of the future: they are read again, and none is lost.
    """
    if known == "infinity":
        return f"{now:%Y-%m-%d}"
    if (found := _MOMENT.fullmatch(known)) is None:
        return ""
    clock = ""
    if found["between"]:
        clock = f"{found['between']}{now:%H:%M}" + (f"{now:%S}".rjust(3, ":") if found["seconds"] else "")
        clock += "." + "0" * (len(found["fraction"]) - 1) if found["fraction"] else ""
    return f"{found['mark']}{now:%Y-%m-%d}{clock}{found['zone'] or ''}{found['mark']}"


def is_later(known: str, now: str) -> bool:
    """Whether a cursor is later than a moment in its own form."""
    return known == "infinity" or (len(known), known) > (len(now), now)


def check_end(known: str) -> None:
    """Raises Refused if no cursor can ever be newer than this."""
    if known.lower() in _ENDLESS:
        hint = "read a query: that makes NULL of it; such rows are read each time"
        raise Refused(f"its newest value is {known}, and nothing can be newer", hint)


def key_order(dataset: Dataset, dialect: Dialect, relation: Relation, types: Mapping[str, str]) -> Order:
    return Order(dialect, relation, dataset.key, tuple(types[name] for name in dataset.key))


def window(dataset: Dataset, dialect: Dialect, relation: Relation, types: Mapping[str, str]) -> Window:
    """The window of a dataset that has a cursor. Places in it have no key where a key is not kept as it is."""
    assert dataset.cursor is not None
    column = dataset.cursor.column
    native = types[column]
    others = tuple(name for name in dataset.key if name != column)
    if not may_be_noted(each for each in dataset.key_columns if each.source != column):
        others = ()
    order = Order(dialect, relation, (column, *others), (native, *(types[name] for name in others)))
    return Window(dialect, relation, column, native, dataset.cursor.lag, order)
