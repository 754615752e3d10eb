"""One dataset, from its source into the lake: every step, in order."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from extractors import drift, faults, keys, proof
from extractors.compiled import Dataset
from extractors.dialects import Select
from extractors.exposed import exposed
from extractors.parquet_files import ParquetFiles
from extractors.plan import plan
from extractors.privacy import Key, protect
from extractors.raw import Array
from extractors.refused import SchemaDrift, Unproven
from extractors.schema import Coercion
from extractors.sources import Reading, open_reading
from notation import lake
from notation.problems import ConfigError, Problem


@dataclass(frozen=True, slots=True)
class Step:
    """Something a run has just done, for whoever shows progress."""

    dataset: str
    done: str
    rows: int = 0
    of: int = 0


Tell = Callable[[Step], None]


@dataclass(frozen=True, slots=True)
class Extracted:
    """What a run did. `rows_in == rows_out + set_aside`, and `rows_in == source_rows`."""

    dataset: str
    run: str
    version: int
    changed: bool
    source_rows: int
    rows_in: int
    rows_out: int
    set_aside: int
    faults: int
    new_columns: tuple[str, ...]
    seconds: float

    def as_json(self) -> dict[str, object]:
        return {**asdict(self), "new_columns": list(self.new_columns)}


@dataclass(slots=True)
class Counts:
    rows_in: int = 0
    rows_out: int = 0
    set_aside: int = 0
    faults: int = 0


# The life of a row. Each step is a function below or beside; nothing personal is on a disk before `protected`.
STEPS: tuple[str, ...] = (
    "held", "tidied", "opened", "compared", "read", "faults written", "rows written", "proved",
    "manifest written", "committed",
)  # fmt: skip


def run_id(now: datetime, draw: str) -> str:
    """A name for a run: `20261124T015838Z-1f9a3c`; it names its files, and its commit names it."""
    return f"{now:%Y%m%dT%H%M%SZ}-{draw}"


def extract(dataset: Dataset, home: Path, keys_file: Path, tell: Tell, *, full: bool = False) -> Extracted:
    """Take a dataset out whole and commit it as its next version.

    Raises ConfigError, lake.Held, SourceRefused, SchemaDrift or Unproven; then nothing was committed.
    """
    began, now = time.monotonic(), datetime.now(UTC)
    key = keys.read(keys_file) if dataset.needs_key else None
    with lake.hold(home, dataset.name, run_id(now, secrets.token_hex(3)), "fig extract") as held:
        tell(Step(dataset.name, "held"))
        held.tidy()
        tell(Step(dataset.name, "tidied"))
        before = held.last()
        _check_key(dataset, key, before, keys_file)
        if problems := exposed(dataset, home):
            raise ConfigError(problems)
        with open_reading(dataset.source) as reading:
            tell(Step(dataset.name, "opened"))
            relation = reading.dialect.table(dataset.table)
            types = reading.columns(relation)
            dataset = drift.as_the_source_writes_them(dataset, types)
            seen = drift.compare(dataset, types, before, accept=full)
            if seen.problems:
                raise SchemaDrift(list(seen.problems))
            select = Select(relation, plan(dataset, types, reading.dialect))
            source_rows = reading.count(select)
            tell(Step(dataset.name, "compared", 0, source_rows))
            counts, files = _take(dataset, reading, select, held, key, source_rows, tell)
        tell(Step(dataset.name, "rows written", counts.rows_out, source_rows))
        _prove(dataset, counts, source_rows, files, held.spill)
        tell(Step(dataset.name, "proved"))
        meta = _meta(dataset, held.run, now, counts, source_rows, key, types)
        held.write_manifest(meta)
        tell(Step(dataset.name, "manifest written"))
        about = f"{dataset.title}. {dataset.description}".strip()
        version, changed = held.commit(files, None, dataset.arrow_schema(key.id if key else ""), meta, about=about)
        tell(Step(dataset.name, "committed", counts.rows_out, source_rows))
    return Extracted(
        dataset.name, held.run, version, changed, source_rows, **asdict(counts), new_columns=seen.new,
        seconds=round(time.monotonic() - began, 3),
    )  # fmt: skip


def _take(
    dataset: Dataset, reading: Reading, select: Select, held: lake.Hold, key: Key | None, source_rows: int, tell: Tell
) -> tuple[Counts, list[Path]]:
    """Read, coerce, protect, write: a batch at a time."""
    counts, coerce = Counts(), Coercion(dataset)
    data = ParquetFiles(dataset.arrow_schema(key.id if key else ""), held.data_file)
    beside = ParquetFiles(faults.SCHEMA, lambda _: held.faults_file)
    try:
        for raw in reading.read(select):
            typed = coerce(raw)
            breaks = [*typed.breaks, *faults.without_key(typed.columns, dataset, typed.breaks)]
            safe = protect(typed.columns, dataset, key)
            aside = faults.set_aside(dataset, breaks)
            if breaks:
                beside.write(faults.rows(raw, safe, dataset, breaks, before=counts.rows_in))
            data.write(_rows(safe, data.schema, raw.num_rows, aside))
            counts.rows_in += raw.num_rows
            counts.rows_out += raw.num_rows - len(aside)
            counts.set_aside += len(aside)
            counts.faults += len(breaks)
            tell(Step(dataset.name, "read", counts.rows_in, source_rows))
        beside.close()
        tell(Step(dataset.name, "faults written", counts.faults))
        files = data.close()
    except BaseException:
        beside.abandon()
        data.abandon()
        raise
    assert data.rows == counts.rows_out, "every row that is not set aside is written"
    assert beside.rows == counts.faults, "every fault is written"
    return counts, files


def _rows(columns: tuple[Array, ...], schema: pa.Schema, rows: int, aside: set[int]) -> pa.RecordBatch:
    if aside:
        kept = pa.array([row for row in range(rows) if row not in aside], type=pa.int64())
        columns = tuple(column.take(kept) for column in columns)
    return pa.RecordBatch.from_arrays(list(columns), schema=schema)


def _prove(dataset: Dataset, counts: Counts, source_rows: int, files: list[Path], spill: Path) -> None:
    name, read = f"dataset '{dataset.name}'", f"{counts.rows_in:,} rows"
    if counts.rows_in != counts.rows_out + counts.set_aside:
        out = f"{counts.rows_out:,} out and {counts.set_aside:,} set aside"
        raise Unproven(f"{name}: {read} in are not {out}; nothing was committed")
    if counts.rows_in != source_rows:
        raise Unproven(f"{name}: the source counts {source_rows:,} rows, {read} were read; nothing was committed")
    shown = {column.name: column.privacy == "keep" for column in dataset.key_columns}
    try:
        twice = proof.keys_that_occur_twice(files, shown, spill)
    except proof.Failed as exc:
        raise Unproven(f"{name}: whether its key is unique could not be proved: {exc}; nothing was committed") from exc
    if twice:
        what = f"the key of {name} ({', '.join(dataset.key)}) is not unique: {twice}; nothing was committed"
        raise Unproven(str(Problem(dataset.where, what, "name the columns that tell rows apart under key:")))


def _check_key(dataset: Dataset, key: Key | None, before: Mapping[str, Any], keys_file: Path) -> None:
    was = before.get("key_id")
    if key is not None and was and was != key.id:
        what = (
            f"the key in {keys_file} is {key.id}, and the pseudonyms of dataset '{dataset.name}' were made with {was}"
        )
        hint = f"put key {was} back, or move data/lake/{dataset.name} away: pseudonyms of two keys cannot be joined"
        raise ConfigError([Problem(dataset.where, what, hint)])


def _meta(
    dataset: Dataset,
    run: str,
    began: datetime,
    counts: Counts,
    source_rows: int,
    key: Key | None,
    types: Mapping[str, str],
) -> dict[str, Any]:
    """What the commit says: how it came about, and what the next run compares with. No address, no secret."""
    return {
        "run": run, "began": began.isoformat(timespec="seconds"), "mode": "snapshot", "source_rows": source_rows,
        **asdict(counts), "key_id": key.id if key else "", "source": dataset.source.name, "table": dataset.table,
        "key": [column.name for column in dataset.key_columns], "title": dataset.title, "owner": dataset.owner,
        "licence": dataset.licence, "publisher": dict(dataset.publisher),
        "source_types": {column.source: types[column.source] for column in dataset.kept},
        "read_as": dataset.fingerprints, "source_columns": list(types),
    }  # fmt: skip
