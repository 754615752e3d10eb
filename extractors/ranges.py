"""A whole-number key in ranges, counted and summed on both sides: only those that differ are looked into. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

RANGES = 32  # one scan of the source counts them all; a change in one leads to a thirty-second of the keys


@dataclass(frozen=True, slots=True)
class Ranges:
    """Ranges from `least`, each up to the next of `edges`; the first and the last are open."""

    least: int
    edges: tuple[int, ...]

    def tallies(self, relation: str, key: str, where: str = "", ctes: str = "") -> str:
        """The question for each range's number, count and sum of keys: (0, 31250, 488265625), …"""
        cases = " ".join(f"WHEN {key} < {edge} THEN {number}" for number, edge in enumerate(self.edges))
        number = f"CASE {cases} ELSE {len(self.edges)} END" if cases else "0"
        rows = f"SELECT {number} AS fig_range, CAST({key} AS DECIMAL(38, 0)) - {self.least} AS fig_key FROM {relation}"  # noqa: S608
        rows += f" WHERE {key} IS NOT NULL" + (f" AND {where}" if where else "")
        return f"{ctes} SELECT fig_range, COUNT(*), SUM(fig_key) FROM ({rows}) fig_ranges GROUP BY fig_range".strip()  # noqa: S608

    def condition(self, key: str, numbers: Sequence[int]) -> str:
        """The rows of these ranges."""
        return "(" + " OR ".join(self._one(key, number) for number in numbers) + ")"

    def _one(self, key: str, number: int) -> str:
        low = f"{key} >= {self.edges[number - 1]}" if number else ""
        high = f"{key} < {self.edges[number]}" if number < len(self.edges) else ""
        return "(" + (" AND ".join(part for part in (low, high) if part) or "1 = 1") + ")"

    def differing(self, one: Iterable[Sequence[object]], other: Iterable[Sequence[object]]) -> list[int]:
        """The numbers of the ranges whose tallies are not the same."""
        mine, theirs = _tally(one), _tally(other)
        return [number for number in range(len(self.edges) + 1) if mine.get(number) != theirs.get(number)]


def between(least: int, most: int) -> Ranges:
    """At most RANGES of one width over the keys there are."""
    width = (most - least) // RANGES + 1
    return Ranges(least, tuple(least + width * number for number in range(1, RANGES) if least + width * number <= most))


def _tally(rows: Iterable[Sequence[object]]) -> dict[int, tuple[int, int | str]]:
    return {int(str(number)): (int(str(count)), _whole(str(total))) for number, count, total in rows}


def _whole(total: str) -> int | str:
    """A sum as a number; one that is not whole, or not exact, equals none."""
    return int(total) if re.fullmatch("-?[0-9]+", total) else f"not a whole number: {total}"
