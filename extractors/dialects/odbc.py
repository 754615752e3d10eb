"""What is said over ODBC, and as which C type each column is fetched: a driver's own types are not believed. Pure.

Each rule stands for something a driver was seen to do without a word: an unsigned 4294967295 as -1, a NaN as 0.00,
`infinity` as today, a zero date and a bit as NULL, text in a column of numbers as NULL.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

import pyarrow as pa

from extractors.compiled import Column
from extractors.dialects.base import Dialect, Planned, Relation, quoted_text
from extractors.dialects.mysql import UNREADABLE
from extractors.raw import Raw, Undecodable
from notation.problems import Refused

DRIVERS = "ODBC "  # how the name of a type begins that only the driver has told: `ODBC decimal128(12, 2)`
_NUMBERS = "int(8|16|32|64)|uint(8|16|32)|float|double"
Decode = Callable[[bytes], Raw]


class Odbc(Dialect):
    """ANSI SQL and ODBC's own escapes (`{ts '…'}`), for a product nothing more is known of.

    Text comes from the driver (SQL_C_CHAR), except for whole numbers of 32 bits, floating point and bytes.
    """

    raw: pa.DataType = pa.binary()  # what is fetched where the plan leaves the type to each batch

    def decode(self, stored: bytes) -> Raw:
        """One value so fetched."""
        return stored.decode()

    def plan(self, column: Column, native: str, *, as_text: bool) -> Planned:
        name, kind = self.quoted(column.source), native.removeprefix(DRIVERS)
        arrow = _fetched(kind)
        if as_text and not _is_wide(kind):
            return Planned(column, f"CAST({name} AS CHAR(64))", pa.string(), as_text=True)
        return Planned(column, name, arrow, as_text=as_text, fragile=_is_wide(str(arrow)) and not as_text)

    def text(self, expression: str, native: str) -> str:
        return expression  # every question is fetched as text

    def literal(self, text: str, native: str) -> str:
        kind = native.removeprefix(DRIVERS)
        if _is_number(kind):
            if re.fullmatch(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?", text) is None:
                raise Refused("what was kept of a number is no number")
            return text
        if kind.startswith("date"):
            return f"{{d {quoted_text(text)}}}"
        if kind.startswith("timestamp"):
            return f"{{ts {quoted_text(text)}}}"
        if kind == "string":
            return quoted_text(text)
        raise Refused(f"values of type {kind} have no order that can be written down", "choose another column")

    def earlier(self, moment: str, seconds: float, native: str) -> str:
        if not native.removeprefix(DRIVERS).startswith("timestamp"):
            raise Refused(f"a lag is a length of time, and the cursor is {native}", "remove the lag")
        return f"{{fn TIMESTAMPADD(SQL_TSI_SECOND, -{int(-(-seconds // 1))}, {moment})}}"

    def is_number(self, native: str) -> bool:
        return _is_number(native.removeprefix(DRIVERS))


class Spoken(Odbc):
    """A known product's SQL: it casts to text itself, and its catalogue says the types. `inner` is its dialect.

    `proven`: its driver was seen to hand over whole and floating-point numbers exactly. `narrow` makes of a text
    expression one whose length the driver knows to be small; what is longer is noticed.
    """

    def __init__(
        self, inner: Dialect, *, always_text: bool, proven: bool = False, narrow: Callable[[str], str] | None = None
    ) -> None:
        self.inner, self.always_text, self.proven, self.narrow = inner, always_text, proven, narrow
        self.sqlglot = inner.sqlglot

    def quoted(self, name: str) -> str:
        return self.inner.quoted(name)

    def table(self, name: str) -> Relation:
        return self.inner.table(name)

    def plan(self, column: Column, native: str, *, as_text: bool) -> Planned:
        if native.startswith(DRIVERS):
            return super().plan(column, native, as_text=as_text)
        if self.proven and not as_text:
            direct = self.inner.plan(column, native, as_text=False)
            if direct.arrow is not None and not direct.fragile and re.fullmatch(_NUMBERS, str(direct.arrow)):
                return replace(direct, arrow=pa.int64() if "int" in str(direct.arrow) else direct.arrow)
        planned = self.inner.plan(column, native, as_text=as_text or self.always_text)
        if planned.arrow is None:
            return replace(planned, as_text=as_text, fragile=not as_text)
        if planned.arrow == pa.bool_():
            planned = replace(planned, sql=self.inner.text(planned.sql, native), arrow=pa.string())
        arrow = _fetched(str(planned.arrow))
        sql = self.narrow(planned.sql) if self.narrow and arrow == pa.string() and not as_text else planned.sql
        return replace(planned, sql=sql, arrow=arrow, as_text=as_text, fragile=_is_wide(str(arrow)) and not as_text)

    def text(self, expression: str, native: str) -> str:
        return super().text(expression, native) if native.startswith(DRIVERS) else self.inner.text(expression, native)

    def literal(self, text: str, native: str) -> str:
        return super().literal(text, native) if native.startswith(DRIVERS) else self.inner.literal(text, native)

    def earlier(self, moment: str, seconds: float, native: str) -> str:
        if native.startswith(DRIVERS):
            return super().earlier(moment, seconds, native)
        return self.inner.earlier(moment, seconds, native)

    def is_number(self, native: str) -> bool:
        return super().is_number(native) if native.startswith(DRIVERS) else self.inner.is_number(native)

    def page(self, relation: Relation, what: str, where: str, order: Sequence[str], skip: int, take: int) -> str:
        return self.inner.page(relation, what, where, order, skip, take)


class Utf16(Spoken):
    """SQL Server: what its driver replaced is read again as the bytes the server keeps."""

    def decode(self, stored: bytes) -> Raw:
        return stored.decode("utf-16-le")


class Bytes(Spoken):
    """MySQL: a driver that was given no text converts none; what is not a text's own type is made one there."""

    def plan(self, column: Column, native: str, *, as_text: bool) -> Planned:
        planned = super().plan(column, native, as_text=as_text)
        if native.startswith(DRIVERS) or planned.arrow != pa.string():
            return planned
        if as_text:
            return replace(planned, sql=f"CAST({planned.sql} AS BINARY)", arrow=None)
        is_text = re.match(r"(var)?char|(tiny|medium|long)?text", native)
        return planned if is_text else replace(planned, sql=f"CAST({planned.sql} AS CHAR)")

    def decode(self, stored: bytes) -> Raw:
        return Undecodable(stored[1:]) if stored.startswith(UNREADABLE) else stored.decode()


class Tagged(Spoken):
    """SQLite: each value says what it is, and its driver, which ends a text at a NUL, sees only hexadecimal."""

    raw = pa.string()

    def plan(self, column: Column, native: str, *, as_text: bool) -> Planned:
        name = self.quoted(column.source)
        value = (
            f"CASE typeof({name}) WHEN 'integer' THEN {name} WHEN 'real' THEN printf('%!.17g', {name})"
            f" ELSE hex({name}) END"
        )
        tagged = f"CASE WHEN {name} IS NOT NULL THEN substr(typeof({name}), 1, 1) || {value} END"
        return Planned(column, tagged, None, as_text=as_text, fragile=not as_text)

    def decode(self, stored: bytes) -> Raw:
        kind, value = stored[:1], stored[1:].decode()
        if kind == b"i":
            return int(value)
        if kind == b"r":
            return float(value)
        return bytes.fromhex(value) if kind == b"b" else bytes.fromhex(value).decode()


def _fetched(kind: str) -> pa.DataType:
    """The Arrow type that is asked of arrow-odbc; it decides the C type the driver must convert to."""
    if re.fullmatch(r"u?int(8|16|32)|bool", kind):
        return pa.int64()  # wide enough for an unsigned column that the driver calls signed
    if kind in ("float", "halffloat"):
        return pa.float32()
    if kind == "double":
        return pa.float64()
    return pa.binary() if "binary" in kind else pa.string()


def _is_wide(kind: str) -> bool:
    return kind in ("string", "large_string") or "binary" in kind


def _is_number(kind: str) -> bool:
    return bool(re.match(r"u?int|decimal|float|double|halffloat", kind))
