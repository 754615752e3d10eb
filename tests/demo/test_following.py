"""Extraction beside citizens who report: what the tour holds does fail when it is not so, and deletes are followed."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from demo.children import Failed
from demo.citizens import Citizens, report_repair
from demo.following import Job, Run, check, dataset, follow, jobs_of
from demo.ports import Ports
from demo.tour import REPORT
from demo.workplace import prepare
from tests.demo.anytown import Monolith, running_monolith

pytestmark = pytest.mark.once

JOBS: list[Job] = [(str(number), f"Tap {number} drips", None) for number in range(1, 41)]
RUNS = [Run("window", 3, 2, 0.1, 2), Run("window", 3, 0, 0.1, 0)]
REPORTED = {39: "Tap 39 drips", 40: "Tap 40 drips"}


def test_what_is_so_holds() -> None:
    check(RUNS, REPORTED, 38, JOBS, JOBS)


BROKEN = [  # what, the runs, what was reported, legacy's jobs before, legacy's, the dataset's, what is said
    ("a run that reads everything", [replace(RUNS[0], mode="whole"), RUNS[1]], REPORTED, 38, JOBS, JOBS,
     "run 1 read everything (mode whole), not what was new"),
    ("a run that reads much", [RUNS[0], replace(RUNS[1], read=11)], REPORTED, 38, JOBS, JOBS,
     "run 2 read 11 of 40 rows"),
    ("a quiet run", [replace(RUNS[0], meanwhile=0), RUNS[1]], REPORTED, 38, JOBS, JOBS,
     "nobody reported anything during run 1"),
    ("a report that legacy lost", RUNS, REPORTED, 38, JOBS[:-1], JOBS[:-1],
     "legacy has 39 jobs, not 38 and 2"),
    ("a row that is doubled", RUNS, REPORTED, 38, JOBS, [*JOBS, JOBS[-1]],
     "the dataset has a job twice"),
    ("a row that is lost", RUNS, REPORTED, 38, JOBS, JOBS[:-1],
     "the dataset lacks what citizens reported: [40]"),
    ("a report that is another's", RUNS, {**REPORTED, 39: "Roof"}, 38, JOBS, JOBS,
     "the dataset lacks what citizens reported: [39]"),
    ("a count that is wrong", [replace(RUNS[0], new=3), RUNS[1]], REPORTED, 38, JOBS, JOBS,
     "the runs count other new rows than were reported"),
    ("an old row that differs", RUNS, REPORTED, 38, JOBS, [("1", "Tap 1 drips", 0), *JOBS[1:]],
     "the dataset's rows are not legacy's"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("runs", "reported", "before", "there", "here", "said"), [case[1:] for case in BROKEN], ids=[c[0] for c in BROKEN]
)
def test_what_is_not_so_fails(
    runs: list[Run], reported: dict[int, str], before: int, there: list[Job],
    here: list[Job], said: str,
) -> None:  # fmt: skip
    with pytest.raises(Failed) as failed:
        check(runs, reported, before, there, here)
    assert failed.value.what == said


def test_a_report_that_is_not_taken_is_said(monolith: Monolith) -> None:
    port = int(monolith.address.rpartition(":")[2])
    assert report_repair(port, REPORT) > 100_600
    with pytest.raises(Failed) as failed, Citizens(port, REPORT) as citizens:
        citizens.ask_for(["Too short"])
    assert failed.value.what == "a citizen's report was answered 422 and led to '', which is no job"


@pytest.fixture
def run(fig: Path, tmp_path: Path) -> Callable[..., str]:
    """`fig` in a council of its own, whose monolith is not started yet."""
    prepare(tmp_path / "council", Ports(1, 2, 3, 4))

    def run(*words: str) -> str:
        done = subprocess.run(
            [fig, *words], cwd=tmp_path / "council", env={**os.environ, "FIG_HOME": str(tmp_path / "council")},
            capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.mark.slow
def test_what_is_reported_while_runs_read_is_there_once_and_what_is_deleted_is_gone(
    run: Callable[..., str], tmp_path: Path
) -> None:
    with running_monolith(tmp_path / "council" / "data" / "anytown") as monolith:
        run("extract", "housing-repairs")
        database = monolith.folder / "anytown.sqlite"
        said = follow(run, int(monolith.address.rpartition(":")[2]), database, REPORT)
        assert said[0].startswith("housing-repairs: 60 new of 660 rows, read in ")
        with closing(sqlite3.connect(database)) as connection, connection:
            assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
            connection.execute("DELETE FROM REPAIR_JOBS WHERE JOB_NO IN (100007, 100650)")
            connection.execute("UPDATE REPAIR_JOBS SET DESCR = 'Mended', COST_P = 1, LAST_MOD = '2031-01-01 00:00:00' "
                               "WHERE JOB_NO = 100001")  # fmt: skip
        (told,) = json.loads(run("extract", "housing-repairs", "--json"))["datasets"]
        assert (told["mode"], told["inserted"], told["updated"], told["deleted"]) == ("window", 0, 1, 2)
        here = dataset(run)
        assert here == jobs_of(database)
        assert ("100001", "Mended", 1) in here
        assert len(here) == 658
