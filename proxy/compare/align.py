"""Which element of one sequence stands for which of another, when some are changed, gone, new or moved. Pure.

aligned("abcd", "axcd") -> [(0, 0), (2, 2), (3, 3)]

The cost is bounded whatever the sequences hold: elements that occur once in both are matched first (as patience diff
does), which takes n log n; only what lies between them is searched exhaustively, and only where it is small.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

# Cells of the table in which a longest common subsequence is searched: 100 by 100 elements take about a millisecond.
CELLS = 10_000
# Rounds of matching what occurs once, each of which reads everything: a file that is sorted anew needs a few.
ROUNDS = 16

Pair = tuple[int, int]
Key = Hashable | None  # None is like no other


@dataclass(frozen=True, slots=True)
class Aligned:
    """`same`: pairs equal by the finest key; `changed`: pairs alike by a coarser one; `moved`: equal, elsewhere.

    All pairs are (index in the control, index in the candidate); `missing` are indexes of the first, `added` of the
    second. Each index occurs once.
    """

    same: tuple[Pair, ...]
    changed: tuple[Pair, ...]
    moved: tuple[Pair, ...]
    missing: tuple[int, ...]
    added: tuple[int, ...]


def alignment(control: Sequence[Sequence[Key]], candidate: Sequence[Sequence[Key]]) -> Aligned:
    """`control` and `candidate`: the keys of each sequence, the finest first, then coarser ones for what is left."""
    same = aligned(control[0], candidate[0])
    left, right = _rest(len(control[0]), same, 0), _rest(len(candidate[0]), same, 1)
    moved = _moved(control[0], candidate[0], left, right)
    gone, come = {i for i, _ in moved}, {j for _, j in moved}
    left, right = [i for i in left if i not in gone], [j for j in right if j not in come]
    changed: list[Pair] = []
    for mine, theirs in zip(control[1:], candidate[1:], strict=True):
        fixed = sorted([*same, *changed])
        for rows, columns in _gaps(fixed, left, right):
            pairs = aligned([mine[i] for i in rows], [theirs[j] for j in columns])
            changed += [(rows[i], columns[j]) for i, j in pairs]
        gone, come = {i for i, _ in changed}, {j for _, j in changed}
        left, right = [i for i in left if i not in gone], [j for j in right if j not in come]
    return Aligned(tuple(same), tuple(sorted(changed)), tuple(moved), tuple(left), tuple(right))


def aligned(control: Sequence[Key], candidate: Sequence[Key]) -> list[Pair]:
    """Pairs of equal keys, both indexes ascending: as many as there are, where that can be found out cheaply."""
    found: list[Pair] = []
    waiting = [(0, len(control), 0, len(candidate), ROUNDS)]
    while waiting:
        top, bottom, left, right, rounds = waiting.pop()
        while top < bottom and left < right and _equal(control[top], candidate[left]):
            found.append((top, left))
            top, left = top + 1, left + 1
        while top < bottom and left < right and _equal(control[bottom - 1], candidate[right - 1]):
            bottom, right = bottom - 1, right - 1
            found.append((bottom, right))
        if top == bottom or left == right:
            continue
        anchors = _once_in_both(control, candidate, top, bottom, left, right) if rounds else []
        if anchors:
            found += anchors
            edges = [(top - 1, left - 1), *anchors, (bottom, right)]
            waiting += [(i + 1, k, j + 1, m, rounds - 1) for (i, j), (k, m) in pairwise(edges)]
        elif (bottom - top) * (right - left) <= CELLS:
            found += _longest(control, candidate, top, bottom, left, right)
        else:
            found += _next_best(control, candidate, top, bottom, left, right)
    return sorted(found)


def _equal(one: Key, other: Key) -> bool:
    return one is not None and one == other


def _once_in_both(
    control: Sequence[Key], candidate: Sequence[Key], top: int, bottom: int, left: int, right: int
) -> list[Pair]:
    """The longest ascending run of pairs whose key occurs once on each side."""
    first: dict[Key, int | None] = {}
    for j in range(left, right):
        first[candidate[j]] = None if candidate[j] in first else j
    seen: dict[Key, int | None] = {}
    for i in range(top, bottom):
        seen[control[i]] = None if control[i] in seen else i
    seen.pop(None, None)
    places = ((i, first.get(key)) for key, i in seen.items())
    pairs = [(i, j) for i, j in places if i is not None and j is not None]
    ends: list[int] = []  # of the best run of each length, where it ends in the candidate
    at: list[int] = []
    before: list[int] = []
    for number, (_, j) in enumerate(pairs):
        length = bisect_left(ends, j)
        before.append(at[length - 1] if length else -1)
        ends[length : length + 1] = [j]
        at[length : length + 1] = [number]
    run: list[Pair] = []
    last = at[-1] if at else -1
    while last >= 0:
        run.append(pairs[last])
        last = before[last]
    return run[::-1]


def _longest(
    control: Sequence[Key], candidate: Sequence[Key], top: int, bottom: int, left: int, right: int
) -> list[Pair]:
    """A longest common subsequence, by the usual table."""
    width = right - left
    table = [[0] * (width + 1)]
    for i in range(bottom - 1, top - 1, -1):
        below, row = table[-1], [0] * (width + 1)
        for j in range(width - 1, -1, -1):
            row[j] = below[j + 1] + 1 if _equal(control[i], candidate[left + j]) else max(below[j], row[j + 1])
        table.append(row)
    table.reverse()
    pairs: list[Pair] = []
    i, j = 0, 0
    while i < bottom - top and j < width:
        if _equal(control[top + i], candidate[left + j]):
            pairs.append((top + i, left + j))
            i, j = i + 1, j + 1
        elif table[i + 1][j] >= table[i][j + 1]:
            i += 1
        else:
            j += 1
    return pairs


def _next_best(
    control: Sequence[Key], candidate: Sequence[Key], top: int, bottom: int, left: int, right: int
) -> list[Pair]:
    """Each element with the next equal one: ascending, seldom the most there are, and cheap."""
    places: dict[Key, list[int]] = defaultdict(list)
    for j in range(left, right):
        places[candidate[j]].append(j)
    pairs: list[Pair] = []
    last = left - 1
    for i in range(top, bottom):
        equal = places.get(control[i], []) if control[i] is not None else []
        following = bisect_right(equal, last)
        if following < len(equal):
            last = equal[following]
            pairs.append((i, last))
    return pairs


def _rest(length: int, pairs: Sequence[Pair], side: int) -> list[int]:
    taken = {pair[side] for pair in pairs}
    return [index for index in range(length) if index not in taken]


def _moved(control: Sequence[Key], candidate: Sequence[Key], left: list[int], right: list[int]) -> list[Pair]:
    """Of what found no partner in its place, what is equal all the same, each with the first such."""
    places: dict[Key, list[int]] = defaultdict(list)
    for j in reversed(right):
        places[candidate[j]].append(j)
    return [(i, places[control[i]].pop()) for i in left if control[i] is not None and places.get(control[i])]


def _gaps(fixed: Sequence[Pair], left: Sequence[int], right: Sequence[int]) -> Iterator[tuple[list[int], list[int]]]:
    """What is unmatched between two pairs that follow each other, of each side."""
    rows: dict[int, list[int]] = defaultdict(list)
    columns: dict[int, list[int]] = defaultdict(list)
    tops, lefts = [i for i, _ in fixed], [j for _, j in fixed]
    for i in left:
        rows[bisect_left(tops, i)].append(i)
    for j in right:
        columns[bisect_left(lefts, j)].append(j)
    for gap in sorted(rows.keys() & columns.keys()):
        yield rows[gap], columns[gap]
