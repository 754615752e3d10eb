"""Old versions, given up: what only they need is removed, once they were replaced long enough ago."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from notation.files import write_whole
from notation.lake import log
from notation.lake.building import Build
from notation.lake.log import Commit, NoDataset
from notation.lake.reading import FAULTS, RUNS

KEEP = timedelta(days=30)  # as long as Delta keeps its log
EVERY = timedelta(days=1)  # the whole log is read for it


@dataclass(frozen=True, slots=True)
class Vacuumed:
    """The oldest version that can still be read, and the names removed."""

    oldest: int
    removed: tuple[str, ...]


def vacuum(folder: Path, run: str, keep: timedelta, now: datetime, every: timedelta, build: Build | None) -> Vacuumed:
    """Restartable: versions are first said to be gone, then their files go."""
    mark = log.mark(folder)
    before = int(mark.get("oldest", 0))
    done = mark.get("at")
    if not log.has_log(folder) or (done and datetime.fromisoformat(done) <= now < datetime.fromisoformat(done) + every):
        return Vacuumed(before, ())
    newest = log.delta(folder).version()
    commits = list(log.commits(folder, newest))
    oldest = _readable(folder, max(before, _oldest(commits, now - keep)), newest)
    kept = [commit for commit in commits if commit.version.number >= oldest]
    names = {name for commit in kept for name in commit.added} | set(log.files(log.delta(folder, oldest)))
    names |= {path.name for path in build.files} if build else set()
    runs = {run, str(log.last_meta(folder, oldest).get("run", ""))}.union(*map(log.runs, kept))
    _mark(folder, oldest)
    gone = [p for p in folder.glob("*.parquet") if p.name not in names and p.name[: len(run)] != run]
    gone += [p for beside in (FAULTS, RUNS) for p in folder.glob(f"{beside}/*") if p.stem not in runs]
    for path in gone:
        path.unlink()
    _mark(folder, oldest, now)
    return Vacuumed(oldest, tuple(sorted(path.name for path in gone)))


def _oldest(commits: Sequence[Commit], cutoff: datetime) -> int:
    """The first version that was still the newest after the cutoff. `commits`: newest first, at least one."""
    oldest = commits[0].version.number
    for successor, commit in itertools.pairwise(commits):
        if successor.version.at > cutoff:
            oldest = commit.version.number
    return oldest


def _readable(folder: Path, oldest: int, newest: int) -> int:
    """`oldest`, or the first after it that Delta can still put together: its log is cleaned up, too."""
    for number in range(oldest, newest):
        try:
            log.delta(folder, number)
        except NoDataset:
            continue
        return number
    return newest


def _mark(folder: Path, oldest: int, at: datetime | None = None) -> None:
    said = {"oldest": oldest, **({"at": at.isoformat()} if at else {})}
    write_whole(folder / log.MARK, json.dumps(said) + "\n", 0o600)
