"""Killed between any two steps, then run again: the result equals one clean run, and nothing is left lying about."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from extractors import run
from notation import lake

from .conftest import Council

CHILD = """
import os, signal, sys
from pathlib import Path
from extractors import run, spec
home, at = Path(sys.argv[1]), sys.argv[2]
if at == "half a file":
    from extractors.parquet_files import ParquetFiles
    ParquetFiles._finish = lambda self: os.kill(os.getpid(), signal.SIGKILL)
if at == "files synced":
    from notation.lake import writing
    writing.sync_folder = lambda folder: os.kill(os.getpid(), signal.SIGKILL)
if at == "log written":
    import notation.lake as lake
    lake.Hold._settled = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
def told(step):
    if step.done == at:
        os.kill(os.getpid(), signal.SIGKILL)
loaded = spec.load(home / "datasets.yaml", {})
run.extract(loaded.dataset("jobs"), home, loaded.keys_file, told)
"""
POINTS = (*run.STEPS, "half a file", "files synced", "log written")


def kill_at(council: Council, point: str) -> None:
    command = [sys.executable, "-c", CHILD, str(council.home), point]
    assert subprocess.run(command, check=False, stderr=subprocess.DEVNULL).returncode == -signal.SIGKILL


def files(home: Path) -> set[str]:
    """Every file of the dataset, its run's name aside."""
    folder = home / "data" / "lake" / "jobs"
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("point", POINTS)
def test_killed_in_the_first_run(point: str, fifty: Council) -> None:
    kill_at(fifty, point)
    seen = lake.names(fifty.home)
    assert seen == (("jobs",) if point in ("committed", "log written") else ())
    done = fifty.run()
    assert done.rows_out == len({row["reference"] for row in fifty.rows()}) == 50
    versions = lake.history(fifty.home, "jobs")
    expected = {"_lock", *(f"_delta_log/{version.number:020}.json" for version in versions)}
    expected |= {
        f"_{kind}/{v.meta['run']}.{end}" for v in versions for kind, end in (("faults", "parquet"), ("runs", "json"))
    }
    expected |= {path.name for path in lake.open_dataset(fifty.home, "jobs").files}
    assert files(fifty.home) == expected


@pytest.mark.parametrize("point", POINTS)
def test_killed_in_a_later_run(point: str, fifty: Council) -> None:
    fifty.run()
    fifty.silo("UPDATE JOBS SET COST = 1 WHERE JOB_NO = 'J001'")
    kill_at(fifty, point)
    old_or_new = {str(row["cost"]) for row in fifty.rows() if row["reference"] == "J001"}
    assert old_or_new == ({"0.01"} if point in ("committed", "log written") else {"1.01"})
    fifty.run()
    assert {str(row["cost"]) for row in fifty.rows() if row["reference"] == "J001"} == {"0.01"}
    assert len(fifty.rows()) == 50
    versions = lake.history(fifty.home, "jobs")
    kept = {str(version.meta["run"]) for version in versions}
    assert all(
        name.startswith("_delta_log/") or name == "_lock" or any(run in name for run in kept)
        for name in files(fifty.home)
    )
    assert len(fifty.rows(version=0)) == 50


def test_the_second_of_two_runs_says_who_holds_it(fifty: Council) -> None:
    with lake.hold(fifty.home, "jobs", "20260101T000000Z-aaaaaa", "fig extract"), pytest.raises(lake.Held) as held:
        fifty.run()
    assert str(held.value).startswith(f"dataset 'jobs' is being written by process {os.getpid()} on ")
    assert str(held.value).endswith(" UTC)")
    assert fifty.run().rows_out == 50
