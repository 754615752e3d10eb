"""What is new since the last run: a window of the cursor, merged into the rows there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from extractors import carried, deletes
from extractors.commit import Changes, Committed, Proposal, commit
from extractors.cursor import Position, Window
from extractors.proved import not_unique
from extractors.take import Counts, Job, take
from notation import lake

if TYPE_CHECKING:
    from extractors import merge

STRETCH = 1_000_000  # rows of one commit: what a run that is killed makes the next one read again, at most
Stretch = tuple[list[str], tuple[str, ...]]  # conditions, and the place reached with them; () at the window's end


class Missed(Exception):  # an outcome, named like the others
    """The source holds rows that the cursor should have shown long ago: it cannot be trusted, so all is read anew."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        super().__init__(f"the cursor missed {rows:,} rows")


@dataclass(frozen=True, slots=True)
class Increment:
    """Rows read and merged, in files, not committed yet."""

    adds: tuple[Path, ...]
    removes: tuple[Path, ...]
    counts: Counts
    changes: Changes


def follow(
    job: Job,
    window: Window,
    held: lake.Hold,
    last: Position,
    new_run: Callable[[], str],
    now: datetime,
    so_far: Committed,
) -> None:
    """Commit what is new, stretch by stretch. Raises Missed before the commit that it would have made wrong."""
    until, last = newest(job, window, last)
    for where, at in stretches(job, window, last, until):
        snapshot = held.snapshot()
        assert snapshot is not None, "a build came before"
        position = Position(window.column, window.native, until, at)
        old_faults = held.faults_file.with_name(f"{snapshot.meta['run']}.parquet")
        made = increment(job, window, held, snapshot.files, where, position, old_faults, now)
        commit(job, held, Proposal("window", made.adds, made.removes, made.counts, made.changes, position), now, so_far)
        held = replace(held, run=new_run())


def newest(job: Job, window: Window, last: Position) -> tuple[str | None, Position]:
    """The newest cursor there is, and the position to go on from.

    If the source was set back, or lost its newest rows, that is where it stands now: what it writes next lies behind
    the old position.
    """
    ((until, older),) = job.reading.ask(window.newest(last))
    is_back = until is None or older == "1"
    return until, replace(last, until=until, at=()) if is_back else last


def stretches(job: Job, window: Window, last: Position, until: str | None) -> Iterator[Stretch]:
    """The window in commits of bounded size; rows without a cursor come with the last."""
    if until is None:
        yield all_new(window, last, until), ()
        return
    (new, without), start = all_new(window, last, until), ""
    left = job.count(new)
    job.of = job.rows + left
    while left > STRETCH:
        found = job.reading.ask(window.order.place_of(STRETCH, new + start))
        if not found or None in found[0]:  # rows without a key have no place: they are set aside with the last stretch
            break
        at = tuple(str(each) for each in found[0])
        yield [f"{new}{start} AND {window.order.up_to(at)}"], at
        left, start = left - STRETCH, f" AND {window.order.after(at)}"
    keyless = [f"{new} AND {window.order.without_place()}"] if start else []
    yield [new + start, *keyless, without], ()


def all_new(window: Window, last: Position, until: str | None) -> list[str]:
    """The window in one: what is new, and what says nothing of when it changed."""
    return [*([f"{window.since(last)} AND {window.until(until)}"] if until is not None else []), window.without()]


def increment(
    job: Job, window: Window, held: lake.Hold, base: Sequence[Path], where: Sequence[str], position: Position,
    old_faults: Path, moment: datetime,
) -> Increment:  # fmt: skip
    """Rows of these conditions, merged into `base`; at the window's end, without the keys that are gone there."""
    held.spill.mkdir(mode=0o700, exist_ok=True)
    taken = take(job, where, lambda number: held.spill / f"incoming-{number:05}.parquet", held.faults_file)
    job.say("rows written", job.rows, job.of)
    gone = None
    if job.dataset.detects_deletes and not position.at:
        gone = _gone(job, window, position.until, held, base, taken.files)
    made = merged(job, held, base, taken.files, moment, gone=gone)
    job.say("merged")
    touched = [*taken.files, *([gone] if gone else [])]
    names = [column.name for column in job.dataset.key_columns]
    carried.carry(old_faults, held.faults_file, touched, names, held.spill)
    changes = Changes(made.inserted, made.updated, made.deleted, made.unchanged)
    return Increment(made.adds, made.removes, taken.counts, changes)


def _gone(
    job: Job, window: Window, until: str | None, held: lake.Hold, base: Sequence[Path], incoming: Sequence[Path]
) -> Path | None:
    compared = deletes.compare(job, window, until, base, incoming, held.spill)
    job.say("keys compared", compared.gone)
    if compared.missed:
        raise Missed(compared.missed)
    return compared.keys


def merged(
    job: Job, held: lake.Hold, base: Sequence[Path], incoming: Sequence[Path], moment: datetime, *,
    gone: Path | None = None, whole: bool = False,
) -> merge.Merged:  # fmt: skip
    """Files for one commit. Raises Unproven if a key occurs twice among the incoming rows."""
    from extractors import merge

    shown = {column.name: column.privacy == "keep" for column in job.dataset.key_columns}
    merging = merge.Merging(base, incoming, job.schema, shown, held.new_file, held.spill, gone, whole)
    outcome = merge.merge_states(merging, moment) if job.dataset.keeps_history else merge.merge_latest(merging)
    if isinstance(outcome, merge.Twice):
        raise not_unique(job.dataset, outcome.which)
    return outcome
