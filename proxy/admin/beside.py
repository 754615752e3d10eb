"""Two answers side by side, line by line, with what differs marked. Pure.

beside(control, candidate) -> [Row(Cell(1, "status: 200"), Cell(1, "status: 500"), "changed"), …]
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from proxy.compare.values import Reply

# Characters of a body that are looked at, and lines of an answer: finding what differs costs by their square.
CHARACTERS, LINES = 200_000, 2000
# Lines around a difference that are shown with it; rows in all; characters of a line.
CONTEXT, ROWS, WIDEST = 3, 400, 2000
_BETWEEN_TAGS = re.compile(r"(?<=>)(?=<)")

What = Literal["same", "changed", "missing", "added", "left out"]


@dataclass(frozen=True, slots=True)
class Cell:
    """One line of one answer, in three parts of which the middle one differs; `number` counts from 1."""

    number: int
    before: str
    differs: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of each answer; one has none where the other has more."""

    control: Cell | None
    candidate: Cell | None
    what: What


def beside(control: Reply, candidate: Reply) -> tuple[Sequence[Row], bool]:
    """The rows, and whether that is all of them."""
    (ours, ours_whole), (theirs, theirs_whole) = _lines(control), _lines(candidate)
    rows: list[Row] = []
    matcher = SequenceMatcher(None, ours, theirs, autojunk=False)
    blocks = list(matcher.get_grouped_opcodes(CONTEXT))
    for index, block in enumerate(blocks):
        if index:
            rows.append(Row(None, None, "left out"))
        for tag, low, high, other_low, other_high in block:
            rows += _rows(tag, ours[low:high], theirs[other_low:other_high], low, other_low)
    return rows[:ROWS], ours_whole and theirs_whole and len(rows) <= ROWS


def _rows(tag: str, ours: Sequence[str], theirs: Sequence[str], low: int, other_low: int) -> Iterator[Row]:
    for at in range(max(len(ours), len(theirs))):
        one = ours[at] if at < len(ours) else None
        other = theirs[at] if at < len(theirs) else None
        if one is not None and other is not None and tag != "equal":
            yield Row(*_marked(one, other, low + at + 1, other_low + at + 1), "changed")
        else:
            what: What = "same" if tag == "equal" else "missing" if other is None else "added"
            yield Row(
                Cell(low + at + 1, one) if one is not None else None,
                Cell(other_low + at + 1, other) if other is not None else None,
                what,
            )


def _marked(one: str, other: str, number: int, other_number: int) -> tuple[Cell, Cell]:
    """What two lines begin and end with alike is left unmarked."""
    shorter = min(len(one), len(other))
    start = next((at for at in range(shorter) if one[at] != other[at]), shorter)
    end = next((at for at in range(shorter - start) if one[-1 - at] != other[-1 - at]), shorter - start)

    def cell(line: str, at: int) -> Cell:
        return Cell(at, line[:start], line[start : len(line) - end], line[len(line) - end :])

    return cell(one, number), cell(other, other_number)


def _lines(reply: Reply) -> tuple[list[str], bool]:
    text = reply.body.decode("utf-8", "replace")
    body = _BETWEEN_TAGS.sub("\n", text[:CHARACTERS]) if text.lstrip().startswith("<") else text[:CHARACTERS]
    fields = [f"{name.decode('latin-1')}: {value.decode('latin-1')}" for name, value in reply.fields]
    lines = [f"status: {reply.status}", *fields, "", *body.splitlines()]
    return [line[:WIDEST] for line in lines[:LINES]], len(text) <= CHARACTERS and len(lines) <= LINES
