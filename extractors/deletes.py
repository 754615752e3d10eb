"""Which rows are gone from the source, and whether the cursor missed any: keys compared, range by range."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pyarrow as pa

from extractors import ranges
from extractors.ahead import ahead
from extractors.compiled import Column
from extractors.cursor import Window
from extractors.declared import Type
from extractors.dialects import Planned, Select
from extractors.duck import files, room
from extractors.parquet_files import ParquetFiles
from extractors.plan import plan
from extractors.privacy import Protection
from extractors.ranges import Ranges
from extractors.refused import SourceRefused
from extractors.schema import Coercion
from extractors.take import Job, read

SETTLED = Column("", "fig_settled", Type("int32"), "keep")
WHOLE = ("int8", "int16", "int32", "int64")


@dataclass(frozen=True, slots=True)
class Compared:
    """`gone` keys lie in the file `keys`; `missed` rows of the source are old enough to be here, and are not."""

    gone: int = 0
    keys: Path | None = None
    missed: int = 0


def compare(
    job: Job, window: Window, until: str | None, base: Sequence[Path], incoming: Sequence[Path], spill: Path
) -> Compared:
    """The keys of the dataset's files, and of those about to be merged into them, against those of the source.

    `until` is the newest cursor of the window that was read. Raises SourceRefused.
    """
    listed = ", ".join(f'"{column.name}"' for column in job.dataset.key_columns)
    current = "WHERE valid_to IS NULL" if job.dataset.keeps_history else ""
    with room(spill) as connection:
        ask = connection.execute
        parts = [f"SELECT {listed} FROM {files(incoming)}", f"SELECT {listed} FROM {files(base)} {current}"]  # noqa: S608
        ask(f"CREATE VIEW held AS {' UNION ALL '.join(parts[: 1 + bool(base)])}")
        where, kept = "", "true"
        if (split := _ranges(job, connection)) is not None:
            theirs, ours = job.reading.dialect.quoted(job.dataset.key[0]), listed
            here = ask(split.tallies("(SELECT DISTINCT * FROM held)", ours)).fetchall()
            numbers = _differing(job, split, theirs, here)
            if not numbers:
                return Compared()
            where, kept = split.condition(theirs, numbers), split.condition(ours, numbers)
        read_files = read(job, lambda: _keys(job, window, until, where, spill))
        known = " AND ".join(f'"{column.name}" IS NOT NULL' for column in job.dataset.key_columns)
        ask(f"CREATE VIEW there AS SELECT * FROM {files(read_files)} WHERE {known}")  # noqa: S608
        target = spill / "gone.parquet"
        gone = f"SELECT {listed} FROM held WHERE {kept} EXCEPT SELECT {listed} FROM there"  # noqa: S608
        (lost,) = ask(f"COPY ({gone}) TO {str(target)!r} (FORMAT parquet)").fetchone() or (0,)
        missed = f"SELECT {listed} FROM there WHERE fig_settled = 1 EXCEPT SELECT {listed} FROM held"  # noqa: S608
        (more,) = ask(f"SELECT count(*) FROM ({missed})").fetchone() or (0,)  # noqa: S608
    for path in read_files:
        path.unlink()
    return Compared(lost, target if lost else None, more)


def _ranges(job: Job, connection: duckdb.DuckDBPyConnection) -> Ranges | None:
    """None where the key does not compare here as it does there: then all of it is read."""
    column = job.dataset.key_columns[0]
    is_plain = column.privacy == "keep" and not (column.values or column.null_values) and column.type.name in WHOLE
    native = job.types[column.source]
    if len(job.dataset.key) > 1 or not is_plain or not job.reading.dialect.is_number(native):
        return None
    bounds = f'SELECT min("{column.name}"), max("{column.name}") FROM held'  # noqa: S608  # a checked name
    least, most = connection.execute(bounds).fetchone() or (None, 0)
    return None if least is None else ranges.between(least, most)


def _differing(job: Job, split: Ranges, key: str, here: Sequence[Sequence[object]]) -> Sequence[int]:
    """All of them, where the source's keys are too large for it to add up (SQLite's SUM)."""
    try:
        there = job.reading.ask(split.tallies(job.relation.sql, key, ctes=job.relation.ctes))
    except SourceRefused:
        return range(len(split.edges) + 1)
    return split.differing(here, there)


def _keys(job: Job, window: Window, until: str | None, where: str, spill: Path) -> list[Path]:
    """The source's keys as the dataset has them, and whether each is of a row that was committed for certain."""
    dataset = replace(job.dataset, columns=job.dataset.key_columns)
    before = f"{window.name} < {window.settled(until)}" if until is not None else "1 = 0"
    settled = Planned(SETTLED, f"CASE WHEN {before} THEN 1 ELSE 0 END", pa.int32())
    planned = (*plan(dataset, job.types, job.reading.dialect, job.as_text), settled)
    coerce = Coercion(replace(dataset, columns=(*dataset.columns, SETTLED)))
    protected = Protection(dataset, job.key)
    bare = [pa.field(field.name, field.type) for field in dataset.arrow_schema()]
    schema = pa.schema([*bare, pa.field(SETTLED.name, pa.int32())])
    written = ParquetFiles(schema, lambda number: spill / f"keys-{number:05}.parquet", passing=True)
    batches = job.reading.read(Select(job.relation, planned, where))
    try:
        for raw in job.pace(ahead(batches, job.reading.cancel)):
            *keys, flag = coerce(raw).columns
            written.write(pa.RecordBatch.from_arrays([*protected(keys), flag], schema=schema))
        return written.close()
    except BaseException:
        written.abandon()
        raise
