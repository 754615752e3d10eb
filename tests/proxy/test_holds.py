"""Holds survive, stay private, and are never lost to a broken file."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notation.problems import ConfigError
from proxy.holds import Bypass, Change, Hold, Holds, note_change, read, write
from proxy.stages import LEGACY, LIVE, Stage

HOLD = Hold(Stage("canary", 2.5), "ann", "2026-11-24T02:00:00+00:00", "wrong wards")


def test_without_a_file_nothing_is_held(tmp_path: Path) -> None:
    assert read(tmp_path / "data" / "holds.json") == Holds()


def test_what_was_written_is_read_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "data" / "holds.json"
    holds = Holds(Bypass("bob", "2026-11-24T03:00:00+00:00", "storm"), {"repairs": HOLD})
    write(path, holds)
    assert read(path) == holds
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["holds.json"]


@settings(deadline=None)
@given(st.dictionaries(st.text(), st.builds(Hold, st.just(LIVE), st.text(), st.text(), st.text())))
def test_any_names_and_reasons_survive(tmp_path_factory: pytest.TempPathFactory, by_slice: dict[str, Hold]) -> None:
    path = tmp_path_factory.mktemp("holds") / "holds.json"
    write(path, Holds(None, by_slice))
    assert read(path) == Holds(None, by_slice)


def test_setting_and_clearing_leave_the_others_alone() -> None:
    both = Holds(None, {"planning": HOLD}).with_hold("repairs", HOLD)
    assert (both.held_at("repairs"), both.held_at("planning")) == (HOLD.stage, HOLD.stage)
    assert both.with_hold("repairs", None) == Holds(None, {"planning": HOLD})
    assert both.with_hold("nobody", None) == both


HINT = "put it right; or, only if no slice needs to be held back, delete it"
ODD = "it is not of the form fig writes"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "data/holds.json:1: the holds cannot be read: Expecting value"),
        ('{\n"bypass": null,\n', ("data/holds.json:3: the holds cannot be read: Expecting property name enclosed in"
         " double quotes")),
        ("[]", f"data/holds.json:1: the holds cannot be read: {ODD}"),
        ("{}", f"data/holds.json:1: the holds cannot be read: {ODD}"),
        ('{"bypass": null, "holds": {"repairs": {"stage": "live"}}}',
         f"data/holds.json:1: the holds cannot be read: {ODD}"),
        ('{"bypass": null, "holds": {"repairs": {"stage": "alive", "who": "", "when": "", "why": ""}}}',
         "data/holds.json:1: the holds cannot be read: 'alive' is not a stage"),
        ('{"bypass": {"who": 1, "when": "", "why": ""}, "holds": {}}',
         f"data/holds.json:1: the holds cannot be read: {ODD}"),
    ],
)  # fmt: skip
def test_a_broken_file_is_an_error_and_never_empty(text: str, error: str, tmp_path: Path) -> None:
    (tmp_path / "holds.json").write_text(text)
    with pytest.raises(ConfigError) as caught:
        read(tmp_path / "holds.json")
    assert str(caught.value) == f"{error}\n    {HINT}"


def test_a_change_is_one_private_line_that_says_who_when_and_why(tmp_path: Path) -> None:
    change = Change("repairs", str(LEGACY), str(LIVE), "promote", "ann", "2026-11-24T02:00:00+00:00", "two\nlines")
    note_change(tmp_path, change)
    note_change(tmp_path, change)
    path = tmp_path / "data" / "changes.jsonl"
    first, second = path.read_text().splitlines()
    assert first == second
    assert json.loads(first) == {
        "when": "2026-11-24T02:00:00+00:00", "slice": "repairs", "from": "legacy", "to": "live", "by": "promote",
        "who": "ann", "why": "two\nlines",
    }  # fmt: skip
    assert path.stat().st_mode & 0o777 == 0o600
