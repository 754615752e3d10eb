"""SQL Server: T-SQL, and what its driver's Arrow columns can hold of each type. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from math import ceil, floor

import pyarrow as pa

from extractors.compiled import Column
from extractors.dialects.base import Dialect, Planned, Relation, quoted_text
from notation.problems import Refused

# Read as the driver gives it, every value held. `as_text` cannot fail either, so it changes nothing here.
_EXACT: Mapping[str, pa.DataType] = {
    "bigint": pa.int64(), "int": pa.int32(), "smallint": pa.int16(), "tinyint": pa.uint8(), "bit": pa.bool_(),
    "float": pa.float64(), "real": pa.float32(), "date": pa.date32(), "datetime": pa.timestamp("us"),
    "smalldatetime": pa.timestamp("us"), "money": pa.decimal128(19, 4), "smallmoney": pa.decimal128(10, 4),
    "binary": pa.binary(), "varbinary": pa.binary(), "image": pa.binary(), "timestamp": pa.binary(),
    "rowversion": pa.binary(), "uniqueidentifier": pa.string(),
}  # fmt: skip
_CHARACTERS = ("char", "varchar", "text", "nchar", "nvarchar", "ntext", "sysname")
_SPATIAL = ("geography", "geometry")
_DOCUMENTS = ("xml", "json", "vector")
_NUMBERS = ("bigint", "int", "smallint", "tinyint", "decimal", "numeric", "money", "smallmoney")
_MOMENTS = ("datetime", "smalldatetime", "datetime2", "datetimeoffset")
_FINE = 6  # digits after a second that Arrow's microseconds hold; the driver cuts a seventh without a word


class Tsql(Dialect):
    """A seventh digit of a second, a surrogate without its twin and a CLR type are never left to the driver."""

    sqlglot = "tsql"

    def quoted(self, name: str) -> str:
        """`a]b` -> `[a]]b]`."""
        return "[" + name.replace("]", "]]") + "]"

    def plan(self, column: Column, native: str, *, as_text: bool) -> Planned:
        name, kind = self.quoted(column.source), family(native)
        if kind in _EXACT:
            return Planned(column, name, _EXACT[kind])
        if kind in _CHARACTERS:
            if as_text:
                return Planned(column, utf16(name), None, as_text=True)
            return Planned(column, name, pa.string(), fragile=True)
        if kind in ("decimal", "numeric"):
            return Planned(column, name, pa.decimal128(*_digits(native)))
        if kind == "datetime2" and _scale(native) <= _FINE:
            return Planned(column, name, pa.timestamp("us"))
        if kind == "datetimeoffset" and _scale(native) <= _FINE and not as_text:
            return Planned(column, name, pa.timestamp("us", "UTC"), fragile=True)  # its instant may lie in year 0
        if kind in ("datetime2", "datetimeoffset", "time"):
            return Planned(column, f"CONVERT(varchar(34), {name}, 121)", pa.string(), as_text=as_text)
        if kind in _DOCUMENTS:
            return Planned(column, f"CONVERT(nvarchar(max), {name})", pa.string(), as_text=as_text)
        if kind in _SPATIAL:
            return Planned(column, f"{name}.AsBinaryZM()", pa.binary(), as_text=as_text)
        if kind == "hierarchyid":
            binary = column.type.name == "binary"
            how = f"CAST({name} AS varbinary(892))" if binary else f"{name}.ToString()"
            return Planned(column, how, pa.binary() if binary else pa.string(), as_text=as_text)
        if kind == "sql_variant":
            hint = f"write query: with CAST({name} AS …) of the type its values have, or privacy: drop"
            raise Refused("each value of a sql_variant has a type of its own, which the driver cannot say", hint)
        raise Refused(f"no exact way to read SQL Server's {native} is known", "write query: with a CAST, or drop it")

    def text(self, expression: str, native: str) -> str:
        kind = family(native)
        if kind in _CHARACTERS:
            return f"CONVERT(nvarchar(max), {expression})"
        return f"CONVERT({_written(kind)[0]})".format(expression)

    def literal(self, text: str, native: str) -> str:
        kind = family(native)
        if kind in _CHARACTERS:
            return "N" + quoted_text(text)
        return _written(kind)[1](text, native)

    def earlier(self, moment: str, seconds: float, native: str) -> str:
        kind = family(native)
        if kind == "date":
            return f"DATEADD(day, -{ceil(seconds / 86400)}, {moment})"
        if kind not in _MOMENTS:
            raise Refused(f"a lag is a length of time, and the cursor is {native}", "remove the lag")
        whole = floor(seconds)
        rest = round((seconds - whole) * 1000)  # DATEADD takes whole numbers of 32 bits
        return f"DATEADD(millisecond, -{rest}, DATEADD(second, -{whole}, {moment}))"

    def is_number(self, native: str) -> bool:
        return family(native) in _NUMBERS

    def page(self, relation: Relation, what: str, where: str, order: Sequence[str], skip: int, take: int) -> str:
        """OFFSET is a part of ORDER BY in T-SQL: without an order there has to be one that says nothing."""
        return super().page(relation, what, where, order or ("(SELECT NULL)",), skip, take)


def family(native: str) -> str:
    """`nvarchar(max)` -> nvarchar."""
    return native.partition("(")[0].strip().lower()


def is_long(native: str) -> bool:
    """Whether one value may be megabytes: the driver then fetches row by row, and batches are short."""
    return "(max)" in native or family(native) in ("text", "ntext", "image", "hierarchyid", *_DOCUMENTS, *_SPATIAL)


def utf16(expression: str) -> str:
    """The text as the bytes the server keeps; whoever decodes them sees what the driver would have replaced."""
    return f"CONVERT(varbinary(max), CONVERT(nvarchar(max), {expression}))"


def _digits(native: str) -> tuple[int, int]:
    found = re.fullmatch(r"\w+\((\d+),\s*(\d+)\)", native)
    return (int(found[1]), int(found[2])) if found else (18, 0)


def _scale(native: str) -> int:
    found = re.search(r"\((\d)\)", native)
    return int(found[1]) if found else 7


Written = Callable[[str, str], str]


def _as(style: int) -> Written:
    return lambda text, native: f"CONVERT({native}, {quoted_text(text)}, {style})"


def _written(kind: str) -> tuple[str, Written]:
    """How a value becomes text, as the inside of CONVERT; and the text a literal. Styles lose no digit."""
    if kind in ("money", "smallmoney"):
        return "varchar(30), {0}, 2", lambda text, native: f"CONVERT({native}, {quoted_text(text)})"
    if kind in _NUMBERS or kind == "bit":
        return "varchar(41), {0}", lambda text, native: _number(text)
    if kind in ("float", "real"):
        return "varchar(40), {0}, 3", lambda text, native: f"CONVERT({native}, {quoted_text(text)})"
    if kind in ("date", "time", *_MOMENTS):
        return "varchar(34), {0}, 121", _as(121)
    if kind in ("binary", "varbinary", "timestamp", "rowversion"):
        return "varchar(max), {0}, 1", lambda text, native: _hexadecimal(text)
    if kind == "uniqueidentifier":
        return "char(36), {0}", lambda text, native: f"CONVERT(uniqueidentifier, {quoted_text(text)})"
    raise Refused(f"values of type {kind} have no order that can be written down", "choose another column")


def _number(text: str) -> str:
    if re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text) is None:
        raise Refused("what was kept of a number is no number")
    return text


def _hexadecimal(text: str) -> str:
    if re.fullmatch(r"0x([0-9A-Fa-f]{2})*", text) is None:
        raise Refused("what was kept of a binary value is no hexadecimal")
    return text
