"""What may not surprise the engine: odd keys and cursors, many faults, builds that are taken up again."""

from __future__ import annotations

from pathlib import Path

import pytest

from extractors import build, follow, parquet_files, spec
from extractors.refused import Unproven
from extractors.run import Step, extract
from notation import lake
from notation.problems import ConfigError
from tests.servers.mariadb import Server

from .conftest import HEAD, Council
from .test_follow import COLUMNS, CURSOR, DETECTS, held, moment, silo, there

FOLLOWS = HEAD.replace("    columns:", CURSOR)


class Stopped(Exception):  # an outcome, named like the others
    """A run is ended where a test wants it."""


def stopped(council: Council, done: str) -> None:
    """A run that ends at a step of this name, with what was committed or finished before it."""
    loaded = spec.load(council.home / "datasets.yaml", {})

    def told(step: Step) -> None:
        if step.done == done:
            raise Stopped

    with pytest.raises(Stopped):
        extract(loaded.dataset("jobs"), council.home, loaded.keys_file, told)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "WHOLE", 10)
    monkeypatch.setattr(build, "PART", 20)
    monkeypatch.setattr(follow, "STRETCH", 7)


def test_more_faults_than_a_file_of_rows_holds(council: Council, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_files, "GROUP", 4)
    monkeypatch.setattr(parquet_files, "FILE", 8)
    silo(council)
    council.silo("UPDATE JOBS SET WARD = x'ff'")
    council.declare(*COLUMNS, head=DETECTS)
    assert council.run().faults == 50
    assert len(council.faults()) == 50
    council.silo(f"UPDATE JOBS SET CHANGED = '{moment(100)}' WHERE JOB_NO < 30")
    assert council.run().faults == 31
    assert len(council.faults()) == 50


def test_more_faults_than_a_file_in_a_build_in_parts(
    council: Council, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet_files, "GROUP", 4)
    monkeypatch.setattr(parquet_files, "FILE", 8)
    silo(council)
    council.silo("UPDATE JOBS SET WARD = x'ff'")
    council.declare(*COLUMNS, head=DETECTS)
    council.run()
    assert "part done" in council.steps
    assert len(council.faults()) == 50


def written(home: Path) -> str:
    """Every byte of a dataset's folder that is no Parquet."""
    return "".join(p.read_bytes().decode("latin-1") for p in home.rglob("*") if p.is_file() and "data/lake" in str(p))


def test_a_key_that_is_a_pseudonym_is_in_no_position(council: Council, small: None) -> None:
    council.key()
    rows = [(f"AB{n:06}C", f"W{n % 5}", moment(n)) for n in range(50)]
    council.silo(
        "CREATE TABLE JOBS (JOB_NO TEXT PRIMARY KEY, WARD TEXT, CHANGED TEXT)",
        rows=("INSERT INTO JOBS VALUES (?, ?, ?)", rows),
    )
    council.declare("JOB_NO: {name: reference, privacy: pseudonym(job)}", *COLUMNS[1:], head=FOLLOWS)
    council.run()
    council.silo(f"UPDATE JOBS SET WARD = 'X', CHANGED = substr('{moment(200)}', 1, 20) || (rowid % 9)")
    done = council.run()
    assert (done.updated, done.mode) == (50, "window")
    for version in lake.history(council.home, "jobs"):
        assert all(at.startswith("'2024-") for at in version.meta["cursor"]["at"])
    assert "AB0000" not in written(council.home)


def test_a_build_of_personal_keys_leaves_none_in_its_journal(council: Council, small: None) -> None:
    council.key()
    rows = [(f"AB{n:06}C", f"W{n % 5}", moment(n)) for n in range(50)]
    council.silo(
        "CREATE TABLE JOBS (JOB_NO TEXT PRIMARY KEY, WARD TEXT, CHANGED TEXT)",
        rows=("INSERT INTO JOBS VALUES (?, ?, ?)", rows),
    )
    council.declare("JOB_NO: {name: reference, privacy: pseudonym(job)}", *COLUMNS[1:], head=FOLLOWS)
    stopped(council, "rows written")
    assert "AB0000" not in written(council.home)


def test_rows_without_a_key_are_read_once_in_stretches(council: Council, small: None) -> None:
    council.silo(
        "CREATE TABLE JOBS (JOB_NO INTEGER, WARD TEXT, CHANGED TEXT)",
        rows=("INSERT INTO JOBS VALUES (?, ?, ?)", [(n if n % 10 else None, "w", moment(n // 5)) for n in range(50)]),
    )
    council.declare(*COLUMNS, head=FOLLOWS)
    council.run()
    council.silo("UPDATE JOBS SET WARD = 'x', CHANGED = '2025' || substr(CHANGED, 5)")
    done = council.run()
    assert (done.mode, done.rows_in, done.set_aside) == ("window", 50, 5)
    assert len(council.faults()) == 5


def test_rows_without_a_part_of_their_key_are_read_once_in_parts(council: Council, small: None) -> None:
    council.silo(
        "CREATE TABLE JOBS (JOB_NO INTEGER, WARD TEXT, CHANGED TEXT)",
        rows=("INSERT INTO JOBS VALUES (?, ?, ?)", [(n // 7, "w" * (n % 7) or None, moment(n)) for n in range(70)]),
    )
    council.declare(*COLUMNS, head=FOLLOWS.replace("[JOB_NO]", "[JOB_NO, WARD]"))
    done = council.run()
    assert "part done" in council.steps
    assert (done.rows_in, done.set_aside, done.rows_out) == (70, 10, 60)


def test_faults_of_rows_without_a_key_do_not_grow(council: Council) -> None:
    council.silo(
        "CREATE TABLE JOBS (JOB_NO INTEGER, WARD TEXT, CHANGED TEXT)",
        rows=(
            "INSERT INTO JOBS VALUES (?, ?, ?)",
            [(1, "w", moment(1)), (None, "x", None), (None, "y", moment(1)), (None, "z", moment(0))],
        ),
    )
    council.declare(*COLUMNS, head=FOLLOWS)
    for _ in range(3):
        council.run()
        assert len(council.faults()) == 3


def test_a_build_whose_finished_rows_were_missed_is_begun_anew(council: Council, small: None) -> None:
    silo(council)
    council.declare(*COLUMNS, head=FOLLOWS)
    stopped(council, "part done")
    council.silo(f"INSERT INTO JOBS VALUES (-7, 'back', '{moment(3)}')")
    assert council.run().mode == "whole"
    assert held(council) == there(council)


def test_a_build_whose_key_is_not_unique_can_be_mended(council: Council, small: None) -> None:
    council.silo(
        "CREATE TABLE JOBS (JOB_NO INTEGER, WARD TEXT, CHANGED TEXT)",
        rows=("INSERT INTO JOBS VALUES (?, ?, ?)", [(n or 1, f"W{n % 5}", moment(n)) for n in range(50)]),
    )
    council.declare(*COLUMNS, head=FOLLOWS)
    for _ in range(2):
        with pytest.raises(Unproven):
            council.run()
    council.silo(f"DELETE FROM JOBS WHERE CHANGED = '{moment(0)}'")
    council.run()
    assert held(council) == there(council)


def test_a_cursor_may_be_written_in_another_case(council: Council) -> None:
    silo(council)
    council.declare(
        "job_no: {name: reference, type: int64}",
        "Ward: {}",
        "changed: {privacy: drop}",
        head=FOLLOWS.replace("CHANGED", "changed").replace("JOB_NO", "job_no"),
    )
    assert council.run().mode == "whole"
    assert council.run().mode == "window"


def test_a_history_may_be_written_in_another_case(council: Council) -> None:
    silo(council)
    council.declare(
        "job_no: {name: reference, type: int64}",
        "Ward: {}",
        head=HEAD.replace("JOB_NO", "job_no").replace("    columns:", "    history: scd2\n    columns:"),
    )
    council.run()
    assert council.run().unchanged == 50


def test_a_history_has_one_key(council: Council) -> None:
    council.silo("CREATE TABLE JOBS (JOB_NO INTEGER, WARD TEXT)", "INSERT INTO JOBS VALUES (1, 'a'), (2, 'b')")
    path = council.declare(
        "JOB_NO: {type: int64}", "WARD: {}", head=HEAD.replace("    columns:", "    history: scd2\n    columns:")
    )
    council.run()
    path.write_text(path.read_text().replace("[JOB_NO]", "[JOB_NO, WARD]"))
    with pytest.raises(Exception, match="one history"):
        council.run()


@pytest.mark.parametrize("keys", [
    [1, 2**62, 2**62 + 5, 2**63 - 1, 2**63 - 2], [-(2**63), 0, 2**63 - 1], [1, 2, 3, 1.5, 4.25], [1, 2, 3, "x", 9e18],
])  # fmt: skip
def test_keys_of_any_size_are_compared(council: Council, keys: list[object]) -> None:
    council.silo(
        "CREATE TABLE JOBS (JOB_NO INTEGER, WARD TEXT, CHANGED TEXT)",
        rows=("INSERT INTO JOBS VALUES (?, ?, ?)", [(key, "w", moment(n)) for n, key in enumerate(keys)]),
    )
    council.declare(*COLUMNS, head=DETECTS)
    council.run()
    assert council.run().deleted == 0
    council.silo("DELETE FROM JOBS WHERE rowid = 1")
    done = council.run()
    assert (done.mode, done.deleted) == ("window", 1)


@pytest.mark.parametrize("far", ["9999-12-31 00:00:00.000", "2999-01-01"])
def test_a_row_of_the_future_hides_no_other(council: Council, far: str) -> None:
    silo(council)
    council.silo(f"INSERT INTO JOBS VALUES (999, 'future', '{far}')")
    council.declare(*COLUMNS, head=FOLLOWS)
    council.run()
    council.silo(f"UPDATE JOBS SET WARD = 'X', CHANGED = '{moment(100)}' WHERE JOB_NO = 7")
    done = council.run()
    assert (done.mode, done.updated) == ("window", 1)
    council.silo("UPDATE JOBS SET WARD = 'again' WHERE JOB_NO = 999")
    assert council.run().updated == 1
    assert held(council) == there(council)


def test_what_mariadb_cannot_reckon_with(council: Council, mariadb: Server) -> None:
    """Unsigned keys below those there are, and a newest cursor of 0000-00-00, before which there is nothing."""
    with mariadb.database("limits") as session:
        session.execute("CREATE TABLE JOBS (JOB_NO INT UNSIGNED PRIMARY KEY, WARD TEXT, CHANGED DATETIME)")
        session.execute("INSERT INTO JOBS SELECT seq, 'w', 0 FROM seq_100_to_150")
        lags = DETECTS.replace("CHANGED}", "CHANGED, lag: 10m}")
        council.declare(*COLUMNS, head=lags.replace("sqlite:///silo.db", mariadb.reader("limits")))
        council.run()
        session.execute("UPDATE JOBS SET WARD = 'x', CHANGED = '2024-01-31 09:30:00' WHERE JOB_NO < 110")
        done = council.run()
        assert (done.mode, done.updated, done.unchanged) == ("window", 10, 41)
        session.execute("INSERT INTO JOBS VALUES (5, 'low', '2024-01-31 09:31:00')")
        session.execute("DELETE FROM JOBS WHERE JOB_NO = 120")
        done = council.run()
        assert (done.mode, done.inserted, done.deleted) == ("window", 1, 1)


def test_a_cursor_that_nothing_can_follow_is_refused(council: Council) -> None:
    council.silo("CREATE TABLE JOBS (JOB_NO INTEGER PRIMARY KEY, WARD TEXT, CHANGED REAL)")
    council.silo("INSERT INTO JOBS VALUES (1, 'w', 1.5), (2, 'x', 9e999)")
    council.declare(*COLUMNS, head=FOLLOWS)
    with pytest.raises(ConfigError, match=r"cursor: its newest value is 9e999, and nothing can be newer"):
        council.run()
