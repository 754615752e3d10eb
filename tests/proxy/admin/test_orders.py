"""What may be done from the pages: holds only, down from where a slice is, and up no further than the file."""

from __future__ import annotations

from typing import Any

import pytest

from notation.problems import Refused
from proxy.admin.orders import No, bypass_order, move_to, moves, order_of, reason, slice_of

LADDER = ["shadow", "live"]
WHEN = "2026-11-25T12:00:00+00:00"


def row(file: str, hold: str | None = None) -> dict[str, Any]:
    held = {"stage": hold, "who": "bob", "when": WHEN, "why": ""} if hold else None
    stage = (
        hold if hold and ["legacy", "shadow", "live"].index(hold) < ["legacy", "shadow", "live"].index(file) else file
    )
    return {"name": "repairs", "file_stage": file, "stage": stage, "hold": held, "ladder": LADDER}


CASES = [
    ("from live, down to each rung below", row("live"), [("rollback", "legacy"), ("rollback", "shadow")]),
    ("from legacy there is nowhere to go", row("legacy"), []),
    ("held at legacy, up by raising the hold, or by clearing it", row("live", "legacy"),
     [("promote", "shadow"), ("resume", "live")]),
    ("held in between, both ways", row("live", "shadow"), [("rollback", "legacy"), ("resume", "live")]),
    ("a canary has rungs below it", {**row("live"), "ladder": ["shadow", "canary 1%", "canary 50%", "live"]},
     [("rollback", "legacy"), ("rollback", "shadow"), ("rollback", "canary 1%"), ("rollback", "canary 50%")]),
    ("the bypass changes nothing here", {**row("live", "shadow"), "stage": "legacy"},
     [("rollback", "legacy"), ("resume", "live")]),
    ("a hold above the file can only be cleared, or be made one that holds", row("shadow", "live"),
     [("rollback", "legacy"), ("resume", "shadow")]),
]  # fmt: skip


@pytest.mark.parametrize(("law", "standing", "expected"), CASES, ids=[law for law, _, _ in CASES])
def test_where_a_slice_can_be_moved(law: str, standing: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert [(move.way, str(move.stage)) for move in moves(standing)] == expected


REFUSED = [
    (row("live"), "live", ("slice 'repairs' can be held below live, where the file has it, and not at live;"
     " to go up there: fig promote repairs --to 'live'")),
    (row("legacy"), "live", ("slice 'repairs' can be held below legacy, where the file has it, and not at live;"
     " to go up there: fig promote repairs --to 'live'")),
    (row("live"), None, "slice 'repairs' is not held; it is at live, as the file says"),
    (row("live", "legacy"), "legacy", "slice 'repairs' is at legacy already"),
]  # fmt: skip


@pytest.mark.parametrize(("standing", "to", "said"), REFUSED)
def test_what_is_not_possible_is_said(standing: dict[str, Any], to: str | None, said: str) -> None:
    with pytest.raises(No) as no:
        move_to(standing, to)
    assert str(no.value) == said


def test_a_stage_that_is_none_is_refused() -> None:
    with pytest.raises(Refused, match="'lve' is not a stage"):
        move_to(row("live"), "lve")


def test_an_order_is_a_message_and_what_is_recorded() -> None:
    standing = row("live")
    order = order_of(standing, move_to(standing, "legacy"), "ann", WHEN, " wrong\n wards ")
    assert order.message == {
        "do": "hold", "slice": "repairs", "stage": "legacy", "who": "ann", "why": "wrong wards",
    }  # fmt: skip
    change = order.change
    assert (change.before, change.after, change.by, change.who, change.why) == (
        "live", "legacy", "rollback", "ann", "wrong wards",
    )  # fmt: skip
    held = row("live", "legacy")
    assert order_of(held, move_to(held, None), "ann", WHEN, "mended").message["do"] == "resume"


def test_the_bypass_is_turned_the_other_way_only() -> None:
    status: dict[str, Any] = {"bypass": None}
    assert bypass_order(status, "ann", WHEN, "storm", on=True).message == {
        "do": "bypass", "on": True, "who": "ann", "why": "storm",
    }  # fmt: skip
    with pytest.raises(No, match="the bypass is off already"):
        bypass_order(status, "ann", WHEN, "storm", on=False)


@pytest.mark.parametrize("why", ["", " \n\t", "x" * 501])
def test_a_change_needs_a_reason_of_a_line(why: str) -> None:
    with pytest.raises(Refused):
        reason(why)


def test_a_slice_that_is_not_there_is_named() -> None:
    with pytest.raises(No, match=r"there is no slice 'repair' in routes\.yaml; declared slices: repairs") as no:
        slice_of({"config": "routes.yaml", "slices": [row("live")]}, "repair")
    assert no.value.is_unknown
