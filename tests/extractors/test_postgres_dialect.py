"""What PostgreSQL is told: literals that come back as they were, moments before moments, and plans for types."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pyarrow as pa
import pytest

from extractors.compiled import Column
from extractors.declared import parse
from extractors.dialects import DIALECTS, Planned
from extractors.dialects.postgres import SETTINGS
from extractors.raw import JSON
from notation.problems import Refused
from tests.servers.postgres import Server

POSTGRES = DIALECTS["postgres"]


@pytest.fixture(scope="module")
def session(postgres: Server) -> Iterator[psycopg.Connection]:
    with postgres.admin() as session:
        for setting, value in SETTINGS.items():
            session.execute(f"SET {setting} = '{value}'".encode())
        yield session


PLACES = [
    ("integer", "-7"), ("bigint", "9223372036854775807"), ("numeric", "1.10"), ("numeric(10,2)", "'NaN'"),
    ("double precision", "0.1::float8 + 0.2::float8"), ("real", "16777216"), ("text", "E'it''s \\\\ 100%'"),
    ("character(6)", "'a  '"), ("bpchar", "'a  '"), ("character varying(9)", "'a  '"), ("boolean", "true"),
    ("date", "'infinity'"), ("date", "'0044-03-15 BC'"),
    ("timestamp without time zone", "'2024-01-31 09:30:00.000001'"),
    ("timestamp(3) with time zone", "'2024-10-27 01:30:00.5+01'"), ("time with time zone", "'24:00+05:30'"),
    ("interval", "'1 year -2 days 00:00:00.000001'"), ("uuid", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"),
    ("bytea", "'\\x00ff27'"), ("inet", "'10.0.0.1/8'"), ("text[]", "ARRAY['a,\"b', NULL]"), ("\"char\"", "'x'"),
    ("name", "'x'"), ("bit(3)", "B'101'"), ("int4range", "'[1,5]'"),
]  # fmt: skip


@pytest.mark.parametrize(("native", "value"), PLACES, ids=[f"{native} {value}" for native, value in PLACES])
def test_a_place_comes_back_as_the_value_it_was(native: str, value: str, session: psycopg.Connection) -> None:
    expression = f"({value})::{native}"
    told = session.execute(f"SELECT {POSTGRES.text(expression, native)}".encode()).fetchone()
    assert told is not None
    back = POSTGRES.literal(told[0], native)
    same = f"SELECT {back} = {expression}, pg_typeof({back}), {POSTGRES.text(back, native)}"
    kind = native.replace("(3)", "").partition("(")[0].replace("bpchar", "character")
    assert session.execute(same.encode()).fetchone() == (True, kind, told[0])


def test_a_moment_is_made_earlier(session: psycopg.Connection) -> None:
    for native, moment, earlier in (
        ("timestamp without time zone", "2024-03-31 02:00:00", "2024-03-31 01:45:00"),
        ("timestamp(3) with time zone", "2024-01-01 00:00:00+00", "2023-12-31 23:45:00+00"),
        ("date", "2024-01-01", "2023-12-31 23:45:00"),
        ("timestamp without time zone", "infinity", "infinity"),
    ):
        asked = f"SELECT ({POSTGRES.earlier(POSTGRES.literal(moment, native), 900, native)})::text"
        assert session.execute(asked.encode()).fetchone() == (earlier,)
    for native in ("integer", "text", "time without time zone"):
        with pytest.raises(Refused, match=f"a lag is a length of time, and the cursor is {native}"):
            POSTGRES.earlier("x", 900, native)


def test_what_compares_as_a_number_is_one() -> None:
    assert [kind for kind, _ in PLACES if POSTGRES.is_number(kind)] == ["integer", "bigint", "numeric", "numeric(10,2)"]


PLANS = [  # the source's type, the declared one, and how the column is read
    ("geometry(Point,27700)", "binary", 'ST_AsBinary("v")', pa.binary()),
    ("public.geography", "binary", 'ST_AsBinary("v")', pa.binary()),
    ("geometry(Point,27700)", "string", '"v"::text', pa.string()),
    ("xml", "string", '"v"::text', pa.string()),
    ("public.date", "date", '"v"::text', pa.string()),  # a type of their own that is only named like one
    ("date[]", "json", 'to_json("v")::text', JSON),
    ("jsonb", "json", '"v"::text', JSON),
    ("jsonb", "string", '"v"::text', pa.string()),
    ("text", "json", '"v"', pa.string()),
    ("xml", "json", '"v"::text', pa.string()),
    ("integer[]", "int64", '"v"::text', pa.string()),
    ("numeric(39,2)", "decimal(38,2)", '"v"::text', pa.string()),
    ("character(6)", "string", 'textin(bpcharout("v"))', pa.string()),
]


@pytest.mark.parametrize(("native", "declared", "sql", "arrow"), PLANS, ids=[f"{p[0]} as {p[1]}" for p in PLANS])
def test_a_type_is_planned(native: str, declared: str, sql: str, arrow: pa.DataType) -> None:
    column = Column("v", "v", parse(declared), "keep")
    assert POSTGRES.plan(column, native, as_text=False) == Planned(column, sql, arrow)


@pytest.mark.parametrize(
    "native", ["date", "timestamp(3) without time zone", "timestamp with time zone", "numeric(10,2)"]
)
def test_what_may_fail_natively_is_read_as_text_once_it_has(native: str) -> None:
    column = Column("v", "v", parse("date"), "keep")
    assert POSTGRES.plan(column, native, as_text=False).fragile
    assert POSTGRES.plan(column, native, as_text=True) == Planned(column, '"v"::text', pa.string(), as_text=True)
