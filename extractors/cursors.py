"""Which column of a table says when a row was last changed, judged by its name and type. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from extractors.dialects import Dialect
from extractors.personal import word_set, words_of
from extractors.raw import Raw
from notation.problems import Refused

LAG = "15m"
A_DAY = "1d"

_CHANGED = word_set(
    "modified modify mod updated update upd changed change chg amended amend edited edit touched revised lastmod "
    "lastupdate lastmodified lastupdated lastchange lastchanged lastupd lastchg lastedit "
    "lastedited upddate moddate chgdate rowversion synced"
)
_CREATED = word_set("created create added inserted entered registered logged reported received raised submitted opened")
_NOT_WHEN = word_set("by user who count reason type flag no id")
_WALL_TEXT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?")


@dataclass(frozen=True, slots=True)
class Candidate:
    """`column` is "" where there is none; `why` says why it is one, or why there is none."""

    column: str = ""
    lag: str = ""
    why: str = ""


def candidate(
    dialect: Dialect, columns: Mapping[str, tuple[str, str]], sample: Mapping[str, Sequence[Raw]]
) -> Candidate:
    """`columns`: those that can be read -> the source's type, and the declared one."""
    changed = sorted((name for name in columns if _says(name, _CHANGED)), key=_rank)
    doubts = []
    for name in changed:
        native, kind = columns[name]
        lag = A_DAY if kind == "date" else LAG
        if doubt := _doubt(dialect, name, native, kind, sample.get(name, ())):
            doubts.append(f"{name} looks like one, but {doubt}")
            continue
        others = [other for other in changed if other != name]
        why = "by its name, when a row was last changed: ask the supplier whether every change sets it"
        if kind == "date":
            why += "; it is only a day, so each run reads the last two days again"
        return Candidate(name, lag, why + (f"; others: {', '.join(others)}" if others else ""))
    if doubts:
        return Candidate(why="; ".join(doubts))
    created = [
        name for name, (_, kind) in columns.items() if _says(name, _CREATED) and kind.startswith(("timestamp", "date"))
    ]
    if created:
        return Candidate(
            why=f"{created[0]} says when a row came, not when it was changed, so later changes would be missed"
        )
    return Candidate(why="no column's name says when a row was last changed")


def _says(name: str, words: frozenset[str]) -> bool:
    said = words_of(name)
    return not words.isdisjoint(said) and _NOT_WHEN.isdisjoint(said)


def _rank(name: str) -> tuple[bool, int]:
    """`LAST_MOD` before `STATUS_CHANGED_ON`: the fewer other words, the more it is the row that changed."""
    said = [word for word in words_of(name) if word not in ("at", "on", "date", "dt", "time", "ts", "datetime", "row")]
    return "last" not in said and not said[0].startswith("last"), len(said)


def _doubt(dialect: Dialect, name: str, native: str, kind: str, values: Sequence[Raw]) -> str:
    if dialect.sqlglot == "sqlite":
        return _doubt_of_values(dialect, native, [value for value in values if value is not None])
    if not kind.startswith(("timestamp", "date")):
        return f"it is {native}, for which no lag can be given: rows committed late would be missed"
    try:
        dialect.earlier(dialect.quoted(name), 60.0, native)
    except Refused as exc:
        return exc.what
    return ""


def _doubt_of_values(dialect: Dialect, native: str, there: Sequence[Raw]) -> str:
    """SQLite has no type for moments: those of one form follow one another as they compare."""
    if not there:
        return "there are no values to judge it by"
    are_texts = all(isinstance(value, str) and _WALL_TEXT.fullmatch(value) for value in there)
    are_texts = are_texts and len({str(value)[10] for value in there}) == 1
    are_whole = all(isinstance(value, int) for value in there) and len({len(str(value)) for value in there}) == 1
    if not are_texts and not are_whole:
        return "its sampled values are not all moments of one form, such as YYYY-MM-DD HH:MM:SS"
    try:
        for value in set(there):
            dialect.earlier(f"'{value}'" if isinstance(value, str) else str(value), 60.0, native)
    except Refused as exc:
        return exc.what
    return ""
