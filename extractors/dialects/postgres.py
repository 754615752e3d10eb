"""PostgreSQL: what each of its types is read as. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pyarrow as pa

from extractors.compiled import Column
from extractors.dialects.base import Dialect, Planned, Way, as_it_is, quoted_text
from extractors.raw import JSON
from notation.problems import Refused


def _text(name: str) -> str:
    return f"{name}::text"


_AS_TEXT = Way(_text, pa.string())
# bpchar::text cuts the blanks at the end, and DuckDB's scanner does too; the type's own output has them.
_PADDED = Way(lambda name: f"textin(bpcharout({name}))", pa.string())
_MONEY = Way(lambda name: f"{name}::numeric::text", pa.string())  # its own text depends on the server's lc_monetary
_WKB = Way(lambda name: f"ST_AsBinary({name})", pa.binary())
_JSON = Way(_text, JSON)  # of json and jsonb: the server has parsed what it holds
_TO_JSON = Way(lambda name: f"to_json({name})::text", JSON)
_NATIVE: Mapping[str, Way] = {
    "smallint": Way(as_it_is, pa.int16()),
    "integer": Way(as_it_is, pa.int32()),
    "bigint": Way(as_it_is, pa.int64()),
    "real": Way(as_it_is, pa.float32()),
    "double precision": Way(as_it_is, pa.float64()),
    "boolean": Way(as_it_is, pa.bool_()),
    "bytea": Way(as_it_is, pa.binary()),
    "text": Way(as_it_is, pa.string()),
    "character varying": Way(as_it_is, pa.string()),
    # Infinity and years before 1 or after 9999 come as numbers of days that no date has, and are noticed.
    "date": Way(as_it_is, pa.date32(), fragile=True),
    "timestamp without time zone": Way(as_it_is, pa.timestamp("us"), fragile=True),
    "timestamp with time zone": Way(as_it_is, pa.timestamp("us", "UTC"), fragile=True),
}
_ALREADY_TEXT = frozenset({"text", "character varying", "character", "bpchar", "xml", "name"})
_GEOMETRY = frozenset({"geometry", "geography"})
_SURVIVES = frozenset({"bytea", "smallint", "integer", "bigint", "real", "double precision", "boolean"})
_NATIVE_TYPE = re.compile(r"(.*?)(?:\(([^()]*)\))?((?: with(?:out)? time zone)?(?:\[\])*)")


class Postgres(Dialect):
    """What a session is told first (`SETTINGS`) decides how its texts look; a domain is read as what it is made of."""

    sqlglot = "postgres"

    def plan(self, column: Column, native: str, *, as_text: bool) -> Planned:
        way = _way(column, native, as_text)
        sql = way.sql(self.quoted(column.source))
        return Planned(column, sql, way.arrow, as_text=as_text, fragile=way.fragile)

    def text(self, expression: str, native: str) -> str:
        way = _PADDED if _bare(native) in ("character", "bpchar") else _AS_TEXT
        return way.sql(f"({expression})")

    def literal(self, text: str, native: str) -> str:
        return f"{quoted_text(text)}::{native}"

    def earlier(self, moment: str, seconds: float, native: str) -> str:
        if not re.match(r"date|timestamp", _bare(native)):
            raise Refused(f"a lag is a length of time, and the cursor is {native}", "remove the lag")
        return f"({moment} - interval '{seconds:.6f} seconds')"

    def is_number(self, native: str) -> bool:
        return _bare(native) in ("smallint", "integer", "bigint", "numeric")


SETTINGS: Mapping[str, str] = {  # of the session: with them, each type's text is one, whatever the server's own are
    "DateStyle": "ISO, YMD",
    "TimeZone": "UTC",
    "IntervalStyle": "iso_8601",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "standard_conforming_strings": "on",
    "synchronize_seqscans": "off",  # or rows come in another order each time
    "idle_in_transaction_session_timeout": "0",  # the session that keeps the snapshot waits while another reads
}


def not_a_number(column: str) -> str:
    """What the server's own complaint about a NaN has in it: it is asked to take this, after NaN, for a number."""
    return f" is no number in {column}"


def _bare(native: str) -> str:
    """`numeric(10,2)` -> numeric; `timestamp(3) without time zone` -> timestamp without time zone."""
    match = _NATIVE_TYPE.fullmatch(native)
    return match[1] + match[3] if match else native


def _way(column: Column, native: str, as_text: bool) -> Way:
    kind, declared = _bare(native), column.type.name
    if kind in ("character", "bpchar"):
        return _PADDED
    if kind.rpartition(".")[2] in _GEOMETRY and declared == "binary":
        return _WKB
    if kind == "money":
        return _MONEY
    if declared == "json" and kind in ("json", "jsonb"):
        return _JSON
    if declared == "json" and kind not in _ALREADY_TEXT and kind != "bytea":
        return _TO_JSON
    if kind == "numeric":
        return _AS_TEXT if as_text or declared == "string" else _numeric(column, native)
    if kind in _NATIVE and (kind == "bytea" or declared != "string"):
        way = _NATIVE[kind]
        return way if not as_text or kind in _SURVIVES else _AS_TEXT
    return _NATIVE[kind] if kind in ("text", "character varying") else _AS_TEXT


def _numeric(column: Column, native: str) -> Way:
    """As a decimal where its digits fit in one. DuckDB's scanner makes 0 of NaN, so the server looks for it first."""
    match = _NATIVE_TYPE.fullmatch(native)
    digits, _, point = (match[2] if match and match[2] else "99").partition(",")
    precision, scale = int(digits), int(point or 0)
    if precision > 38 or not 0 <= scale <= precision:
        return _AS_TEXT
    complaint = quoted_text(not_a_number(column.source))
    kind = f"numeric({precision},{scale})"
    return Way(
        lambda name: f"CASE WHEN {name} = 'NaN' THEN ({name}::text || {complaint})::{kind} ELSE {name}::{kind} END",
        pa.decimal128(precision, scale),
        fragile=True,
    )
