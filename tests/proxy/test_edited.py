"""Stages that were changed by an edit of the file are recorded, once; what commands record is not recorded again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

from proxy.edited import Stages, last_recorded, unrecorded
from proxy.holds import Change, note_change
from proxy.ledger.reads import Ledger, Unreadable
from tests.conftest import Start
from tests.proxy.conftest import Proxy, Server

CASES: list[tuple[str, Stages, Stages, list[tuple[str, str, str]]]] = [
    ("nothing changed", {"repairs": "live"}, {"repairs": "live"}, []),
    ("a stage went up", {"repairs": "legacy"}, {"repairs": "canary 1%"}, [("repairs", "legacy", "canary 1%")]),
    ("a slice came, which was legacy's", {}, {"parks": "live"}, [("parks", "legacy", "live")]),
    ("a slice came at legacy", {}, {"parks": "legacy"}, []),
    ("a slice went, and is legacy's again", {"parks": "live"}, {}, [("parks", "live", "legacy")]),
]


@pytest.mark.parametrize(("before", "now", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_what_nobody_said(before: Stages, now: Stages, expected: list[tuple[str, str, str]]) -> None:
    found = unrecorded(before, now, "routes.yaml", "2026-11-25T12:00:00+00:00")
    assert [(each.slice, each.before, each.after) for each in found] == expected
    assert all((each.by, each.who, each.why) == ("edit", "routes.yaml", "edited") for each in found)


def test_the_last_line_of_a_slice_counts_and_strange_lines_do_not(tmp_path: Path) -> None:
    assert last_recorded(tmp_path) == {}
    for name, after in (("repairs", "shadow"), ("*", "bypass"), ("repairs", "live")):
        note_change(tmp_path, Change(name, "legacy", after, "promote", "ann", "2026-11-25T12:00:00+00:00"))
    with (tmp_path / "data" / "changes.jsonl").open("a") as file:
        file.write('[]\n{"slice": 1}\n{"slice": "repairs", "to": "retired"}\n{"sli')
    assert last_recorded(tmp_path) == {"repairs": "live"}


def recorded(home: Path) -> list[tuple[str, str, str, str]]:
    path = home / "data" / "changes.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return [(row["from"], row["to"], row["by"], row["who"]) for row in rows]


def until(found: Callable[[], bool], seconds: float = 40) -> None:
    end = monotonic() + seconds
    while not found():
        assert monotonic() < end
        sleep(0.1)  # another process' doing


def in_ledger(home: Path) -> int:
    try:
        with Ledger.of(home) as ledger:
            return len(ledger.history())
    except Unreadable:
        return 0


def fig_run(fig: Path, proxy: Proxy, *words: str) -> None:
    subprocess.run([fig, *words, "-c", proxy.file], check=True, capture_output=True)


def test_an_edit_is_recorded_once_and_a_command_is_not_recorded_twice(
    tmp_path: Path, backends: dict[str, Server], start: Start, fig: Path
) -> None:
    proxy = Proxy(tmp_path, backends, start, fig)
    fig_run(fig, proxy, "promote", "repairs", "--to", "shadow")
    command = recorded(tmp_path)
    assert [each[:3] for each in command] == [("legacy", "shadow", "promote")]
    edit = ("shadow", "live", "edit", "routes.yaml")
    proxy.write("live")
    until(lambda: recorded(tmp_path) == [*command, edit])
    keeper: Any = proxy.status()["keeper"]
    os.kill(keeper["pid"], signal.SIGKILL)
    fig_run(fig, proxy, "rollback", "repairs", "--to", "shadow")
    back = recorded(tmp_path)
    assert [each[:3] for each in back] == [*(each[:3] for each in (*command, edit)), ("live", "shadow", "rollback")]
    proxy.process.stop()
    proxy.write("legacy")  # while nothing runs
    start([fig, "serve", "-c", proxy.file], name="again")
    until(lambda: recorded(tmp_path) == [*back, ("shadow", "legacy", "edit", "routes.yaml")])
    until(lambda: in_ledger(tmp_path) == 4)
