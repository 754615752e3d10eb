"""What is said to SQLite (literals, lags, pages) and what it says: asked of SQLite itself."""

from __future__ import annotations

import math
import os
import sqlite3
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.compiled import Source
from extractors.dialects import DIALECTS, Select
from extractors.refused import SourceRefused
from extractors.sources import sqlite
from notation.problems import Refused, Where

DIALECT = DIALECTS["sqlite"]
VALUE = (
    st.integers(-(2**63), 2**63 - 1)
    | st.floats(-1e290, 1e290).filter(lambda real: real == 0 or abs(real) > 1e-290)
    | st.sampled_from([math.inf, -math.inf, "a\0b", "\0", "it's", "Inf", "9e999", "12", "1.5", b"", b"\0", ""])
    | st.text(st.characters(exclude_categories=("Cs",)))
    | st.binary()
)


@given(VALUE | st.none(), st.sampled_from(["", "TEXT", "INTEGER", "REAL", "NUMERIC", "BLOB"]))
def test_a_value_is_found_again_by_its_literal(value: object, kind: str) -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute(f"CREATE TABLE T (A {kind})")
    connection.execute("INSERT INTO T VALUES (?)", (value,))
    ((text,),) = connection.execute(f"SELECT {DIALECT.text(DIALECT.quoted('A'), kind)} FROM T").fetchall()
    if value is None:
        assert text is None
    else:
        literal = DIALECT.literal(text, kind)
        sql = f"SELECT count(*) FROM T WHERE A = {literal} AND typeof(A) = typeof({literal})"
        assert connection.execute(sql).fetchall() == [(1,)], literal
    connection.close()


EARLIER = [  # the newest cursor, a lag in seconds, what is read from then on
    ("'2024-01-31 09:30:00'", 900, "'2024-01-31 09:15:00'"),
    ("'2024-01-31T09:30:00'", 0.5, "'2024-01-31T09:29:59'"),
    ("'2024-01-31T00:00:00.123456'", 1, "'2024-01-30T23:59:59.123456'"),
    ("'2024-01-31 09:30:00.1'", 0.05, "'2024-01-31 09:30:00.0'"),
    ("'2024-01-31 09:30:00.123456789'", 1, "'2024-01-31 09:29:59.123456000'"),
    ("'2024-01-31 09:30'", 60, "'2024-01-31 09:29'"),
    ("'2024-01-31T09:30:00Z'", 60, "'2024-01-31T09:29:00Z'"),
    ("'2024-01-31 09:30:00+00:00'", 60, "'2024-01-31 09:29:00+00:00'"),
    ("'2024-03-01'", 60, "'2024-02-29'"),
    ("'0001-01-01 00:00:00'", 60, "'0001-01-01 00:00:00'"),
    ("20240301000000", 60, "20240229235900"),
    ("'20240301000000'", 60, "'20240229235900'"),
    ("20240301", 60, "20240229"),
    ("1706693400", 900, "1706692500"),
    ("1706693400", 0.5, "1706693399"),
    ("'1706693400'", 900, "'1706692500'"),
    ("1706693400123", 900, "1706692500123"),
    ("1706693400123456", 900, "1706692500123456"),
]


@pytest.mark.parametrize(("moment", "lag", "before"), EARLIER, ids=[moment for moment, *_ in EARLIER])
def test_an_earlier_moment_has_the_form_of_the_later(moment: str, lag: float, before: str) -> None:
    assert DIALECT.earlier(moment, lag, "") == before


NONE = [
    "12345",
    "'A-17'",
    "1.5",
    "x'00'",
    "'2024-13-45 09:00'",
    "20249931",
    "99",
    "-5",
    "9e999",
    "7000000000",
    "'09:30'",
]


@pytest.mark.parametrize("moment", NONE)
def test_a_lag_of_what_is_no_moment_is_refused(moment: str) -> None:
    with pytest.raises(Refused) as refused:
        DIALECT.earlier(moment, 60, "INTEGER")
    assert refused.value.what == "a lag is a length of time, and the cursor's newest value is no moment that is known"
    assert refused.value.hint.startswith("remove the lag; or make a view with the moment as text")


def test_text_with_an_offset_is_refused_for_a_lag() -> None:
    with pytest.raises(Refused, match=r"\('\+01:00'\), which does not compare as its moments do"):
        DIALECT.earlier("'2024-07-31 09:30:00+01:00'", 60, "TEXT")


FORMS = st.sampled_from(["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%d %H:%M", "%Y-%m-%d", "%Y%m%d%H%M%S"])


@given(FORMS, st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1)), st.integers(1, 10**7), st.integers(0, 10**7))  # noqa: DTZ001
def test_whoever_is_within_the_lag_is_not_earlier(form: str, newest: datetime, lag: int, age: int) -> None:
    """As the source compares them: text with text."""
    moment = DIALECT.earlier(f"'{newest.strftime(form)}'", lag / 10, "TEXT")
    newest = datetime.strptime(newest.strftime(form), form)  # noqa: DTZ007
    row = (newest - timedelta(seconds=min(age, lag) / 10)).strftime(form)
    connection = sqlite3.connect(":memory:")
    assert connection.execute(f"SELECT '{row}' >= {moment}").fetchone() == (1,)
    connection.close()


@given(st.floats(2_440_000, 2_480_000), st.floats(1, 1e6))
def test_julian_days_and_epochs_with_fractions(newest: float, lag: float) -> None:
    assert newest - lag / 86_400 - 1e-6 < float(DIALECT.earlier(repr(newest), lag, "REAL")) <= newest - lag / 86_400
    epoch = newest * 700
    if not float(epoch).is_integer():
        assert epoch - lag - 1e-3 < float(DIALECT.earlier(repr(epoch), lag, "REAL")) <= epoch - lag


# --- what it says -----------------------------------------------------------------------------------------------------


def source(path: Path) -> Source:
    return Source("silo", f"sqlite:///{path.name}", path.parent, Where("datasets.yaml", 3))


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "silo.db"
    path.write_text("JOB_NO,WARD\n" * 1000)
    with pytest.raises(SourceRefused) as refused, sqlite.open_reading(source(path)):
        pass
    assert str(refused.value) == (
        f"source 'silo': SQLite cannot read {path}: file is not a database. "
        "Is it a SQLite file? One that is encrypted looks like this too"
    )


def test_a_file_that_a_writer_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "PATIENCE", 0.05)
    writer = sqlite3.connect(tmp_path / "silo.db", isolation_level=None)
    writer.execute("CREATE TABLE T (A)")
    writer.execute("BEGIN EXCLUSIVE")
    said = pytest.raises(SourceRefused, match=r"database is locked\. A writer holds it: run at a quiet time")
    with said, sqlite.open_reading(source(tmp_path / "silo.db")):
        pass
    writer.close()


@pytest.mark.skipif(os.geteuid() == 0, reason="whoever is root may write everywhere")
def test_a_file_in_wal_mode_where_nothing_may_be_written(tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir()
    writer = sqlite3.connect(folder / "silo.db")
    writer.execute("PRAGMA journal_mode = wal")
    writer.execute("CREATE TABLE T (A)")
    writer.close()
    folder.chmod(0o500)
    try:
        said = pytest.raises(SourceRefused, match="In WAL mode SQLite also needs the -wal and -shm files")
        with said, sqlite.open_reading(source(folder / "silo.db")):
            pass
    finally:
        folder.chmod(0o700)


def test_the_catalogue_has_tables_and_views_with_their_keys(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "silo.db")
    connection.execute("CREATE TABLE JOBS (WARD TEXT, JOB_NO INTEGER, N AS (JOB_NO + 1), PRIMARY KEY (JOB_NO, WARD))")
    connection.execute("CREATE TABLE LOG (ID INTEGER PRIMARY KEY AUTOINCREMENT)")
    connection.execute("CREATE VIEW OPEN AS SELECT JOB_NO FROM JOBS")
    connection.execute("CREATE VIEW BROKEN AS SELECT 1 FROM GONE")
    connection.commit()
    connection.close()
    with sqlite.open_reading(source(tmp_path / "silo.db")) as reading:
        found = {each.table: (dict(each.columns), each.key) for each in reading.tables()}
        assert found == {
            "JOBS": ({"WARD": "TEXT", "JOB_NO": "INTEGER", "N": ""}, ("JOB_NO", "WARD")),
            "LOG": ({"ID": "INTEGER"}, ("ID",)),
            "OPEN": ({"JOB_NO": "INTEGER"}, ()),
        }
        with pytest.raises(SourceRefused) as refused:
            reading.columns(reading.dialect.table("JOB"))
        assert str(refused.value) == (
            "source 'silo': there is no table or view 'JOB'. There are: JOBS, LOG, OPEN. Did you mean 'JOBS'?"
        )
        with pytest.raises(SourceRefused, match="attempt to write a readonly database"):
            reading.ask("DELETE FROM JOBS RETURNING 1")


def test_rows_are_counted_and_paged_with_a_condition(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "silo.db")
    connection.execute("CREATE TABLE T (N INTEGER)")
    connection.executemany("INSERT INTO T VALUES (?)", [(n,) for n in range(100)])
    connection.commit()
    connection.close()
    with sqlite.open_reading(source(tmp_path / "silo.db")) as reading:
        table = reading.dialect.table("T")
        assert reading.count(Select(table, (), "N >= 90")) == 10
        assert reading.ask(reading.dialect.page(table, "N", "N >= 90", ("N",), 3, 2)) == [("93",), ("94",)]
        assert reading.ask(reading.dialect.page(table, "N", "N >= 90", (), 9, 2)) == [("99",)]
