"""Killed at a hundred named moments, then run again: the result is one clean run's, and nothing is left lying about."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from extractors import build, follow
from notation import lake

from .conftest import HEAD, Council
from .crashes import kill, moments, spread, strays

Rows = list[dict[str, object]]
CURSOR = HEAD.replace("    columns:", "    cursor: {column: CHANGED}\n    columns:")
COLUMNS = (
    "JOB_NO: {name: reference}", "WARD: {}", 'COST: {type: "decimal(12,2)", divide: 100}', "CHANGED: {privacy: drop}",
)  # fmt: skip
MOST, SHARES = 25, 4  # moments of each case, in so many tests that run side by side


def silo(council: Council) -> None:
    council.silo(
        "CREATE TABLE JOBS (JOB_NO TEXT PRIMARY KEY, WARD TEXT, COST, CHANGED INTEGER)",
        rows=(
            "INSERT INTO JOBS VALUES (?, ?, ?, ?)",
            [(f"J{n:03}", "W", "n/a" if n % 10 == 3 else n * 101, n // 3 if n % 7 else None) for n in range(50)],
        ),
    )


def changed(council: Council) -> None:
    """Rows new, changed, and gone; one whose fault is mended, one that gets a fault."""
    council.silo(
        "UPDATE JOBS SET COST = 7, CHANGED = 50 WHERE JOB_NO IN ('J003', 'J020', 'J021')",
        "UPDATE JOBS SET COST = 'free', CHANGED = 51 WHERE JOB_NO = 'J030'",
        "DELETE FROM JOBS WHERE JOB_NO IN ('J001', 'J049')",
        rows=("INSERT INTO JOBS VALUES (?, 'W9', ?, ?)", [(f"N{n:03}", n, 52 + n // 4) for n in range(30)]),
    )


@dataclass(frozen=True)
class Case:
    """What stands before the run that is killed."""

    head: str
    prepare: Callable[[Council], None]
    full: bool = False


def nothing(council: Council) -> None:
    silo(council)


def extracted(council: Council) -> None:
    silo(council)
    council.run()
    changed(council)


CASES: Mapping[str, Case] = {
    "a first run": Case(HEAD, nothing),
    "a later run": Case(HEAD, extracted),
    "a build in parts": Case(CURSOR, nothing),
    "a build beside the old": Case(CURSOR, extracted, full=True),
    "what is new": Case(CURSOR, extracted),
    "a window in stretches": Case(CURSOR.replace("    columns:", "    deletes: detect\n    columns:"), extracted),
    "a history": Case(
        CURSOR.replace("    columns:", "    deletes: detect\n    history: scd2\n    columns:"), extracted
    ),
}


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the process that is killed."""
    monkeypatch.setattr(build, "WHOLE", 10)
    monkeypatch.setattr(build, "PART", 20)
    monkeypatch.setattr(follow, "STRETCH", 10)


def prepared(case: Case, home: Path) -> Council:
    home.mkdir()
    council = Council(home)
    council.declare(*COLUMNS, head=case.head)
    case.prepare(council)
    return council


def copied(council: Council, home: Path) -> Council:
    shutil.copytree(council.home, home)
    return Council(home)


def seen(council: Council, version: int | None = None) -> Rows | None:
    """The rows a reader sees, in an order of their own; states without the moments they were seen at."""
    if lake.names(council.home) == ():
        return None
    rows = council.rows(version=version)
    for row in rows:
        row.pop("valid_from", None)
    for row in rows:
        if "valid_to" in row:
            row["valid_to"] = row["valid_to"] is None
    return sorted(rows, key=lambda row: json.dumps(row, default=str))


def faults(council: Council) -> Rows:
    kept = [{name: fault[name] for name in ("key", "rule", "value", "set_aside")} for fault in council.faults()]
    return sorted(kept, key=lambda fault: str(fault["key"]))


@pytest.mark.slow
@pytest.mark.parametrize("share", range(SHARES))
@pytest.mark.parametrize("name", CASES)
def test_killed_at_any_moment_and_run_again(name: str, share: int, tmp_path: Path) -> None:
    case = CASES[name]
    start = prepared(case, tmp_path / "start")
    before = seen(start)
    clean = copied(start, tmp_path / "clean")
    names = moments(clean.home, full=case.full)
    after, expected = seen(clean), faults(clean)
    assert strays(clean.home) == set()
    versions = lake.history(clean.home, "jobs")
    whole = [before, *(seen(clean, version.number) for version in versions)]
    for moment in spread(names, MOST)[share::SHARES]:
        again = copied(start, tmp_path / moment.replace(" ", "-"))
        kill(again.home, moment, full=case.full)
        assert seen(again) in whole, f"killed at {moment}: a reader sees half of it"
        again.run(full=case.full)
        assert seen(again) == after, f"killed at {moment}"
        assert faults(again) == expected, f"killed at {moment}"
        assert strays(again.home) == set(), f"killed at {moment}"
        shutil.rmtree(again.home)


def test_what_a_killed_build_has_read_is_not_read_again(tmp_path: Path) -> None:
    council = prepared(CASES["a build in parts"], tmp_path / "council")
    kill(council.home, "part done 2")
    council.silo(
        "UPDATE JOBS SET COST = 1, CHANGED = 99 WHERE JOB_NO = 'J000'", "DELETE FROM JOBS WHERE JOB_NO = 'J002'"
    )
    council.run()
    assert council.read == [40 + 10, 52, 59], "the last part, what changed since (and its tie), and what has no cursor"
    assert {row["reference"]: str(row["cost"]) for row in council.rows()}["J000"] == "0.01"
    assert "J002" not in {row["reference"] for row in council.rows()}
    assert strays(council.home) == set()


def test_the_second_of_two_runs_says_who_holds_it(fifty: Council) -> None:
    with lake.hold(fifty.home, "jobs", "20260101T000000Z-aaaaaa", "fig extract"), pytest.raises(lake.Held) as held:
        fifty.run()
    assert str(held.value).startswith(f"dataset 'jobs' is being written by process {os.getpid()} on ")
    assert str(held.value).endswith(" UTC)")
    assert fifty.run().rows_out == 50
