"""Oracle without one: its plan and SQL, what its driver agrees to, and the driver itself before a closed door."""

from __future__ import annotations

import os
import re
import traceback
from pathlib import Path
from typing import Any

import oracledb
import pyarrow as pa
import pytest
import sqlglot

from extractors.address import address
from extractors.compiled import Column, Source
from extractors.declared import Type
from extractors.dialects import DIALECTS, Relation, Select
from extractors.dialects.oracle import family, is_long
from extractors.refused import NativeFailed, SourceRefused
from extractors.sources import open_reading, oracle, oracle_catalogue
from notation.problems import Refused, Where
from tests.processes import free_port

from . import recordings
from .recordings import Line

ORACLE = DIALECTS["oracle"]
LINES = list(recordings.lines("Oracle"))
RECORDED = recordings.recorded("oracle")
DAY = "'SYYYY-MM-DD HH24:MI:SS'"


def plain(stored: bytes) -> str:
    return stored.decode()


def test_the_section_has_its_lines() -> None:
    assert len(LINES) > 35
    assert set(RECORDED["arrow"]) - {family(line[1]) for line in LINES} == {"NCHAR"}


@pytest.mark.parametrize("line", LINES, ids=lambda line: f"{line[1]} {line[3]} as {line[0]}")
def test_every_value_has_its_stated_outcome(line: Line) -> None:
    if line[2] == "refused":
        with pytest.raises(Refused) as refused:
            recordings.planned(line, ORACLE)
        assert refused.value.what == line[4]
        assert refused.value.hint
        return
    plan = recordings.planned(line, ORACLE)
    assert plan.sql == line[2]
    (asked,) = oracle.requested((plan,))
    kind = RECORDED["results"].get(re.sub(r'^q\."V"\.|\W.*', "", line[2]), family(line[1]))
    assert any(str(asked.type).startswith(agreed) for agreed in RECORDED["arrow"][kind])
    assert recordings.outcome(line, plan, recordings.given(line[3], asked.type), plain) == line[4]


@pytest.mark.parametrize("line", [line for line in LINES if line[2] != "refused"], ids=lambda line: line[1])
def test_what_is_read_as_text_is_not_fragile(line: Line) -> None:
    assert not recordings.planned(line, ORACLE, as_text=True).fragile


def test_a_day_before_christ_is_written_out_by_oracle() -> None:
    plan = ORACLE.plan(Column("V", "v", Type("timestamp"), "keep"), "DATE", as_text=True)
    assert (plan.sql, plan.arrow) == (f'LTRIM(TO_CHAR("V", {DAY}))', pa.string())


SQL = [
    ("a table has an alias, for methods", ORACLE.table("HOUSING.JOBS").sql, '"HOUSING"."JOBS" q'),
    ("a number", ORACLE.literal("-.5", "NUMBER"), "-.5"),
    ("a large number", ORACLE.literal("1.5E+100", "NUMBER"), "1.5E+100"),
    ("a day", ORACLE.literal("2024-01-31 09:30:00", "DATE"), f"TO_DATE('2024-01-31 09:30:00', {DAY})"),
    ("a moment", ORACLE.literal("2024-01-31 09:30:00.123456789", "TIMESTAMP(9)"),
     "TO_TIMESTAMP('2024-01-31 09:30:00.123456789', 'SYYYY-MM-DD HH24:MI:SS.FF9')"),
    ("an instant", ORACLE.literal("2024-01-31 09:30:00.000000000+00:00", "TIMESTAMP(6) WITH TIME ZONE"),
     "TO_TIMESTAMP_TZ('2024-01-31 09:30:00.000000000+00:00', 'SYYYY-MM-DD HH24:MI:SS.FF9TZH:TZM')"),
    ("a text", ORACLE.literal("it's", "VARCHAR2(9)"), "'it''s'"),
    ("a national text", ORACLE.literal("it's", "NVARCHAR2(9)"), "N'it''s'"),
    ("a text's text", ORACLE.text('"V"', "CHAR(5)"), '"V"'),
    ("bytes", ORACLE.literal("00FF", "RAW(2)"), "HEXTORAW('00FF')"),
    ("an interval", ORACLE.literal("+01 02:03:04.500000", "INTERVAL DAY(2) TO SECOND(6)"),
     "TO_DSINTERVAL('+01 02:03:04.500000')"),
    ("earlier", ORACLE.earlier("t", 900.5, "TIMESTAMP(6)"), "(t - NUMTODSINTERVAL(900.500000, 'SECOND'))"),
    ("seconds earlier", ORACLE.earlier("t", 0.5, "DATE"), "(t - 1/86400)"),
    ("a page", ORACLE.page(Relation('"T" q'), '"A"', "", ['"A"'], 0, 1),
     'SELECT "A" FROM "T" q ORDER BY "A" OFFSET 0 ROWS FETCH NEXT 1 ROWS ONLY'),
]  # fmt: skip


@pytest.mark.parametrize(("what", "said", "expected"), SQL, ids=[what for what, _, _ in SQL])
def test_what_is_said(what: str, said: str, expected: str) -> None:
    assert said == expected


def test_a_value_that_is_no_literal_is_not_written_as_one() -> None:
    for text, native in (("1; DROP TABLE t", "NUMBER"), ("-", "NUMBER"), ("a\0b", "VARCHAR2(9)")):
        with pytest.raises(Refused):
            ORACLE.literal(text, native)
    with pytest.raises(Refused):
        ORACLE.text('"V"', "BINARY_DOUBLE")
    with pytest.raises(Refused, match="a lag is a length of time"):
        ORACLE.earlier('"V"', 1, "NUMBER(9,0)")


def test_long_values_are_fetched_a_few_at_a_time() -> None:
    assert [native for native in ("CLOB", "BLOB", "NCLOB", "XMLTYPE", "VARCHAR2(4000)") if is_long(native)] == [
        "CLOB", "BLOB", "NCLOB", "XMLTYPE",
    ]  # fmt: skip


def test_a_table_is_looked_for_by_its_owner() -> None:
    assert "c.OWNER = 'HOUSING' AND c.TABLE_NAME = 'JO''BS'" in oracle_catalogue.columns("HOUSING.JO'BS")
    assert "c.OWNER = SYS_CONTEXT('USERENV', 'CURRENT_SCHEMA')" in oracle_catalogue.columns("JOBS")


def test_an_address_names_a_service_or_a_sid() -> None:
    at = address("oracle://reader:s%2Fx@db.internal/HOUSING?stmtcachesize=0")
    assert oracle._arguments(at) == {
        "user": "reader", "password": "s/x", "host": "db.internal", "port": 1521, "service_name": "HOUSING",
        "tcp_connect_timeout": oracle.PATIENCE, "stmtcachesize": "0",
    }  # fmt: skip
    assert oracle._arguments(address("oracle://u@h:1/?sid=ORCL"))["service_name"] is None


def test_a_closed_door_is_said_plainly_and_without_the_password() -> None:
    port = free_port()
    source = Source("silo", f"oracle://reader:s3cr3t@127.0.0.1:{port}/x", Path(), Where("datasets.yaml", 3))
    refusal = r"Oracle does not let us in: DPY-6005: .*Connection refused"
    with pytest.raises(SourceRefused, match=refusal) as refused, open_reading(source):
        pass
    assert "s3cr3t" not in "".join(traceback.format_exception(refused.value))


class Frames:
    """A connection that gives two rows and then stops, as the driver does."""

    def __init__(self, exc: Exception) -> None:
        self.exc = exc

    def fetch_df_batches(self, sql: str, *, size: int, requested_schema: pa.Schema) -> Any:
        yield pa.record_batch({"C0": pa.array([None, None], requested_schema.types[0])})
        raise self.exc


@pytest.mark.parametrize(
    ("exc", "expected"),
    [(ValueError("year -44 is out of range"), NativeFailed), (oracledb.DatabaseError("ORA-01555"), SourceRefused)],
)
def test_what_stops_the_driver_midway(
    exc: Exception, expected: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = oracle.OracleReading("silo", address("oracle://u:p@h/s"), Frames(exc))
    monkeypatch.setattr(oracle.OracleReading, "columns", lambda *_: {"V": "DATE"})
    plan = ORACLE.plan(Column("V", "v", Type("timestamp"), "keep"), "DATE", as_text=False)
    with pytest.raises(expected) as raised:
        list(reading.read(Select(ORACLE.table("T"), (plan,))))
    if isinstance(raised.value, NativeFailed):
        assert raised.value.columns == {"V"}


class Session:
    """An Oracle that keeps what it was asked; a call that `hangs` ends when it is cancelled."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.cancelled = self.closed = 0

    def cursor(self) -> Session:
        return self

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def execute(self, sql: str) -> None:
        self.said.append(sql)
        if "fails" in sql:
            raise oracledb.DatabaseError("ORA-00942: s3cr3t")

    def fetchall(self) -> list[tuple[object, ...]]:
        if "ORACLE_MAINTAINED" in self.said[-1]:
            return [
                ("HOUSING.JOBS", "JOB_NO", "NUMBER(9,0)", 1, 12, "its number"),
                ("HOUSING.JOBS", "D", "DATE", None, 12, None),
            ]
        return []

    def cancel(self) -> None:
        self.cancelled += 1

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Session:
    made = Session()
    monkeypatch.setattr(oracledb, "connect", lambda **_: made)
    return made


SILO = Source("silo", "oracle://reader:s3cr3t@h/s", Path(), Where("datasets.yaml", 3))


def test_the_session_is_pinned_and_reads_only_before_anything_is_asked(session: Session) -> None:
    with open_reading(SILO) as reading:
        assert session.said == list(oracle.SESSION)
        assert session.said[-1] == "SET TRANSACTION READ ONLY"
        assert reading.is_snapshot
        assert session.closed == 0
    assert session.closed == 1


def test_a_table_that_is_not_there_is_named_with_those_that_are(session: Session) -> None:
    with open_reading(SILO) as reading:
        with pytest.raises(SourceRefused) as refused:
            reading.columns(ORACLE.table("HOUSING.JOBZ"))
        (found,) = reading.tables()
    assert str(refused.value) == (
        "source 'silo': there is no table or view 'HOUSING.JOBZ'; there are: HOUSING.JOBS. Did you mean 'HOUSING.JOBS'?"
    )
    assert (found.key, found.rows, found.comments) == (("JOB_NO",), 12, {"JOB_NO": "its number"})


def test_what_the_driver_says_is_told_without_the_password_and_ends_when_cancelled(session: Session) -> None:
    with open_reading(SILO) as reading:
        with pytest.raises(SourceRefused, match="Oracle says: ORA-00942: …") as refused:
            reading.ask("this fails")
        assert "s3cr3t" not in "".join(traceback.format_exception(refused.value))
        reading.cancel()
        assert session.cancelled == 1
        with pytest.raises(SourceRefused, match="the reading was cancelled"):
            reading.ask("SELECT 1 FROM DUAL")


@pytest.mark.parametrize("line", [line for line in LINES if line[2] != "refused"], ids=lambda line: line[1])
def test_what_is_planned_is_oracle_s_sql(line: Line) -> None:
    if "RETURNING CLOB" in line[2]:  # which sqlglot does not know; Oracle's manual of 23ai has both
        return
    for as_text in (False, True):
        sqlglot.parse_one(f"SELECT {recordings.planned(line, ORACLE, as_text=as_text).sql} AS c0 FROM t", read="oracle")


def test_the_catalogue_s_questions_are_oracle_s_sql() -> None:
    sqlglot.parse_one(oracle_catalogue.TABLES, read="oracle")
    sqlglot.parse_one(oracle_catalogue.columns("A.B"), read="oracle")


@pytest.mark.skipif("FIG_TEST_ORACLE" not in os.environ, reason="FIG_TEST_ORACLE holds no address of an Oracle")
def test_a_real_server_is_read() -> None:
    source = Source("silo", os.environ["FIG_TEST_ORACLE"], Path(), Where("datasets.yaml", 3))
    query = Relation(
        "(SELECT CAST(1 AS NUMBER(9,0)) I, CAST(.5 AS NUMBER) N, DATE '2024-01-31' D, TO_CLOB('x') C,"
        " CAST(TIMESTAMP '2024-01-31 09:30:00.123456789' AS TIMESTAMP(9)) T FROM DUAL) q"
    )
    with open_reading(source) as reading:
        types = reading.columns(query)
        columns = [Column(name, name.lower(), Type("string"), "keep") for name in types]
        select = Select(query, tuple(ORACLE.plan(each, types[each.source], as_text=False) for each in columns))
        (batch,) = reading.read(select)
        assert reading.count(select) == 1
        assert batch.to_pylist()[0]["c1"] == ".5"
        assert batch.to_pylist()[0]["c4"] == "2024-01-31 09:30:00.123456789"
        assert [str(kind) for kind in batch.schema.types] == ["int64", "string", "timestamp[us]", "string", "string"]
        assert isinstance(reading.tables(), list)
