"""An answer's column -> values to be shown, each exact: days Python has no calendar for, infinity, maps. Pure."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pyarrow as pa

from extractors.casts import FIRST_DAY, LAST_DAY, bounds
from extractors.raw import Array


def values(column: Array) -> list[object]:
    """As `to_pylist` gives them, save what it cannot give or would change.

    A float32 is the number it is written as, 0.1 and not 0.10000000149011612; a map is a dict; a day or a moment beyond
    the years 1 to 9999, and a moment finer than a microsecond, is the text DuckDB has for it.
    """
    kind = column.type
    if pa.types.is_float32(kind):
        return [None if text is None else float(text) for text in column.cast(pa.string()).to_pylist()]
    if pa.types.is_date32(kind):
        return _days(column)
    if pa.types.is_timestamp(kind):
        return _moments(column)
    if pa.types.is_dictionary(kind):
        return values(column.cast(kind.value_type))
    if isinstance(column, pa.StructArray):
        inner = [values(field) for field in column.flatten()]
        rows = zip(*inner, strict=True) if inner else ((),) * len(column)
        names = [field.name for field in kind]
        there = column.is_valid().to_pylist()
        return [dict(zip(names, row, strict=True)) if valid else None for row, valid in zip(rows, there, strict=True)]
    if pa.types.is_map(kind):
        return [None if pairs is None else _mapping(pairs) for pairs in _lists(column)]
    if pa.types.is_nested(kind):
        return list(_lists(column))
    shown: list[object] = column.to_pylist()
    return shown


def _lists(column: Array) -> list[list[object] | None]:
    scalars: Any = column
    return [None if scalar.values is None else values(scalar.values) for scalar in scalars]


def _mapping(pairs: list[object]) -> dict[object, object]:
    return {_key(key): value for key, value in (pair.values() for pair in pairs if isinstance(pair, dict))}


def _key(key: object) -> object:
    """What a dict can have as a key."""
    return str(key) if isinstance(key, list | dict) else key


# --- days and moments -------------------------------------------------------------------------------------------------

_CYCLE = 146_097  # days of 400 years, after which the calendar repeats
_EPOCH = date(1970, 1, 1)
_A_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def _days(column: Array) -> list[object]:
    numbers = column.cast(pa.int32())
    least, most = bounds(numbers)
    if least is None or most is None or (least >= FIRST_DAY and most <= LAST_DAY):
        return list(column.to_pylist())
    return [None if number is None else _day(number) for number in _integers(numbers)]


def _day(number: int) -> object:
    if FIRST_DAY <= number <= LAST_DAY:
        return _EPOCH + timedelta(days=number)
    if abs(number) == 2**31 - 1:
        return "infinity" if number > 0 else "-infinity"
    return "".join(_calendar(number))


def _calendar(number: int) -> tuple[str, str]:
    """A day of any year, and ` (BC)` where it is before the year 1."""
    cycles, rest = divmod(number, _CYCLE)
    day = _EPOCH + timedelta(days=rest)
    year = day.year + 400 * cycles
    return f"{year if year > 0 else 1 - year:04}-{day:%m-%d}", " (BC)" if year <= 0 else ""


def _moments(column: Array) -> list[object]:
    unit: str = column.type.unit
    numbers, a_day = column.cast(pa.int64()), _A_SECOND[unit] * 86_400
    least, most = bounds(numbers)
    if least is None or most is None:
        return list(column.to_pylist())
    if unit != "ns" and least >= FIRST_DAY * a_day and most < (LAST_DAY + 1) * a_day:
        return list(column.to_pylist())
    zone = "Z" if column.type.tz else ""
    return [None if number is None else _moment(number, unit, zone) for number in _integers(numbers)]


def _moment(number: int, unit: str, zone: str) -> str:
    if abs(number) == 2**63 - 1:
        return "infinity" if number > 0 else "-infinity"
    seconds, fraction = divmod(number, _A_SECOND[unit])
    days, second = divmod(seconds, 86_400)
    day, era = _calendar(days)
    digits = f"{fraction:0{len(str(_A_SECOND[unit])) - 1}}".rstrip("0") if fraction else ""
    clock = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
    return f"{day}{era} {clock}{'.' if digits else ''}{digits}{zone}"


def _integers(numbers: Array) -> list[int | None]:
    return list(numbers.to_pylist())
