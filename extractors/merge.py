"""New rows brought together with those a dataset has, key by key: which files go, which come instead.

Rows keep their places. Of a file only those columns of those groups of rows are written anew in which a value changed,
or a row went; all else is copied as it is. Rows of new keys come in files of their own, in the order they came.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from extractors import proof
from extractors.few_keys import FewKeys, few_keys
from extractors.matching import Found, Matches
from extractors.parquet_files import ParquetFiles
from extractors.splice import Original, Splice, one_column

FROM, TO = "valid_from", "valid_to"
MOMENT = pa.timestamp("us", tz="UTC")
STATES = (pa.field(FROM, MOMENT, nullable=False), pa.field(TO, MOMENT))


@dataclass(frozen=True, slots=True)
class Merged:
    """`removes` and `adds` are one commit's; `inserted + updated + unchanged` are the incoming rows.

    `moment` is what a history says of the change: the one asked for, or later if the dataset has a later one.
    """

    removes: tuple[Path, ...]
    adds: tuple[Path, ...]
    inserted: int
    updated: int
    deleted: int
    unchanged: int
    moment: datetime | None = None


@dataclass(frozen=True, slots=True)
class Twice:
    """Keys occur more than once among the incoming rows: `which` says which, as far as they may be shown."""

    which: str


@dataclass(frozen=True, slots=True)
class Merging:
    """What is merged: `held`, the dataset's files; `incoming`, files of protected rows in the declared `schema`."""

    held: Sequence[Path]
    incoming: Sequence[Path]
    schema: pa.Schema
    key: Mapping[str, bool]  # names here, and whether the values may be shown
    new_file: Callable[[int], Path]
    spill: Path
    deleted: Path | None = None  # a file of keys that are gone; a key that is also incoming is not
    whole: bool = False  # the incoming rows are all there are: a key that is absent is gone


def merge_latest(job: Merging) -> Merged | Twice:
    """Incoming rows replace those of the same key; what equals what is there changes nothing."""
    few = few_keys(job.incoming, job.key, job.schema)
    return _twice(job, few) or _Merge(job, few, None).run()


def merge_states(job: Merging, moment: datetime) -> Merged | Twice:
    """A changed row ends the current state of its key at `moment` and begins a new one; a deleted one only ends it.

    The files have two columns more than `schema`: `valid_from`, and `valid_to`, NULL while a state is current. States
    of a key never overlap: a moment that is not later than all there are becomes the next one after them.
    """
    few = few_keys(job.incoming, job.key, job.schema)
    if twice := _twice(job, few):
        return twice
    newest = _newest(job.held)
    if newest is not None and newest >= moment:
        moment = newest + timedelta(microseconds=1)
    return _Merge(job, few, moment).run()


def _twice(job: Merging, few: FewKeys | None) -> Twice | None:
    if few is not None or not job.incoming:
        return None
    twice = proof.keys_that_occur_twice(job.incoming, job.key, job.spill)
    return Twice(twice) if twice else None


def with_states(schema: pa.Schema) -> pa.Schema:
    """The declared columns, and the two that say when a row was so."""
    return pa.schema([*schema, *STATES])


def new_states(rows: pa.RecordBatch, moment: datetime) -> pa.RecordBatch:
    """Rows as states that begin at `moment` and are current."""
    since = pa.repeat(pa.scalar(moment, MOMENT), rows.num_rows)
    columns = [*rows.columns, since, pa.nulls(rows.num_rows, MOMENT)]
    return pa.RecordBatch.from_arrays(columns, schema=with_states(rows.schema))


class _Merge:
    """One merge: rows of new keys as they are met, then the held files, one group of rows after the other."""

    def __init__(self, job: Merging, few: FewKeys | None, moment: datetime | None) -> None:
        self.job, self.few, self.moment = job, few, moment
        self.schema = with_states(job.schema) if moment else job.schema
        self.new = ParquetFiles(self.schema, job.new_file)
        self.adds: list[Path] = []
        self.removes: list[Path] = []
        self.inserted = self.updated = self.deleted = self.matched = self.begun = 0

    def run(self) -> Merged:
        job = self.job
        footers = [pq.read_metadata(path) for path in job.held]
        for path, footer in zip(job.held, footers, strict=True):
            _check(path, footer.schema.to_arrow_schema(), self.schema)
        try:
            with Matches(job, footers, self.few, current=TO if self.moment else "") as matches:
                for rows in matches.unmatched():
                    self.inserted += rows.num_rows
                    self._begin(rows)
                for number, path in enumerate(job.held):
                    if matches.touches(number):
                        self._file(path, footers[number], partial(matches.of, number))
                self.matched = matches.matched
            if self.begun or self._is_empty():
                self.adds += self.new.close()
        except BaseException:
            self.new.abandon()
            raise
        return Merged(
            tuple(self.removes), tuple(self.adds), self.inserted, self.updated, self.deleted,
            self.matched - self.updated, self.moment,
        )  # fmt: skip

    def _begin(self, rows: pa.RecordBatch) -> None:
        self.begun += rows.num_rows
        self.new.write(new_states(rows, self.moment) if self.moment else rows)

    def _is_empty(self) -> bool:
        """A dataset without rows has a file all the same, that says what its columns are."""
        return not self.adds and len(self.removes) == len(self.job.held)

    def _file(self, path: Path, footer: pq.FileMetaData, of: Callable[[int], Found | None]) -> None:
        """One file, spliced if any group of it changed."""
        splice: Splice | None = None
        file = pq.ParquetFile(path, read_dictionary=_of_dictionaries(footer), pre_buffer=False)
        with path.open("rb") as opened:
            original = Original(opened)
            try:
                for group in range(footer.num_row_groups):
                    pa.default_memory_pool().release_unused()  # 20 MiB at the peak, for a hundredth of the time
                    found = of(group)
                    patches = self._group(file, footer, group, found) if found else {}
                    if patches is not None and not patches and splice is None:
                        continue
                    if splice is None:
                        splice = Splice(self.job.new_file(0), original)
                        for earlier in range(group):
                            splice.add(earlier)
                    if patches is not None:
                        splice.add(group, patches)
                if splice is None:
                    return
                splice.close()
            except BaseException:
                if splice is not None:
                    splice.abandon()
                raise
        self.removes.append(path)
        if splice.groups:
            self.adds.append(splice.path)
        else:
            splice.path.unlink()

    def _group(
        self, file: pq.ParquetFile, footer: pq.FileMetaData, group: int, found: Found
    ) -> dict[int, bytes] | None:
        """-> the columns that change, by their numbers; None if no row of the group is left."""
        gone, fields = found.gone, list(footer.schema.to_arrow_schema())  # which `file` may read as dictionaries
        changed = np.zeros(len(found.places), bool)
        patches: dict[int, bytes] = {}
        whole = not self.moment and len(gone) > 0
        rows = footer.row_group(group).num_rows
        if whole and len(gone) == rows:
            self.deleted += rows
            return None
        stays = np.ones(rows, bool)
        stays[gone] = False
        if len(found.places) or whole:
            for at, field in enumerate(fields[: len(self.job.schema)]):
                values = file.read_row_group(group, columns=[field.name], use_threads=False).column(0).combine_chunks()
                new = found.rows.column(at).combine_chunks()
                differs = different(values.take(found.places).cast(field.type), new)
                changed |= differs
                if not self.moment and (differs.any() or whole):
                    values = values.cast(field.type)
                    if differs.any():
                        values = _put(values, found.places[differs], new.filter(pa.array(differs)))
                    values = values.filter(pa.array(stays)) if whole else values
                    patches[at] = _patch(field, values, footer, group, at)
        self.updated += int(changed.sum())
        self.deleted += len(gone)
        if self.moment:
            ends = np.sort(np.concatenate([found.places[changed], gone]))
            if len(ends):
                at = self.schema.get_field_index(TO)
                field = fields[at]
                until = file.read_row_group(group, columns=[TO]).column(0).combine_chunks()
                now = pa.repeat(pa.scalar(self.moment, MOMENT), len(ends))
                patches[at] = _patch(field, _put(until, ends, now), footer, group, at)
            if changed.any():
                for batch in found.rows.filter(pa.array(changed)).to_batches():
                    self._begin(batch)
        return patches


def different(old: Any, new: Any) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Where two columns of one type differ: NULL equals NULL, NaN equals NaN, and -0.0 is not 0.0."""
    nulls = pc.xor(pc.is_null(old), pc.is_null(new))
    if pa.types.is_floating(old.type):
        bits = pa.int64() if old.type == pa.float64() else pa.int32()
        unequal = pc.not_equal(old.view(bits), new.view(bits))
        unequal = pc.and_not(unequal, pc.and_(pc.is_nan(old), pc.is_nan(new)))
    else:
        unequal = pc.not_equal(old, new)
    found: np.ndarray[Any, np.dtype[np.bool_]] = pc.or_(nulls, pc.fill_null(unequal, False)).to_numpy(
        zero_copy_only=False
    )
    return found


def _put(values: Any, places: np.ndarray[Any, Any], new: Any) -> Any:
    """`values` with others at some places, in ascending order."""
    mask = np.zeros(len(values), bool)
    mask[places] = True
    return pc.replace_with_mask(values, pa.array(mask), new)


def _of_dictionaries(footer: pq.FileMetaData) -> list[str]:
    """The columns of text that were written with dictionaries: read as such, they take half the time."""
    if not footer.num_row_groups:
        return []
    columns = map(footer.row_group(0).column, range(footer.num_columns))
    return [each.path_in_schema for each in columns if _has_dictionary(each) and each.physical_type == "BYTE_ARRAY"]


def _has_dictionary(column: Any) -> bool:
    return any("DICTIONARY" in name for name in column.encodings)


def _patch(field: pa.Field[Any], values: Any, footer: pq.FileMetaData, group: int, at: int) -> bytes:
    return one_column(field, values, dictionary=_has_dictionary(footer.row_group(group).column(at)))


def _check(path: Path, found: pa.Schema, wanted: pa.Schema) -> None:
    if found.names != wanted.names or found.types != wanted.types:
        raise ValueError(f"{path.name} has other columns than the rows to be merged into it: rebuild the dataset whole")


def _newest(held: Sequence[Path]) -> datetime | None:
    """The last moment at which anything changed in a history."""
    latest = None
    for path in held:
        file = pq.ParquetFile(path)
        for group in range(file.num_row_groups):
            for column in file.read_row_group(group, columns=[FROM, TO]).columns:
                moments = column.cast(pa.int64()).drop_null()
                if len(moments):
                    latest = max(np.max(moments.to_numpy()), latest if latest is not None else moments[0].as_py())
    return None if latest is None else datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(latest))
