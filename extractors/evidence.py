"""What a sample of a column's values tells of it: whether it looks personal, and what else it could be. Pure.

A share of the values is told, never a value.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Sequence
from math import exp, log

from extractors import declared
from extractors.parsing import Broken, parser
from extractors.personal import FREE_TEXT
from extractors.raw import Raw

FEW = 5  # values from which on anything is concluded
LUCK = 1e-6  # how unlikely chance must be before check digits are believed
ENOUGH = 10_000  # characters of a value
WORDY = 6  # words of a value, on average, from which on it is taken for free text

_EMAIL = re.compile(r"[^\s@<>,;:]+@[^\s@<>,;:]+\.[A-Za-z]{2,}")
_PHONE = re.compile(r"(?:\+44|0044|0)[\s()-]*[1-37-9](?:[\s()-]*[0-9]){8,9}")
# https://www.gov.uk/hmrc-internal-manuals/national-insurance-manual/nim39110: two letters, six digits, A to D
_NI_NUMBER = re.compile(r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-D]?", re.IGNORECASE)
_POSTCODE = re.compile(r"\b(?:[A-Z]{1,2}[0-9][A-Z0-9]?) ?[0-9][ABD-HJLNP-UW-Z]{2}\b", re.IGNORECASE)
_TITLED = re.compile(r"(?:mr|mrs|ms|miss|mx|dr|sir|lady|rev)\b\.? +\S", re.IGNORECASE)
_SORT_CODE = re.compile(r"[0-9]{2}-[0-9]{2}-[0-9]{2}")


def personal(values: Sequence[Raw]) -> str:
    """What the sampled values show, with their share: "60% of the sampled values are postcodes"; "" for nothing."""
    texts = [text for text in (str(value)[:ENOUGH].strip() for value in values if isinstance(value, str | int)) if text]
    distinct = sorted(set(texts))
    if len(distinct) < FEW:
        return ""
    for least, what, fits in _SIGNS:
        share = sum(bool(fits(text)) for text in texts) / len(texts)
        if share >= least:
            return f"{max(round(share * 100), 1)}% of the sampled values {what}"
    if _beyond_chance(distinct, _is_nhs_number, 1 / 11, digits=10):
        return "more of the sampled values than chance allows have the check digit of an NHS number"
    if _beyond_chance(distinct, _is_card_number, 1 / 10, digits=16):
        return "more of the sampled values than chance allows have the check digit of a payment card"
    if sum(len(text.split()) for text in distinct) / len(distinct) >= WORDY:
        return f"{FREE_TEXT}: its values are sentences"
    return ""


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_interface(text)
    except ValueError:
        return False
    return not text.isdigit()


def _is_document(text: str) -> bool:
    if text[0] not in "{[":
        return False
    try:
        json.loads(text)
    except ValueError:
        return len(text) == ENOUGH  # its end was not looked at
    return True


_SIGNS: Sequence[tuple[float, str, Callable[[str], object]]] = (
    (0.01, "hold an e-mail address", _EMAIL.search),
    (0.2, "are National Insurance numbers", _NI_NUMBER.fullmatch),
    (0.05, "hold a telephone number", _PHONE.search),
    (0.2, "are sort codes", _SORT_CODE.fullmatch),
    (0.1, "hold a postcode", _POSTCODE.search),
    (0.1, "begin like a person's name", _TITLED.match),
    (0.2, "are addresses of devices", _is_ip),
    (0.5, "are documents, which may hold anything", _is_document),
)


# --- check digits, against chance -------------------------------------------------------------------------------------


def _beyond_chance(distinct: Sequence[str], passes: Callable[[str], bool], chance: float, digits: int) -> bool:
    """A random number passes now and then, so a column is judged, not a value: Chernoff's bound on so many passes."""
    numbers = [number for number in (re.sub(r"[ -]", "", text) for text in distinct) if re.fullmatch(r"[0-9]+", number)]
    numbers = [number for number in numbers if len(number) == digits]
    passed = sum(map(passes, numbers))
    if not numbers or passed / len(numbers) <= chance:
        return False
    share = passed / len(numbers)
    apart = share * log(share / chance) + ((1 - share) * log((1 - share) / (1 - chance)) if share < 1 else 0.0)
    return exp(-len(numbers) * apart) < LUCK


def _is_nhs_number(number: str) -> bool:
    """https://www.datadictionary.nhs.uk/attributes/nhs_number.html: modulus 11; where it makes 10, none."""
    total = sum(int(digit) * weight for digit, weight in zip(number, range(10, 1, -1), strict=False))
    return (11 - total % 11) % 11 == int(number[9])


def _is_card_number(number: str) -> bool:
    doubled = [int(digit) * 2 if at % 2 == len(number) % 2 else int(digit) for at, digit in enumerate(number)]
    return sum(digit - 9 if digit > 9 else digit for digit in doubled) % 10 == 0


# --- types ------------------------------------------------------------------------------------------------------------

NOTHING = frozenset({"", "0", "00000000", "0000-00-00", "0000-00-00 00:00:00", "0000-00-00 00:00:00.000000"})


def broken(kind: str, values: Sequence[Raw], nothing: frozenset[str] = frozenset()) -> int:
    """How many of the values a declared type cannot hold, those that mean nothing aside."""
    read = parser(declared.parse(kind))
    there = (value for value in values if value is not None and str(value).strip() not in nothing)
    return sum(isinstance(read(value), Broken) for value in there)


def nothing_among(values: Sequence[Raw]) -> tuple[str, ...]:
    """The ways to write "no value" that occur, each a constant that says nothing of anybody."""
    return tuple(sorted({str(value).strip() for value in values if value is not None} & NOTHING))


def also(values: Sequence[Raw]) -> str:
    """The narrower type that all sampled values of a text or number fit: "date"; "" if none does."""
    there = [value for value in values if value is not None and str(value).strip() not in NOTHING]
    if len(set(map(str, there))) < FEW or not all(isinstance(value, str | int) for value in there):
        return ""
    for kind in ("date", "timestamp", "timestamp(UTC)"):
        if not broken(kind, there) and all("1850" <= str(value).strip()[:4] <= "2150" for value in there):
            return kind
    return ""


def look_unique(columns: dict[str, Sequence[Raw]], rows: int) -> tuple[str, ...]:
    """Columns whose sampled values are all there and all different."""
    if rows < 2:
        return ()
    return tuple(name for name, values in columns.items() if None not in values and len(set(values)) == rows)
