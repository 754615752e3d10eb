"""Whole columns into their declared types at once, only where that gives what reading value by value gives. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from extractors.compiled import Column
from extractors.declared import Type
from extractors.digits import are_digits
from extractors.parsing import BLANKS
from extractors.raw import Array, loose
from extractors.walls import placed


@dataclass(frozen=True, slots=True)
class Cast:
    """The typed values; `rest`: the rows that are NULL here and not in the source, for the parser; None: none are."""

    values: Array
    rest: Array | None = None


def cast(raw: Array, column: Column) -> Cast | None:
    """A plain column in its declared type, or None: read it value by value."""
    declared = column.type
    kind = raw.type
    try:
        if declared.name == "string" and pa.types.is_string(kind):
            return Cast(_TRIMMED[column.trim](raw))
        if kind == declared.arrow and declared.name not in _TEXTS and column.divide == 1:
            return Cast(raw)
        for test, convert in _FROM:
            if test(kind):
                return convert(raw, column)
    except pa.ArrowInvalid:  # some value does not fit: the parser says which
        return None
    return None


_TEXTS = ("json", "uprn", "usrn", "time")  # kept as text, of which not every text is one
_TRIMMED: Mapping[str, Callable[[Array], Array]] = {
    "none": lambda text: text,
    "end": lambda text: pc.utf8_rtrim(text, characters=BLANKS),
    "both": lambda text: pc.utf8_trim(text, characters=BLANKS),
}


def _within(raw: Array, low: float, high: float) -> bool:
    least, most = bounds(raw)
    return least is None or most is None or (low <= least and most <= high)


def bounds(numbers: Array) -> tuple[float | None, float | None]:
    """The least and the most of a column of numbers; None where it has none."""
    ends: Any = pc.min_max(numbers)
    return ends["min"].as_py(), ends["max"].as_py()


def _same(one: Array, other: Array) -> bool:
    return bool(pc.all(pc.equal(one, other), min_count=0).as_py())


# --- numbers ----------------------------------------------------------------------------------------------------------


def _from_whole(raw: Array, column: Column) -> Cast | None:
    declared, name = column.type, column.type.name
    if name in ("int8", "int16", "int32", "int64"):
        return Cast(raw.cast(declared.arrow))
    if name == "decimal":
        return _moved(raw.cast(pa.decimal128(38, 0)), column)
    if name == "float64" and _within(raw, -(2**53), 2**53):
        return Cast(raw.cast(pa.float64()))
    if name == "boolean" and _within(raw, 0, 1):
        return Cast(raw.cast(pa.bool_()))
    if name in ("string", "json"):
        return Cast(raw.cast(pa.string()))
    if name in ("uprn", "usrn"):
        return _from_text(raw.cast(pa.string()), column)
    return None


def _from_float(raw: Array, column: Column) -> Cast | None:
    name = column.type.name
    if name in ("int8", "int16", "int32", "int64") and _within(raw, -(2.0**53), 2.0**53):
        return Cast(raw.cast(column.type.arrow))
    if name != "decimal":
        return None
    digits = _digits(raw, column.type, len(str(column.divide)) - 1)
    if digits is not None:
        return Cast(_at(digits.cast(pa.decimal128(38, 0)), column.type.arrow))
    return _from_text(raw.cast(pa.string()), column)  # Arrow's text is the shortest too


_DIGITS = 15  # no two decimals of so many digits are one float, so one that gives the float is what it is written as


def _digits(floats: Array, declared: Type, places: int) -> Array | None:
    """12.5 at two places -> 1250; None if that is not all of some value, or too much of it.

    A float that is the quotient of two whole numbers it holds exactly is the one nearest to it (IEEE 754, 5.4.1).
    """
    after, most = declared.scale - places, 10.0 ** min(declared.precision, _DIGITS)
    if not 0 <= after <= _DIGITS:
        return None
    digits = pc.round(pc.multiply(floats, 10.0**after))
    if not _within(digits, -most + 1, most - 1) or not _same(pc.divide(digits, 10.0**after), floats):
        return None
    return digits.cast(pa.int64())


def _from_decimal(raw: Array, column: Column) -> Cast | None:
    name, kind = column.type.name, raw.type
    if name == "decimal" and pa.types.is_decimal128(kind):
        return _moved(raw, column)
    if name in ("int8", "int16", "int32", "int64") and kind.scale == 0:
        return Cast(raw.cast(column.type.arrow))
    return _from_text(loose(raw), column)


def _moved(digits: Array, column: Column) -> Cast | None:
    """1234 pence, divided by 100, are 12.34. The digits stay; only the point is set anew."""
    places = len(str(column.divide)) - 1
    if places:
        scale = digits.type.scale
        if not 0 <= scale + places <= 38:
            return None
        digits = _at(digits.cast(pa.decimal128(38, scale)), pa.decimal128(38, scale + places))
    return Cast(digits.cast(column.type.arrow))


def _at(digits: Array, kind: pa.DataType) -> Array:
    return pa.Array.from_buffers(kind, len(digits), digits.buffers(), digits.null_count, digits.offset)


# --- days and moments -------------------------------------------------------------------------------------------------


def _from_date(raw: Array, column: Column) -> Cast | None:
    return Cast(loose(raw)) if column.type.name == "string" else None


def _from_moment(raw: Array, column: Column) -> Cast | None:
    declared, kind = column.type, raw.type
    if declared.name == "string":
        return Cast(loose(raw))
    if declared.name == "date" and kind.tz is None:
        days = raw.cast(pa.timestamp("us")).cast(pa.date32(), safe=False)
        return Cast(days) if _same(days.cast(kind), raw) else None
    if declared.name != "timestamp" or (kind.tz and not declared.zone):
        return None
    if kind.tz or not declared.zone:
        return Cast(raw.cast(declared.arrow))
    return _complete(raw, placed(raw.cast(pa.timestamp("us")), declared.zone))


def _from_time(raw: Array, column: Column) -> Cast | None:
    return Cast(loose(raw)) if column.type.name in ("time", "string") else None


def _complete(raw: Array, values: Array) -> Cast:
    if values.null_count == raw.null_count:
        return Cast(values)
    return Cast(values, pc.and_(raw.is_valid(), values.is_null()))


# --- text -------------------------------------------------------------------------------------------------------------

# 29 February is left to the parser.
_OF_MONTH = "(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
_CLOCK = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_MOMENT = f"{_OF_MONTH}[T ]{_CLOCK}(?::[0-5][0-9](?:\\.[0-9]{{1,6}})?)?"
_WITHOUT_OFFSET = f"^[1-9][0-9]{{3}}-{_MOMENT}$"
_WITH_OFFSET = f"^[1-8][0-9]{{3}}-{_MOMENT}(?:Z|[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?)$"


def _from_text(raw: Array, column: Column) -> Cast | None:
    declared, name = column.type, column.type.name
    if name == "decimal":
        return _decimals(raw, declared, len(str(column.divide)) - 1)
    if name == "date":
        return _days(raw)
    if name == "timestamp":
        return _moments(raw, declared)
    if name in _MOST_DIGITS and are_digits(raw, _MOST_DIGITS[name]):
        return Cast(raw)
    if name in _ORDINARY:
        return _where(raw, _ORDINARY[name], lambda good: good.cast(declared.arrow))
    if name == "string":
        return Cast(raw)
    return None


_MOST_DIGITS: Mapping[str, int] = {"uprn": 12, "usrn": 8}
_ORDINARY: Mapping[str, str] = {  # what most values of a type look like; the parser reads the others
    "int8": "^-?[0-9]{1,2}$",
    "int16": "^-?[0-9]{1,4}$",
    "int32": "^-?[0-9]{1,9}$",
    "int64": "^-?[0-9]{1,18}$",
    "float64": r"^-?[0-9]{1,17}(?:\.[0-9]{1,17})?(?:[eE][+-]?[0-9]{1,2})?$",
    "time": f"^{_CLOCK}:[0-5][0-9](?:\\.[0-9]{{0,8}}[1-9])?$",
    "uprn": "^0{0,9}[1-9][0-9]{0,2}$|^0{0,6}[1-9][0-9]{3,5}$|^0{0,3}[1-9][0-9]{6,8}$|^[1-9][0-9]{9,11}$",
    "usrn": "^0{0,5}[1-9][0-9]{0,2}$|^0{0,2}[1-9][0-9]{3,5}$|^[1-9][0-9]{6,7}$",
}


def _where(raw: Array, pattern: str, made: Callable[[Array], Array]) -> Cast | None:
    """`made` of the values that look ordinary; the rest is left over."""
    good = pc.match_substring_regex(raw, pattern)
    if pc.all(good, min_count=0).as_py():
        return Cast(made(raw))
    if not pc.any(good, min_count=0).as_py():
        return None
    return _complete(raw, made(pc.if_else(good, raw, pa.scalar(None, pa.string()))))


def _decimals(raw: Array, declared: Type, places: int) -> Cast | None:
    whole, after = declared.precision - declared.scale + places, declared.scale - places
    if after < 0:
        return None
    fraction = f"(?:\\.[0-9]{{1,{after}}})?" if after else ""
    pattern = f"^[+-]?{f'[0-9]{{1,{whole}}}' if whole else '0'}{fraction}$"
    written = pa.decimal128(declared.precision, after)
    return _where(raw, pattern, lambda good: _at(good.cast(written), declared.arrow))


def _days(raw: Array) -> Cast | None:
    try:
        days = raw.cast(pa.date32())
        if _within(days.cast(pa.int32()), FIRST_DAY, LAST_DAY):  # Arrow reads 0000-01-01 too
            return Cast(days)
    except pa.ArrowInvalid:
        pass
    return _where(raw, f"^[1-9][0-9]{{3}}-{_OF_MONTH}$", lambda good: good.cast(pa.date32()))


FIRST_DAY, LAST_DAY = -719162, 2932896  # 0001-01-01, 9999-12-31


_MINUTE = len("2024-01-31T09:30")


def _walls(raw: Array) -> Cast | None:
    """Where all have a day and minutes at least: Arrow reads less too, and the year 0, which is no year here."""
    lengths: Any = pc.binary_length(raw)  # type: ignore[call-overload,unused-ignore]
    least, _ = bounds(lengths)
    if least is None or least < _MINUTE:
        return None
    try:
        walls = raw.cast(pa.timestamp("us"))
    except pa.ArrowInvalid:
        return None
    days = _A_DAY * FIRST_DAY, _A_DAY * (LAST_DAY + 1) - 1
    return Cast(walls) if _within(walls.cast(pa.int64()), *days) else None


_A_DAY = 86_400_000_000  # microseconds


def _moments(raw: Array, declared: Type) -> Cast | None:
    walls = _walls(raw) or _where(raw, _WITHOUT_OFFSET, lambda good: good.cast(pa.timestamp("us")))
    if not declared.zone:
        return walls
    if walls is None:
        return _where(raw, _WITH_OFFSET, lambda good: good.cast(declared.arrow))
    values = placed(walls.values, declared.zone)
    if walls.rest is not None:
        instants = _where(
            pc.if_else(walls.rest, raw, pa.scalar(None, pa.string())),
            _WITH_OFFSET,
            lambda good: good.cast(declared.arrow),
        )
        values = values if instants is None else pc.coalesce(values, instants.values)
    return _complete(raw, values)


_FROM: tuple[tuple[Callable[[pa.DataType], bool], Callable[[Array, Column], Cast | None]], ...] = (
    (pa.types.is_string, _from_text),
    (pa.types.is_integer, _from_whole),
    (pa.types.is_floating, _from_float),
    (pa.types.is_decimal, _from_decimal),
    (pa.types.is_boolean, lambda raw, column: Cast(loose(raw)) if column.type.name in ("string", "json") else None),
    (pa.types.is_date, _from_date),
    (pa.types.is_timestamp, _from_moment),
    (pa.types.is_time, _from_time),
)
