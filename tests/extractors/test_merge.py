"""Merging says what a dictionary would say, whatever the rows, their order, and how they are cut into files."""

from __future__ import annotations

import datetime as dt
import math
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any
from unittest import mock

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from extractors.merge import Merged, Merging, Twice, different, merge_latest, merge_states, with_states
from extractors.parquet_files import ParquetFiles
from extractors.refused import Unproven

SCHEMA = pa.schema([
    pa.field("area", pa.string(), nullable=False), pa.field("n", pa.int32(), nullable=False),
    pa.field("text", pa.string()), pa.field("x", pa.float64()), pa.field("cost", pa.decimal128(38, 10)),
    pa.field("at", pa.timestamp("us", tz="UTC")), pa.field("raw", pa.binary()), pa.field("ok", pa.bool_()),
])  # fmt: skip
KEY = {"area": True, "n": False}
NAMES = SCHEMA.names

Rows = dict[tuple[Any, ...], tuple[Any, ...]]

keys = st.tuples(st.sampled_from(["a", "A", "é", ""]), st.integers(-3, 4))
values = st.tuples(
    st.none() | st.sampled_from(["x", "", "\U0001f333", "y" * 40]),
    st.none() | st.sampled_from([0.0, -0.0, math.nan, math.inf, 1.5]),
    st.none() | st.sampled_from([Decimal("0.1234567890"), Decimal("9" * 28 + ".0000000000"), Decimal("-1.0000000000")]),
    st.none() | st.sampled_from([dt.datetime(1, 1, 1, tzinfo=dt.UTC), dt.datetime(2026, 3, 29, 1, 30, 0, 1, dt.UTC)]),
    st.none() | st.sampled_from([b"", b"\x00\xff"]),
    st.none() | st.booleans(),
)
tables = st.dictionaries(keys, values, max_size=14)
# Rows of a group, rows of a file, keys that are few, bytes of rows that wait in memory.
cuts = st.tuples(st.integers(1, 4), st.integers(1, 8), st.sampled_from([0, 100]), st.sampled_from([0, 500, 10_000]))
Cut = tuple[int, int, int, int]


@contextmanager
def cut(sizes: Cut) -> Iterator[None]:
    names = ("parquet_files.GROUP", "parquet_files.FILE", "few_keys.FEW", "matching.IN_MEMORY")
    with ExitStack() as stack:
        for name, size in zip(names, sizes, strict=True):
            stack.enter_context(mock.patch(f"extractors.{name}", size))
        yield


class Bench:
    """A folder to merge in: `write` rows as files, `merge`, `read` them back."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.numbers = folder, count()
        self.held: list[Path] = []

    def new(self, _: int = 0) -> Path:
        return self.folder / f"{next(self.numbers):05}.parquet"

    def write(self, rows: Sequence[Sequence[Any]], schema: pa.Schema = SCHEMA) -> list[Path]:
        files = ParquetFiles(schema, self.new)
        for row in rows:
            files.write(
                pa.RecordBatch.from_arrays(
                    [pa.array([v], f.type) for v, f in zip(row, schema, strict=True)], schema=schema
                )
            )
        return files.close()

    def keys(self, deleted: Sequence[Any]) -> Path:
        """One file, however rows are cut."""
        path = self.new()
        columns = {name: [key[at] for key in deleted] for at, name in enumerate(KEY)}
        pq.write_table(pa.table(columns, schema=pa.schema([SCHEMA.field(name) for name in KEY])), path)
        return path

    def job(self, incoming: Rows, deleted: Sequence[Any] = (), *, whole: bool = False, shuffled: int = 0) -> Merging:
        rows = [(*key, *value) for key, value in incoming.items()]
        rows = rows[shuffled % (len(rows) or 1) :] + rows[: shuffled % (len(rows) or 1)]
        gone = self.keys(deleted) if deleted else None
        arriving = self.write(rows) if rows or whole else []
        return Merging(self.held, arriving, SCHEMA, KEY, self.new, self.folder / "_spill", gone, whole)

    def take(self, merged: Merged | Twice) -> Merged:
        assert isinstance(merged, Merged)
        assert set(merged.removes) <= set(self.held)
        self.held = sorted({*self.held, *merged.adds} - set(merged.removes))
        assert not (self.folder / "_spill" / "merge").exists()
        return merged

    def read(self, schema: pa.Schema = SCHEMA) -> list[tuple[Any, ...]]:
        """The rows, as pyarrow reads them; DuckDB must agree on every file."""
        rows = []
        for path in self.held:
            table = pq.ParquetFile(path).read()
            assert table.schema.equals(schema)
            rows += [tuple(row.values()) for row in table.to_pylist()]
            for group in range(pq.read_metadata(path).num_row_groups):
                assert_bounds_hold(path, group)
            asked = f"SELECT * FROM read_parquet('{path}')"
            assert plain_table(duckdb.sql(asked).to_arrow_table()) == plain_table(table)
        return rows


def assert_bounds_hold(path: Path, group: int) -> None:
    """The statistics of a group are those of its rows."""
    described, table = pq.read_metadata(path).row_group(group), pq.ParquetFile(path).read_row_group(group)
    for at in range(described.num_columns):
        if not table.num_rows:
            continue
        found, column = described.column(at), table.column(at).to_pylist()
        assert found.num_values == len(column)
        assert found.statistics.null_count == column.count(None)
        filled = [value for value in column if value is not None and value == value]
        if found.statistics.has_min_max and filled:
            assert found.statistics.min <= min(filled)
            assert found.statistics.max >= max(filled)


def plain(rows: Sequence[Sequence[Any]]) -> list[tuple[str, ...]]:
    """Rows that compare to the last bit: NaN as NaN, -0.0 as itself."""
    return [
        tuple(repr(v) if not isinstance(v, dt.datetime) else v.astimezone(dt.UTC).isoformat() for v in row)
        for row in rows
    ]


def plain_table(table: pa.Table) -> list[tuple[str, ...]]:
    return plain([tuple(row.values()) for row in table.to_pylist()])


def as_rows(table: Mapping[tuple[Any, ...], tuple[Any, ...]]) -> list[tuple[str, ...]]:
    return sorted(plain([(*key, *value) for key, value in table.items()]))


@contextmanager
def bench() -> Iterator[Bench]:
    with tempfile.TemporaryDirectory() as folder:
        yield Bench(Path(folder))


# No shrinking: each example writes files, and shrinking would take minutes.
QUICK = settings(
    max_examples=25,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow],
)


@QUICK
@given(tables, tables, st.lists(keys, max_size=4, unique=True), st.booleans(), cuts, st.integers(0, 20))
def test_merging_is_what_a_dictionary_does(
    held: Rows, incoming: Rows, deleted: list[Any], whole: bool, sizes: Cut, shuffled: int
) -> None:
    with bench() as at, cut(sizes):
        at.held = at.write([(*key, *value) for key, value in held.items()])
        gone = [key for key in held if key not in incoming and (whole or key in deleted)]
        expected = {key: value for key, value in {**held, **incoming}.items() if key not in gone}
        changed = {k for k in held if k in incoming and plain([held[k]]) != plain([incoming[k]])}
        merged = at.take(merge_latest(at.job(incoming, deleted, whole=whole, shuffled=shuffled)))
        assert sorted(plain(at.read())) == as_rows(expected)
        assert (merged.inserted, merged.updated, merged.deleted, merged.unchanged) == (
            len(set(incoming) - set(held)), len(changed), len(gone), len(set(incoming) & set(held) - changed),
        )  # fmt: skip
        again = at.take(merge_latest(at.job(incoming, deleted, whole=whole)))
        assert (again.adds, again.removes, again.inserted, again.updated, again.deleted) == ((), (), 0, 0, 0)


@QUICK
@given(tables, tables, cuts)
def test_rows_keep_their_places(held: Rows, incoming: Rows, sizes: Cut) -> None:
    incoming = {key: value for key, value in incoming.items() if key in held}
    with bench() as at, cut(sizes):
        at.held = at.write([(*key, *value) for key, value in held.items()])
        before = Counter(map(keys_of, at.held))
        at.take(merge_latest(at.job(incoming)))
        assert Counter(map(keys_of, at.held)) == before


def keys_of(path: Path) -> tuple[tuple[Any, ...], ...]:
    return tuple((row["area"], row["n"]) for row in pq.ParquetFile(path).read(columns=["area", "n"]).to_pylist())


Steps = st.lists(st.tuples(tables, st.lists(keys, max_size=3, unique=True), st.booleans()), min_size=1, max_size=4)


@QUICK
@given(Steps, cuts)
def test_a_history_tells_what_was_held_at_any_moment(steps: Any, sizes: Cut) -> None:
    then = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    states = with_states(SCHEMA)
    with bench() as at, cut(sizes):
        was: dict[dt.datetime, Rows] = {}
        now: Rows = {}
        for incoming, deleted, whole in steps:
            gone = [key for key in now if key not in incoming and (whole or key in deleted)]
            now = {key: value for key, value in {**now, **incoming}.items() if key not in gone}
            merged = at.take(merge_states(at.job(incoming, deleted, whole=whole), then))  # the clock stands still
            assert merged.moment is not None
            was[merged.moment] = now  # where nothing changed, as before
            again = at.take(merge_states(at.job(incoming, deleted, whole=whole), then))
            assert (again.adds, again.removes) == ((), ())
        rows = at.read(states)
        assert len({(row[:2], row[8]) for row in rows}) == len(rows), "a key and a moment name one state"
        for moment, table in was.items():
            valid = [row[:8] for row in rows if row[8] <= moment and (row[9] is None or row[9] > moment)]
            assert sorted(plain(valid)) == as_rows(table)


def test_keys_that_come_twice_are_said_as_far_as_they_may_be_shown() -> None:
    row = (None, None, None, None, None, None)
    with bench() as at:
        at.held = at.write([("a", 1, *row)])
        job = at.job({("a", 1): row})
        doubled = replace(job, incoming=[*job.incoming, *job.incoming])
        said = Twice("1 key occurs more than once, for example a … (2 times)")
        assert merge_latest(doubled) == said
        assert merge_states(doubled, dt.datetime.now(dt.UTC)) == said


def test_a_dataset_that_loses_its_last_row_keeps_a_file_with_its_columns() -> None:
    with bench() as at:
        at.held = at.write([("a", 1, None, None, None, None, None, None)])
        merged = at.take(merge_latest(at.job({}, [("a", 1)])))
        assert (merged.deleted, len(merged.adds)) == (1, 1)
        assert at.read() == []


def test_only_what_changed_is_written_anew() -> None:
    """The other chunks of the file are the same bytes as before, and the other files stay."""
    rows = [("a", n, "text", 0.5, None, None, b"", n % 2 == 0) for n in range(40)]
    with bench() as at, cut((10, 20, 100, 10_000)):
        at.held = first, second = at.write(rows)
        changed = ("a", 13, "other", 0.5, None, None, b"", False)
        merged = at.take(merge_latest(at.job({changed[:2]: changed[2:]})))
        assert (merged.removes, merged.updated, len(merged.adds)) == ((first,), 1, 1)
        assert second in at.held
        assert at.read() == [*rows[20:], *rows[:13], changed, *rows[14:20]]
        same = [
            [chunk(first, group, at) == chunk(merged.adds[0], group, at) for at in range(len(SCHEMA))]
            for group in range(2)
        ]
        assert same == [[True] * 8, [name != "text" for name in NAMES]]


def chunk(path: Path, group: int, column: int) -> bytes:
    described = pq.read_metadata(path).row_group(group).column(column)
    begin = described.dictionary_page_offset or described.data_page_offset
    return path.read_bytes()[begin : begin + described.total_compressed_size]


def test_files_of_other_columns_are_not_merged_into() -> None:
    with bench() as at:
        at.held = at.write([(1,)], pa.schema([("n", pa.int32())]))
        with pytest.raises(ValueError, match="has other columns than the rows to be merged into it"):
            merge_latest(at.job({("a", 1): (None,) * 6}))


def test_two_rows_of_one_key_in_the_dataset_stop_the_merge() -> None:
    with bench() as at:
        at.held = at.write([("a", 1, *(None,) * 6)] * 2)
        with pytest.raises(Unproven, match="the key of an incoming row is that of two rows of the dataset"):
            merge_latest(at.job({("a", 1): ("x", *(None,) * 5)}))


def test_numbers_differ_by_their_bits_but_every_nan_is_one() -> None:
    bits = np.array([0x7FF8000000000000, 0xFFF8000000000001, 0x8000000000000000, 0], np.uint64)
    old = pa.array(bits.view(np.float64))
    new = pa.array(bits[[1, 0, 3, 3]].view(np.float64))
    assert different(old, new).tolist() == [False, False, True, False]
