"""Small files become full ones; rows, cursor and older versions stay as they are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from extractors.upkeep import Joined, join_small_files, keep_in_order
from notation import lake

SCHEMA = pa.schema([pa.field("n", pa.int64(), metadata={"comment": "a number"}), pa.field("text", pa.string())])
FULL = 40  # rows of a full file, here


def commit(home: Path, files: Sequence[Sequence[int]], cursor: int, run: int) -> None:
    with lake.hold(home, "jobs", f"20260101T{run:06}Z-aaaaaa", "a test") as held:
        held.tidy()
        adds = []
        for numbers in files:
            adds.append(held.new_file())
            texts = [str(number) for number in numbers]
            pq.write_table(pa.table({"n": numbers, "text": texts}, schema=SCHEMA), adds[-1])
        pq.write_table(pa.table({"rule": ["x"]}), held.faults_file)
        held.commit(adds, () if run else None, SCHEMA, {"run": held.run, "cursor": cursor}, about="")


def rows(home: Path, version: int | None = None) -> list[int]:
    return sorted(lake.open_dataset(home, "jobs", version).table()["n"].to_pylist())


def test_many_small_files_become_full_ones(tmp_path: Path) -> None:
    commit(tmp_path, [range(100, 140)], 0, 0)
    for run in range(1, 10):
        commit(tmp_path, [range(run * 5, run * 5 + 5)], run, run)
    before = lake.open_dataset(tmp_path, "jobs")
    with lake.hold(tmp_path, "jobs", "20260102T000000Z-aaaaaa", "a test") as held:
        held.tidy()
        assert join_small_files(held, FULL) == Joined(version=10, files=9, into=1, rows=45)
        assert held.last() == {**before.meta, "upkeep": {"run": held.run, "joined": 9, "into": 1}}
        assert join_small_files(held, FULL) is None
        held.tidy()
    after = lake.open_dataset(tmp_path, "jobs")
    assert len(after.files) == 2
    assert before.files[0] in after.files
    assert rows(tmp_path) == rows(tmp_path, 9) == sorted([*range(5, 50), *range(100, 140)])
    assert after.schema.equals(SCHEMA, check_metadata=True)
    assert after.faults().to_pylist() == [{"rule": "x"}]
    log = (before.folder / "_delta_log" / f"{10:020}.json").read_text()
    assert '"dataChange":true' not in log
    assert log.count('"dataChange":false') == 10


@pytest.mark.parametrize(("files", "of"), [(8, 5), (9, 10)])
def test_few_files_or_large_ones_stay(files: int, of: int, tmp_path: Path) -> None:
    commit(tmp_path, [range(number * of, number * of + of) for number in range(files)], 0, 0)
    with lake.hold(tmp_path, "jobs", "20260102T000000Z-aaaaaa", "a test") as held:
        assert join_small_files(held, FULL) is None


def test_a_run_that_joins_after_its_own_rows_and_is_killed_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(tmp_path, [range(number * 5, number * 5 + 5) for number in range(8)], 0, 0)
    with monkeypatch.context() as patched, lake.hold(tmp_path, "jobs", "20260102T000000Z-aaaaaa", "a test") as held:
        last = held.new_file()
        pq.write_table(pa.table({"n": [99], "text": ["x"]}, schema=SCHEMA), last)
        pq.write_table(pa.table({"rule": ["x"]}), held.faults_file)
        held.commit([last], (), SCHEMA, {"run": held.run, "cursor": 1}, about="")
        patched.setattr(lake.Hold, "rewrite", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            join_small_files(held, FULL)
    with lake.hold(tmp_path, "jobs", "20260103T000000Z-aaaaaa", "a test") as held:
        assert held.tidy() == ("20260102T000000Z-aaaaaa-00001.parquet",)
        assert rows(tmp_path) == [*range(40), 99]


def test_a_dataset_without_a_commit_is_in_order(tmp_path: Path) -> None:
    with lake.hold(tmp_path, "jobs", "20260102T000000Z-aaaaaa", "a test") as held:
        assert keep_in_order(held, timedelta(days=30)) == (None, lake.Vacuumed(0, ()))


def test_joining_and_giving_up_old_versions_go_together(tmp_path: Path) -> None:
    commit(tmp_path, [[number] for number in range(9)], 0, 0)
    with lake.hold(tmp_path, "jobs", "20260102T000000Z-aaaaaa", "a test") as held:
        joined, vacuumed = keep_in_order(held, timedelta(0))
        assert joined == Joined(1, 9, 1, 9)
        assert len([name for name in vacuumed.removed if name.endswith(".parquet")]) == 9
        assert held.last()["cursor"] == 0
    assert rows(tmp_path) == list(range(9))
    assert lake.open_dataset(tmp_path, "jobs").faults().to_pylist() == [{"rule": "x"}]
