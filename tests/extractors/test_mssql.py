"""SQL Server without one: its plan and SQL, and its driver before a closed door. The wire: test_mssql_wire.py."""

from __future__ import annotations

import os
import socket
import traceback
from pathlib import Path

import pyarrow as pa
import pytest
import sqlglot

from extractors.address import address
from extractors.compiled import Column, Source
from extractors.declared import Type
from extractors.dialects import DIALECTS, Relation, Select
from extractors.raw import Undecodable, unpack
from extractors.refused import SourceRefused
from extractors.sources import mssql, mssql_catalogue, open_reading
from extractors.sources.batches import promised
from notation.problems import Refused, Where
from tests.processes import free_port

from . import recordings
from .mssql_recorded import SENT
from .recordings import Line

TSQL = DIALECTS["tsql"]
LINES = list(recordings.lines("SQL Server"))


def utf16(stored: bytes) -> str:
    return stored.decode("utf-16-le")


def test_the_section_has_its_lines() -> None:
    assert len(LINES) > 40
    shown = {line[1].partition("(")[0] for line in LINES}
    assert {native.partition("(")[0] for native, _ in SENT} - shown == {"rowversion"}  # which it itself calls timestamp


@pytest.mark.parametrize("line", [line for line in LINES if line[2] == "refused"], ids=lambda line: line[1])
def test_what_cannot_be_read_is_refused_before(line: Line) -> None:
    with pytest.raises(Refused) as refused:
        recordings.planned(line, TSQL)
    assert refused.value.what == line[4]
    assert refused.value.hint


@pytest.mark.parametrize("line", [line for line in LINES if line[2] != "refused"], ids=lambda line: line[1])
def test_what_is_read_as_text_is_not_fragile(line: Line) -> None:
    assert not recordings.planned(line, TSQL, as_text=True).fragile


def test_half_a_pair_is_a_fault_that_can_be_looked_up() -> None:
    column = Column("V", "v", Type("string"), "keep")
    plan = TSQL.plan(column, "nvarchar(10)", as_text=True)
    assert plan.sql == "CONVERT(varbinary(max), CONVERT(nvarchar(max), [V]))"
    stored = [None, "🏠�".encode("utf-16-le"), b"\x3d\xd8"]
    batch = pa.RecordBatch.from_arrays([pa.array(stored, pa.large_binary())], names=["V"])
    values = unpack(promised(batch, [plan], utf16).column(0))
    assert values == [None, "🏠�", b"\x3d\xd8"]
    assert isinstance(values[2], Undecodable)


DESCRIBED = (
    "SELECT name, system_type_name, user_type_name"
    " FROM sys.dm_exec_describe_first_result_set(N'SELECT * FROM [o''b]', NULL, 0)"
    " WHERE is_hidden = 0 ORDER BY column_ordinal"
)
SQL = [
    ("a name with a bracket", TSQL.quoted("a]b"), "[a]]b]"),
    ("a table's parts", TSQL.table("dbo.REPAIR JOBS").sql, "[dbo].[REPAIR JOBS]"),
    ("text is national", TSQL.literal("it's", "varchar(9)"), "N'it''s'"),
    ("a number as it is", TSQL.literal("-12.50", "decimal(9,2)"), "-12.50"),
    ("a moment in style 121", TSQL.literal("2024-01-31 09:30:00.1234567", "datetime2(7)"),
     "CONVERT(datetime2(7), '2024-01-31 09:30:00.1234567', 121)"),
    ("a moment's text", TSQL.text("max([T])", "datetime"), "CONVERT(varchar(34), max([T]), 121)"),
    ("a row version", TSQL.literal("0x00000000000007D1", "timestamp"), "0x00000000000007D1"),
    ("a row version's text", TSQL.text("[T]", "timestamp"), "CONVERT(varchar(max), [T], 1)"),
    ("a float to its last digit", TSQL.text("[T]", "float"), "CONVERT(varchar(40), [T], 3)"),
    ("money to its last digit", TSQL.text("[T]", "money"), "CONVERT(varchar(30), [T], 2)"),
    ("a text", TSQL.text("[T]", "char(5)"), "CONVERT(nvarchar(max), [T])"),
    ("earlier", TSQL.earlier("[T]", 900.25, "datetime2(7)"), "DATEADD(millisecond, -250, DATEADD(second, -900, [T]))"),
    ("days earlier", TSQL.earlier("[T]", 900, "date"), "DATEADD(day, -1, [T])"),
    ("a page", TSQL.page(Relation("[t]"), "[a]", "[a] > 1", ["[a]"], 20, 10),
     "SELECT [a] FROM [t] WHERE [a] > 1 ORDER BY [a] OFFSET 20 ROWS FETCH NEXT 10 ROWS ONLY"),
    ("a page without an order", TSQL.page(Relation("[t]"), "[a]", "", [], 0, 1),
     "SELECT [a] FROM [t] ORDER BY (SELECT NULL) OFFSET 0 ROWS FETCH NEXT 1 ROWS ONLY"),
    ("what a statement's columns are", mssql_catalogue.described(Relation("[o'b]", table="o'b")),
     DESCRIBED),
]  # fmt: skip


@pytest.mark.parametrize(("what", "said", "expected"), SQL, ids=[what for what, _, _ in SQL])
def test_what_is_said(what: str, said: str, expected: str) -> None:
    assert said == expected


def test_a_value_that_is_no_literal_is_not_written_as_one() -> None:
    for text, native in (("1; DROP TABLE t", "int"), ("0x0", "timestamp"), ("a\0b", "varchar(9)")):
        with pytest.raises(Refused):
            TSQL.literal(text, native)
    for native in ("xml", "geography"):
        with pytest.raises(Refused):
            TSQL.text("[V]", native)
    with pytest.raises(Refused, match="a lag is a length of time"):
        TSQL.earlier("[V]", 1, "int")


@pytest.mark.parametrize(("native", "is_number"), [("int", True), ("money", True), ("float", False), ("date", False)])
def test_which_columns_are_numbers(native: str, is_number: bool) -> None:
    assert TSQL.is_number(native) == is_number


def test_without_a_snapshot_the_rows_are_counted_in_the_same_statement() -> None:
    column = Column("V", "v", Type("string"), "keep")
    plan = TSQL.plan(column, "int", as_text=False)
    select = Select(Relation("(SELECT 1) AS q", ctes="WITH x AS (SELECT 1 a)"), (plan,), "1 = 1")
    assert mssql.counting(select, is_snapshot=True) == select.sql
    assert mssql.counting(select, is_snapshot=False) == (
        "WITH x AS (SELECT 1 a) SELECT [V] AS c0, (SELECT COUNT_BIG(*) FROM (SELECT 1) AS q WHERE 1 = 1) AS n"
        " FROM (SELECT 1) AS q WHERE 1 = 1"
    )


def test_the_connection_says_that_it_only_reads_and_quotes_what_it_is_given() -> None:
    at = address("mssql://reader:p%7Dw%3Bx@db.internal:1433/housing?encrypt=no")
    assert mssql.connection_string(at) == (
        "Server={db.internal,1433};Database={housing};UID={reader};PWD={p}}w;x};ApplicationIntent={ReadOnly};encrypt={no}"
    )


def test_a_closed_door_is_said_plainly_and_without_the_password() -> None:
    port = free_port()
    source = Source("silo", f"mssql://sa:s3cr3t@127.0.0.1:{port}/x", Path(), Where("datasets.yaml", 3))
    with pytest.raises(SourceRefused) as refused, open_reading(source):
        pass
    assert str(refused.value).startswith(f"source 'silo': nothing answers at 127.0.0.1:{port}: ")
    assert "s3cr3t" not in "".join(traceback.format_exception(refused.value))


def test_a_login_refused_by_the_driver_is_said_without_the_password() -> None:
    """The driver itself, which knows no such keyword."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        url = f"mssql://sa:s3cr3t@127.0.0.1:{door.getsockname()[1]}/x?pwd_of=s3cr3t"
        source = Source("silo", url, Path(), Where("datasets.yaml", 3))
        with pytest.raises(SourceRefused, match=r"SQL Server does not let us in: .*'pwd_of'") as refused:
            mssql._connected("silo", address(source.url))
    assert "s3cr3t" not in "".join(traceback.format_exception(refused.value))


@pytest.mark.parametrize("line", [line for line in LINES if line[2] != "refused"], ids=lambda line: line[1])
def test_what_is_planned_is_t_sql(line: Line) -> None:
    for as_text in (False, True):
        sqlglot.parse_one(f"SELECT {recordings.planned(line, TSQL, as_text=as_text).sql} AS c0 FROM t", read="tsql")


def test_the_catalogue_s_questions_are_t_sql() -> None:
    sqlglot.parse_one(mssql_catalogue.TABLES, read="tsql")


@pytest.mark.skipif("FIG_TEST_MSSQL" not in os.environ, reason="FIG_TEST_MSSQL holds no address of a SQL Server")
def test_a_real_server_is_read() -> None:
    source = Source("silo", os.environ["FIG_TEST_MSSQL"], Path(), Where("datasets.yaml", 3))
    query = Relation(
        "(SELECT CAST(1 AS bigint) AS i, CAST('2024-01-31 09:30:00.1234567' AS datetime2(7)) AS t,"
        " CAST(12.34 AS money) AS m, N'🏠' AS s, CAST(0x00ff AS varbinary(2)) AS b) AS q"
    )
    with open_reading(source) as reading:
        types = reading.columns(query)
        columns = [Column(name, name, Type("string"), "keep") for name in types]
        select = Select(query, tuple(TSQL.plan(each, types[each.source], as_text=False) for each in columns))
        (batch,) = reading.read(select)
        assert reading.count(select) == 1
        assert batch.to_pylist()[0]["c1"] == "2024-01-31 09:30:00.1234567"
        assert [str(kind) for kind in batch.schema.types] == [
            "int64", "string", "decimal128(19, 4)", "string", "binary",
        ]  # fmt: skip
        assert isinstance(reading.tables(), list)
