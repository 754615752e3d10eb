"""Two claims of the one table that are equal in all and could match one request: only their order could decide."""

from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

from notation.marked_yaml import Document
from notation.problems import Problem
from proxy.claims import Pattern, Regex
from proxy.model import RoutesSpec
from proxy.written import Written, paths_written, written

HINT = "keep one, or let one say more: methods, another path, a priority"


def conflicts(spec: RoutesSpec, document: Document, folder: Path) -> Iterator[Problem]:
    """Every such pair, told at the later of the two."""
    by_pattern: dict[Pattern | Regex, list[Written]] = {}
    # Whatever case means: of thousands of paths only those that are written again need be looked at.
    again = Counter(map(str.lower, paths_written(spec)))
    for claim in written(spec, lambda text: again[text.lower()] > 1):
        by_pattern.setdefault(claim.pattern, []).append(claim)
    for rivals in by_pattern.values():
        for first, second in combinations(rivals, 2):
            if first.rank == second.rank and first.can_meet(second):
                line = document.where(first.place).line
                what = f"'{second.text}' is claimed by {second.who} here and by {first.who} on line {line}"
                yield Problem(document.where(second.place), what, HINT)
    regexes = [claim for rivals in by_pattern.values() for claim in rivals if isinstance(claim.pattern, Regex)]
    yield from _regexes(regexes, document)


def _regexes(claims: list[Written], document: Document) -> Iterator[Problem]:
    """Two expressions of one rank, unless the paths they match lie apart in the alphabet (as RE2 can tell)."""
    by_rank: dict[tuple[object, ...], list[Written]] = {}
    for claim in claims:
        if claim.bounds is not None:
            by_rank.setdefault(claim.rank, []).append(claim)
    for equals in by_rank.values():
        near: list[Written] = []
        for claim in sorted(equals, key=lambda one: one.bounds or (b"", b"")):
            assert claim.bounds
            near = [one for one in near if one.bounds and one.bounds[1] >= claim.bounds[0]]
            for other in near:
                if other.pattern != claim.pattern and other.can_meet(claim):
                    first, second = sorted((other, claim), key=lambda one: document.where(one.place))
                    what = (
                        f"'{second.text}' of {second.who} here and '{first.text}' of {first.who} on line"
                        f" {document.where(first.place).line} have one priority, and one path could match both"
                    )
                    yield Problem(document.where(second.place), what, "give them different priorities")
            near.append(claim)
