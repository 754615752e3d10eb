"""Extraction while legacy is written to: each run reads what is new, and at the end nothing is lost or doubled."""

import json
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from demo.children import hold
from demo.citizens import Citizens

DATASET = "housing-repairs"
RUNS = 2  # while citizens report; one more follows when they are done
BURST = 30  # reports that begin when a run does
LEGACYS = "SELECT CAST(JOB_NO AS TEXT), rtrim(DESCR), COST_P FROM REPAIR_JOBS ORDER BY JOB_NO"
OURS = f'SELECT reference, description, CAST(cost * 100 AS BIGINT) AS pence FROM "{DATASET}"'  # noqa: S608  # our own name

Fig = Callable[..., str]  # `fig` and its words -> what it printed
Job = tuple[str, str, int | None]  # its number, what is wrong, what it cost in pence


@dataclass(frozen=True, slots=True)
class Run:
    """One run, as `fig extract --json` tells of it; `meanwhile` are the reports that legacy took while it ran."""

    mode: str
    read: int
    new: int
    seconds: float
    meanwhile: int


def follow(fig: Fig, port: int, database: Path, report: Mapping[str, str]) -> list[str]:
    """Holds what the tour shows. -> what to say. Raises Failed, OSError, sqlite3.Error."""
    before = len(jobs_of(database))
    with Citizens(port, report) as citizens:
        runs = []
        for number in range(RUNS):
            citizens.ask_for([f"Reported while a run reads, {number * BURST + each + 1}" for each in range(BURST)])
            runs.append(_run(fig, citizens))
    runs.append(_run(fig, citizens))
    there, here = jobs_of(database), dataset(fig)
    check(runs, citizens.reported, before, there, here)
    new, took, most = sum(run.new for run in runs), sum(run.seconds for run in runs), max(run.read for run in runs)
    shown = ", ".join(f"{run.new} by a run during which citizens reported {run.meanwhile}" for run in runs[:-1])
    return [
        f"{DATASET}: {new} new of {len(here):,} rows, read in {took:.1f} s",
        f"{shown}, {runs[-1].new} by one after that; the most that one read are {most} rows",
        "Every report was taken by legacy; the dataset's rows equal legacy's, none lost, none doubled",
    ]


def _run(fig: Fig, citizens: Citizens) -> Run:
    taken = len(citizens.reported)
    (told,) = json.loads(fig("extract", DATASET, "--json"))["datasets"]
    meanwhile = len(citizens.reported) - taken
    return Run(told["mode"], told["rows_in"], told["inserted"], told["seconds"], meanwhile)


def jobs_of(database: Path) -> list[Job]:
    """Legacy's jobs, in order, from its file opened read-only."""
    with closing(sqlite3.connect(f"file:{quote(str(database))}?mode=ro", uri=True)) as connection:
        return connection.execute(LEGACYS).fetchall()


def dataset(fig: Fig) -> list[Job]:
    """The dataset's, in order."""
    rows = json.loads(fig("query", OURS, "--format", "json"))
    return sorted(((row["reference"], row["description"], row["pence"]) for row in rows), key=lambda job: int(job[0]))


def check(runs: list[Run], reported: Mapping[int, str], before: int, there: list[Job], here: list[Job]) -> None:
    """Raises Failed unless each run read little, and all of it together is exact."""
    for number, run in enumerate(runs, 1):
        hold(run.mode == "window", f"run {number} read everything (mode {run.mode}), not what was new")
        hold(run.read <= len(there) // 4, f"run {number} read {run.read:,} of {len(there):,} rows")
    for number, run in enumerate(runs[:-1], 1):
        hold(run.meanwhile > 0, f"nobody reported anything during run {number}")
    hold(len(there) == before + len(reported), f"legacy has {len(there):,} jobs, not {before:,} and {len(reported)}")
    hold(len(here) == len({number for number, _, _ in here}), "the dataset has a job twice")
    known = {int(number): problem for number, problem, _ in here}
    lost = sorted(number for number, problem in reported.items() if known.get(number) != problem)
    hold(not lost, f"the dataset lacks what citizens reported: {lost[:5]}")
    hold(sum(run.new for run in runs) == len(reported), "the runs count other new rows than were reported")
    hold(here == there, "the dataset's rows are not legacy's")
