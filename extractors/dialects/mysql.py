"""MySQL and MariaDB: what each of their types is read as. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import pyarrow as pa

from extractors.compiled import Column
from extractors.dialects.base import Dialect, Planned, Relation, Way, as_it_is, quoted_text, select
from notation.problems import Refused

# Of the session. Texts then look alike whatever the server's own settings are; nothing cuts a result short; and a
# server that has to wait for us (a slow disk, rows_per_second) does not hang up: it would after 60 seconds.
SETTINGS: Mapping[str, str] = {
    "sql_mode": "''",
    "time_zone": "'+00:00'",
    "character_set_results": "NULL",  # text as it is stored: a server that converts writes ? for what it cannot read
    "sql_select_limit": "18446744073709551615",
    "sql_big_selects": "1",
    "sql_auto_is_null": "0",
    "group_concat_max_len": "67108864",
    "net_write_timeout": "31536000",
    "net_read_timeout": "31536000",
    "wait_timeout": "2147483",
}
SAME_BYTES = frozenset({"utf8mb4", "utf8mb3", "utf8", "ascii"})  # character sets whose text is UTF-8 as it is stored
UNREADABLE = b"\xff"  # stands before the bytes of text that the server itself cannot convert; no UTF-8 begins with it


def _as_double(name: str) -> str:
    return f"({name} * 1e0)"  # a FLOAT prints six digits; times one it is a DOUBLE, which prints them all; -0 stays -0


def _as_number(name: str) -> str:
    return f"({name} + 0)"


_TEXT = Way(as_it_is, pa.string())
_BYTES = Way(as_it_is, pa.binary())
_INSTANT = Way(as_it_is, pa.timestamp("us", "UTC"), fragile=True)  # 0000-00-00 00:00:00 is none, and is noticed
_INSTANT_TEXT = Way(lambda name: f"CONCAT({name}, '+00:00')", pa.string())
_WKB = Way(lambda name: f"ST_AsBinary({name})", pa.binary())
_WKT = Way(lambda name: f"ST_AsText({name})", pa.string())
_WHOLE = frozenset({"tinyint", "smallint", "mediumint", "int", "integer", "bigint"})
_BINARY = frozenset({"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob", "vector"})
_GEOMETRY = frozenset({
    "geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon",
    "geometrycollection", "geomcollection",
})  # fmt: skip
_ORDERED_BY_PLACE = frozenset(
    {"enum", "set"}
)  # ORDER BY and an index take their number, a comparison with text does not
_CHARACTER_SET = re.compile(r" character set (\w+)$")
_NATIVE = re.compile(r"(\w+)(?:\((\d+)(?:,(\d+))?\))?")


class MySql(Dialect):
    """Every value comes as the text the server writes, which says all of it; `SETTINGS` decides how that looks."""

    sqlglot = "mysql"

    def quoted(self, name: str) -> str:
        return "`" + name.replace("`", "``") + "`"

    def plan(self, column: Column, native: str, *, as_text: bool) -> Planned:
        way = _way(column.type.name, native, as_text)
        sql = way.sql(self.quoted(column.source))
        return Planned(column, sql, way.arrow, as_text=as_text, fragile=way.fragile)

    def text(self, expression: str, native: str) -> str:
        kind = _bare(native)
        if kind in _BINARY:
            return f"HEX({expression})"
        if kind in _ORDERED_BY_PLACE or kind == "bit":
            return f"CAST({_as_number(expression)} AS CHAR)"
        if kind in ("float", "double"):
            return f"CAST({_as_double(expression)} AS CHAR)"
        return f"CONVERT({expression} USING utf8mb4)"

    def literal(self, text: str, native: str) -> str:
        kind = _bare(native)
        if kind in _BINARY:
            return f"x'{bytes.fromhex(text).hex()}'"
        if kind in _WHOLE or kind in _ORDERED_BY_PLACE or kind in ("bit", "year", "decimal", "float", "double"):
            if re.fullmatch(r"-?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?", text) is None:
                raise Refused(f"what the source said of a {native} is no number")
            return f"{text}e0" if kind in ("float", "double") and "e" not in text else text
        if kind in ("date", "datetime", "timestamp", "time"):
            return quoted_text(text)
        return f"_utf8mb4 x'{text.encode().hex()}'"  # no quoting to get wrong, whatever sql_mode says of backslashes

    def earlier(self, moment: str, seconds: float, native: str) -> str:
        if _bare(native) not in ("date", "datetime", "timestamp"):
            raise Refused(f"a lag is a length of time, and the cursor is {native}", "remove the lag")
        cast = f"CAST({moment} AS DATETIME(6))"  # nothing is earlier than 0000-00-00, and so that itself
        return f"COALESCE({cast} - INTERVAL {seconds:.6f} SECOND, {cast})"

    def is_number(self, native: str) -> bool:
        return _bare(native) in _WHOLE or _bare(native) == "decimal"

    def page(self, relation: Relation, what: str, where: str, order: Sequence[str], skip: int, take: int) -> str:
        return select(relation, what, where, f"ORDER BY {', '.join(order)} LIMIT {take} OFFSET {skip}")


def _bare(native: str) -> str:
    """`int(10) unsigned` -> int; `varchar(40) character set latin1` -> varchar."""
    match = _NATIVE.match(native.lower())
    return match[1] if match else native


def _way(declared: str, native: str, as_text: bool) -> Way:
    kind, is_unsigned, as_written = _bare(native), "unsigned" in native, as_text or declared == "string"
    if kind in _WHOLE:
        if as_text or ("zerofill" in native and declared in ("string", "uprn", "usrn")):
            return _TEXT
        return Way(as_it_is, pa.uint64() if is_unsigned and kind == "bigint" else pa.int64())
    if kind == "decimal":
        return _TEXT if as_written else _decimal(native)
    if kind in ("float", "double"):
        sql = as_it_is if native == "double" else _as_double
        return Way(sql, pa.string() if as_text else pa.float32() if kind == "float" else pa.float64())
    if kind == "bit":
        if declared == "binary":
            return _BYTES
        return Way(_as_number, pa.string() if as_text else pa.uint64())
    if kind == "year":
        return _TEXT if as_written else Way(as_it_is, pa.int64())
    if kind == "timestamp":
        return _INSTANT_TEXT if as_written else _INSTANT
    if kind in _BINARY:
        return _BYTES
    if kind in _GEOMETRY:
        return _WKB if declared == "binary" else _WKT
    found = _CHARACTER_SET.search(native)
    return _converted(found[1]) if found else _TEXT


def _decimal(native: str) -> Way:
    match = _NATIVE.match(native)
    precision, scale = (int(match[2] or 10), int(match[3] or 0)) if match else (10, 0)
    return Way(as_it_is, pa.decimal128(precision, scale)) if precision <= 38 else _TEXT


def _converted(character_set: str) -> Way:
    """Text in another character set. latin1 has a character for each byte; of others, some bytes may be none."""
    if character_set == "latin1":
        return Way(lambda name: f"CONVERT({name} USING utf8mb4)", pa.string())
    return Way(
        lambda name: (
            f"IF(CAST(CONVERT(CONVERT({name} USING utf8mb4) USING {character_set}) AS BINARY) "
            f"= CAST({name} AS BINARY), CAST(CONVERT({name} USING utf8mb4) AS BINARY), "
            f"CONCAT(x'{UNREADABLE.hex()}', CAST({name} AS BINARY)))"
        ),
        pa.string(),
    )
