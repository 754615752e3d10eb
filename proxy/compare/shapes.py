"""What a value looks like without saying it: `9999-99-99`, `text of 12`, `3 items`, `null`. Pure."""

import re

# Longer than any date, amount or reference with its marks; a longer run of digits is told by its length.
SHOWN = 32
_DIGITS = str.maketrans("0123456789", "9" * 10)
_FIGURES = re.compile(r"[0-9][0-9 \-+/.,:]*(?:T[0-9:.,]+)?Z?|[-+£$€(][0-9][0-9 \-+/.,:%)]*|[0-9][0-9.,]*%")


def of_text(text: str) -> str:
    """`2026-11-25` -> `9999-99-99`; words are told by their length alone."""
    if not text:
        return "empty text"
    if len(text) <= SHOWN and text.isascii() and _FIGURES.fullmatch(text):
        return text.translate(_DIGITS)
    return f"text of {len(text)}"


def of_number(text: str) -> str:
    """`-12.50` -> `-99.99`; `text` is a number as JSON writes it."""
    return text.translate(_DIGITS) if len(text) <= SHOWN else f"number of {len(text)}"


def count(number: int, thing: str) -> str:
    """`1 item`, `3 items`."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
