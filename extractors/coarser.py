"""Less of a value: its year, its month, its outcode, its band, its shape; a column at once. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from extractors.casts import bounds
from extractors.compiled import Column
from extractors.raw import Array, loose, mapped

# Which declared types a rule takes; a rule that is not here takes any.
TAKES: Mapping[str, tuple[str, ...]] = {
    "year": ("date", "timestamp"),
    "month": ("date", "timestamp"),
    "outcode": ("string",),
    "band": ("int8", "int16", "int32", "int64", "decimal"),
    "mask": ("string", "int8", "int16", "int32", "int64", "decimal", "float64", "date", "time", "timestamp", "uprn",
             "usrn", "binary", "json"),
}  # fmt: skip


def coarser(array: Array, column: Column) -> Array:
    """A typed column -> what its rule leaves of each value."""
    return _RULES[column.privacy](array, column)


# --- days -------------------------------------------------------------------------------------------------------------


def _local(array: Array, column: Column) -> Array:
    """Days as the declared zone's clocks have them: half past midnight on New Year's Day is in the new year there."""
    if not column.type.zone:
        return array
    if column.type.zone == "UTC":
        return array.cast(pa.timestamp("us"))
    clock = ZoneInfo(column.type.zone)

    def day(at: object) -> date:
        assert isinstance(at, datetime)
        try:
            return at.astimezone(clock).date()
        except OverflowError:  # the first or the last day there is, in a zone beyond it
            return at.date()

    return mapped(array, day, pa.date32())


def _year(array: Array, column: Column) -> Array:
    days: Any = _local(array, column)
    years: Array = pc.year(days).cast(pa.int16())
    return years


def _month(array: Array, column: Column) -> Array:
    return pc.utf8_slice_codeunits(loose(_local(array, column)), 0, 7)


# --- postcodes --------------------------------------------------------------------------------------------------------

# The forms of BS 7666 (A9 9AA, A99 9AA, A9A 9AA, AA9 9AA, AA99 9AA, AA9A 9AA), with the letters each place may have;
# then Girobank's own, the British Forces' numbers, and the overseas territories (FIQQ 1ZZ).
_OUTWARD = "[A-PR-UWYZ](?:[0-9]{1,2}|[0-9][A-HJKPSTUW]|[A-HK-Y][0-9]{1,2}|[A-HK-Y][0-9][ABEHMNPRVWXY])"
_INWARD = "[0-9][ABD-HJLNP-UW-Z]{2}"
_WHOLE = f"({_OUTWARD}) *{_INWARD}|(GIR) *0AA|(BFPO) *[0-9]{{1,4}}|([A-Z]{{4}}) *1ZZ"
_POSTCODE = f"^[ \\t\\r\\n]*(?:{_WHOLE})[ \\t\\r\\n]*$"
NO_POSTCODE = "not a UK postcode"


def without_postcode(array: Array) -> Array:
    """Which values are no postcode: what the rule `outcode` cannot be applied to."""
    none: Array = pc.invert(pc.match_substring_regex(array, _POSTCODE, ignore_case=True))
    return none


def _outcode(array: Array, column: Column) -> Array:
    return pc.replace_substring_regex(pc.ascii_upper(array), _POSTCODE, r"\1\2\3\4")


# --- bands ------------------------------------------------------------------------------------------------------------


def _band(array: Array, column: Column) -> Array:
    """The band's first and last whole number, `20-29`; a decimal is in the band of the whole number below it."""
    width = int(column.argument)
    lows = _lows(array, width)
    if lows is None:
        return mapped(array, lambda value: band(value, width), pa.string())
    return mapped(lows, lambda value: band(value, width), pa.string())


def _lows(array: Array, width: int) -> Array | None:
    """The first number of each band, or None where int64 might be too small to reckon in."""
    whole = pc.floor(array) if pa.types.is_decimal(array.type) else array
    try:
        whole = whole.cast(pa.int64())
    except pa.ArrowInvalid:
        return None
    least, most = bounds(whole)
    if least is None or most is None or least < -(2**62) or most > 2**62:
        return None
    down = pc.multiply(pc.divide(whole, width), width)  # towards zero
    lows: Array = pc.if_else(pc.greater(down, whole), pc.subtract(down, width), down)
    return lows


def band(value: object, width: int) -> str:
    """23 in tens is "20-29", -1 is "-10--1", 29.5 is "20-29"; in ones, 23 is "23"."""
    assert isinstance(value, int | Decimal)
    whole = int(value) - (value < 0 and value != int(value))  # `//` stops at 28 digits
    low = whole // width * width
    return f"{low}-{low + width - 1}" if width > 1 else str(low)


# --- shapes -----------------------------------------------------------------------------------------------------------

SHAPE = 64  # characters of a shape that are kept: enough to see a pattern, too few to carry a text


def shape_of(text: str) -> str:
    """What a text looks like without what it says: "2024-13-45" -> 9999-99-99, "AB 12 c" -> AA 99 a."""
    drawn = text[:SHAPE].translate(_ASCII) if text.isascii() else "".join(map(_drawn, text[:SHAPE]))
    return drawn + f"… ({len(text)} characters)" if len(text) > SHAPE else drawn


def _drawn(character: str) -> str:
    if character.isdigit():
        return "9"
    if character.isalpha():
        return "A" if character.isupper() else "a"
    return character if character.isascii() and character.isprintable() else "?"


_ASCII = str.maketrans({chr(at): _drawn(chr(at)) for at in range(128)})


def _mask(array: Array, column: Column) -> Array:
    if isinstance(array, pa.BinaryArray):
        return mapped(pc.binary_length(array), lambda length: f"{length} bytes", pa.string())
    return mapped(loose(array).cast(pa.string()), lambda text: shape_of(str(text)), pa.string())


_RULES: Mapping[str, Callable[[Array, Column], Array]] = {
    "year": _year,
    "month": _month,
    "outcode": _outcode,
    "band": _band,
    "mask": _mask,
}


# --- between rules ----------------------------------------------------------------------------------------------------


def tells_no_more(rule: str, than: str) -> bool:
    """Whether what `rule` leaves can be made from what `than` leaves: `year` from `month`, `band(20)` from `band(10)`.

    A pseudonym and anything else say different things of a person; neither contains the other.
    """
    if than == "keep" or rule in (than, "drop"):
        return True
    if rule.startswith("band(") and than.startswith("band("):
        return int(rule[5:-1]) % int(than[5:-1]) == 0
    return (rule, than) == ("year", "month")
