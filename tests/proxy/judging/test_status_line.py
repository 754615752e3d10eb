"""What `fig status` says of a slice's verdicts."""

from __future__ import annotations

import pytest

from proxy.compare.values import Unjudged
from proxy.status_cli import _judged
from proxy.verdicts import FIRST_CAUSE, REREAD, UNTAUGHT, WAITING, told


def cells(**counts: int) -> list[int]:
    row = [0] * 32
    places = {"matched": 0, "mismatched": 1, "ignored": 2, "reads": REREAD, "untaught": UNTAUGHT}
    places |= {"waiting": WAITING[Unjudged.LEARNING], "busy": FIRST_CAUSE + list(Unjudged).index(Unjudged.BUSY)}
    for name, count in counts.items():
        row[places[name]] = count
    return row


ROUTES_WITHOUT = "2 routes without second reads of legacy (see repeatable:)"
CASES = [  # what was counted, what is said
    ({}, ""),
    (
        {"matched": 1230, "mismatched": 8, "ignored": 2},
        "repairs: 1,240 of 2,500 hits judged: 1,230 matched, 8 mismatched, 2 ignored",
    ),
    (
        {"matched": 1, "busy": 4, "waiting": 3},
        "repairs: 1 of 2,500 hits judged: 1 matched, 0 mismatched, 0 ignored; 7 not: busy 4, learning 3",
    ),
    (
        {"mismatched": 1, "untaught": 2},
        "repairs: 1 of 2,500 hits judged: 0 matched, 1 mismatched, 0 ignored; " + ROUTES_WITHOUT,
    ),
]


@pytest.mark.parametrize(("counts", "line"), CASES)
def test_how_much_was_judged_is_one_line(counts: dict[str, int], line: str) -> None:
    row = {"name": "repairs", "hits": {"legacy": 2400, "slice": 100}, "verdicts": told(cells(**counts)).as_json()}
    assert _judged(row) == line
