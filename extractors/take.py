"""Rows on their way from the source to files: read, typed, protected, written, counted; nothing else decides here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pyarrow as pa

from extractors import faults
from extractors.ahead import ahead, heard
from extractors.compiled import Dataset
from extractors.dialects import Relation, Select
from extractors.parquet_files import ParquetFiles
from extractors.plan import plan
from extractors.privacy import Key, Protection
from extractors.raw import Array
from extractors.refused import NativeFailed, SourceRefused, Unproven
from extractors.schema import Coercion
from extractors.sources import Reading
from notation.problems import ConfigError, Problem

SURE = 100  # values that are all faults say that the type is wrong; fewer may be bad by chance


@dataclass(frozen=True, slots=True)
class Step:
    """Something a run has just done, for whoever shows progress."""

    dataset: str
    done: str
    rows: int = 0
    of: int = 0
    columns: tuple[str, ...] = ()


Tell = Callable[[Step], None]
Paced = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]


@dataclass(slots=True)
class Counts:
    """`rows_in == rows_out + set_aside == source_rows`, or the run says no."""

    source_rows: int = 0
    rows_in: int = 0
    rows_out: int = 0
    set_aside: int = 0
    faults: int = 0
    faults_in: dict[str, int] = field(default_factory=dict)  # by column of the dataset

    def add(self, other: Counts) -> None:
        for name in ("source_rows", "rows_in", "rows_out", "set_aside", "faults"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.faults_in = dict(Counter(self.faults_in) + Counter(other.faults_in))


@dataclass(slots=True)
class Job:
    """One dataset and one open source: what every reading of a run has in common."""

    dataset: Dataset
    reading: Reading
    relation: Relation
    types: Mapping[str, str]
    key: Key | None
    tell: Tell
    pace: Paced
    may_be_many: bool = True  # whether the source is open for any number of rows
    as_text: frozenset[str] = frozenset()  # columns the engine cannot hold every value of
    rows: int = 0  # read so far, for progress
    of: int = 0

    @property
    def schema(self) -> pa.Schema:
        return self.dataset.arrow_schema(self.key.id if self.key else "")

    def select(self, where: str) -> Select:
        return Select(self.relation, plan(self.dataset, self.types, self.reading.dialect, self.as_text), where)

    def count(self, where: str) -> int:
        return self.reading.count(self.select(where))

    def say(self, done: str, rows: int = 0, of: int = 0, columns: Iterable[str] = ()) -> None:
        self.tell(Step(self.dataset.name, done, rows, of, tuple(sorted(columns))))


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of the source: a condition, "" for all, and how many they are, if this snapshot has been asked already."""

    where: str = ""
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """Files that are complete and on the disk."""

    files: tuple[Path, ...]
    counts: Counts


T = TypeVar("T")


def read(job: Job, attempt: Callable[[], T]) -> T:
    """The attempt's outcome; made again with more columns as text, where the engine met a value it cannot hold."""
    while True:
        rows = job.rows
        try:
            return attempt()
        except NativeFailed as exc:
            if exc.columns <= job.as_text:
                raise SourceRefused(f"source '{job.dataset.source.name}': {exc}") from exc
            job.as_text |= exc.columns
            job.rows = rows
            job.say("read again as text", columns=exc.columns)


def take(
    job: Job, parts: Sequence[Rows], data: Callable[[int], Path], faults_file: Path, *, passing: bool = False
) -> Taken:
    """All rows of each part in turn, into files; `passing`: into such as the run itself reads, and then removes.

    Raises SourceRefused, SchemaDrift, Unproven, ConfigError; then no file is left.
    """

    def attempt() -> Taken:
        pouring = _Pouring(job, data, faults_file, passing)
        try:
            for part in parts:
                pouring.pour(part)
            return pouring.close()
        except BaseException:
            pouring.abandon()
            raise

    return read(job, attempt)


@dataclass
class _Pouring:
    """What one `take` has open."""

    job: Job
    path: Callable[[int], Path]
    faults_file: Path
    passing: bool
    counts: Counts = field(default_factory=Counts)

    held: Counter[int] = field(default_factory=Counter)  # by column: values that are of its type

    def __post_init__(self) -> None:
        self.coerce = Coercion(self.job.dataset)
        self.protect = Protection(self.job.dataset, self.job.key)
        self.data = ParquetFiles(self.job.schema, self.path, passing=self.passing)
        self.beside = ParquetFiles(faults.SCHEMA, lambda _: self.faults_file, one_file=True)

    def pour(self, part: Rows) -> None:
        reading, before = self.job.reading, self.counts.rows_in
        select = self.job.select(part.where)
        expected = part.count if part.count is not None and reading.is_snapshot else self._count(select)
        if not expected and part.where and reading.is_snapshot:
            return
        self.job.of = max(self.job.of, self.job.rows + expected)
        batches = ahead(reading.read(select), reading.cancel)
        try:
            for raw in self.job.pace(batches):
                self._batch(raw)
                self.job.rows += raw.num_rows
                self.job.say("read", self.job.rows, self.job.of)
        except KeyboardInterrupt:  # while rows were typed or written, and the source was at the next ones
            reading.cancel()
            raise
        read = self.counts.rows_in - before
        if not reading.is_snapshot:
            counted = reading.counted() if read else self._count(select)  # no rows carry no count with them
            expected = expected if counted is None else counted
        if read != expected:
            name = f"dataset '{self.job.dataset.name}'"
            raise Unproven(
                f"{name}: the source counts {expected:,} rows, {read:,} rows were read; nothing was committed"
            )
        self.counts.source_rows += expected

    def _count(self, select: Select) -> int:
        return heard(lambda: self.job.reading.count(select), self.job.reading.cancel)

    def _batch(self, raw: pa.RecordBatch) -> None:
        dataset, counts = self.job.dataset, self.counts
        typed = self.coerce(raw)
        breaks = [*typed.breaks, *faults.without_key(typed.columns, dataset, typed.breaks)]
        safe = self.protect(typed.columns)
        aside = faults.set_aside(dataset, breaks)
        if breaks:
            self.beside.write(faults.rows(raw, safe, dataset, breaks, before=counts.rows_in))
        self.data.write(_rows(safe, self.data.schema, raw.num_rows, aside))
        counts.rows_in += raw.num_rows
        counts.rows_out += raw.num_rows - len(aside)
        counts.set_aside += len(aside)
        counts.faults += len(breaks)
        for at, column in enumerate(typed.columns):
            self.held[at] += len(column) - column.null_count
        if breaks:
            found = Counter(dataset.kept[each.column].name for each in breaks)
            counts.faults_in = dict(Counter(counts.faults_in) + found)

    def close(self) -> Taken:
        self.beside.close()
        self.job.say("faults written", self.counts.faults)
        files = self.data.close()
        self._check_types()
        assert self.data.rows == self.counts.rows_out, "every row that is not set aside is written"
        assert self.beside.rows == self.counts.faults, "every fault is written"
        return Taken(tuple(files), self.counts)

    def _check_types(self) -> None:
        """Where no value at all is of the type declared, it is the declaration that is wrong."""
        dataset = self.job.dataset
        problems = []
        for at, column in enumerate(dataset.kept):
            wrong, native = self.counts.faults_in.get(column.name, 0), self.job.types[column.source]
            if wrong >= SURE and not self.held[at]:
                of = f"{wrong:,} values of column '{column.source}' is of type {column.type}"
                what = f"dataset '{dataset.name}': none of {of}; nothing was committed"
                hint = f"declare what it holds (in the source it is {native}); type: string keeps it as it is"
                problems.append(Problem(column.where, what, hint))
        if problems:
            raise ConfigError(problems)

    def abandon(self) -> None:
        for files in (self.beside, self.data):
            files.abandon()
            for file in files.files:
                file.unlink(missing_ok=True)


def _rows(columns: tuple[Array, ...], schema: pa.Schema, rows: int, aside: set[int]) -> pa.RecordBatch:
    if aside:
        kept = pa.array([row for row in range(rows) if row not in aside], type=pa.int64())
        columns = tuple(column.take(kept) for column in columns)
    return pa.RecordBatch.from_arrays(list(columns), schema=schema)
