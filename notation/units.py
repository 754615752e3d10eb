"""The units people write: `10s`, `32KiB`, `2%`; and what they mean: seconds, bytes, per cent."""

import re
from collections.abc import Callable
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from notation.problems import Refused

SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
BYTES = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}

_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)(ms|s|m|h|d)\Z", re.ASCII)
_SIZE = re.compile(r"([0-9]{1,9})(B|KiB|MiB|GiB|TiB)\Z", re.ASCII)
_PERCENT = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,2})?)%\Z", re.ASCII)


def _reader(what: str, hint: str, parse: Callable[[str], float | int | None]) -> BeforeValidator:
    def read(value: object) -> float | int:
        number = parse(value) if isinstance(value, str) else None
        if number is None:
            shown = f"'{value}'" if isinstance(value, (str, int, float)) else "this"
            raise Refused(f"{shown} is not {what}", hint)
        return number

    return BeforeValidator(read)


def seconds(text: str) -> float | None:
    """`1.5m` -> 90.0; None if it is no duration, or none at all (0)."""
    match = _DURATION.match(text)
    return (float(match[1]) * SECONDS[match[2]] or None) if match else None


def size(text: str) -> int | None:
    """`32KiB` -> 32768."""
    match = _SIZE.match(text)
    return int(match[1]) * BYTES[match[2]] if match else None


def percent(text: str) -> float | None:
    """`2.5%` -> 2.5; None outside 0–100."""
    match = _PERCENT.match(text)
    return float(match[1]) if match and float(match[1]) <= 100 else None


def show_seconds(value: float) -> str:
    unit = next((u for u in ("d", "h", "m", "s") if value >= SECONDS[u] and value % SECONDS[u] == 0), "ms")
    unit = "s" if unit == "m" and value < 300 else unit  # people say 75s and 90s
    return f"{value / SECONDS[unit]:g}{unit}"


def show_size(value: int) -> str:
    unit = next((u for u in reversed(BYTES) if value >= BYTES[u] and value % BYTES[u] == 0), "B")
    return f"{value // BYTES[unit]}{unit}"


def show_percent(value: float) -> str:
    return f"{value:g}%"


def _text(pattern: re.Pattern[str], example: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": f"^{pattern.pattern[:-2]}$", "examples": [example]})


Duration = Annotated[
    float,
    _reader("a length of time", "write a number and its unit: 500ms, 10s, 2m, 1h or 1d", seconds),
    PlainSerializer(show_seconds, return_type=str),
    _text(_DURATION, "10s"),
]
Size = Annotated[
    int,
    _reader("a size", "write a whole number and its unit: 512B, 32KiB, 1MiB or 1GiB", size),
    PlainSerializer(show_size, return_type=str),
    _text(_SIZE, "32KiB"),
]
Percent = Annotated[
    float,
    _reader("a percentage from 0% to 100%", "write 2% or 0.5%", percent),
    PlainSerializer(show_percent, return_type=str),
    _text(_PERCENT, "2%"),
]
Count = Annotated[int, Field(strict=True, ge=1)]
Flag = Annotated[bool, Field(strict=True)]
