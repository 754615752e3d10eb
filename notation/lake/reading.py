"""Reading the lake: the datasets there are, one at one version, the versions it has, and how much room it takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from notation.lake import log
from notation.lake.log import NoDataset, Version

FAULTS, RUNS, LOCK = "_faults", "_runs", "_lock"  # Delta's readers leave names with an underscore alone


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A dataset at one version: exactly these files, nothing else that lies in the folder."""

    name: str
    folder: Path
    version: int
    files: tuple[Path, ...]
    schema: pa.Schema
    meta: Mapping[
        str, Any
    ]  # what the run wrote into its commit: run, rows_in, rows_out, set_aside, faults, source_rows, …

    def table(self, columns: Sequence[str] | None = None) -> pa.Table:
        """The rows as an Arrow table, in the order they were written; all of them in memory."""
        wanted = pa.schema([self.schema.field(name) for name in columns] if columns is not None else self.schema)
        parts = [pq.ParquetFile(file).read(columns=wanted.names) for file in self.files]
        return (
            pa.concat_tables(part.select(wanted.names).cast(wanted) for part in parts)
            if parts
            else wanted.empty_table()
        )

    def batches(self, columns: Sequence[str] | None = None, rows: int = 65_536) -> Iterator[pa.RecordBatch]:
        """The rows, a bounded number at a time."""
        for file in self.files:
            yield from pq.ParquetFile(file).iter_batches(rows, columns=None if columns is None else list(columns))

    def faults(self) -> pa.Table:
        """The values of this version's rows that broke a rule, whichever run read them."""
        return pq.ParquetFile(self.folder / FAULTS / f"{self.meta['run']}.parquet").read()


@dataclass(frozen=True, slots=True)
class Size:
    """What a dataset holds, and what it takes: `bytes` those of its newest version, `kept` with the older ones'."""

    rows: int
    files: int
    bytes: int
    kept: int
    versions: int
    oldest: datetime
    newest: datetime


def names(home: Path) -> tuple[str, ...]:
    """The datasets that have been extracted at least once."""
    lake = place(home)
    return tuple(sorted(folder.name for folder in lake.iterdir() if log.has_log(folder))) if lake.is_dir() else ()


def open_dataset(home: Path, name: str, version: int | None = None) -> Snapshot:
    """A dataset at its newest version, or at the one asked for. Raises NoDataset."""
    folder = _folder(home, name)
    if version is not None and version < (oldest := log.oldest_kept(folder)):
        raise NoDataset(f"dataset '{name}' has no version {version} any more: it keeps those from {oldest} on")
    table = log.delta(folder, version)
    number = table.version()
    files = tuple(folder / file for file in log.files(table))
    return Snapshot(name, folder, number, files, log.schema(table), log.last_meta(folder, number))


def history(home: Path, name: str) -> tuple[Version, ...]:
    """The versions that can still be read, newest first. Raises NoDataset."""
    folder = _folder(home, name)
    newest, oldest = log.delta(folder).version(), log.oldest_kept(folder)
    return tuple(commit.version for commit in log.commits(folder, newest) if commit.version.number >= oldest)


def schemas(home: Path, name: str) -> tuple[tuple[range, pa.Schema], ...]:
    """What the columns were, oldest first, each with the versions it held for; those that can still be read.

    Raises NoDataset.
    """
    folder = _folder(home, name)
    newest, oldest = log.delta(folder).version(), log.oldest_kept(folder)
    declared = [commit.version.number for commit in log.commits(folder, newest) if commit.declares]
    kept = min((number for number in log.numbers(folder) if number >= oldest), default=newest)
    firsts = sorted({kept, *(number for number in declared if number > kept)})
    ends = [*firsts[1:], newest + 1]
    return tuple(
        (range(first, end), log.schema(log.delta(folder, first))) for first, end in zip(firsts, ends, strict=True)
    )


def size(home: Path, name: str) -> Size:
    """How many rows and files the newest version has, how many versions there are. Raises NoDataset."""
    folder = _folder(home, name)
    sizes = log.sizes(log.delta(folder))
    kept = [number for number in log.numbers(folder) if number >= log.oldest_kept(folder)]
    first, last = (next(log.commits(folder, number)).version.at for number in (kept[-1], kept[0]))
    return Size(
        rows=sum(rows for _, rows, _ in sizes),
        files=len(sizes),
        bytes=sum(taken for _, _, taken in sizes),
        kept=sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()),
        versions=len(kept),
        oldest=first,
        newest=last,
    )


def place(home: Path) -> Path:
    return home / "data" / "lake"


def _folder(home: Path, name: str) -> Path:
    folder = place(home) / name
    if not log.has_log(folder):
        raise NoDataset(f"there is no dataset '{name}' in {place(home)}; run: fig extract {name}")
    return folder
