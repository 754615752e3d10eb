"""What is said over ODBC, and as what each column is fetched: without any driver."""

from __future__ import annotations

import pyarrow as pa
import pytest

from extractors.address import address
from extractors.compiled import Column
from extractors.declared import Type
from extractors.dialects import DIALECTS, Planned, Relation, Select
from extractors.raw import Undecodable
from extractors.sources import odbc, odbc_products
from notation.problems import Refused

ANY = DIALECTS["odbc"]

STRINGS = [
    ("each option is a word", "odbc://?dsn=HOUSING&uid=reader", "dsn=HOUSING;uid=reader;"),
    ("a driver's name has blanks", "odbc://?driver=PostgreSQL+Unicode", "driver=PostgreSQL Unicode;"),
    ("what has to be is in braces", "odbc://?pwd=a%3Bb%7Dc", "pwd={a;b}}c};"),
    ("an end that is a blank too", "odbc://?pwd=a%20", "pwd={a };"),
    ("a login may stand in its usual place", "odbc://reader:s%3Bx@/?dsn=H", "UID=reader;PWD={s;x};dsn=H;"),
    ("what is empty is not said", "odbc://?dsn=H&uid=", "dsn=H;"),
]


@pytest.mark.parametrize(("what", "url", "expected"), STRINGS, ids=[what for what, _, _ in STRINGS])
def test_the_connection_string(what: str, url: str, expected: str) -> None:
    assert odbc.connection_string(address(url)) == expected


def test_a_product_s_own_words_give_way_to_those_of_the_url() -> None:
    said = odbc.connection_string(address("odbc://?dsn=H&usedeclarefetch=0"), odbc_products.POSTGRES)
    assert "usedeclarefetch=0;" in said
    assert "UseDeclareFetch" not in said
    assert "MaxLongVarcharSize=-4;" in said


@pytest.mark.parametrize(
    ("driver", "dialect"),
    [("PostgreSQL Unicode", "postgres"), ("MariaDB Unicode", "mysql"), ("MySQL ODBC 8.4 Driver", "mysql"),
     ("ODBC Driver 18 for SQL Server", "tsql"), ("/opt/lib/libtdsodbc.so", "tsql"), ("SQLite3", "sqlite"),
     ("Oracle 23 ODBC driver", "oracle"), ("IBM INFORMIX ODBC DRIVER", ""), ("Ingres", ""), ("", "")],
)  # fmt: skip
def test_a_driver_s_name_says_the_dialect(driver: str, dialect: str) -> None:
    assert odbc_products.dialect_of(driver) == dialect


def test_every_dialect_that_can_be_declared_is_known_or_any() -> None:
    assert set(odbc_products.PRODUCTS) == {"odbc", "postgres", "mysql", "sqlite", "tsql", "oracle"}


PLANS = [  # what the driver says a column is -> how it is fetched, and how once that has failed
    ("int32", "int64", '"V"', "string", 'CAST("V" AS CHAR(64))'),
    ("uint8", "int64", '"V"', "string", 'CAST("V" AS CHAR(64))'),
    ("int64", "string", '"V"', "string", 'CAST("V" AS CHAR(64))'),  # might be an unsigned one
    ("bool", "int64", '"V"', "string", 'CAST("V" AS CHAR(64))'),
    ("float", "float", '"V"', "string", 'CAST("V" AS CHAR(64))'),
    ("double", "double", '"V"', "string", 'CAST("V" AS CHAR(64))'),
    ("decimal128(12, 2)", "string", '"V"', "string", 'CAST("V" AS CHAR(64))'),
    ("date32[day]", "string", '"V"', "string", 'CAST("V" AS CHAR(64))'),
    ("timestamp[us]", "string", '"V"', "string", 'CAST("V" AS CHAR(64))'),
    ("time64[us]", "string", '"V"', "string", 'CAST("V" AS CHAR(64))'),
    ("string", "string", '"V"', "string", '"V"'),
    ("binary", "binary", '"V"', "binary", '"V"'),
    ("fixed_size_binary[4]", "binary", '"V"', "binary", '"V"'),  # arrow-odbc aborts where a value is shorter
]


@pytest.mark.parametrize(("native", "kind", "sql", "then", "then_sql"), PLANS, ids=[plan[0] for plan in PLANS])
def test_a_driver_s_own_type_is_not_believed(native: str, kind: str, sql: str, then: str, then_sql: str) -> None:
    column = Column("V", "v", Type("string"), "keep")
    first = ANY.plan(column, f"ODBC {native}", as_text=False)
    again = ANY.plan(column, f"ODBC {native}", as_text=True)
    assert (str(first.arrow), first.sql, str(again.arrow), again.sql) == (kind, sql, then, then_sql)
    assert first.fragile == (kind in ("string", "binary"))
    assert not again.fragile


SQL = [
    ("a moment is an escape", ANY.literal("2024-01-31 09:30:00", "ODBC timestamp[us]"), "{ts '2024-01-31 09:30:00'}"),
    ("a day is an escape", ANY.literal("2024-01-31", "ODBC date32[day]"), "{d '2024-01-31'}"),
    ("a number", ANY.literal("-12.50", "ODBC decimal128(9, 2)"), "-12.50"),
    ("a text", ANY.literal("it's", "ODBC string"), "'it''s'"),
    ("earlier", ANY.earlier('"T"', 0.5, "ODBC timestamp[us]"), '{fn TIMESTAMPADD(SQL_TSI_SECOND, -1, "T")}'),
]  # fmt: skip


@pytest.mark.parametrize(("what", "said", "expected"), SQL, ids=[what for what, _, _ in SQL])
def test_what_is_said(what: str, said: str, expected: str) -> None:
    assert said == expected


def test_a_value_that_is_no_literal_is_not_written_as_one() -> None:
    for text, native in (("1; DROP", "ODBC int32"), ("a\0b", "ODBC string"), ("00", "ODBC binary")):
        with pytest.raises(Refused):
            ANY.literal(text, native)
    with pytest.raises(Refused, match="a lag is a length of time"):
        ANY.earlier('"V"', 1, "ODBC int32")


def test_sql_server_s_text_is_read_again_as_bytes() -> None:
    spoken = odbc_products.SQL_SERVER.dialect
    plan = spoken.plan(Column("V", "v", Type("string"), "keep"), "nvarchar(9)", as_text=True)
    assert plan.sql == "CONVERT(varbinary(max), CONVERT(nvarchar(max), [V]))"
    assert (plan.arrow, spoken.raw, spoken.decode("é".encode("utf-16-le"))) == (None, pa.binary(), "é")


def test_mysql_s_text_that_no_server_can_convert_is_undecodable() -> None:
    value = odbc_products.MYSQL.dialect.decode(b"\xffcaf\xe9")
    assert (type(value), value) == (Undecodable, b"caf\xe9")


def test_without_a_snapshot_the_rows_are_counted_in_the_same_statement() -> None:
    plan = Planned(Column("V", "v", Type("string"), "keep"), '"V"', pa.string())
    what = Select(Relation("(SELECT 1) AS q", ctes="WITH x AS (SELECT 1)"), (plan,), "1 = 1")
    assert odbc.statement(what, ['"V"'], counts=False) == what.sql
    assert odbc.statement(what, ['"V"'], counts=True) == (
        'WITH x AS (SELECT 1) SELECT "V" AS c0, (SELECT count(*) FROM (SELECT 1) AS q WHERE 1 = 1) AS n'
        " FROM (SELECT 1) AS q WHERE 1 = 1"
    )
