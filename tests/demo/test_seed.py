"""The sample council's data: the same every time, and as awkward as a supplier's."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from demo import seed
from demo.schema import CODES

pytestmark = pytest.mark.once

TABLES = ("CODES", "REPAIR_JOBS", "CT_ACCOUNTS", "PLAN_APPS", "TENANTS", "USERS", "PHOTOS")


def dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    path = tmp_path_factory.mktemp("seed") / "anytown.sqlite"
    seed.write(path, size=seed.Size(jobs=6_000, accounts=1_500, applications=400, tenants=600))
    with closing(sqlite3.connect(path)) as connection:
        yield connection


def test_the_same_seed_gives_the_same_rows(tmp_path: Path) -> None:
    seed.write(tmp_path / "a.sqlite", 7, seed.SMALL)
    seed.write(tmp_path / "b.sqlite", 7, seed.SMALL)
    assert dump(tmp_path / "a.sqlite") == dump(tmp_path / "b.sqlite")


def test_another_seed_gives_other_rows(tmp_path: Path) -> None:
    seed.write(tmp_path / "a.sqlite", 7, seed.SMALL)
    seed.write(tmp_path / "b.sqlite", 8, seed.SMALL)
    assert dump(tmp_path / "a.sqlite") != dump(tmp_path / "b.sqlite")


def test_the_first_job_is_what_it_always_was() -> None:
    """Holds the sequence still across versions of Python: a changed draw would change every row."""
    first = next(seed.jobs(1, 1, 10))
    assert first[:2] == (100_001, "T000004  ")


def test_the_full_council_is_of_the_size_it_says() -> None:
    assert seed.Size(jobs=50_000, accounts=20_000, applications=3_000, tenants=9_000) == seed.FULL


AWKWARD = [  # what, table, a condition that must hold for some rows and not for all
    ("codes are padded", "REPAIR_JOBS", "STATUS_CD LIKE '% '"),
    ("codes are in mixed case", "REPAIR_JOBS", "WARD_CD <> UPPER(WARD_CD)"),
    ("eight zeros mean no date", "REPAIR_JOBS", "COMPLETED = '00000000'"),
    ("NULL means no date too", "REPAIR_JOBS", "COMPLETED IS NULL"),
    ("money is pence, or not there", "REPAIR_JOBS", "COST_P IS NULL"),
    ("money in text is no number", "REPAIR_JOBS", "EST_COST LIKE '%£%'"),
    ("money in text is a word", "REPAIR_JOBS", "EST_COST = 'TBC'"),
    ("text was decoded wrongly once", "REPAIR_JOBS", "DESCR LIKE '%â€%' OR DESCR LIKE '%Ã%'"),
    ("old jobs have no priority", "REPAIR_JOBS", "PRIORITY_CD IS NULL"),
    ("zero means no property", "REPAIR_JOBS", "UPRN = 0"),
    ("NULL means no property too", "REPAIR_JOBS", "UPRN IS NULL"),
    ("notes hold telephone numbers", "REPAIR_JOBS", "NOTES LIKE '%07700 900%'"),
    ("notes hold insurance numbers", "REPAIR_JOBS", "NOTES LIKE '%QQ%'"),
    ("credits are marked CR", "CT_ACCOUNTS", "BALANCE LIKE '%CR'"),
    ("credits are marked after the number", "CT_ACCOUNTS", "BALANCE LIKE '%-'"),
    ("thousands have commas", "CT_ACCOUNTS", "BALANCE LIKE '%,%'"),
    ("open accounts end when the calendar does", "CT_ACCOUNTS", "END_DT = 99991231"),
    ("open accounts end on no day", "CT_ACCOUNTS", "END_DT = 0"),
    ("bands are NULL here and there", "CT_ACCOUNTS", "BAND IS NULL"),
    ("dates of birth are numbers, or zero", "TENANTS", "DOB = 0"),
    ("surnames are in capitals here and there", "TENANTS", "SURNAME = UPPER(SURNAME)"),
    ("numbers are text with blanks", "PLAN_APPS", "EASTING LIKE '% '"),
    ("undecided is zero", "PLAN_APPS", "DECIDED = 0"),
]


@pytest.mark.parametrize(("table", "condition"), [case[1:] for case in AWKWARD], ids=[case[0] for case in AWKWARD])
def test_the_data_is_awkward(database: sqlite3.Connection, table: str, condition: str) -> None:
    count, such = database.execute(
        f"SELECT count(*), sum(CASE WHEN {condition} THEN 1 ELSE 0 END) FROM {table}"
    ).fetchone()
    assert 0 < such < count


def test_some_jobs_were_reported_on_days_that_do_not_exist(tmp_path: Path) -> None:
    days = [str(row[9]) for row in seed.jobs(1, 20_000, 100)]
    assert 1 <= sum(day.endswith("0231") for day in days) <= 30


@pytest.mark.parametrize(("kind", "column"), [("WARD", "WARD_CD"), ("STATUS", "STATUS_CD"), ("TRADE", "TRADE_CD")])
def test_every_code_has_a_name(database: sqlite3.Connection, kind: str, column: str) -> None:
    used = {code for (code,) in database.execute(f"SELECT DISTINCT UPPER(TRIM({column})) FROM REPAIR_JOBS")}
    assert used <= set(CODES[kind])


def test_nobody_real_is_in_it(database: sqlite3.Connection) -> None:
    """Numbers that are never issued, and the telephone numbers and addresses that are kept for examples."""
    for table in ("TENANTS", "CT_ACCOUNTS"):
        for number, email in database.execute(f"SELECT NI_NO, EMAIL FROM {table}"):
            assert number is None or number.upper().startswith("QQ")
            assert email is None or email.endswith("@example.org")
    for (telephone,) in database.execute("SELECT TEL FROM TENANTS UNION SELECT CALLER_TEL FROM REPAIR_JOBS"):
        assert telephone.replace(" ", "").startswith(("07700900", "01632960"))
