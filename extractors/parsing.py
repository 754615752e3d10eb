"""One value of a source -> the value its declared type has, exactly, or the rule it broke. Pure."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import NoReturn
from zoneinfo import ZoneInfo

from extractors.declared import Type
from extractors.raw import Raw, Undecodable

BLANKS = " \t\r\n"


@dataclass(frozen=True, slots=True)
class Broken:
    """A value the declared type cannot hold: the rule, as a sentence without the value in it."""

    rule: str


Value = object  # what pyarrow takes for the declared type
Parse = Callable[[Raw], Value]


def parser(declared: Type, divide: int = 1) -> Parse:
    """The function that reads one value, never NULL, of `declared`: a value or Broken."""
    if declared.name == "decimal":
        return lambda raw: _decimal(raw, declared, divide)
    if declared.name == "timestamp":
        zone = None if not declared.zone else UTC if declared.zone == "UTC" else ZoneInfo(declared.zone)
        return lambda raw: _timestamp(raw, zone)
    if declared.name in _BITS:
        return lambda raw: _integer(raw, declared.name)
    return _PARSERS[declared.name]


def _other_kind(raw: Raw, wanted: str) -> Broken:
    if isinstance(raw, Undecodable):
        return Broken("text that is not valid UTF-8")
    if isinstance(raw, bytes):
        return Broken(f"bytes where {wanted} is declared")
    if isinstance(raw, float):
        return Broken(f"a floating-point number where {wanted} is declared")
    if isinstance(raw, int):
        return Broken(f"a whole number where {wanted} is declared")
    return Broken(f"text where {wanted} is declared")


def _whole(raw: Raw) -> Raw:
    """20240131.0 is the whole number 20240131; above 2^53 a float no longer says which number it was."""
    if isinstance(raw, float) and raw.is_integer() and abs(raw) <= 2**53:
        return int(raw)
    return raw


# --- text and bytes ---------------------------------------------------------------------------------------------------


def _string(raw: Raw) -> Value:
    if isinstance(raw, str):
        return raw
    return str(raw) if isinstance(raw, int) else _other_kind(raw, "text")


def _binary(raw: Raw) -> Value:
    if isinstance(raw, bytes) and not isinstance(raw, Undecodable):
        return raw
    return _other_kind(raw, "binary")


def _json(raw: Raw) -> Value:
    if not isinstance(raw, str):
        return str(raw) if isinstance(raw, int) else _other_kind(raw, "JSON")
    try:
        _JSON.decode(raw)
    except (ValueError, RecursionError):
        return Broken("not a JSON document")
    return raw


def _no_constant(word: str) -> NoReturn:
    raise ValueError(word)  # NaN and Infinity are Python's, not JSON's


# Whole numbers as floats: int() refuses more than 4,300 digits, which JSON allows.
_JSON = json.JSONDecoder(parse_constant=_no_constant, parse_int=float)


def _digits(raw: Raw, most: int, what: str) -> Value:
    raw = _whole(raw)
    text = raw.strip(BLANKS) if isinstance(raw, str) else str(raw) if isinstance(raw, int) else None
    if text is None:
        return _other_kind(raw, what)
    if re.fullmatch(rf"[0-9]{{1,{most}}}", text) is None:
        return Broken(f"not {what}: 1 to {most} digits")
    return text if text.strip("0") else Broken(f"not {what}: zero")


# --- numbers ----------------------------------------------------------------------------------------------------------

_BOOLEANS: Mapping[str, bool] = {
    "1": True, "true": True, "t": True, "yes": True, "y": True,
    "0": False, "false": False, "f": False, "no": False, "n": False,
}  # fmt: skip


def _boolean(raw: Raw) -> Value:
    raw = _whole(raw)
    if isinstance(raw, int | str):
        value = _BOOLEANS.get(str(raw).strip(BLANKS).lower())
        return value if value is not None else Broken("not a boolean: 1 or 0, true or false, t or f, yes or no, y or n")
    return _other_kind(raw, "boolean")


_BITS: Mapping[str, int] = {"int8": 8, "int16": 16, "int32": 32, "int64": 64}


def _integer(raw: Raw, name: str) -> Value:
    raw = _whole(raw)
    if isinstance(raw, str):
        text = raw.strip(BLANKS)
        if re.fullmatch(r"[+-]?[0-9]{1,40}", text) is None:
            return Broken("not a whole number")
        raw = int(text)
    if not isinstance(raw, int):
        return Broken("not a whole number") if isinstance(raw, float) else _other_kind(raw, "a whole number")
    limit = 1 << (_BITS[name] - 1)
    return raw if -limit <= raw < limit else Broken(f"outside {name}")


_FLOAT = re.compile(r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|inf|infinity|nan)", re.IGNORECASE)


def _float(raw: Raw) -> Value:
    if isinstance(raw, float):
        return raw
    if isinstance(raw, int):
        return float(raw) if int(float(raw)) == raw else Broken("a whole number that float64 cannot hold exactly")
    if not isinstance(raw, str):
        return _other_kind(raw, "a number")
    text = raw.strip(BLANKS)
    if _FLOAT.fullmatch(text) is None:
        return Broken("not a number")
    value = float(text)
    return Broken("outside float64") if math.isinf(value) and "n" not in text.lower() else value


# Money in text has a pound sign, and commas between thousands; a comma anywhere else is not read at all.
_MONEY = re.compile(r"(?:([+-]?)£?|£([+-]))((?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]*))(?:\.([0-9]*))?")


def _decimal(raw: Raw, declared: Type, divide: int) -> Value:
    match raw:
        case float() if not math.isfinite(raw):
            return Broken("not a finite number")
        case float() | int():
            # repr is the shortest text that gives this float again: the number the source shows.
            exact = Decimal(repr(raw))
        case str():
            found = _MONEY.fullmatch(raw.strip(BLANKS)) if len(raw) <= 100 else None
            if found is None or not (found[3] or found[4]):
                return Broken("not a number")
            exact = Decimal(f"{found[1] or found[2] or ''}{found[3].replace(',', '') or '0'}.{found[4] or '0'}")
        case _:
            return _other_kind(raw, "a number")
    return _fit(exact, declared, divide)


def _fit(exact: Decimal, declared: Type, divide: int) -> Value:
    """Integers all the way: Decimal's own arithmetic would round at 28 digits."""
    sign, digits, exponent = exact.as_tuple()
    assert isinstance(exponent, int), "only finite numbers come here"
    whole, power = int("".join(map(str, digits))), exponent + declared.scale - (len(str(divide)) - 1)
    if power >= 0:
        whole *= 10**power
    else:
        whole, rest = divmod(whole, 10**-power)
        if rest:
            return Broken(f"more than {declared.scale} digits after the point")
    if whole >= 10**declared.precision:
        return Broken(f"outside {declared}")
    return Decimal((sign, tuple(map(int, str(whole))), -declared.scale))


# --- days and times ---------------------------------------------------------------------------------------------------

_DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[T ]([0-9:.]+))?|([0-9]{4})([0-9]{2})([0-9]{2})")
_MIDNIGHT = re.compile(r"00:00(?::00(?:\.0+)?)?")


def _date(raw: Raw) -> Value:
    raw = _whole(raw)
    if not isinstance(raw, int | str):
        return _other_kind(raw, "a date")
    found = _DAY.fullmatch(str(raw).strip(BLANKS))
    if found is None:
        return Broken("not a date: YYYY-MM-DD or YYYYMMDD")
    if found[4] and _MIDNIGHT.fullmatch(found[4]) is None:
        return Broken("a time of day where a date is declared")
    year, month, day = (int(part) for part in (found.group(1, 2, 3) if found[1] else found.group(5, 6, 7)))
    try:
        return date(year, month, day)
    except ValueError:
        return Broken("no such day")


_CLOCK = r"([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,9}))?)?"
_TIME = re.compile(_CLOCK)


def _time(raw: Raw) -> Value:
    if not isinstance(raw, str):
        return _other_kind(raw, "a time")
    found = _TIME.fullmatch(raw.strip(BLANKS))
    if found is None:
        return Broken("not a time: HH:MM, HH:MM:SS or HH:MM:SS.ffffff")
    hour, minute, second = int(found[1]), int(found[2]), int(found[3] or 0)
    if hour > 23 or minute > 59 or second > 59:
        return Broken("no such time of day")
    fraction = (found[4] or "").rstrip("0")
    return f"{hour:02}:{minute:02}:{second:02}" + (f".{fraction}" if fraction else "")


_MOMENT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]" + _CLOCK + r" ?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?")
_PACKED = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})")


def _timestamp(raw: Raw, zone: timezone | ZoneInfo | None) -> Value:
    raw = _whole(raw)
    if not isinstance(raw, int | str):
        return _other_kind(raw, "a timestamp")
    text = str(raw).strip(BLANKS)
    packed = _PACKED.fullmatch(text)
    found = _MOMENT.fullmatch("{}-{}-{} {}:{}:{}".format(*packed.groups()) if packed else text)
    if found is None:
        if _DAY.fullmatch(text):
            return Broken("a date without a time of day")
        return Broken("not a timestamp: YYYY-MM-DD HH:MM:SS or YYYYMMDDHHMMSS")
    day, hour, minute, second, fraction, offset = found.groups()
    micro = (fraction or "").rstrip("0")
    if len(micro) > 6:
        return Broken("finer than a microsecond")
    try:
        wall = datetime.fromisoformat(f"{day}T{hour}:{minute}:{second or '00'}.{micro:0<6}")
    except ValueError:
        return Broken("no such day or time of day")
    return _placed(wall, offset, zone)


def _placed(wall: datetime, offset: str | None, zone: timezone | ZoneInfo | None) -> Value:
    if zone is None:
        return wall if offset is None else Broken("an offset from UTC where none is declared: write timestamp(UTC)")
    if offset is not None:
        return _instant(wall, _offset(offset))
    early, late = wall.replace(tzinfo=zone, fold=0), wall.replace(tzinfo=zone, fold=1)
    if early.utcoffset() != late.utcoffset():
        # The clock goes forward: utcoffset falls the later the fold; back: the wall time happens twice.
        if early.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != wall:
            return Broken("a wall time that the clock skipped")
        return Broken("a wall time that happened twice")
    return _instant(wall, early.utcoffset() or timedelta())


def _offset(text: str) -> timedelta:
    if text == "Z":
        return timedelta()
    minutes = int(text[1:3]) * 60 + int(text[3:].removeprefix(":") or 0)
    return timedelta(minutes=-minutes if text[0] == "-" else minutes)


def _instant(wall: datetime, offset: timedelta) -> Value:
    if abs(offset) >= timedelta(hours=24):
        return Broken("no such offset from UTC")
    try:
        return (wall - offset).replace(tzinfo=UTC)
    except OverflowError:
        return Broken("outside the years 1 to 9999")


_PARSERS: Mapping[str, Parse] = {
    "string": _string,
    "binary": _binary,
    "json": _json,
    "uprn": lambda raw: _digits(raw, 12, "a UPRN"),
    "usrn": lambda raw: _digits(raw, 8, "a USRN"),
    "boolean": _boolean,
    "float64": _float,
    "date": _date,
    "time": _time,
}
