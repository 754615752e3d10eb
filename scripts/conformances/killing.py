"""Extractions killed at moments drawn at random, then run again: the result is to be one clean run's."""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from extractors import dataset
from notation import lake
from scripts.benches.extract_runs import ROOT, datasets_yaml
from scripts.benches.extract_servers import SILOS, Silo, absent
from scripts.benches.extract_table import REPAIRS, generate
from tests.extractors.crashes import strays

NAME = REPAIRS.name.replace("_", "-")
CHANGES = (  # of rows old and new; some gone
    "UPDATE housing_repairs SET visits = 99, last_modified = '2025-06-01 00:00:00.000001' WHERE job_id % 10 = 3",
    "DELETE FROM housing_repairs WHERE job_id % 1000 = 7",
)
STARTED = 0.2  # of a run's time: before it, Python starts
MOST = 3  # times the kills asked for: a run may be faster than the one that was timed
State = tuple[object, ...]


@dataclass(slots=True)
class Tally:
    kills: int = 0
    hits: int = 0  # the run had not ended yet
    under_way: int = 0  # and had files of its own on the disk, or had committed
    wrong: int = 0


def state(home: Path) -> State:
    """How many rows there are and what they are, whatever their order; () of no dataset."""
    if NAME not in lake.names(home):
        return ()
    rows = dataset(NAME, home=home).duckdb()
    return rows.query("jobs", "SELECT count(*), sum(hash(jobs)), count(DISTINCT job_id) FROM jobs").fetchone() or ()


def files(home: Path) -> set[str]:
    folder = home / "data" / "lake" / NAME
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    return {name for name in there if not name.startswith("_delta_log/")}


def run(home: Path, wait: float | None = None) -> bool:
    """One `fig extract`; with `wait`, killed after so many seconds. Whether it was."""
    with (home / "log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "fig", "extract", NAME], cwd=home, stdout=log, stderr=log,
            env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}, start_new_session=True,
        )  # fmt: skip
        try:
            process.wait(wait)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            return True
    if process.returncode != 0:
        raise SystemExit(f"{home}: fig extract ended with {process.returncode}:\n{(home / 'log').read_text()[-2000:]}")
    return False


def timed(home: Path) -> float:
    began = time.monotonic()
    run(home)
    return time.monotonic() - began


def copied(start: Path, home: Path) -> Path:
    shutil.rmtree(home, ignore_errors=True)
    return Path(shutil.copytree(start, home))


def tried(start: Path, folder: Path, kills: int, draw: random.Random) -> Tally:
    """So many kills of a run that finds what `start` holds; each followed by one that is let be."""
    clean = copied(start, folder / "clean")
    took = timed(clean)
    before, after = state(start), state(clean)
    had, tally = files(start), Tally()
    while tally.hits < kills and tally.kills < MOST * kills:
        tally.kills += 1
        home, moment = copied(start, folder / "killed"), draw.uniform(STARTED, 1.0) * took
        if not run(home, moment):
            continue
        tally.hits += 1
        seen = state(home)
        tally.under_way += files(home) != had
        run(home)
        left = strays(home, NAME)
        wrong = [
            *([] if seen in (before, after) else [f"a reader saw {seen}"]),
            *([] if state(home) == after else [f"it came to {state(home)}, not {after}"]),
            *([f"left lying about: {sorted(left)}"] if left else []),
        ]
        if wrong:
            tally.wrong += 1
            print(f"    killed after {moment:.2f} of {took:.2f} s: {'; '.join(wrong)}", flush=True)
    return tally


def silo_killed(silo: Silo, folder: Path, kills: int, draw: random.Random) -> bool:
    """A first build, then a run that reads what is new. Whether all came out right."""
    start = folder / "start"
    start.mkdir()
    declared = datasets_yaml(silo, REPAIRS, "last_modified").replace(
        "    columns:", "    deletes: detect\n    columns:"
    )
    (start / "datasets.yaml").write_text(declared)
    right = True
    for what, count in (("a first build", kills - kills // 2), ("what is new", kills // 2)):
        tally = tried(start, folder, count, draw)
        print(
            f"{silo.name}, {what}: {tally.kills} kills, {tally.hits} hit a run, {tally.under_way} of them one that"
            f" had written; {tally.wrong} wrong", flush=True,
        )  # fmt: skip
        right = right and not tally.wrong
        if what == "a first build":
            run(start)
            for change in CHANGES:
                silo.execute(change)
    return right


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="scripts/kills", add_help=False)
    parser.add_argument("--silo", choices=list(SILOS), action="append")
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(arguments)
    right = True
    for name in asked.silo or SILOS:
        if why := absent(name):
            print(f"{name}: left out: {why}")
            continue
        with tempfile.TemporaryDirectory(prefix="kills-") as made:
            folder = Path(made)
            folder.chmod(0o755)
            _, lines = generate(asked.rows, folder)
            with SILOS[name](asked.rows, lines, folder) as silo:
                right = silo_killed(silo, folder, asked.kills, random.Random(asked.seed)) and right
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
