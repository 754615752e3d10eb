"""What a column of a source's type may be declared as, the likeliest first; a sample of its values decides. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from extractors.dialects import Dialect
from extractors.dialects.odbc import DRIVERS

WALL = "no zone in the source: timestamp(Europe/London) if it is this country's time"
LOOSE_NUMBER = "the source states no scale; a value with more than 10 digits after the point is a fault"
FINER = "a moment finer than a microsecond is a fault"


@dataclass(frozen=True, slots=True)
class Suggested:
    """Declared types, each wider than the one before; `note` is told of the first."""

    types: tuple[str, ...]
    note: str = ""


def suggested(dialect: Dialect, native: str) -> Suggested:
    """`numeric(12,2)` -> decimal(12,2); `timestamp with time zone` -> timestamp(UTC)."""
    rules = DRIVER if native.startswith(DRIVERS) else RULES[dialect.sqlglot]
    said = " ".join(native.removeprefix(DRIVERS).lower().split())
    for pattern, types, note in rules:
        found = re.fullmatch(pattern, said)
        if found is not None:
            return Suggested(tuple(_exact(found) if each == "exact" else each for each in types), note)
    return Suggested(("string",), f"how {native or 'it'} is written in the source")


def _exact(found: re.Match[str]) -> str:
    """`decimal(p,s)` of the type's own digits; text where it may have more than decimals can."""
    precision, scale = int(found["p"]), int(found["s"] or 0)
    if scale < 0:  # NUMBER(4,-2): so many digits, and two zeros
        precision, scale = precision - scale, 0
    precision = max(precision, scale)
    return f"decimal({precision},{scale})" if precision <= 38 else "string"


Rules = Sequence[tuple[str, tuple[str, ...], str]]
DIGITS = r"\((?P<p>\d+)(?:, ?(?P<s>-?\d+))?\)"
TEXT, WHOLE, FLOAT, BYTES = ("string",), ("int64", "string"), ("float64",), ("binary",)
FALL = ("decimal(38,10)", "float64", "string")

SQLITE: Rules = (  # a declared type is a hint there, so each has somewhere to fall to
    (r".*bool.*", ("boolean", "int64", "string"), ""),
    (r".*int.*", WHOLE, ""),
    (r".*(char|clob|text).*", ("string", "binary"), ""),
    (r".*json.*", ("json", "string", "binary"), ""),
    (r".*blob.*", ("binary", "string"), ""),
    (r".*(real|floa|doub).*", ("float64", "string"), ""),
    (rf"(?:decimal|numeric|number|money) ?{DIGITS}", ("exact", *FALL), ""),
    (r"(decimal|numeric|number|money).*", ("decimal(38,10)", "float64", "string"), LOOSE_NUMBER),
    (r".*(datetime|timestamp).*", ("timestamp", "timestamp(UTC)", "date", "int64", "float64", "string"), WALL),
    (r".*date.*", ("date", "timestamp", "int64", "string"), ""),
    (r".*time.*", ("time", "string"), ""),
    (r".*", ("int64", "float64", "string", "binary"), "the source gives it no type"),
)
POSTGRES: Rules = (
    (r"smallint", ("int16",), ""),
    (r"integer", ("int32",), ""),
    (r"bigint|oid", ("int64",), ""),
    (rf"numeric{DIGITS}", ("exact", "string"), ""),
    (r"numeric", ("decimal(38,10)", "string"), LOOSE_NUMBER),
    (r"money", ("decimal(19,2)", "string"), ""),
    (r"real|double precision", FLOAT, ""),
    (r"boolean|bit\(1\)", ("boolean", "string"), ""),
    (r"date", ("date", "string"), ""),
    (r"timestamp(\(\d\))? without time zone", ("timestamp", "string"), WALL),
    (r"timestamp(\(\d\))? with time zone", ("timestamp(UTC)", "string"), ""),
    (r"time(\(\d\))? without time zone", ("time", "string"), ""),
    (r"bytea", BYTES, ""),
    (r"jsonb?", ("json",), ""),
    (r".*\[\]", ("json", "string"), "an array: JSON, or text as PostgreSQL writes it"),
    (r"(.*\.)?hstore", ("json",), ""),
    (r"(.*\.)?(geometry|geography)(\(.*\))?", BYTES, "well-known binary"),
    (r"(character varying|character|text|name|xml|uuid|inet|cidr|macaddr8?|bpchar|(.*\.)?citext)(\(.*\))?", TEXT, ""),
)
_M = r"(?:\(\d+\))?(?P<flags>(?: unsigned)?(?: zerofill)?)"
MYSQL: Rules = (
    (r"(tinyint\(1\)|bit\(1\))", ("boolean", "int16", "string"), ""),
    (rf"(tinyint|smallint){_M}(?<!unsigned)(?<!zerofill)", ("int16",), ""),
    (r"tinyint.*", ("int16",), ""),
    (r"smallint.*|mediumint.*", ("int32",), ""),
    (r"(int|integer)(\(\d+\))?", ("int32",), ""),
    (r"(int|integer).*", ("int64",), ""),
    (r"bigint(\(\d+\))?", ("int64",), ""),
    (r"bigint.*", ("decimal(20,0)",), ""),
    (rf"decimal{DIGITS}.*", ("exact", "string"), ""),
    (r"(float|double).*", FLOAT, ""),
    (r"bit\(64\)", ("decimal(20,0)",), ""),
    (r"bit.*", ("int64",), ""),
    (r"year.*", ("int16",), ""),
    (r"date", ("date", "string"), ""),
    (r"datetime(\(\d\))?", ("timestamp", "string"), WALL),
    (r"timestamp(\(\d\))?", ("timestamp(UTC)", "string"), ""),
    (r"time(\(\d\))?", ("time", "string"), "a time beyond a day is a fault; string holds it"),
    (r"json", ("json", "string"), ""),
    (r"(binary|varbinary|(tiny|medium|long)?blob|vector).*", BYTES, ""),
    (r"(geometry|point|linestring|polygon|multi\w+|geom\w+)", BYTES, "well-known binary"),
    (r".*", TEXT, ""),
)
TSQL: Rules = (
    (r"bit", ("boolean",), ""),
    (r"timestamp|rowversion", BYTES, "a number that grows with each change of a row, as bytes"),
    (r"tinyint|smallint", ("int16",), ""),
    (r"int", ("int32",), ""),
    (r"bigint", ("int64",), ""),
    (rf"(?:decimal|numeric){DIGITS}", ("exact",), ""),
    (r"decimal|numeric", ("decimal(18,0)",), ""),
    (r"money", ("decimal(19,4)",), ""),
    (r"smallmoney", ("decimal(10,4)",), ""),
    (r"float(\(\d+\))?|real", FLOAT, ""),
    (r"date", ("date",), ""),
    (r"datetime2(\(7\))?", ("timestamp", "string"), f"{FINER}; {WALL}"),
    (r"(small)?datetime2?(\(\d\))?", ("timestamp",), WALL),
    (r"datetimeoffset(\(7\))?", ("timestamp(UTC)", "string"), FINER),
    (r"datetimeoffset\(\d\)", ("timestamp(UTC)", "string"), ""),
    (r"time(\(\d\))?", ("time", "string"), ""),
    (r"(binary|varbinary|image)(\(\w+\))?", BYTES, ""),
    (r"geography|geometry", BYTES, "well-known binary"),
    (r"json|vector(\(.*\))?", ("json", "string"), ""),
    (r".*", TEXT, ""),
)
ORACLE: Rules = (
    (r"number\([1-9], ?0\)", ("int32",), ""),
    (r"number\((1[0-8]), ?0\)", ("int64",), ""),
    (rf"number{DIGITS}", ("exact", "string"), ""),
    (r"number\(\*, ?0\)", ("decimal(38,0)", "string"), ""),
    (r"number", ("decimal(38,10)", "string"), LOOSE_NUMBER),
    (r"(float.*|binary_float|binary_double)", FLOAT, ""),
    (r"date", ("timestamp", "string"), f"Oracle's DATE has a time of day; date if all are at midnight; {WALL}"),
    (r"timestamp(\([0-6]\))?", ("timestamp", "string"), WALL),
    (r"timestamp\(\d\)", ("timestamp", "string"), f"{FINER}; {WALL}"),
    (r"timestamp.* with.* time zone", ("timestamp(UTC)", "string"), ""),
    (r"(blob|raw.*)", BYTES, ""),
    (r"(mdsys\.)?sdo_geometry", BYTES, "well-known binary"),
    (r"boolean", ("boolean",), ""),
    (r"json|vector.*", ("json", "string"), ""),
    (r".*", TEXT, ""),
)
DRIVER: Rules = (  # Arrow's names, as a driver described the column
    (r"bool", ("boolean", "int64"), ""),
    (r"u?int8|int16", ("int16",), ""),
    (r"uint16", ("int32",), ""),
    (r"u?int(32|64)", ("int64", "decimal(20,0)"), ""),
    (r"halffloat|float|double", FLOAT, ""),
    (rf"decimal\d*{DIGITS}", ("exact", "string"), ""),
    (r"date.*", ("date", "timestamp", "string"), ""),
    (r"timestamp.*", ("timestamp", "string"), WALL),
    (r"time.*", ("time", "string"), ""),
    (r".*binary.*", BYTES, ""),
    (r".*", TEXT, ""),
)
RULES: Mapping[str, Rules] = {
    "sqlite": SQLITE, "postgres": POSTGRES, "mysql": MYSQL, "tsql": TSQL, "oracle": ORACLE, "": DRIVER,
}  # fmt: skip
