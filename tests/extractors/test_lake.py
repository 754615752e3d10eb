"""The lake: bounds that never lie, versions that stay, and folders that only look like datasets."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.parquet_files import ParquetFiles
from notation import lake
from notation.delta_stats import _bound, statistics

from .conftest import Council

TIMES = st.datetimes(timezones=st.none() | st.just(dt.UTC))


@given(TIMES)
def test_bounds_of_times_are_never_tighter(value: dt.datetime) -> None:
    low, high = _bound(value, upper=False), _bound(value, upper=True)
    assert isinstance(low, str)
    assert dt.datetime.fromisoformat(low) <= value
    assert high is None or dt.datetime.fromisoformat(str(high)) >= value


@given(st.text(), st.text())
def test_bounds_of_text_are_never_tighter(one: str, other: str) -> None:
    assert str(_bound(one, upper=False)) <= one <= str(_bound(one, upper=True))


@given(st.decimals(allow_nan=False, allow_infinity=False, places=2))
def test_bounds_of_decimals_are_exact_or_absent(value: Decimal) -> None:
    bound = _bound(value, upper=True)
    assert bound is None or Decimal(repr(bound)) == value


def test_a_column_without_bounds_takes_all_bounds_away(tmp_path: Path) -> None:
    table = pa.table({"n": [1, 2], "x": [math.inf, 1.0]})
    pq.write_table(table, tmp_path / "x.parquet")
    assert statistics(pq.read_metadata(tmp_path / "x.parquet")) == {"numRecords": 2}
    pq.write_table(table.select(["n"]), tmp_path / "n.parquet")
    assert statistics(pq.read_metadata(tmp_path / "n.parquet")) == {
        "numRecords": 2, "minValues": {"n": 1}, "maxValues": {"n": 2}, "nullCount": {"n": 0},
    }  # fmt: skip


def test_a_column_of_nothing_has_no_bounds_and_harms_none(tmp_path: Path) -> None:
    pq.write_table(pa.table({"n": [1], "x": pa.array([None], pa.int64())}), tmp_path / "x.parquet")
    assert statistics(pq.read_metadata(tmp_path / "x.parquet")) == {
        "numRecords": 1, "minValues": {"n": 1}, "maxValues": {"n": 1}, "nullCount": {"n": 0, "x": 1},
    }  # fmt: skip


def test_a_dictionary_only_where_values_repeat(tmp_path: Path) -> None:
    files = ParquetFiles(pa.schema([("a", pa.string()), ("b", pa.string())]), lambda n: tmp_path / f"{n}.parquet")
    files.write(pa.RecordBatch.from_pydict({"a": ["x"] * 100, "b": [str(n) for n in range(100)]}, schema=files.schema))
    (file,) = files.close()
    group = pq.read_metadata(file).row_group(0)
    assert ["RLE_DICTIONARY" in group.column(at).encodings for at in (0, 1)] == [True, False]


def test_many_rows_become_several_groups_and_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("extractors.parquet_files.GROUP", 10)
    monkeypatch.setattr("extractors.parquet_files.FILE", 30)
    files = ParquetFiles(pa.schema([("n", pa.int64())]), lambda n: tmp_path / f"{n}.parquet")
    for start in range(0, 70, 5):
        files.write(pa.RecordBatch.from_pydict({"n": range(start, start + 5)}, schema=files.schema))
    made = files.close()
    assert [pq.read_metadata(file).num_row_groups for file in made] == [3, 3, 1]
    assert [row for file in made for row in pq.read_table(file)["n"].to_pylist()] == list(range(70))


def test_a_folder_without_a_commit_is_no_dataset(tmp_path: Path) -> None:
    (tmp_path / "data" / "lake" / "half" / "_delta_log").mkdir(parents=True)
    assert lake.names(tmp_path) == ()
    with pytest.raises(lake.NoDataset) as missing:
        lake.open_dataset(tmp_path, "half")
    assert str(missing.value) == f"there is no dataset 'half' in {tmp_path / 'data' / 'lake'}; run: fig extract half"


def test_a_snapshot_is_read_whole_in_parts_or_by_column(fifty: Council) -> None:
    fifty.run()
    snapshot = lake.open_dataset(fifty.home, "jobs")
    assert snapshot.table(["ward", "reference"]).column_names == ["ward", "reference"]
    assert [batch.num_rows for batch in snapshot.batches(["ward"], rows=20)] == [20, 20, 10]
    assert [row["reference"] for row in snapshot.table().to_pylist()] == [f"J{n:03}" for n in range(50)]


def test_a_file_that_no_commit_names_is_not_read(fifty: Council) -> None:
    fifty.run()
    (file,) = lake.open_dataset(fifty.home, "jobs").files
    stray = file.with_name("20990101T000000Z-ffffff-00000.parquet")
    stray.write_bytes(file.read_bytes())
    assert len(fifty.rows()) == 50
    fifty.run()
    assert not stray.exists()


def test_a_log_that_cannot_be_read_stops_the_run_and_is_named(fifty: Council) -> None:
    fifty.run()
    (log,) = (fifty.home / "data" / "lake" / "jobs" / "_delta_log").glob("*.json")
    log.write_text("not a log")
    with pytest.raises(lake.LakeFailed, match=r"^dataset 'jobs': Delta cannot read .*/data/lake/jobs: "):
        fifty.run()
    with pytest.raises(lake.LakeFailed, match=r"^dataset 'jobs': Delta cannot read .*/data/lake/jobs: "):
        lake.open_dataset(fifty.home, "jobs")
