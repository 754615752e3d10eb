"""How the monolith shows what it stores: its numbers for days, its pence, its padded codes."""

import re
from datetime import datetime
from decimal import Decimal


def day(stored: object) -> str:
    """20240229 or '20240229' -> '29/02/2024'; 0, '00000000', 99991231 and NULL -> ''.

    A day that does not exist is shown as it is stored.
    """
    text = str(stored or "").strip()
    if not re.fullmatch(r"[0-9]{8}", text) or text in ("00000000", "99991231"):
        return ""
    return f"{text[6:]}/{text[4:6]}/{text[:4]}"


def iso_day(stored: object) -> str | None:
    """20240229 -> '2024-02-29'; what `day` shows as '' -> None."""
    shown = day(stored)
    return f"{shown[6:]}-{shown[3:5]}-{shown[:2]}" if shown else None


def pounds(pence: object) -> str:
    """104550 -> '£1,045.50'; NULL -> ''."""
    return f"£{Decimal(pence) / 100:,.2f}" if isinstance(pence, int) else ""


def plain_pounds(pence: object) -> str | None:
    """104550 -> '1045.50', for CSV and JSON; NULL -> None."""
    return f"{Decimal(pence) / 100:.2f}" if isinstance(pence, int) else None


def tidy(text: object) -> str:
    """A text without the blanks it was padded with; NULL -> ''."""
    return str(text).strip() if text is not None else ""


def stamp(now: datetime) -> str:
    """The volatile line at the foot of every page."""
    return now.strftime("%d/%m/%Y %H:%M:%S.%f")
