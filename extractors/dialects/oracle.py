"""Oracle: its SQL, and what its driver's Arrow columns can hold of each type. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import ceil

import pyarrow as pa

from extractors.compiled import Column
from extractors.dialects.base import Dialect, Planned, Relation, quoted_text
from notation.problems import Refused

_CHARACTERS = ("CHAR", "NCHAR", "VARCHAR", "VARCHAR2", "NVARCHAR2")
_LOBS = ("CLOB", "NCLOB", "BLOB")
_DAY = "SYYYY-MM-DD HH24:MI:SS"  # S: a year before Christ has its minus sign, or it would be read as one after
_POINT = "'NLS_NUMERIC_CHARACTERS=''.,'''"
_FINE = 6  # digits after a second that the driver's own moments hold; it cuts the others without a word


class Oracle(Dialect):
    """A NUMBER without a scale, a zone and a billionth of a second are never left to the driver."""

    sqlglot = "oracle"

    def plan(self, column: Column, native: str, *, as_text: bool) -> Planned:
        name, kind = self.quoted(column.source), family(native)
        arrow = _native(native)
        if arrow is not None and not (as_text and _is_fragile(kind)):
            return Planned(column, name, arrow, fragile=_is_fragile(kind))
        if kind in ("NUMBER", "FLOAT", "DATE") or kind.startswith(("TIMESTAMP", "INTERVAL")):
            return Planned(column, self.text(name, native), pa.string(), as_text=as_text)
        if kind == "ROWID" or kind == "UROWID":
            return Planned(column, f"ROWIDTOCHAR({name})" if kind == "ROWID" else f"CAST({name} AS VARCHAR2(4000))",
                           pa.string(), as_text=as_text)  # fmt: skip
        if kind == "XMLTYPE":
            return Planned(column, f"q.{name}.getClobVal()", pa.string(), as_text=as_text)
        if kind == "SDO_GEOMETRY":
            return Planned(column, f"SDO_UTIL.TO_WKBGEOMETRY({name})", pa.binary(), as_text=as_text)
        if kind == "JSON":
            return Planned(column, f"JSON_SERIALIZE({name} RETURNING CLOB)", pa.string(), as_text=as_text)
        if kind == "VECTOR":
            return Planned(column, f"FROM_VECTOR({name} RETURNING CLOB)", pa.string(), as_text=as_text)
        if kind in ("LONG", "LONG RAW"):
            hint = f"ask for a view of it with TO_LOB({name}) in a table of its own, or write privacy: drop"
            raise Refused(f"a {kind} can be neither cast nor counted on, and Oracle itself gave it up", hint)
        if kind == "BFILE":
            raise Refused("a BFILE is a file beside the database", "write query: with what is wanted of it, or drop it")
        raise Refused(f"no exact way to read Oracle's {native} is known", "write query: with a cast, or drop it")

    def table(self, name: str) -> Relation:
        """With an alias, since Oracle calls a method of a column (XMLTYPE's) only by way of one."""
        return Relation(super().table(name).sql + " q", table=name)

    def text(self, expression: str, native: str) -> str:
        kind = family(native)
        if kind in ("NUMBER", "FLOAT"):
            return f"TO_CHAR({expression}, 'TM9', {_POINT})"
        if kind == "DATE":
            return f"LTRIM(TO_CHAR({expression}, '{_DAY}'))"
        if kind == "TIMESTAMP":
            return f"LTRIM(TO_CHAR({expression}, '{_DAY}.FF9'))"
        if kind.startswith("TIMESTAMP"):
            return f"""LTRIM(TO_CHAR({expression} AT TIME ZONE 'UTC', '{_DAY}.FF9"+00:00"'))"""
        if kind.startswith("INTERVAL"):
            return f"TO_CHAR({expression})"
        if kind == "RAW":
            return f"RAWTOHEX({expression})"
        if kind == "ROWID":
            return f"ROWIDTOCHAR({expression})"
        if kind in _CHARACTERS:
            return expression
        raise Refused(f"values of type {native} have no order that can be written down", "choose another column")

    def literal(self, text: str, native: str) -> str:
        kind, said = family(native), quoted_text(text)
        if kind in ("NUMBER", "FLOAT"):
            return _number(text)
        if kind == "DATE":
            return f"TO_DATE({said}, '{_DAY}')"
        if kind == "TIMESTAMP":
            return f"TO_TIMESTAMP({said}, '{_DAY}.FF9')"
        if kind.startswith("TIMESTAMP"):
            return f"TO_TIMESTAMP_TZ({said}, '{_DAY}.FF9TZH:TZM')"
        if kind == "INTERVAL DAY TO SECOND":
            return f"TO_DSINTERVAL({said})"
        if kind == "INTERVAL YEAR TO MONTH":
            return f"TO_YMINTERVAL({said})"
        if kind == "RAW":
            return f"HEXTORAW({said})"
        if kind == "ROWID":
            return f"CHARTOROWID({said})"
        return ("N" if kind.startswith("N") else "") + said

    def earlier(self, moment: str, seconds: float, native: str) -> str:
        kind = family(native)
        if kind == "DATE":
            return f"({moment} - {ceil(seconds)}/86400)"
        if kind.startswith("TIMESTAMP"):
            return f"({moment} - NUMTODSINTERVAL({seconds:.6f}, 'SECOND'))"
        raise Refused(f"a lag is a length of time, and the cursor is {native}", "remove the lag")

    def is_number(self, native: str) -> bool:
        return family(native) in ("NUMBER", "FLOAT")

    def page(self, relation: Relation, what: str, where: str, order: Sequence[str], skip: int, take: int) -> str:
        """Oracle 12 and later know SQL:2008's OFFSET … FETCH."""
        return super().page(relation, what, where, order or ("NULL",), skip, take)


def family(native: str) -> str:
    """`NUMBER(10,2)` -> NUMBER; `TIMESTAMP(6) WITH TIME ZONE` -> TIMESTAMP WITH TIME ZONE."""
    return " ".join(re.sub(r"\([^)]*\)", "", native.removeprefix("MDSYS.").removeprefix("SYS.")).upper().split())


def is_long(native: str) -> bool:
    """Whether one value may be megabytes: batches are then short."""
    return family(native) in (*_LOBS, "XMLTYPE", "SDO_GEOMETRY", "JSON", "VECTOR")


def _native(native: str) -> pa.DataType | None:
    """What the driver is asked for (`requested_schema`) where that holds every value, else None."""
    kind = family(native)
    if kind == "NUMBER":
        return _number_type(native)
    if kind == "TIMESTAMP":
        found = re.search(r"\((\d)\)", native)
        return pa.timestamp("us") if found is None or int(found[1]) <= _FINE else None
    if kind == "DATE":
        return pa.timestamp("us")
    if kind in _CHARACTERS or kind in ("CLOB", "NCLOB"):
        return pa.string()
    others: dict[str, pa.DataType] = {
        "BINARY_FLOAT": pa.float32(), "BINARY_DOUBLE": pa.float64(), "BOOLEAN": pa.bool_(), "RAW": pa.binary(),
        "BLOB": pa.binary(),
    }  # fmt: skip
    return others.get(kind)


def _number_type(native: str) -> pa.DataType | None:
    """`NUMBER(9,0)` -> int64, `NUMBER(12,2)` -> decimal128(12, 2); a NUMBER without a scale has no such type."""
    found = re.fullmatch(r"NUMBER\((\d+),\s*(-?\d+)\)", native.upper())
    if found is None:
        return None
    precision, scale = int(found[1]), int(found[2])
    if scale == 0 and precision <= 18:
        return pa.int64()
    return pa.decimal128(precision, scale) if 0 <= scale <= precision <= 38 else None


def _is_fragile(kind: str) -> bool:
    """The driver makes Python's datetime of a day first, which has no year before Christ: it then raises."""
    return kind in ("DATE", "TIMESTAMP")


def _number(text: str) -> str:
    if re.fullmatch(r"-?([0-9]+(\.[0-9]*)?|\.[0-9]+)(E[+-]?[0-9]+)?", text) is None:
        raise Refused("what was kept of a number is no number")
    return text
