"""A dataset read whole: at once, or in ranges of its key that survive a kill; one commit then replaces all before."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from extractors import faults, follow
from extractors.address import place
from extractors.commit import identity
from extractors.compiled import Dataset
from extractors.cursor import Order, Position, Window, key_order, may_be_noted
from extractors.parquet_files import ParquetFiles
from extractors.take import Counts, Job, Rows, take
from notation import lake

WHOLE = 4_000_000  # rows up to which a table is read at once, as fast as its engine can: ten seconds to read again
PART = 2_000_000  # rows of a range of a larger one


def fingerprint(dataset: Dataset, key_id: str) -> str:
    """What a build's parts were read by: those of another are of no use."""
    return sha256(json.dumps([identity(dataset), key_id], sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Whole:
    """All rows, in files that are complete, and how far the source had got."""

    files: tuple[Path, ...]
    counts: Counts
    position: Position | None = None
    build: lake.Build | None = None


def goes_on(job: Job, window: Window, before: Mapping[str, Any], last: Position) -> bool:
    """Whether the rows of the last commit were read as these would be, so that new ones can be added to them."""
    now = identity(job.dataset)
    if is_elsewhere(job.dataset, before):
        job.say("read elsewhere")
    same = all(before.get(name, value if name == "place" else None) == value for name, value in now.items())
    return same and (last.column, last.native) == (window.column, window.native)


def is_elsewhere(dataset: Dataset, before: Mapping[str, Any]) -> bool:
    """Whether the source's url led to another database then; a commit of an older version does not say."""
    return str(before.get("place", place(dataset.source.url))) != place(dataset.source.url)


def at_once(job: Job, held: lake.Hold, rows: Rows = Rows()) -> Whole:  # noqa: B008  # a value, and frozen
    """Every row in one reading."""
    taken = take(job, [rows], held.new_file, held.faults_file)
    return Whole(taken.files, taken.counts)


def with_cursor(job: Job, held: lake.Hold, window: Window, mark: str, moment: datetime) -> Whole:
    """Every row; what the source changes meanwhile lies behind the position, and comes with the next window."""
    standing = follow.stand(job, window, Position(window.column, window.native, None))
    job.of, until = standing.new + standing.without, standing.until
    build = held.build(mark)
    if build is not None and not _fits(build, job):
        build = None
    if build is None and (job.of <= WHOLE or not may_be_noted(job.dataset.key_columns)):
        return replace(at_once(job, held, Rows(count=job.of)), position=Position(window.column, window.native, until))
    try:
        return _in_parts(job, held, window, build, until, mark, moment)
    except follow.Missed as exc:
        assert build is not None, "only parts of an earlier run can lack rows"
        job.say("read whole", exc.rows)
        forget(build)
        job.rows = 0
        return with_cursor(job, held, window, mark, moment)


def forget(build: lake.Build) -> None:
    """Its parts are of no use: away with them, so that no later run goes on from there."""
    files = build.files
    build.drop()
    for path in files:
        path.unlink(missing_ok=True)


def _in_parts(
    job: Job, held: lake.Hold, window: Window, build: lake.Build | None, until: str | None, mark: str, moment: datetime
) -> Whole:
    """In ranges of the key; those that a run before this one finished are not read again, only what changed since."""
    is_resumed, build = build is not None, build or held.begin_build(mark)
    order = key_order(job.dataset, job.reading.dialect, job.relation, job.types)
    counts, place, is_done = Counts(), None, False
    for part in build.parts:
        until, place = part.note["until"], part.note["place"]
        job.as_text |= frozenset(part.note["as_text"])
        counts.add(Counts(**part.note["counts"]))
        is_done = place is None
    job.rows = counts.rows_in
    while not is_done:
        rows, place = _next(job, order, place)
        beside = build.folder / f"faults-{len(build.parts):05}.parquet"
        taken = take(job, rows, held.new_file, beside)
        note = {
            "until": until, "place": place, "counts": asdict(taken.counts), "as_text": sorted(job.as_text),
            "types": _types(job),
        }  # fmt: skip
        build.done(note, [*taken.files, beside])
        counts.add(taken.counts)
        job.say("part done", job.rows, job.of)
        is_done = place is None
    position = Position(window.column, window.native, until)
    if not is_resumed:
        _join(build.beside, held.faults_file)
        return Whole(build.files, counts, position, build)
    return _caught_up(job, held, window, Whole(build.files, counts, position, build), moment)


def _caught_up(job: Job, held: lake.Hold, window: Window, whole: Whole, moment: datetime) -> Whole:
    """Parts read at several moments, brought to this one: what changed since the first was read, and what is gone."""
    assert whole.position is not None
    assert whole.build is not None
    old_faults = held.spill / "parts.parquet"
    held.spill.mkdir(mode=0o700, exist_ok=True)
    _join(whole.build.beside, old_faults)
    standing = follow.stand(job, window, whole.position)
    position = replace(whole.position, until=standing.until)
    now = replace(job, dataset=replace(job.dataset, keeps_history=False, detects_deletes=True))
    rows = follow.all_new(standing.window, standing)
    made = follow.increment(now, standing.window, held, whole.files, rows, position, old_faults, moment)
    files = (*(file for file in whole.files if file not in made.removes), *made.adds)
    counts = replace(whole.counts)
    counts.add(made.counts)
    return Whole(files, counts, position, whole.build)


def _fits(build: lake.Build, job: Job) -> bool:
    return all(part.note["types"] == _types(job) for part in build.parts)


def _types(job: Job) -> dict[str, str]:
    return {column.source: job.types[column.source] for column in job.dataset.columns}


def _next(job: Job, order: Order, place: Sequence[str] | None) -> tuple[list[Rows], list[str] | None]:
    """The next range, and the place where it ends; None: it is the last."""
    start = order.after(place) if place else ""
    found = job.reading.ask(order.place_of(PART, start))
    if not found or None in found[0]:
        return [Rows(start), Rows(order.without_place())] if start else [Rows()], None
    end = [str(each) for each in found[0]]
    return [Rows(" AND ".join(part for part in (start, order.up_to(end)) if part))], end


def _join(parts: Sequence[Path], whole: Path) -> None:
    files = ParquetFiles(faults.SCHEMA, lambda _: whole, one_file=True)
    for part in parts:
        for batch in pq.ParquetFile(part).iter_batches():
            files.write(batch.cast(faults.SCHEMA))
    files.close()
