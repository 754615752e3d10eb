"""Commits of the lake: rows and cursor together, only what changed; and what runs that were killed left behind."""

from __future__ import annotations

import json
import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from notation import lake
from notation.lake import log, tidying, vacuum, writing
from notation.lake.vacuum import KEEP

from .lake_bench import SCHEMA, START, Bench, files_of_at_most


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> int:
    """As many commits are looked at, instead of fifty."""
    monkeypatch.setattr(tidying, "RECENT", 4)
    return 4


# -- one commit


def test_rows_and_cursor_are_one_commit(bench: Bench) -> None:
    assert bench.run([1, 2], [3], removes=None, cursor="2026-01-01") == (0, True)
    assert bench.run([3, 4], removes=[bench.file_of(3)], cursor="2026-01-02") == (1, True)
    assert bench.rows() == [1, 2, 3, 4]
    assert bench.rows(0) == [1, 2, 3]
    assert [version.meta["cursor"] for version in lake.history(bench.home, "jobs")] == ["2026-01-02", "2026-01-01"]
    actions = [json.loads(line) for line in (bench.folder / "_delta_log" / f"{1:020}.json").read_text().splitlines()]
    assert sorted(next(iter(action)) for action in actions) == ["add", "commitInfo", "remove", "txn"]
    assert bench.lying_about() == set()


def test_a_run_without_rows_moves_the_cursor(bench: Bench) -> None:
    bench.run([1], removes=None, cursor=1)
    assert bench.run(cursor=2) == (1, False)
    assert bench.rows() == [1]
    with bench.hold() as held:
        assert held.last()["cursor"] == 2
        snapshot = held.snapshot()
        assert snapshot is not None
        assert snapshot.faults().to_pylist() == [{"rule": "x"}]


def test_a_hold_reads_the_log_once_for_each_version(bench: Bench) -> None:
    bench.run([1], removes=None)
    with bench.hold() as held, mock.patch("notation.lake.log.delta", side_effect=log.delta) as opened:
        held.tidy()
        for number in (0, 1):
            found = (held.snapshot(), held.last(), held.rows_of_files())
            assert found[0] is not None
            assert (found[0].version, opened.call_count) == (number, number + 1)
            if not number:
                held.commit((), (), SCHEMA, {"run": held.run}, about="")


def test_equal_files_are_not_put_in_place_of_those_there_are(bench: Bench) -> None:
    bench.run([1], removes=None)
    assert bench.run([1], removes=None) == (1, False)
    assert bench.run(cursor=2) == (2, False)
    assert bench.run([1], removes=None) == (3, False)  # nothing came between
    bench.run([2])
    assert bench.run([1], removes=None) == (5, True)
    assert bench.rows() == [1]
    assert bench.lying_about() == set()


def test_what_a_column_means_may_change_while_files_stay(bench: Bench) -> None:
    told = pa.schema([SCHEMA.field("n").with_metadata({"comment": "the number", "unit": "1"}), SCHEMA.field("ward")])
    bench.run([1], removes=None, schema=told)
    meant = pa.schema([SCHEMA.field("n").with_metadata({"comment": "its number"}), SCHEMA.field("ward")])
    bench.run([2], schema=meant)
    snapshot = lake.open_dataset(bench.home, "jobs")
    assert snapshot.schema.equals(meant, check_metadata=True)
    assert snapshot.table().schema.equals(meant, check_metadata=True)
    version, changed = bench.run(schema=meant)
    assert (version, changed) == (snapshot.version + 1, False)


def test_the_columns_of_all_versions_are_told_without_opening_each(bench: Bench) -> None:
    bench.run([1], removes=None)
    bench.run([2])
    told = pa.schema([SCHEMA.field("n").with_metadata({"comment": "the number"}), SCHEMA.field("ward")])
    bench.run([3], removes=None, schema=told)
    bench.run(schema=told)
    with mock.patch("notation.lake.log.delta", side_effect=log.delta) as opened:
        seen = lake.schemas(bench.home, "jobs")
        assert opened.call_count == 3
    assert [(versions, schema.field("n").metadata) for versions, schema in seen] == [
        (range(2), None), (range(2, 4), {b"comment": b"the number"}),
    ]  # fmt: skip
    with bench.hold() as held:
        held.vacuum(timedelta(0))
    assert [versions for versions, _ in lake.schemas(bench.home, "jobs")] == [range(3, 4)]


def test_files_of_other_columns_do_not_stand_beside_those_there_are(bench: Bench) -> None:
    bench.run([1], removes=None)
    with pytest.raises(lake.LakeFailed, match=r"^files of other columns can only replace a dataset whole"):
        bench.run([1], schema=pa.schema([*SCHEMA, pa.field("more", pa.string())]))
    assert bench.rows() == [1]


def test_all_that_is_written_is_for_the_owner_alone(bench: Bench) -> None:
    bench.run([1], removes=None)
    bench.run([2])
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in bench.folder.rglob("*")}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o600}
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}


def test_a_run_reads_the_end_of_the_log_however_long_it_is(bench: Bench, few: int) -> None:
    bench.run([1], removes=None)
    for number in range(12):
        bench.run(cursor=number)
    with mock.patch("notation.lake.log._commit", side_effect=log._commit) as read:
        bench.run([2], cursor=12)
        assert read.call_count <= few + 5
        read.reset_mock()
        assert lake.open_dataset(bench.home, "jobs").meta["cursor"] == 12
        assert read.call_count == 1
    assert len(lake.history(bench.home, "jobs")) == 14


# -- what was left


def test_what_a_killed_run_left_goes_and_all_that_a_commit_names_stays(bench: Bench, few: int) -> None:
    bench.run([1], removes=None)
    for number in range(2 * few):
        bench.run([number + 10], removes=[bench.file_of(number + 9 if number else 1)])
    with bench.hold() as held:
        bench.write(held, [99])
        held.faults_file.write_bytes(b"")
        held.write_manifest({})
        held.spill.mkdir()
        (bench.folder / "_delta_log" / "00000000000000000099.json#1").touch()
        (bench.folder / "_runs" / f".{held.run}.json.x1y2z3").touch()
        (bench.folder / "._vacuumed.x1y2z3").touch()
    with bench.hold() as held:
        left = bench.name(bench.runs - 1)
        assert held.tidy() == tuple(
            sorted(
                [
                    "._vacuumed.x1y2z3",
                    f".{left}.json.x1y2z3",
                    "00000000000000000099.json#1",
                    "_spill",
                    f"{left}-00000.parquet",
                    f"{left}.json",
                    f"{left}.parquet",
                ]
            )
        )
        assert held.tidy() == ()
    assert bench.lying_about() == set()
    assert bench.rows(0) == [1]


def test_a_clock_that_went_back_loses_no_version(bench: Bench, few: int) -> None:
    bench.runs = 1000
    bench.run([1], removes=None)
    bench.run([2], removes=[bench.file_of(1)])
    bench.runs = 0
    for number in range(2 * few):
        bench.run(cursor=number)
    with bench.hold() as held:
        held.tidy()
    assert bench.rows(0) == [1]
    assert bench.lying_about() == set()


# -- old versions


def test_old_versions_go_once_they_were_replaced_long_enough_ago(bench: Bench) -> None:
    bench.run([1], removes=None)
    bench.run([2], removes=[bench.file_of(1)])
    bench.run(cursor=1)
    later = datetime.now(UTC) + KEEP - timedelta(minutes=1)
    with bench.hold() as held:
        assert held.vacuum(now=later) == lake.Vacuumed(0, ())
        gone = held.vacuum(now=later + timedelta(days=2))
        first, second = bench.name(1), bench.name(2)
        assert gone == lake.Vacuumed(
            2,
            tuple(
                sorted(
                    [
                        f"{first}-00000.parquet",
                        f"{first}.json",
                        f"{first}.parquet",
                        f"{second}.json",
                        f"{second}.parquet",
                    ]
                )
            ),
        )
    assert bench.rows() == bench.rows(2) == [2]
    assert [version.number for version in lake.history(bench.home, "jobs")] == [2]
    with pytest.raises(lake.NoDataset) as gone_for_good:
        bench.rows(1)
    assert str(gone_for_good.value) == "dataset 'jobs' has no version 1 any more: it keeps those from 2 on"
    assert bench.lying_about() == set()
    assert bench.run([3]) == (3, True)
    assert bench.rows() == [2, 3]


def test_a_vacuum_that_was_killed_is_done_by_the_next(bench: Bench) -> None:
    bench.run([1], removes=None)
    bench.run([2], removes=[bench.file_of(1)])
    later = datetime.now(UTC) + KEEP + timedelta(days=1)
    with bench.hold() as held:
        with mock.patch("pathlib.Path.unlink", side_effect=KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
            held.vacuum(now=later)
        with pytest.raises(lake.NoDataset):  # said to be gone before it goes
            bench.rows(0)
        assert f"{bench.name(1)}-00000.parquet" in held.vacuum(now=later).removed
        assert held.vacuum(now=later).removed == ()
    assert bench.lying_about() == set()


def test_the_log_is_read_through_for_a_vacuum_at_most_once_a_day(bench: Bench) -> None:
    bench.run([1], removes=None)
    now = datetime.now(UTC)
    with bench.hold() as held:
        held.vacuum(now=now)
        with mock.patch("notation.lake.log.commits", side_effect=AssertionError):
            held.vacuum(now=now + timedelta(hours=23))
            with pytest.raises(AssertionError):
                held.vacuum(now=now + timedelta(hours=25))


def test_a_dataset_says_how_much_room_it_takes(bench: Bench) -> None:
    bench.run([1, 2], [3], removes=None)
    bench.run([4], removes=[bench.file_of(3)])
    size = lake.size(bench.home, "jobs")
    assert (size.rows, size.files, size.versions) == (3, 2, 2)
    assert size.bytes == sum(path.stat().st_size for path in lake.open_dataset(bench.home, "jobs").files)
    assert size.kept == sum(path.stat().st_size for path in bench.folder.rglob("*") if path.is_file())
    assert size.oldest <= size.newest <= datetime.now(UTC)


# -- places and disks


@pytest.mark.parametrize("odd", ["a b", "a#b", "a?b", "a%b", "ü", "a'b", "[a]*", "v=1", "100%"])
def test_the_lake_may_lie_in_any_folder(odd: str, tmp_path: Path) -> None:
    bench = Bench(tmp_path / odd)
    bench.run([1], removes=None, cursor=1)
    bench.run([2], removes=[bench.file_of(1)], cursor=2)
    assert (bench.rows(), bench.rows(0)) == ([2], [1])
    assert lake.open_dataset(bench.home, "jobs").meta["cursor"] == 2
    assert len(lake.history(bench.home, "jobs")) == 2
    assert bench.lying_about() == set()


@pytest.mark.parametrize(("odd", "misread"), [("a%20b", "%20"), ("a\\b", "\\")])
def test_a_folder_that_delta_misreads_is_refused_and_stays_untouched(odd: str, misread: str, tmp_path: Path) -> None:
    home = tmp_path / odd
    with pytest.raises(lake.LakeFailed) as refused, lake.hold(home, "jobs", "r", "a test"):
        pass
    assert str(refused.value) == (
        f"dataset 'jobs': the Delta library misreads '{misread}' in {home}/data/lake/jobs and would look in another"
        " folder; move the project to a path without it"
    )
    assert not home.exists()


def test_a_commit_that_does_not_fit_on_the_disk_is_not_seen_and_the_next_run_works(bench: Bench) -> None:
    bench.run([1], removes=None, cursor=1)
    with pytest.raises(lake.LakeFailed) as full:
        bench.run([2], cursor=2, room=200)
    assert str(full.value) == (
        f"dataset 'jobs': a file would be larger than this system allows; nothing was committed in {bench.folder}"
    )
    assert (bench.rows(), lake.open_dataset(bench.home, "jobs").meta["cursor"]) == ([1], 1)
    assert bench.run([2], cursor=2) == (1, True)
    assert bench.rows() == [1, 2]
    assert bench.lying_about() == set()


def test_rows_that_do_not_fit_on_the_disk_are_told_in_plain_words(bench: Bench) -> None:
    bench.run([1], removes=None)
    with pytest.raises(lake.LakeFailed) as full, bench.hold() as held, files_of_at_most(200):
        bench.write(held, list(range(10_000)))
    assert str(full.value) == (
        f"dataset 'jobs': a file would be larger than this system allows; nothing was committed in {bench.folder}"
    )
    bench.run()
    assert bench.lying_about() == set()


def test_a_sync_that_fails_commits_nothing(bench: Bench) -> None:
    bench.run([1], removes=None)
    with mock.patch("os.fsync", side_effect=OSError(28, os.strerror(28))), pytest.raises(lake.LakeFailed) as full:
        bench.run([2])
    assert "there is no space left on the disk; nothing was committed" in str(full.value)
    assert bench.rows() == [1]
    bench.run([2])
    assert bench.rows() == [1, 2]
    assert bench.lying_about() == set()


def test_others_read_what_is_committed(bench: Bench) -> None:
    bench.run([1], [2], removes=None)
    bench.run([3], removes=[bench.file_of(1)])
    table: Any = DeltaTable(bench.folder).to_pyarrow_table()
    assert sorted(table["n"].to_pylist()) == [2, 3]


def test_a_checkpoint_that_fails_after_the_commit_is_no_failure_of_it(bench: Bench) -> None:
    bench.run([1], removes=None)
    commit = DeltaTable.create_write_transaction

    def then_fail(*args: Any, **more: Any) -> None:
        commit(*args, **more)
        raise DeltaError("the checkpoint cannot be written")

    with mock.patch.object(DeltaTable, "create_write_transaction", then_fail):
        assert bench.run([2]) == (1, True)
    with (
        mock.patch.object(DeltaTable, "create_write_transaction", side_effect=DeltaError("no")),
        pytest.raises(lake.LakeFailed, match=r"Delta cannot write in .*: no$"),
    ):
        bench.run([3])
    assert bench.rows() == [1, 2]


def test_a_commit_that_may_not_last_is_not_called_undone(bench: Bench) -> None:
    bench.run([1], removes=None)
    with (
        mock.patch.object(writing, "sync_folder", side_effect=[None, None, OSError(5, os.strerror(5))]),
        pytest.raises(lake.LakeFailed) as told,
    ):
        bench.run([2])
    assert str(told.value) == (
        "dataset 'jobs': version 1 is committed, but the disk failed: it may be lost if the machine fails"
    )
    assert bench.rows() == [1, 2]


def test_a_version_is_old_from_when_it_was_replaced_not_from_when_it_was_made() -> None:
    made = [START + timedelta(days=day) for day in (0, 1, 50)]
    commits = [log.Commit(lake.Version(number, at, {}), (), declares=False) for number, at in enumerate(made)][::-1]
    assert [vacuum._oldest(commits, START + timedelta(days=day)) for day in (-1, 0.5, 20, 49, 60)] == [0, 0, 1, 1, 2]
