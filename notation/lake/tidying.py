"""What runs that were killed left in a dataset's folder, removed; what a commit or a build names stays."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from notation.lake import building, log
from notation.lake.building import Build
from notation.lake.reading import FAULTS, RUNS

SPILL = "_spill"
RECENT = 50  # commits that are looked at, unless something stray is found; a thousand cost each run 40 ms


def tidy(folder: Path, run: str, build: Build | None, files: Sequence[str], newest: int | None) -> tuple[str, ...]:
    """-> the names removed. `run` is the one that tidies; `build` the unfinished one to keep; `files` those of version
    `newest`, None if there is none.
    """
    stray = strays(folder, run, build, files, newest, RECENT)
    if stray:
        stray = strays(folder, run, build, files, newest, None)
    for path in stray:
        path.unlink()
    removed = [path.name for path in stray]
    if build is None and building.remove(folder):
        removed.append(building.FOLDER)
    elif build:
        removed += build.tidy()
    if (spill := folder / SPILL).exists():
        shutil.rmtree(spill)
        removed.append(spill.name)
    for path in (*folder.glob(f"{log.LOG}/*.tmp"), *folder.glob(f"{log.LOG}/*#*"), *folder.glob(".*")):
        path.unlink()  # what was being written, under the names that Delta and we use until it is whole
        removed.append(path.name)
    return tuple(sorted(removed))


def strays(
    folder: Path, run: str, build: Build | None, files: Sequence[str], newest: int | None, limit: int | None
) -> list[Path]:
    """The files that no commit names, as far as the newest `limit` commits can tell; all of them if it is None."""
    names, runs, since = {path.name for path in build.files} if build else set(), {run}, ""
    names |= set(files)
    if newest is not None:
        seen = list(itertools.islice(log.commits(folder, newest), limit))
        for commit in seen:
            names |= set(commit.added)
            runs |= log.runs(commit)
        if limit is not None and len(seen) == limit:
            since = min(map(log.own_run, seen))  # what is older was looked at by earlier runs
    return [
        *(p for p in folder.glob("*.parquet") if p.name not in names and p.name[: len(run)] != run and p.name >= since),
        *(p for p in _beside(folder) if p.stem not in runs and (p.name >= since or p.name.startswith("."))),
    ]


def _beside(folder: Path) -> Iterable[Path]:
    return itertools.chain(folder.glob(f"{FAULTS}/*"), folder.glob(f"{RUNS}/*"))
