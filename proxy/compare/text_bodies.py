"""Two texts, line by line; how lines end, and white space at their ends, does not count. Pure."""

from collections.abc import Sequence
from typing import Protocol

from proxy.compare.align import alignment
from proxy.compare.found import Found
from proxy.compare.sameness import Sameness
from proxy.compare.shapes import count, of_text
from proxy.compare.values import Kind

PATH = "body"


class Pattern(Protocol):
    """What `re` and `re2` compile."""

    def sub(self, repl: str, string: str, /) -> str: ...


def compare_texts(control: str, candidate: str, same: Sameness, ignored: Sequence[Pattern], found: Found) -> None:
    """`ignored`: what is cut out of both before they are compared."""
    mine, theirs = _lines(control, ignored), _lines(candidate, ignored)
    pairs = alignment(_levels(mine, same), _levels(theirs, same))
    if pairs.moved:
        lines = count(len(pairs.moved), "line")
        found.add(PATH, Kind.ORDER, lines, f"{lines}, in another order")
    for i, j in (*pairs.same, *pairs.moved, *pairs.changed):
        if not same.texts(mine[i], theirs[j]):
            found.add(PATH, Kind.VALUE, of_text(mine[i]), of_text(theirs[j]), (mine[i], theirs[j]))
    if pairs.missing:
        found.missing(PATH, count(len(pairs.missing), "line"), "\n".join([mine[i] for i in pairs.missing]))
    if pairs.added:
        found.added(PATH, count(len(pairs.added), "line"), "\n".join([theirs[j] for j in pairs.added]))


def _lines(text: str, ignored: Sequence[Pattern]) -> list[str]:
    for pattern in ignored:
        text = pattern.sub("", text)
    return [line.rstrip() for line in text.splitlines()]


def _levels(lines: list[str], same: Sameness) -> list[list[str | None]]:
    return [[same.loose_text(line) for line in lines], ["" for _ in lines]]
