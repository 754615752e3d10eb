"""Two tables as CSV has them, row by row and column by name. Pure.

The first row names the columns if its cells are all different, none is empty, and none holds a figure first.
"""

import csv
from collections.abc import Collection
from dataclasses import dataclass

from proxy.compare.align import alignment
from proxy.compare.found import Found
from proxy.compare.sameness import Sameness
from proxy.compare.shapes import count, of_text
from proxy.compare.values import Kind

EVERY = "csv:*"  # rows as a whole
_DELIMITERS = ",;\t|"
_LONGEST = 64  # characters of a column's name; more is no name


@dataclass(frozen=True, slots=True)
class Table:
    """`columns`: names, or numbers from 1 where the first row names none; rows may be shorter or longer."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def delimiter_of(text: str, media_type: str) -> str:
    """What parts the cells of the first line most often; `text/tab-separated-values` says it."""
    if "tab-separated" in media_type:
        return "\t"
    first = text.partition("\n")[0]
    return max(_DELIMITERS, key=first.count)


def read_table(text: str, delimiter: str) -> Table:
    """Raises ValueError for what is not CSV."""
    try:
        rows = [
            tuple(row) for row in csv.reader(text.splitlines(keepends=True), delimiter=delimiter, strict=True) if row
        ]
    except csv.Error as error:
        raise ValueError(str(error)) from error
    width = max(map(len, rows), default=0)
    names = tuple(cell.strip() for cell in rows[0]) if rows else ()
    if names and len(set(names)) == len(names) and all(map(_is_name, names)):
        return Table((*names, *(str(number) for number in range(len(names) + 1, width + 1))), tuple(rows[1:]))
    return Table(tuple(str(number) for number in range(1, width + 1)), tuple(rows))


def compare_tables(control: Table, candidate: Table, same: Sameness, ignored: Collection[str], found: Found) -> None:
    """`ignored`: columns that are left out of both."""
    mine = [name for name in control.columns if name not in ignored]
    theirs = [name for name in candidate.columns if name not in ignored]
    for name in mine:
        if name not in theirs:
            found.missing(f"csv:{name}", "a column")
    for name in theirs:
        if name not in mine:
            found.added(f"csv:{name}", "a column")
    shared = [name for name in mine if name in set(theirs)]
    if shared != [name for name in theirs if name in set(mine)]:
        found.add(EVERY, Kind.ORDER, count(len(shared), "column"), f"{count(len(shared), 'column')}, in another order")
    _rows(_chosen(control, shared), _chosen(candidate, shared), shared, same, found)


Rows = list[tuple[str | None, ...]]


def _rows(mine: Rows, theirs: Rows, columns: list[str], same: Sameness, found: Found) -> None:
    pairs = alignment(_levels(mine, same), _levels(theirs, same))
    if pairs.moved:
        rows = count(len(pairs.moved), "row")
        found.add(EVERY, Kind.ORDER, rows, f"{rows}, in another order")
    for i, j in (*pairs.same, *pairs.moved, *pairs.changed):
        for name, one, other in zip(columns, mine[i], theirs[j], strict=True):
            _cell(f"csv:{name}", one, other, same, found)
    if pairs.missing:
        found.missing(EVERY, count(len(pairs.missing), "row"))
    if pairs.added:
        found.added(EVERY, count(len(pairs.added), "row"))


def _cell(path: str, control: str | None, candidate: str | None, same: Sameness, found: Found) -> None:
    if control == candidate:
        return
    if control is None or candidate is None:
        found.add(path, Kind.LENGTH, _shape(control), _shape(candidate), (control or "", candidate or ""))
    elif not same.texts(control, candidate):
        found.add(path, Kind.VALUE, of_text(control), of_text(candidate), (control, candidate))


def _shape(cell: str | None) -> str:
    return "no cell" if cell is None else of_text(cell)


def _chosen(table: Table, columns: list[str]) -> Rows:
    """The rows in the order of `columns`; None where a row is too short."""
    places = [table.columns.index(name) for name in columns]
    return [tuple([row[place] if place < len(row) else None for place in places]) for row in table.rows]


def _levels(rows: Rows, same: Sameness) -> list[list[object]]:
    """From the finest: the whole row; its first cell; that it is a row."""
    loose = [tuple([cell and same.loose_text(cell) for cell in row]) for row in rows]
    return [[*loose], [row[0] if row else None for row in loose], ["" for _ in loose]]


def _is_name(cell: str) -> bool:
    return 0 < len(cell) <= _LONGEST and cell.isprintable() and not cell[0].isdigit() and cell[0] not in "-+.£$€"
