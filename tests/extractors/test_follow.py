"""A dataset with a cursor follows its source: what is new is read and merged, and after each run the two are equal."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, settings, stateful
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from extractors import build, follow, run
from extractors.compiled import Source
from extractors.dialects import Select
from extractors.refused import Unproven
from extractors.sources import Reading, open_reading
from extractors.sources.sqlite import SqliteReading
from notation import lake
from notation.problems import ConfigError

from .conftest import HEAD, Council

CURSOR = "    cursor: {column: CHANGED}\n    columns:"
LAGS = "    cursor: {column: CHANGED, lag: 10m}\n    columns:"
DETECTS = HEAD.replace("    columns:", "    deletes: detect\n" + CURSOR)
COLUMNS = ("JOB_NO: {name: reference, type: int64}", "WARD: {}", "CHANGED: {privacy: drop}")


def silo(council: Council, rows: int = 50) -> None:
    council.silo(
        "CREATE TABLE JOBS (JOB_NO INTEGER PRIMARY KEY, WARD TEXT, CHANGED TEXT)",
        rows=("INSERT INTO JOBS VALUES (?, ?, ?)", [(n, f"W{n % 5}", moment(n)) for n in range(rows)]),
    )


def moment(minute: int) -> str:
    return f"2024-01-31 {minute // 60:02}:{minute % 60:02}:00.000"


def held(council: Council) -> dict[object, object]:
    rows = council.rows()
    assert len({row["reference"] for row in rows}) == len(rows)
    return {row["reference"]: row["ward"] for row in rows}


def there(council: Council) -> dict[object, object]:
    connection = sqlite3.connect(council.home / "silo.db")
    rows = connection.execute("SELECT JOB_NO, WARD FROM JOBS").fetchall()
    connection.close()
    return dict(rows)


def test_only_what_is_new_is_read(council: Council) -> None:
    silo(council)
    council.declare(*COLUMNS, head=HEAD.replace("    columns:", CURSOR))
    first = council.run()
    assert (first.mode, first.rows_in) == ("whole", 50)
    council.silo(
        f"UPDATE JOBS SET WARD = 'X', CHANGED = '{moment(100)}' WHERE JOB_NO = 7",
        f"INSERT INTO JOBS VALUES (50, 'Y', '{moment(101)}')",
    )
    second = council.run()
    assert second.mode == "window"
    assert (second.rows_in, second.inserted, second.updated, second.unchanged) == (3, 1, 1, 1)
    assert held(council) == there(council)
    files = lake.open_dataset(council.home, "jobs").files
    third = council.run()
    assert (third.rows_in, third.unchanged, third.changed) == (1, 1, False), (
        "the newest is read again: it may have ties"
    )
    assert lake.open_dataset(council.home, "jobs").files == files
    assert "changed" not in lake.open_dataset(council.home, "jobs").schema.names, "a cursor may be dropped"


def test_a_row_lost_on_the_way_stops_a_window_too(council: Council, monkeypatch: pytest.MonkeyPatch) -> None:
    silo(council)
    council.declare(*COLUMNS, head=HEAD.replace("    columns:", CURSOR))
    council.run()
    council.silo(f"INSERT INTO JOBS VALUES (50, 'Y', '{moment(101)}')")
    whole = SqliteReading.read

    def all_but_one(reading: SqliteReading, select: Select) -> Iterator[pa.RecordBatch]:
        for batch in whole(reading, select):
            yield batch.slice(1)

    with monkeypatch.context() as broken:
        broken.setattr(SqliteReading, "read", all_but_one)
        with pytest.raises(Unproven) as refused:
            council.run()
    assert str(refused.value) == ("dataset 'jobs': the source counts 2 rows, 1 rows were read; nothing was committed")
    assert len(council.rows()) == 50
    assert council.run().inserted == 1


def test_rows_committed_late_within_the_lag_are_found(council: Council) -> None:
    silo(council)
    council.declare(*COLUMNS, head=HEAD.replace("    columns:", LAGS))
    council.run()
    council.silo(f"INSERT INTO JOBS VALUES (60, 'late', '{moment(40)}')")
    done = council.run()
    assert (done.rows_in, done.inserted, done.unchanged) == (12, 1, 11)
    assert held(council) == there(council)


def test_rows_without_a_cursor_are_read_each_time(council: Council) -> None:
    silo(council)
    council.silo("INSERT INTO JOBS VALUES (60, 'none', NULL)")
    council.declare(*COLUMNS, head=HEAD.replace("    columns:", CURSOR))
    council.run()
    council.silo("UPDATE JOBS SET WARD = 'other' WHERE JOB_NO = 60")
    done = council.run()
    assert (done.rows_in, done.updated) == (2, 1)
    assert held(council) == there(council)


def test_an_empty_table_fills(council: Council) -> None:
    silo(council, 0)
    council.declare(*COLUMNS, head=DETECTS)
    assert council.run().rows_in == 0
    assert council.run().rows_in == 0
    council.silo(f"INSERT INTO JOBS VALUES (1, 'a', '{moment(1)}')")
    assert council.run().inserted == 1
    assert held(council) == {1: "a"}
    council.silo("DELETE FROM JOBS")
    assert council.run().deleted == 1
    assert held(council) == {}


def test_rows_that_are_gone_go_only_where_they_are_looked_for(council: Council) -> None:
    silo(council)
    path = council.declare(*COLUMNS, head=HEAD.replace("    columns:", CURSOR))
    council.run()
    council.silo("DELETE FROM JOBS WHERE JOB_NO IN (3, 33)")
    assert council.run().deleted == 0
    assert len(held(council)) == 50
    path.write_text(path.read_text().replace(CURSOR, "    deletes: detect\n" + CURSOR))
    assert council.run().deleted == 2
    assert held(council) == there(council)


def test_a_text_key_and_a_pseudonym_are_compared_whole(council: Council) -> None:
    council.key()
    silo(council)
    columns = ("JOB_NO: {name: reference, privacy: pseudonym(job)}", *COLUMNS[1:])
    council.declare(*columns, head=DETECTS)
    council.run()
    council.silo("DELETE FROM JOBS WHERE JOB_NO IN (3, 33)")
    assert council.run().deleted == 2
    assert len(council.rows()) == 48


def test_a_clock_that_went_back_is_noticed_where_keys_are_compared(council: Council) -> None:
    silo(council)
    council.declare(*COLUMNS, head=DETECTS)
    council.run()
    council.silo(f"INSERT INTO JOBS VALUES (60, 'back', '{moment(5)}')")
    done = council.run()
    assert (done.mode, done.rows_in) == ("whole", 51)
    assert "read whole" in council.steps
    assert held(council) == there(council)


def test_a_source_set_back_is_followed_from_where_it_stands(council: Council) -> None:
    silo(council)
    council.declare(*COLUMNS, head=DETECTS)
    council.run()
    council.silo("DELETE FROM JOBS WHERE JOB_NO >= 40")
    assert council.run().deleted == 10
    council.silo(f"INSERT INTO JOBS VALUES (60, 'again', '{moment(40)}')")
    done = council.run()
    assert (done.mode, done.inserted) == ("window", 1)
    assert held(council) == there(council)


def test_a_window_too_large_is_taken_in_stretches(council: Council, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "STRETCH", 7)
    silo(council)
    council.silo(f"UPDATE JOBS SET CHANGED = '{moment(30)}' WHERE JOB_NO BETWEEN 10 AND 40")
    council.declare(*COLUMNS, head=DETECTS)
    council.run()
    council.silo(f"UPDATE JOBS SET WARD = 'X', CHANGED = '{moment(200)}'")
    done = council.run()
    assert (done.rows_in, done.updated, done.mode) == (50, 50, "window")
    assert held(council) == there(council)
    positions = [version.meta["cursor"]["at"] for version in lake.history(council.home, "jobs")]
    assert [len(at) for at in positions] == [0, *[2] * 7, 0], "seven stretches end amid the ties, the eighth at the end"


@pytest.mark.parametrize(("most", "openings"), [(8, 1), (7, 2)])
def test_what_is_new_takes_one_connection_and_many_rows_take_all(
    council: Council, monkeypatch: pytest.MonkeyPatch, most: int, openings: int
) -> None:
    monkeypatch.setattr(follow, "MANY", most)
    opened: list[int] = []

    def noted(source: Source) -> AbstractContextManager[Reading]:
        opened.append(source.max_connections)
        return open_reading(source)

    monkeypatch.setattr(run, "open_reading", noted)
    silo(council)
    council.declare(*COLUMNS, head=HEAD.replace("    columns:", CURSOR))
    council.run()
    council.silo(f"UPDATE JOBS SET WARD = 'X', CHANGED = '{moment(60)}' WHERE JOB_NO < 7")
    done = council.run()
    assert (done.mode, done.updated) == ("window", 7)
    all_allowed = opened[0]
    assert all_allowed > 1
    assert opened[1:] == [1, all_allowed][:openings]
    assert held(council) == there(council)


def test_a_url_that_leads_to_another_database_reads_everything_anew(council: Council) -> None:
    silo(council)
    council.declare(*COLUMNS, head=HEAD.replace("    columns:", CURSOR))
    council.run()
    (council.home / "silo.db").rename(council.home / "kept.db")
    silo(council, 60)
    council.silo("UPDATE JOBS SET WARD = 'elsewhere' WHERE JOB_NO = 3")
    (council.home / "silo.db").rename(council.home / "other.db")
    (council.home / "kept.db").rename(council.home / "silo.db")
    assert council.run().mode == "window", "the same url"
    council.declare(*COLUMNS, head=HEAD.replace("silo.db", "other.db").replace("    columns:", CURSOR))
    council.steps.clear()
    moved = council.run()
    assert (moved.mode, moved.rows_in) == ("whole", 60)
    assert "read elsewhere" in council.steps
    assert held(council)[3] == "elsewhere"
    assert council.run().mode == "window"


def test_full_reads_everything_anew(council: Council) -> None:
    silo(council)
    council.declare(*COLUMNS, head=HEAD.replace("    columns:", CURSOR))
    council.run()
    council.silo("UPDATE JOBS SET WARD = 'silently' WHERE JOB_NO = 1")
    assert council.run().updated == 0
    assert held(council) != there(council)
    assert council.run(full=True).mode == "whole"
    assert held(council) == there(council)


def test_a_line_that_changed_reads_everything_anew(council: Council) -> None:
    silo(council)
    path = council.declare(*COLUMNS, head=HEAD.replace("    columns:", CURSOR))
    council.run()
    path.write_text(path.read_text().replace("WARD: {}", "WARD: {trim: end}"))
    assert council.run().mode == "whole"
    assert council.run().mode == "window"


def test_faults_of_rows_that_were_not_read_again_still_stand(council: Council) -> None:
    silo(council)
    council.silo("UPDATE JOBS SET WARD = x'ff' WHERE JOB_NO IN (1, 2, 3)")
    council.declare(*COLUMNS, head=DETECTS)
    council.run()
    council.silo(
        f"UPDATE JOBS SET WARD = 'good', CHANGED = '{moment(100)}' WHERE JOB_NO = 1",
        f"UPDATE JOBS SET WARD = x'fe', CHANGED = '{moment(101)}' WHERE JOB_NO = 9",
        "DELETE FROM JOBS WHERE JOB_NO = 2",
    )
    done = council.run()
    assert (done.faults, done.updated, done.deleted) == (1, 2, 1)
    assert sorted((fault["key"], fault["value"]) for fault in council.faults()) == [("[3]", "ff"), ("[9]", "fe")]


def test_a_history_keeps_each_state(council: Council) -> None:
    silo(council, 3)
    council.declare(*COLUMNS, head=DETECTS.replace("    deletes", "    history: scd2\n    deletes"))
    council.run()
    council.silo(
        f"UPDATE JOBS SET WARD = 'X', CHANGED = '{moment(100)}' WHERE JOB_NO = 1",
        "DELETE FROM JOBS WHERE JOB_NO = 0",
    )
    done = council.run()
    assert (done.updated, done.deleted) == (1, 1)
    rows = sorted(council.rows(), key=lambda row: (str(row["reference"]), str(row["valid_from"])))
    assert [(row["reference"], row["ward"], row["valid_to"] is None) for row in rows] == [
        (0, "W0", False), (1, "W1", False), (1, "X", True), (2, "W2", True),
    ]  # fmt: skip
    assert rows[1]["valid_to"] == rows[2]["valid_from"]
    council.silo(f"INSERT INTO JOBS VALUES (0, 'back', '{moment(200)}')")
    assert council.run(full=True).mode == "whole"
    states = sorted((row["ward"] for row in council.rows() if row["reference"] == 0), key=str)
    assert states == ["W0", "back"]


def test_a_history_is_not_read_in_two_ways(council: Council) -> None:
    silo(council, 3)
    path = council.declare(*COLUMNS, head=DETECTS)
    council.run()
    path.write_text(path.read_text().replace("    deletes", "    history: scd2\n    deletes"))
    with pytest.raises(ConfigError) as refused:
        council.run()
    assert str(refused.value) == (
        "datasets.yaml:5: dataset 'jobs' is to keep a history, and has been extracted without one\n"
        "    move data/lake/jobs away and extract again: states read in two ways make no one history"
    )


def test_a_lag_needs_a_cursor_that_is_a_moment(council: Council) -> None:
    council.silo("CREATE TABLE JOBS (JOB_NO INTEGER PRIMARY KEY, VERSION TEXT)", "INSERT INTO JOBS VALUES (1, 'v1')")
    lagging = HEAD.replace("    columns:", "    cursor: {column: VERSION, lag: 10m}\n    columns:")
    council.declare("JOB_NO: {type: int64}", "VERSION: {privacy: drop}", head=lagging)
    with pytest.raises(ConfigError) as refused:
        council.run()
    assert str(refused.value).startswith("datasets.yaml:11: dataset 'jobs': cursor: ")


class Following(RuleBasedStateMachine):
    """Anything may happen to the source; after each run the dataset equals it."""

    home: Path
    number = 0

    @initialize(detect=st.booleans())
    def begin(self, detect: bool) -> None:
        Following.number += 1
        self.council = Council(self.home / str(Following.number))
        self.council.home.mkdir()
        silo(self.council, 0)
        self.council.declare(*COLUMNS, head=DETECTS)
        self.clock, self.is_equal = 0, False

    @rule(keys=st.sets(st.integers(0, 30), min_size=1), ward=st.sampled_from("abc"), tick=st.booleans())
    def write(self, keys: set[int], ward: str, tick: bool) -> None:
        self.clock += tick
        rows = [(key, ward, moment(self.clock)) for key in keys]
        self.council.silo(rows=("INSERT OR REPLACE INTO JOBS VALUES (?, ?, ?)", rows))
        self.is_equal = False

    @rule(keys=st.sets(st.integers(0, 30), min_size=1), ward=st.sampled_from("abc"))
    def write_without_a_cursor(self, keys: set[int], ward: str) -> None:
        self.council.silo(rows=("INSERT OR REPLACE INTO JOBS VALUES (?, ?, NULL)", [(key, ward) for key in keys]))
        self.is_equal = False

    @rule(keys=st.sets(st.integers(0, 30), min_size=1))
    def delete(self, keys: set[int]) -> None:
        self.council.silo(rows=("DELETE FROM JOBS WHERE JOB_NO = ?", [(key,) for key in keys]))
        self.is_equal = False

    @precondition(lambda self: not self.is_equal)
    @rule(full=st.integers(0, 9))
    def run_it(self, full: int) -> None:
        self.council.run(full=full == 0)
        self.is_equal = True

    @invariant()
    def after_a_run_the_two_are_equal(self) -> None:
        if getattr(self, "is_equal", False):
            assert held(self.council) == there(self.council)


@pytest.mark.slow
def test_whatever_happens_to_the_source_the_dataset_follows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "STRETCH", 5)
    monkeypatch.setattr(build, "WHOLE", 8)
    monkeypatch.setattr(build, "PART", 5)
    Following.home = tmp_path
    slow = [HealthCheck.too_slow]
    bounds = settings(max_examples=30, stateful_step_count=12, deadline=None, suppress_health_check=slow)
    stateful.run_state_machine_as_test(Following, settings=bounds)
