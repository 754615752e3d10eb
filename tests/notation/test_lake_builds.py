"""A dataset built in parts: what is finished is not lost, what is not finished is not seen."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from notation import lake

SCHEMA = pa.schema([pa.field("n", pa.int64())])


class Yard:
    """A lake with the dataset `jobs`, of which a run builds one file after the other."""

    def __init__(self, home: Path) -> None:
        self.home, self.folder, self.runs = home, home / "data" / "lake" / "jobs", 0

    @contextmanager
    def hold(self, fingerprint: str = "") -> Iterator[lake.Hold]:
        self.runs += 1
        with lake.hold(self.home, "jobs", f"20260101T{self.runs:06}Z-aaaaaa", "a test") as held:
            held.tidy(fingerprint)
            yield held

    def part(self, held: lake.Hold, build: lake.Build, number: int) -> None:
        rows, faults = held.new_file(), build.folder / f"{number}.parquet"
        for path in (rows, faults):
            pq.write_table(pa.table({"n": [number]}, schema=SCHEMA), path)
        build.done({"upto": number}, [rows, faults])

    def finish(self, held: lake.Hold, build: lake.Build | None) -> tuple[int, bool]:
        pq.write_table(pa.table({"n": []}, schema=SCHEMA), held.faults_file)
        files = list(build.files) if build else []
        return held.commit(files, None, SCHEMA, {"run": held.run}, about="", build=build)

    def rows(self) -> list[int]:
        return list(lake.open_dataset(self.home, "jobs").table()["n"].to_pylist())

    def parquet(self) -> set[str]:
        return {path.name for path in self.folder.glob("*.parquet")}


@pytest.fixture
def yard(tmp_path: Path) -> Yard:
    return Yard(tmp_path)


def test_a_build_is_taken_up_where_it_was_left(yard: Yard) -> None:
    with yard.hold("f1") as held:
        assert held.build("f1") is None
        build = held.begin_build("f1")
        yard.part(held, build, 1)
        yard.part(held, build, 2)
        pq.write_table(pa.table({"n": [3]}, schema=SCHEMA), held.new_file())  # a part that was not finished
        (build.folder / "3.parquet").touch()
        assert lake.names(yard.home) == ()
    with yard.hold("f1") as held:
        found = held.build("f1")
        assert found is not None
        assert [part.note for part in found.parts] == [{"upto": 1}, {"upto": 2}]
        assert [path.name for path in found.beside] == ["1.parquet", "2.parquet"]
        assert {path.name for path in found.folder.iterdir()} == {"journal.json", "1.parquet", "2.parquet"}
        assert yard.parquet() == {path.name for path in found.files}
        yard.part(held, found, 3)
        assert yard.finish(held, found) == (0, True)
        assert held.build("f1") is None
    assert yard.rows() == [1, 2, 3]
    assert not (yard.folder / "_build").exists()


def test_the_old_rows_are_read_until_the_new_ones_are_all_there(yard: Yard) -> None:
    with yard.hold("f1") as held:
        build = held.begin_build("f1")
        yard.part(held, build, 1)
        yard.finish(held, build)
    with yard.hold("f2") as held:
        build = held.begin_build("f2")
        yard.part(held, build, 2)
        assert yard.rows() == [1]
    with yard.hold("f2") as held:
        assert yard.rows() == [1]
        yard.finish(held, held.build("f2"))
    assert yard.rows() == [2]


def test_a_build_of_something_else_goes(yard: Yard) -> None:
    with yard.hold("f1") as held:
        yard.part(held, held.begin_build("f1"), 1)
    with yard.hold("f2") as held:
        assert (held.build("f2"), held.build("f1"), yard.parquet()) == (None, None, set())
        assert not (yard.folder / "_build").exists()


def test_a_build_that_lost_a_file_goes(yard: Yard) -> None:
    with yard.hold("f1") as held:
        build = held.begin_build("f1")
        yard.part(held, build, 1)
        yard.part(held, build, 2)
    build.files[0].unlink()
    with yard.hold("f1") as held:
        assert (held.build("f1"), yard.parquet()) == (None, set())


def test_a_build_killed_between_its_commit_and_its_end_is_not_committed_again(yard: Yard) -> None:
    with yard.hold("f1") as held:
        build = held.begin_build("f1")
        yard.part(held, build, 1)
        with (
            mock.patch("notation.lake.building.Build.drop", side_effect=KeyboardInterrupt),
            pytest.raises(KeyboardInterrupt),
        ):
            yard.finish(held, build)
    assert (yard.folder / "_build" / "journal.json").exists()
    with yard.hold("f1") as held:
        assert held.build("f1") is None
        assert not (yard.folder / "_build").exists()
    assert yard.rows() == [1]


def test_a_build_with_the_rows_there_are_keeps_the_old_files(yard: Yard) -> None:
    for _ in range(2):
        with yard.hold("f1") as held:
            build = held.begin_build("f1")
            yard.part(held, build, 1)
            yard.finish(held, build)
    assert [len(lake.open_dataset(yard.home, "jobs", version).files) for version in (0, 1)] == [1, 1]
    assert yard.parquet() == {"20260101T000001Z-aaaaaa-00000.parquet"}


def test_a_part_is_on_the_disk_before_it_is_called_done(yard: Yard) -> None:
    synced: list[str] = []
    fsync = os.fsync

    def watched(handle: int) -> None:
        synced.append(Path(f"/proc/self/fd/{handle}").resolve().name)
        fsync(handle)

    with yard.hold("f1") as held:
        build = held.begin_build("f1")
        with mock.patch("os.fsync", watched):
            yard.part(held, build, 1)
    journal = next(at for at, name in enumerate(synced) if name.startswith(".journal.json"))
    assert {"20260101T000001Z-aaaaaa-00000.parquet", "1.parquet", "jobs"} <= set(synced[:journal])
    assert synced[journal + 1] == "_build"


def test_a_journal_that_cannot_be_written_does_not_count_its_part(yard: Yard) -> None:
    with yard.hold("f1") as held:
        build = held.begin_build("f1")
        yard.part(held, build, 1)
        with (
            mock.patch("notation.lake.building.write_whole", side_effect=OSError(28, "full")),
            pytest.raises(OSError, match="full"),
        ):
            yard.part(held, build, 2)
        assert [part.note for part in build.parts] == [{"upto": 1}]
    with yard.hold("f1") as held:
        found = held.build("f1")
        assert found is not None
        assert len(found.parts) == 1
        assert yard.parquet() == {path.name for path in found.files}


def test_a_journal_that_is_not_whole_is_no_build(yard: Yard) -> None:
    with yard.hold("f1") as held:
        yard.part(held, held.begin_build("f1"), 1)
    (yard.folder / "_build" / "journal.json").write_text(json.dumps([1])[:2])
    with yard.hold("f1") as held:
        assert (held.build("f1"), yard.parquet()) == (None, set())


def test_a_vacuum_leaves_an_unfinished_build_alone(yard: Yard) -> None:
    with yard.hold("f1") as held:
        build = held.begin_build("f1")
        yard.part(held, build, 1)
        yard.finish(held, build)
    with yard.hold("f2") as held:
        yard.part(held, held.begin_build("f2"), 2)
    with yard.hold("f2") as held:
        assert held.vacuum().removed == ()
        assert held.build("f2") is not None
