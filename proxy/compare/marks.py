"""Personal things in a text, found by how they look, and marks of the same shape in their place. Pure.

redact("Ring 07700 900123, SW1A 1AA") -> "Ring 99999 999999, XX9X 9XX"

What is found: National Insurance and NHS numbers, e-mail addresses, telephone numbers, postcodes, payment cards, IBANs,
sort codes and account numbers, and what follows a name such as `Surname:` or `dob=`. A person's name in a sentence is
not; nobody can find those for certain.
"""

import re
from collections.abc import Callable
from functools import partial

from proxy.compare.personal import is_personal


def marked(text: str) -> str:
    """`Smith, 42` -> `Xxxxx, 99`: what it looks like, and nothing of it."""
    return "".join(map(_mark, text))


def _mark(character: str) -> str:
    if character.isdigit() or character.isnumeric():
        return "9"
    if character.isalpha():
        return "X" if character.isupper() else "x"
    return character if character.isascii() or character.isspace() else "?"


def _luhn(figures: str) -> bool:
    """Whether the last figure checks the others, as it does on payment cards (ISO/IEC 7812-1)."""
    total = 0
    for place, figure in enumerate(reversed(figures)):
        number = int(figure) * (1 + place % 2)
        total += number - 9 if number > 9 else number
    return total % 10 == 0


def _is_card(found: str) -> bool:
    figures = re.sub(r"\D", "", found)
    return 13 <= len(figures) <= 19 and _luhn(figures)


def _is_nhs(found: str) -> bool:
    """Whether the tenth figure checks the nine before it (modulus 11, NHS Data Dictionary)."""
    figures = [int(figure) for figure in found if figure.isdigit()]
    rest = 11 - sum(figure * weight for figure, weight in zip(figures, range(10, 1, -1), strict=False)) % 11
    return rest != 10 and figures[9] == rest % 11


def _is_iban(found: str) -> bool:
    """Whether it is 1 modulo 97 (ISO 13616)."""
    bare = re.sub(r"\s", "", found).upper()
    if not 15 <= len(bare) <= 34:
        return False
    return int("".join(str(int(character, 36)) for character in bare[4:] + bare[:4])) % 97 == 1


def _always(found: str) -> bool:
    return True


# In this order: what is longer is found before what it might hold.
_LOOKS: tuple[tuple[re.Pattern[str], Callable[[str], bool]], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE | re.ASCII), holds)
    for pattern, holds in (
        (r"(?<![\w.+'-])[\w.+'-]++(?:@|%40)[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,8}", _always),  # an e-mail address
        (r"\b[a-z]{2}\d{2}(?: ?[a-z0-9]{4}){2,7}(?: ?[a-z0-9]{1,3})?\b", _is_iban),
        (r"(?<![\d.-])\d(?:[ -]?\d){12,18}(?![\d-])", _is_card),
        (r"\b[a-z]{2} ?\d\d ?\d\d ?\d\d ?[a-d]\b", _always),  # a National Insurance number
        (r"(?<![\d.-])\d{3}[ -]?\d{3}[ -]?\d{4}(?![\d-])", _is_nhs),
        (r"(?<![\w.])(?:\+44|0044|%2B44|0)(?:[ ().-]{0,2}\d){9,11}(?!\d)", _always),  # a telephone number
        (r"(?:sort ?code|account|acc(?:oun)?t|a/c)\D{0,40}\d{2}[ -]?\d{2}[ -]?\d{2,4}\b", _always),
        (r"(?<![\d-])\d{2}-\d{2}-\d{2}(?:\D{1,40}\d{8})?(?![\d-])", _always),  # a sort code, and its account
        (r"\b(?:[a-z]{1,2}\d[a-z\d]?|gir)(?: |\+|%20)?\d[a-z]{2}\b", _always),  # a postcode
    )
)
# `Surname: Smith`, `dob=1980-01-02`: a name of a few words, then what it names, to the end of the line or pair.
_NAMED = re.compile(r"(?<![\w-])([A-Za-z][\w' \[\].-]{1,40}?)(\s{0,3}[:=]\s{0,3})([^\s&;|<>\"'][^&;|<>\"'\n\r]{0,120})")


def redact(text: str) -> str:
    """`text` with marks for what is personal; as long as it was, and the same again if it is redacted again."""
    for pattern, holds in _LOOKS:
        text = pattern.sub(partial(_found, holds), text)
    return _NAMED.sub(_named, text)


def _found(holds: Callable[[str], bool], match: re.Match[str]) -> str:
    return marked(match[0]) if holds(match[0]) else match[0]


def _named(match: re.Match[str]) -> str:
    words = match[1].split()
    if any(is_personal(" ".join(words[-many:])) for many in (1, 2, 3)):
        return f"{match[1]}{match[2]}{marked(match[3])}"
    return match[0]
