"""The types a column can be declared as, and the Arrow type each is kept in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import pyarrow as pa

from notation.problems import Refused, nearest


@dataclass(frozen=True, slots=True)
class Type:
    """A declared type: `decimal(12,2)` is Type("decimal", 12, 2), `timestamp(UTC)` is Type("timestamp", zone="UTC")."""

    name: str
    precision: int = 0
    scale: int = 0
    zone: str = ""

    def __str__(self) -> str:
        if self.name == "decimal":
            return f"decimal({self.precision},{self.scale})"
        return f"{self.name}({self.zone})" if self.zone else self.name

    @property
    def arrow(self) -> pa.DataType:
        """The Arrow type the lake keeps. A time of day is text: neither Delta nor Power BI has a type for it."""
        if self.name == "decimal":
            return pa.decimal128(self.precision, self.scale)
        if self.name == "timestamp":
            return pa.timestamp("us", "UTC") if self.zone else pa.timestamp("us")
        return _ARROW[self.name]


_ARROW: Mapping[str, pa.DataType] = {
    "string": pa.string(),
    "boolean": pa.bool_(),
    "int8": pa.int8(),
    "int16": pa.int16(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "float64": pa.float64(),
    "date": pa.date32(),
    "time": pa.string(),
    "uprn": pa.string(),
    "usrn": pa.string(),
    "binary": pa.binary(),
    "json": pa.string(),
}
NAMES: Mapping[str, str] = {  # what docs/types.md and the messages say of each
    "string": "text, exactly as stored (blanks too, unless `trim` says otherwise)",
    "boolean": "true or false",
    "int8": "a whole number from -128 to 127",
    "int16": "a whole number from -32768 to 32767",
    "int32": "a whole number of 32 bits",
    "int64": "a whole number of 64 bits",
    "decimal(p,s)": "an exact number of up to p digits (38 at most), s of them after the point",
    "float64": "the nearest 64-bit floating-point number; not for money",
    "date": "a day, from 0001-01-01 to 9999-12-31",
    "time": "a time of day, kept as text `HH:MM:SS`, with a fraction where there is one",
    "timestamp": "a day and time as the source wrote it, without a zone, to the microsecond",
    "timestamp(ZONE)": "an instant, kept in UTC; a value without an offset is wall time in ZONE, such as Europe/London",
    "uprn": "a Unique Property Reference Number: text of 1 to 12 digits",
    "usrn": "a Unique Street Reference Number: text of 1 to 8 digits",
    "binary": "bytes",
    "json": "a JSON document, kept as the text it is",
}
ALIASES: Mapping[str, str] = {
    "text": "string",
    "int": "int64",
    "integer": "int64",
    "datetime": "timestamp",
    "bool": "boolean",
}
_INSTEAD: Mapping[str, str] = {  # words people bring from databases, and what to write here
    "varchar": "string", "char": "string", "nvarchar": "string", "bigint": "int64", "smallint": "int16",
    "tinyint": "int8", "money": "decimal(19,4)", "numeric": "decimal(p,s), for example decimal(12,2)",
    "double": "float64", "real": "float64", "float": "float64", "uint64": "decimal(20,0)", "uint32": "int64",
    "timestamptz": "timestamp(UTC)", "blob": "binary", "bytea": "binary",
}  # fmt: skip
_SHAPE = re.compile(r"([a-z][a-z0-9]*)(?:\(([^()]*)\))?")


def parse(text: str) -> Type:
    """`"decimal(12,2)"` -> Type("decimal", 12, 2). Raises Refused."""
    match = _SHAPE.fullmatch(text.strip())
    word, inside = (match[1], match[2]) if match else (text.strip(), None)
    word = ALIASES.get(word, word)
    if word == "decimal":
        return _decimal(text, inside)
    if word == "timestamp":
        return _timestamp(text, inside)
    if word in _ARROW and inside is None:
        return Type(word)
    if word in _ARROW:
        raise Refused(f"type '{text}' takes nothing in brackets", f"write {word}")
    raise Refused(f"type '{text}' is not known", _suggest(word))


def _suggest(word: str) -> str:
    if word.lower() in _INSTEAD:
        return f"write {_INSTEAD[word.lower()]}"
    options = (*_ARROW, "decimal", "timestamp", *ALIASES)
    close = nearest(word.lower(), options)
    listed = "types: " + ", ".join(NAMES)
    return f"{listed}. Did you mean '{close}'?" if close else listed


def _decimal(text: str, inside: str | None) -> Type:
    parts = re.fullmatch(r"\s*(\d{1,2})\s*,\s*(\d{1,2})\s*", inside or "")
    if parts and 1 <= int(parts[1]) <= 38 and int(parts[2]) <= int(parts[1]):
        return Type("decimal", int(parts[1]), int(parts[2]))
    raise Refused(
        f"type '{text}' does not say how many digits",
        "write decimal(p,s): p digits in all (1 to 38), s of them after the point, for example decimal(12,2)",
    )


def _timestamp(text: str, inside: str | None) -> Type:
    if inside is None:
        return Type("timestamp")
    zone = inside.strip()
    try:
        ZoneInfo(zone)
    except (ValueError, OSError) as exc:  # ZoneInfoNotFoundError is a KeyError, and so below
        raise _no_zone(text, zone) from exc
    except KeyError as exc:
        if zone != "UTC":  # a machine without the time zone database still knows UTC
            raise _no_zone(text, zone) from exc
    return Type("timestamp", zone=zone)


def _no_zone(text: str, zone: str) -> Refused:
    hint = "write timestamp(Europe/London), timestamp(UTC), or timestamp for times without a zone"
    return Refused(f"type '{text}' names a time zone '{zone}' that this machine does not know", hint)
