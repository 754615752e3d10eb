"""Tables of two pages of which one has a column that the other has not: that is one difference, not one a cell. Pure.

Cells of a row are compared by their place, so a column that is lost would move all that follow it. Here it is found by
the cells of the first row, told, and taken out of both trees; what is left has the same places again.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from proxy.compare.align import Key, aligned, alignment
from proxy.compare.found import Found
from proxy.compare.nodes import Node

COLUMN = "a column"


@dataclass(frozen=True, slots=True)
class _Table:
    """`heads`: what the cells of the first row say, loosely; `rows`: those with as many cells."""

    path: str
    heads: tuple[tuple[str, ...], ...]
    rows: tuple[Node, ...]


def settle_columns(control: Node, candidate: Node, found: Found) -> None:
    """Tell columns that one side alone has, and take them out of both trees, which this changes."""
    mine, theirs = list(_tables(control)), list(_tables(candidate))
    for i, j in aligned([table.path for table in mine], [table.path for table in theirs]):
        one, other = mine[i], theirs[j]
        if len(one.heads) == len(other.heads):
            continue
        pairs = alignment(_keys(one), _keys(other))
        if pairs.moved:
            continue
        for column in pairs.missing:
            found.missing(_path(one, column), COLUMN, " ".join(one.heads[column]))
        for column in pairs.added:
            found.added(_path(other, column), COLUMN, " ".join(other.heads[column]))
        _take_out(one, pairs.missing)
        _take_out(other, pairs.added)


def _tables(root: Node) -> Iterator[_Table]:
    """In the order of the page; those most of whose rows are as wide as the first."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        waiting += reversed(node.children)
        if node.role != "table":
            continue
        rows = [row for row in node.children if row.role == "row" and row.children and _is_cells(row)]
        wide = [row for row in rows if len(row.children) == len(rows[0].children)]
        if 2 * len(wide) > len(rows):
            yield _Table(node.path, tuple(_said(cell) for cell in rows[0].children), tuple(wide))


def _keys(table: _Table) -> list[list[Key]]:
    """From the finest: a column's heading; its last cell; that it is a column."""
    return [[*table.heads], [_said(cell) for cell in table.rows[-1].children], [""] * len(table.heads)]


def _is_cells(row: Node) -> bool:
    return all(cell.role.startswith("cell ") for cell in row.children)


def _said(cell: Node) -> tuple[str, ...]:
    said: list[str] = []
    waiting = [cell]
    while waiting:
        node = waiting.pop()
        said += [fact.loose for fact in node.facts]
        waiting += reversed(node.children)
    return tuple(said)


def _path(table: _Table, column: int) -> str:
    """That of the cells under the heading, if there are any."""
    return table.rows[-1].children[column].path


def _take_out(table: _Table, columns: Collection[int]) -> None:
    for row in table.rows:
        row.children = [cell for column, cell in enumerate(row.children) if column not in columns]
        for place, cell in enumerate(row.children, 1):
            cell.role = f"cell {place}"
