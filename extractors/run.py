"""One dataset, from its source into the lake: every step, in order."""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from extractors import build, drift, follow, keys, upkeep
from extractors.build import Whole
from extractors.commit import Changes, Committed, Proposal, commit
from extractors.compiled import Dataset, Source
from extractors.cursor import position
from extractors.cursor import window as window_of
from extractors.exposed import exposed
from extractors.no_pandas import leave_pandas
from extractors.origin import relation_of
from extractors.pace import Pace, check_open
from extractors.privacy import Key
from extractors.proved import prove
from extractors.refused import SchemaDrift, Unproven
from extractors.sources import Reading, open_reading
from extractors.take import Job, Step, Tell
from notation import lake
from notation.problems import ConfigError, Problem, Refused

__all__ = ["STEPS", "Extracted", "Step", "Tell", "extract"]


@dataclass(frozen=True, slots=True)
class Extracted:
    """What a run did. `rows_in == rows_out + set_aside`, and `rows_in == source_rows`.

    `mode` is `whole` (everything was read) or `window` (what is new); `inserted` and the three after it say what became
    of the dataset's rows where they were merged. `faults_in` counts the faults of each column that has any.
    """

    dataset: str
    run: str
    version: int
    changed: bool
    mode: str
    source_rows: int
    rows_in: int
    rows_out: int
    set_aside: int
    faults: int
    faults_in: Mapping[str, int]
    inserted: int
    updated: int
    deleted: int
    unchanged: int
    new_columns: tuple[str, ...]
    seconds: float

    def as_json(self) -> dict[str, object]:
        return {**asdict(self), "new_columns": list(self.new_columns)}


# The life of a row, as a run tells it. Nothing personal is on a disk before it is protected, within "read".
_BEGUN = ("held", "tidied", "opened", "compared", "read", "faults written", "rows written")
_ENDED = ("manifest written", "committed", "kept up")
STEPS: Mapping[str, tuple[str, ...]] = {"whole": (*_BEGUN, "proved", *_ENDED), "window": (*_BEGUN, "merged", *_ENDED)}


def run_id(now: datetime, draw: str) -> str:
    """A name for a run: `20261124T015838Z-1f9a3c`; it names its files, and its commit names it."""
    return f"{now:%Y%m%dT%H%M%SZ}-{draw}"


def new_run() -> str:
    return run_id(datetime.now(UTC), secrets.token_hex(3))


def extract(dataset: Dataset, home: Path, keys_file: Path, tell: Tell, *, full: bool = False) -> Extracted:
    """Bring a dataset up to date: what is new where it has a cursor, else everything; one commit of rows and position.

    `full` reads everything and accepts columns that were retyped in the source; until it is committed the old rows
    stay. Raises ConfigError, lake.Held, lake.LakeFailed, SourceRefused, DriverMissing, SchemaDrift or Unproven; what
    was committed before that stays, and nothing else of the run is seen.
    """
    began, now = time.monotonic(), datetime.now(UTC)
    leave_pandas()
    check_open(dataset.source.name, dataset.source.window, _now())
    key = keys.read(keys_file) if dataset.needs_key else None
    with lake.hold(home, dataset.name, new_run(), "fig extract") as held:
        tell(Step(dataset.name, "held"))
        mark = build.fingerprint(dataset, key.id if key else "")
        held.tidy(mark)
        tell(Step(dataset.name, "tidied"))
        before = held.last()
        _check(dataset, key, before, keys_file, home)
        so_far = Committed()

        def taken_from(source: Source) -> tuple[Job, tuple[str, ...], Whole | None]:
            with open_reading(source) as reading:
                tell(Step(dataset.name, "opened"))
                job, new_columns = _job(dataset, reading, before, key, tell, full=full)
                job.may_be_many = source == dataset.source
                job.say("compared")
                return job, new_columns, _read(job, held, before, mark, now, so_far, full=full)

        try:
            job, new_columns, whole = taken_from(_way(dataset, before, full=full))
        except follow.Many:
            job, new_columns, whole = taken_from(dataset.source)
        if whole is not None:
            _commit_whole(job, held, whole, now, so_far)
        shutil.rmtree(held.spill, ignore_errors=True)
        upkeep.keep_in_order(held, timedelta(seconds=dataset.versions))
        job.say("kept up")
    return Extracted(
        dataset.name, so_far.run, so_far.version, so_far.changed, so_far.mode, **asdict(so_far.counts),
        **asdict(so_far.changes), new_columns=new_columns, seconds=round(time.monotonic() - began, 3),
    )  # fmt: skip


def _check(dataset: Dataset, key: Key | None, before: Mapping[str, Any], keys_file: Path, home: Path) -> None:
    was = before.get("key_id")
    if key is not None and was and was != key.id:
        what = (
            f"the key in {keys_file} is {key.id}, and the pseudonyms of dataset '{dataset.name}' were made with {was}"
        )
        hint = f"put key {was} back, or move data/lake/{dataset.name} away: pseudonyms of two keys cannot be joined"
        raise ConfigError([Problem(dataset.where, what, hint)])
    if (before and bool(before.get("history")) != dataset.keeps_history) or _is_other_history(dataset, before):
        what = f"dataset '{dataset.name}' has a history of its rows, and datasets.yaml now reads them otherwise"
        if not before.get("history"):
            what = f"dataset '{dataset.name}' is to keep a history, and has been extracted without one"
        hint = f"move data/lake/{dataset.name} away and extract again: states read in two ways make no one history"
        raise ConfigError([Problem(dataset.where, what, hint)])
    if problems := exposed(dataset, home):
        raise ConfigError(problems)


def _is_other_history(dataset: Dataset, before: Mapping[str, Any]) -> bool:
    if not before.get("history"):
        return False
    was, now = (sorted((name.casefold(), how) for name, how in each.items()) for each in _read_as(dataset, before))
    return was != now or before["key"] != [column.name for column in dataset.key_columns]


def _read_as(dataset: Dataset, before: Mapping[str, Any]) -> tuple[Mapping[str, str], Mapping[str, str]]:
    return before["read_as"], dataset.fingerprints  # the first with the source's names, in the case that it writes


def _way(dataset: Dataset, before: Mapping[str, Any], *, full: bool) -> Source:
    """How to open the source. For what is new one connection is enough: a second one, or a process beside it, pays only
    for many rows.
    """
    is_window = dataset.cursor and before.get("cursor") and not full and not dataset.detects_deletes
    return replace(dataset.source, max_connections=1) if is_window else dataset.source


def _job(
    dataset: Dataset, reading: Reading, before: Mapping[str, Any], key: Key | None, tell: Tell, *, full: bool
) -> tuple[Job, tuple[str, ...]]:
    relation = relation_of(dataset, reading.dialect)
    types = reading.columns(relation)
    dataset = drift.as_the_source_writes_them(dataset, types)
    seen = drift.compare(dataset, types, before, accept=full)
    if seen.problems:
        raise SchemaDrift(list(seen.problems))
    as_text = frozenset() if full else frozenset(before.get("as_text", ()))
    return Job(dataset, reading, relation, types, key, tell, _pace(dataset.source), as_text=as_text), seen.new


def _pace(source: Source) -> Pace:
    return Pace(
        source.rows_per_second, time.monotonic, time.sleep, lambda: check_open(source.name, source.window, _now())
    )


def _now() -> datetime:
    return datetime.now().astimezone()  # this machine's clock: what a person who writes `22:00-06:00` looks at


def _read(
    job: Job, held: lake.Hold, before: Mapping[str, Any], mark: str, now: datetime, so_far: Committed, *, full: bool
) -> Whole | None:
    """Commits what is new, or gives back everything, to be committed once the source is let go of."""
    cursor = job.dataset.cursor
    if cursor is None:
        return build.at_once(job, held)
    window, last = window_of(job.dataset, job.reading.dialect, job.relation, job.types), position(before.get("cursor"))
    try:
        if last is not None and not full and build.goes_on(job, window, before, last):
            try:
                follow.follow(job, window, held, last, new_run, now, so_far)
            except follow.Missed as exc:
                job.say("read whole", exc.rows)
            else:
                return None
        if not job.may_be_many:
            raise follow.Many
        return build.with_cursor(job, held, window, mark, now)
    except Refused as exc:
        raise ConfigError(
            [Problem(cursor.where, f"dataset '{job.dataset.name}': cursor: {exc.what}", exc.hint)]
        ) from exc


def _commit_whole(job: Job, held: lake.Hold, whole: Whole, now: datetime, so_far: Committed) -> None:
    job.say("rows written", whole.counts.rows_out, job.of)
    try:
        prove(job.dataset, whole.counts, whole.files, held.spill)
    except Unproven:
        if whole.build is not None:
            build.forget(whole.build)
        raise
    job.say("proved")
    adds, removes, changes = whole.files, None, Changes()
    if job.dataset.keeps_history:
        there = held.snapshot()
        made = follow.merged(job, held, there.files if there else (), whole.files, now, whole=True)
        job.say("merged")
        adds, removes = made.adds, made.removes
        changes = Changes(made.inserted, made.updated, made.deleted, made.unchanged)
    commit(job, held, Proposal("whole", adds, removes, whole.counts, changes, whole.position, whole.build), now, so_far)
    for file in set(whole.files) - set(adds):  # a history keeps states, not the rows that they were made from
        file.unlink(missing_ok=True)
