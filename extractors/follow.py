"""What is new since the last run: a window of the cursor, merged into the rows there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from extractors import carried, deletes
from extractors.commit import Changes, Committed, Proposal, commit
from extractors.cursor import Position, Window, check_end, is_later, written_as
from extractors.duck import comparing
from extractors.proved import not_unique
from extractors.take import Counts, Job, Rows, take
from notation import lake

if TYPE_CHECKING:
    from extractors import merge

MANY = 100_000  # rows that one connection brings about as soon as a second one would, which has to be set up first
STRETCH = 1_000_000  # rows of one commit: what a run that is killed makes the next one read again, at most
Stretch = tuple[list[Rows], tuple[str, ...]]  # the rows, and the place reached with them; () at the window's end


class Many(Exception):  # an outcome, named like the others
    """More rows are to be read than one connection is meant for; nothing was committed."""


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
    """Commit what is new, stretch by stretch. Raises Missed before the commit that it would have made wrong, or Many
    before the first.
    """
    standing = stand(job, window, last)
    if standing.new + standing.without > MANY and not job.may_be_many:
        raise Many
    window = standing.window
    for rows, at in stretches(job, window, standing):
        snapshot = held.snapshot()
        assert snapshot is not None, "a build came before"
        position = Position(window.column, window.native, standing.until, at)
        old_faults = held.faults_file.with_name(f"{snapshot.meta['run']}.parquet")
        made = increment(job, window, held, snapshot.files, rows, position, old_faults, now)
        commit(job, held, Proposal("window", made.adds, made.removes, made.counts, made.changes, position), now, so_far)
        held = replace(held, run=new_run())


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the source stands: its newest cursor, the position to go on from, and the rows since and without.

    `window` is the one asked about, which may leave rows of the future out.
    """

    window: Window
    until: str | None
    last: Position
    new: int
    without: int


def stand(job: Job, window: Window, last: Position) -> Standing:
    """If the source was set back, or lost its newest rows, the position is where it stands now: what it writes next
    lies behind the old one. Raises Refused.
    """
    window = window if window.now else _until_now(job, window, last.until)
    ((until, older, new, without),) = job.reading.ask(window.stands(last))
    if not window.now and (seen := _until_now(job, window, until)).now and is_later(until or "", seen.now):
        return stand(job, seen, last)
    if until is None and last.until is not None:
        there = stand(job, window, replace(last, until=None, at=()))
        return there if there.until is None else stand(job, there.window, replace(last, until=there.until, at=()))
    if older == "1":
        return stand(job, window, replace(last, until=until, at=()))
    if until is not None:
        check_end(until)
        window.settled(until)  # a lag that makes no sense is refused before the first row, not at the second run
    return Standing(window, until, last, int(new or 0), int(without or 0))


def _until_now(job: Job, window: Window, known: str | None) -> Window:
    """Without a snapshot, rows that change while they are read must not come twice: only a day ahead is the future."""
    now = datetime.now(UTC) + (timedelta() if job.reading.is_snapshot else timedelta(days=1))
    return replace(window, now=written_as(known, now) if known else "")


def stretches(job: Job, window: Window, standing: Standing) -> Iterator[Stretch]:
    """The window in commits of bounded size; rows without a cursor come with the last."""
    *new, without = all_new(window, standing)
    job.of = job.rows + standing.new + standing.without
    left, start = standing.new, ""
    while left > STRETCH:
        found = job.reading.ask(window.order.place_of(STRETCH, new[0].where + start))
        if not found or None in found[0]:  # a row without a key is no place to stop at: what is left is one stretch
            break
        at = tuple(str(each) for each in found[0])
        yield [Rows(f"{new[0].where}{start} AND {window.order.up_to(at)}")], at
        left, start = left - STRETCH, f" AND {window.order.after(at)}"
    if start:
        new = [Rows(new[0].where + start)]
    yield [*new, without], ()


def all_new(window: Window, standing: Standing) -> list[Rows]:
    """The window in one: what is new, and what says nothing of when it changed."""
    without = Rows(window.without(), standing.without)
    if standing.until is None:
        return [without]
    return [Rows(f"{window.since(standing.last)} AND {window.until(standing.until)}", standing.new), without]


def increment(
    job: Job, window: Window, held: lake.Hold, base: Sequence[Path], rows: Sequence[Rows], position: Position,
    old_faults: Path, moment: datetime,
) -> Increment:  # fmt: skip
    """Rows merged into `base`; at the window's end, without the keys that are gone there."""
    held.spill.mkdir(mode=0o700, exist_ok=True)
    taken = take(job, rows, lambda number: held.spill / f"incoming-{number:05}.parquet", held.faults_file, passing=True)
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
    with comparing():
        outcome = merge.merge_states(merging, moment) if job.dataset.keeps_history else merge.merge_latest(merging)
    if isinstance(outcome, merge.Twice):
        raise not_unique(job.dataset, outcome.which)
    return outcome
