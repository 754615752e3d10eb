"""Oracle without one: its plan and SQL, and its driver before a closed door. The wire: test_oracle_wire.py."""

from __future__ import annotations

import os
import traceback
from pathlib import Path

import pyarrow as pa
import pytest
import sqlglot

from extractors.address import address
from extractors.compiled import Column, Source
from extractors.declared import Type
from extractors.dialects import DIALECTS, Relation, Select
from extractors.dialects.oracle import family, is_long
from extractors.refused import SourceRefused
from extractors.sources import open_reading, oracle, oracle_catalogue
from notation.problems import Refused, Where
from tests.processes import free_port

from . import recordings
from .oracle_recorded import SENT
from .recordings import Line

ORACLE = DIALECTS["oracle"]
LINES = list(recordings.lines("Oracle"))
DAY = "'SYYYY-MM-DD HH24:MI:SS'"


def test_the_section_has_its_lines() -> None:
    assert len(LINES) > 35
    assert {family(native) for native, _, _ in SENT} - {family(line[1]) for line in LINES} == {"NCHAR"}


@pytest.mark.parametrize("line", [line for line in LINES if line[2] == "refused"], ids=lambda line: line[1])
def test_what_cannot_be_read_is_refused_before(line: Line) -> None:
    with pytest.raises(Refused) as refused:
        recordings.planned(line, ORACLE)
    assert refused.value.what == line[4]
    assert refused.value.hint


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
