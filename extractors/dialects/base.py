"""What is said to a source, and how each column is read: ANSI SQL, which a dialect changes where it differs. Pure."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyarrow as pa

from extractors.compiled import Column
from notation.problems import Refused


@dataclass(frozen=True, slots=True)
class Planned:
    """How one column is read: an expression of the source, and the Arrow type its batches then have.

    `arrow` is None where each batch says for itself (SQLite's loose columns, see `raw.pack`). A `fragile` column is
    read natively although the engine has no way to hold some value its type allows: if it meets one, the source raises
    NativeFailed, and the run begins again with that column `as_text`, which every value survives.
    """

    column: Column
    sql: str
    arrow: pa.DataType | None
    as_text: bool = False
    fragile: bool = False


@dataclass(frozen=True, slots=True)
class Way:
    """One way to read an expression of the source."""

    sql: Callable[[str], str]
    arrow: pa.DataType
    fragile: bool = False


def as_it_is(name: str) -> str:
    return name


@dataclass(frozen=True, slots=True)
class Relation:
    """What rows come from: a table's quoted name, or a query in brackets with an alias; `ctes` is its `WITH …`."""

    sql: str
    ctes: str = ""
    table: str = ""  # the name as datasets.yaml has it; "" for a query


@dataclass(frozen=True, slots=True)
class Select:
    """One reading. Its batches have a column for each of `columns`, in that order, named `c0`, `c1`, …"""

    relation: Relation
    columns: tuple[Planned, ...]
    where: str = ""  # a condition in the source's SQL; "" for every row

    @property
    def sql(self) -> str:
        listed = ", ".join(f"{column.sql} AS c{at}" for at, column in enumerate(self.columns))
        return select(self.relation, listed, self.where)


def select(relation: Relation, what: str, where: str = "", more: str = "") -> str:
    """`SELECT what FROM relation WHERE where more`, with the relation's own WITH in front."""
    parts = (relation.ctes, f"SELECT {what} FROM {relation.sql}", f"WHERE {where}" if where else "", more)  # noqa: S608
    return " ".join(part for part in parts if part)


class Dialect(ABC):
    """ANSI's ways. A subclass says what its own product does otherwise; `sqlglot` is that library's name for it."""

    sqlglot = ""

    def quoted(self, name: str) -> str:
        """One name, as an identifier in double quotes."""
        return '"' + name.replace('"', '""') + '"'

    def table(self, name: str) -> Relation:
        """`dbo.REPAIR_JOBS`, as datasets.yaml writes it, as a relation: each part between dots quoted."""
        return Relation(".".join(map(self.quoted, name.split("."))), table=name)

    @abstractmethod
    def plan(self, column: Column, native: str, *, as_text: bool) -> Planned:
        """How a column of the source's type `native` is read for its declared type.

        `as_text`: without any native reading that could fail. Raises Refused where no exact way exists.
        """

    @abstractmethod
    def text(self, expression: str, native: str) -> str:
        """The expression's value as text that `literal` takes back exactly."""

    @abstractmethod
    def literal(self, text: str, native: str) -> str:
        """Text that `text` gave, as a literal that compares with a column of type `native`."""

    @abstractmethod
    def earlier(self, moment: str, seconds: float, native: str) -> str:
        """A moment (an expression of type `native`), so many seconds earlier. Raises Refused if it is no moment."""

    @abstractmethod
    def is_number(self, native: str) -> bool:
        """Whether values of this type are whole or decimal numbers, and so compare in the lake as they do there."""

    def page(self, relation: Relation, what: str, where: str, order: Sequence[str], skip: int, take: int) -> str:
        """`take` rows after the first `skip` of them in `order` (SQL:2008's OFFSET … FETCH)."""
        rows = f"ORDER BY {', '.join(order)} OFFSET {skip} ROWS FETCH NEXT {take} ROWS ONLY"
        return select(relation, what, where, rows)


def quoted_text(text: str) -> str:
    """A character literal: `'it''s'`."""
    if "\0" in text:
        raise Refused("text with a NUL in it cannot be written in SQL")
    return "'" + text.replace("'", "''") + "'"
