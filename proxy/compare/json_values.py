"""JSON read exactly: numbers by their value, members that occur twice, and no deeper than can be compared. Pure.

read_json('{"cost": 1.0}').members["cost"] == read_json('{"cost": 1e0}').members["cost"]
"""

import json
from collections import Counter
from dataclasses import dataclass, field

# Levels; what is nested deeper is compared by its bytes. Documents made for people and programs have ten.
DEEPEST = 100


class TooDeep(Exception):
    """It is nested deeper than is compared."""


@dataclass(frozen=True, slots=True)
class Number:
    """Equal to all that have its value: 1, 1.0 and 10e-1. `text`: as it was written."""

    text: str = field(compare=False)
    value: tuple[bool, str, int] | str


@dataclass(frozen=True, slots=True)
class Members:
    """An object. `times`: how often the members occur that occur more than once; their last value is kept."""

    members: dict[str, "Value"]
    times: dict[str, int]


Value = None | bool | str | Number | list["Value"] | Members


def read_json(text: str) -> Value:
    """Raises ValueError for what is not JSON, and TooDeep."""
    try:
        value: Value = json.loads(
            text, parse_float=_number, parse_int=_number, parse_constant=_refuse, object_pairs_hook=_members
        )
    except RecursionError as deep:
        raise TooDeep from deep
    _hold(value)
    return value


def _number(text: str) -> Number:
    """`-12.50e1` -> (True, "125", 0): no digit is lost, however many there are."""
    mantissa, _, exponent = text.lower().partition("e")
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    digits = (whole + fraction).lstrip("0")
    bare = digits.rstrip("0")
    if not bare:
        return Number(text, (False, "", 0))
    try:
        power = int(exponent or "0") - len(fraction) + len(digits) - len(bare)
    except ValueError:  # an exponent of more than 4,300 digits
        return Number(text, text)
    return Number(text, (text.startswith("-"), bare, power))


def _members(pairs: list[tuple[str, Value]]) -> Members:
    members = dict(pairs)
    if len(members) == len(pairs):
        return Members(members, {})
    times = Counter(name for name, _ in pairs)
    return Members(members, {name: number for name, number in times.items() if number > 1})


def _refuse(constant: str) -> Value:
    raise ValueError(f"{constant} is not JSON")


def _hold(value: Value) -> None:
    level = [value]
    for _ in range(DEEPEST):
        level = [
            inner
            for each in level
            if isinstance(each, list | Members)
            for inner in (each if isinstance(each, list) else each.members.values())
        ]
        if not level:
            return
    raise TooDeep
