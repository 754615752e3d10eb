"""SQLite: values have types of their own, whatever a column was declared as. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from math import ceil

from extractors.compiled import Column
from extractors.dialects.base import Dialect, Planned, Relation, select
from notation.problems import Refused


class Sqlite(Dialect):
    """Each value travels in the storage class it has (sqlite.org/datatype3.html), so no column is planned away."""

    sqlglot = "sqlite"

    def table(self, name: str) -> Relation:
        """`main.jobs` and `jobs` are one table; SQLite's own schema is the only one a file has."""
        return Relation(self.quoted(name.removeprefix("main.")), table=name)

    def plan(self, column: Column, native: str, *, as_text: bool) -> Planned:
        return Planned(column, self.quoted(column.source), None, as_text=as_text)

    def text(self, expression: str, native: str) -> str:
        """A literal of the same value, of whatever storage class it is (sqlite.org/lang_corefunc.html#quote).

        quote() itself ends text at a NUL, and calls infinities by names that are none in SQL.
        """
        has_nul = f"typeof({expression}) = 'text' AND instr({expression}, char(0))"
        as_bytes = f"'CAST(x''' || hex({expression}) || ''' AS TEXT)'"
        is_infinite = f"typeof({expression}) = 'real' AND abs({expression}) = 9e999"
        infinity = f"CASE WHEN {expression} > 0 THEN '9e999' ELSE '-9e999' END"
        cases = f"WHEN {expression} IS NULL THEN NULL WHEN {has_nul} THEN {as_bytes} WHEN {is_infinite} THEN {infinity}"
        return f"CASE {cases} ELSE quote({expression}) END"

    def literal(self, text: str, native: str) -> str:
        return text

    def earlier(self, moment: str, seconds: float, native: str) -> str:
        """The moment's own form is kept: text compares as text, numbers as numbers."""
        found = _ISO.fullmatch(moment)
        if found:
            return _earlier_text(found, seconds)
        if re.fullmatch(r"'?[0-9]+'?", moment):
            return _earlier_digits(moment, seconds)
        if re.fullmatch(r"[0-9]+\.[0-9]+(e[+-]?[0-9]+)?", moment):
            return _earlier_real(float(moment), seconds)
        raise _no_moment()

    def is_number(self, native: str) -> bool:
        return "INT" in native.upper()

    def page(self, relation: Relation, what: str, where: str, order: Sequence[str], skip: int, take: int) -> str:
        ordered = f"ORDER BY {', '.join(order)} " if order else ""
        return select(relation, what, where, f"{ordered}LIMIT {take} OFFSET {skip}")


# --- a lag, taken from a moment ---------------------------------------------------------------------------------------

_ISO = re.compile(
    r"'(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:(?P<between>[T ])(?P<clock>[0-9]{2}:[0-9]{2}(?::[0-9]{2})?)(?:\.(?P<fraction>[0-9]{1,9}))?"
    r"(?P<zone>Z|[+-][0-9]{2}:?[0-9]{2})?)?'"
)
_UTC = ("Z", "+00:00", "+0000")
_STAMPS = {14: "%Y%m%d%H%M%S", 8: "%Y%m%d"}
_EPOCHS = {10: 1, 13: 1_000, 16: 1_000_000, 19: 1_000_000_000}  # digits of an epoch from 2001 on -> ticks in a second
_JULIAN = range(2_400_000, 2_500_000)  # days: from 1858 to 2132
_SINCE_2001 = range(1_000_000_000, 5_000_000_000)  # seconds since 1970


def _no_moment() -> Refused:
    return Refused(
        "a lag is a length of time, and the cursor's newest value is no moment that is known",
        "remove the lag; or make a view with the moment as text, YYYY-MM-DD HH:MM:SS, as seconds since 1970, or as a "
        "Julian day, and name that",
    )


def _before(moment: datetime, seconds: float) -> datetime:
    try:
        return moment - timedelta(seconds=seconds)
    except OverflowError:
        return datetime.min.replace(tzinfo=moment.tzinfo)


def _day(text: str, form: str) -> datetime:
    try:
        return datetime.strptime(text, form).replace(tzinfo=UTC)
    except ValueError as exc:
        raise _no_moment() from exc


def _earlier_text(found: re.Match[str], seconds: float) -> str:
    """`'2024-01-31T09:30:00.123'`, a minute earlier: `'2024-01-31T09:29:00.123'`. What is cut off is cut downwards."""
    zone, clock, fraction = found["zone"] or "", found["clock"] or "", found["fraction"] or ""
    if zone and zone not in _UTC:
        raise Refused(
            f"the cursor is text with an offset from UTC ('{zone}'), which does not compare as its moments do",
            "make a view with datetime(…) of it, which is in UTC, and name that",
        )
    moment = _day(f"{found['day']} {clock or '00:00'}"[:16], "%Y-%m-%d %H:%M")
    moment += timedelta(seconds=int(clock[6:] or 0))
    nanoseconds = int(fraction.ljust(9, "0"))
    lag = ceil(seconds * 1_000_000) - nanoseconds // 1_000
    before = _before(moment, lag / 1_000_000) if lag else moment
    day = before.strftime("%Y-%m-%d").rjust(10, "0")
    if not clock:
        return f"'{day}'"
    shown = before.strftime("%H:%M:%S" if len(clock) > 5 else "%H:%M")
    tail = f".{before.microsecond:06}000"[: len(fraction) + 1] if fraction else ""
    return f"'{day}{found['between']}{shown}{tail}{zone}'"


def _earlier_digits(moment: str, seconds: float) -> str:
    """`20240131093000` and `'20240131'` in their own form; `1706693400`, an epoch of seconds, or of finer ticks."""
    digits = moment.strip("'")
    mark = "'" if moment.startswith("'") else ""
    form = _STAMPS.get(len(digits))
    if form is not None and digits[:2] in ("19", "20", "21"):
        return f"{mark}{_before(_day(digits, form), seconds).strftime(form)}{mark}"
    ticks = _EPOCHS.get(len(digits))
    if ticks is None or int(digits) // ticks not in _SINCE_2001:
        raise _no_moment()
    before = int(digits) - ceil(seconds * ticks)
    return f"{mark}{str(max(before, 0)).rjust(len(digits), '0') if mark else before}{mark}"


def _earlier_real(moment: float, seconds: float) -> str:
    if int(moment) in _JULIAN:
        return repr(moment - (seconds + 0.001) / 86_400)  # a float's day is exact to about 40 microseconds
    if int(moment) in _SINCE_2001:
        return repr(moment - seconds - 0.000_001)
    raise _no_moment()
