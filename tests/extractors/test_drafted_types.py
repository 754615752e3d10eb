"""A draft of every type a source has: it is accepted, and every row comes out by it without a fault."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from extractors import draft_yaml
from extractors.dialects import DIALECTS
from extractors.draft_yaml import Head
from extractors.drafting import Table, draft
from extractors.run import extract
from extractors.suggested import suggested
from notation import lake
from tests.servers import mariadb as mariadb_server
from tests.servers import odbc
from tests.servers.postgres import Server

from .test_discover import loads, run

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "types.md"
Columns = Mapping[str, Sequence[str]]  # a type of the source -> values as its SQL writes them


def drafted(folder: Path, url: str, *words: str) -> str:
    """The draft of a source, as the command writes it."""
    (folder / "datasets.yaml").write_text(f'version: 1\nsources:\n  silo: {{url: "{url}"}}\n', encoding="utf-8")
    code, text, told = run(folder, "--discover", "silo", *words)
    assert code == 0, told
    return text


def takes_everything_out(folder: Path, text: str, rows: int, columns: int) -> None:
    """The draft loads; with what it drops kept, every row and every column comes, and no value is a fault."""
    assert loads(folder, text).names == ("every-type",)
    loaded = loads(folder, text.replace("privacy: drop", "privacy: keep"))
    done = extract(loaded.dataset("every-type"), folder, loaded.keys_file, lambda _: None)
    faults = lake.open_dataset(folder, "every-type").faults().to_pylist()
    assert [(fault["source_column"], fault["rule"]) for fault in faults] == []
    assert (done.rows_out, len(lake.open_dataset(folder, "every-type").schema)) == (rows, columns + 1)


SQLITE: Columns = {
    "INTEGER": ["1", "-9223372036854775808"], "TINYINT": ["1", "2"], "BIGINT UNSIGNED": ["7"], "BOOLEAN": ["0", "1"],
    "TEXT": ["'a'", "'b'"], "VARCHAR(20)": ["'a'", "12"], "NCHAR(4)": ["'ab  '"], "CLOB": ["'long'"], "": ["1", "'a'"],
    "BLOB": ["x'00ff'"], "REAL": ["1.5", "2"], "DOUBLE PRECISION": ["0.1"], "FLOAT": ["1e300"],
    "NUMERIC": ["1", "2.5"], "DECIMAL(12,2)": ["12.34", "1"], "NUMERIC(5,0)": ["12345", "1.25"],
    "MONEY": ["9.99"], "DATE": ["'2024-01-31'"], "DATETIME": ["'2024-01-31 09:30:00'", "'2024-01-31 09:30:00.25'"],
    "TIMESTAMP": ["'2024-01-31T09:30:00Z'"], "TIME": ["'09:30:15'"], "JSON": ["'{\"a\": 1.10}'"], "UUID": ["'a0ee'"],
    "DATE ": ["20240131", "0"], "DATETIME ": ["1706693400"], "DATE  ": ["'2024-01-31 09:30:00'"], "GEOMETRY": ["x'01'"],
    "STRING": ["'007'"],
}  # fmt: skip

POSTGRES: Columns = {
    "smallint": ["32767"], "integer": ["-2147483648"], "bigint": ["9223372036854775807"], "numeric": ["12.5", "7"],
    "numeric(12,2)": ["12.50"], "numeric(38,10)": ["1234567890123456789012345678.0123456789"],
    "numeric(50,2)": ["1.25"],
    "numeric(5,-2)": ["12300"], "numeric(3,5)": ["0.00123"], "money": ["12.34"], "real": ["0.1"],
    "double precision": ["1e300", "'Infinity'"], "boolean": ["true"], "text": ["'a'"], "varchar(10)": ["'a'"],
    "char(5)": ["'ab'"], "\"char\"": ["'a'"], "name": ["'a'"], "bytea": ["'\\x00ff'"], "date": ["'0001-01-01'"],
    "date ": ["'infinity'"], "timestamp": ["'2024-01-31 09:30:00.123456'"], "timestamp(0)": ["'2024-01-31 09:30:00'"],
    "timestamptz": ["'2024-07-31 09:30:00+01'"], "time": ["'09:30:15.25'"], "timetz": ["'09:30:00+01'"],
    "time ": ["'24:00:00'"], "interval": ["'1 year 2 mons'"], "uuid": ["'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"],
    "inet": ["'10.0.0.1/8'"], "cidr": ["'10.0.0.0/8'"], "macaddr": ["'08:00:2b:01:02:03'"], "json": ["'{\"a\": 1.10}'"],
    "jsonb": ["'{\"a\": 1}'"], "integer[]": ["'{{1,2},{3,NULL}}'"], "text[]": ["ARRAY['a,b', NULL]"],
    "int4range": ["'[1,5]'"], "daterange": ["'(,2024-01-31)'"], "bit(1)": ["B'1'"], "bit(3)": ["B'101'"],
    "bit varying(5)": ["B'10'"], "oid": ["4294967295"], "hstore": ["'a=>1'"], "tsvector": ["'a:1 b:2'"],
    "point": ["'(1.5,-2)'"], "status": ["'open'"], "cost": ["12.5"], "place": ["ROW(1, 'a b')::place"],
    "timestamp ": ["'294276-12-31 23:59:59'"],
}  # fmt: skip

MARIADB: Columns = {
    "tinyint": ["-128"], "tinyint unsigned": ["255"], "tinyint(1)": ["1", "0"], "tinyint(1) unsigned": ["7"],
    "smallint": ["-32768"], "smallint unsigned": ["65535"], "mediumint": ["8388607"],
    "mediumint unsigned": ["16777215"],
    "int": ["-2147483648"], "int unsigned": ["4294967295"], "int(6) unsigned zerofill": ["42"],
    "bigint": ["9223372036854775807"], "bigint unsigned": ["18446744073709551615"], "decimal(12,2)": ["12.50"],
    "decimal(38,10)": ["1234567890123456789012345678.0123456789"], "decimal(65,30)": ["1.5"],
    "decimal(10,2) unsigned": ["12.5"], "float": ["0.1"], "double": ["1e300"], "bit(1)": ["b'1'"], "bit(8)": ["b'101'"],
    "bit(64)": ["b'1111'"], "year": ["2024", "0"], "date": ["'2024-01-31'"],
    "date /**/": ["'0000-00-00'", "'2024-01-31'"],
    "datetime": ["'2024-01-31 09:30:00'"], "datetime(6)": ["'2024-01-31 09:30:00.123456'", "'0000-00-00 00:00:00'"],
    "timestamp": ["'2024-01-31 09:30:00'"], "time": ["'09:30:15'"], "time(3)": ["'838:59:59'"], "char(5)": ["'ab'"],
    "varchar(20)": ["'Café'"], "varchar(20) character set latin1": ["'Café'"], "text": ["'a'"], "longtext": ["'a'"],
    "binary(2)": ["x'00ff'"], "varbinary(4)": ["x'00'"], "blob": ["x'00ff'"], "enum('a','b')": ["'b'"],
    "set('a','b')": ["'a,b'"], "json": ["'{\"a\": 1.10}'"], "uuid": ["'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"],
    "inet6": ["'::1'"], "point": ["POINT(1, 2)"],
}  # fmt: skip


def statements(columns: Columns, key: str, *, rows: int = 3) -> list[str]:
    """One table with a column of each type, and rows: each value in turn, then NULLs."""
    made = "".join(f", v{at} {kind}" for at, kind in enumerate(columns))
    listed = [f"CREATE TABLE every_type (id {key} PRIMARY KEY{made})"]
    for row in range(rows):
        values = "".join(f", {held[row] if row < len(held) else 'NULL'}" for held in columns.values())
        listed.append(f"INSERT INTO every_type VALUES ({row + 1}{values})")
    return listed


def test_every_type_of_sqlite_comes_out_by_its_draft(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "silo.db")
    for statement in statements(SQLITE, "INTEGER"):
        connection.execute(statement)
    connection.commit()
    connection.close()
    takes_everything_out(tmp_path, drafted(tmp_path, "sqlite:///silo.db"), 3, len(SQLITE))


def directly(server: Server | mariadb_server.Server) -> str:
    return server.reader("drafts")


def by_odbc(server: Server | mariadb_server.Server) -> str:
    driver = odbc.driver("PostgreSQL Unicode" if isinstance(server, Server) else "MariaDB Unicode")
    words = {"driver": driver, "server": "127.0.0.1", "port": server.port, "database": "drafts", "uid": "reader"}
    return odbc.url(words)


WAYS = pytest.mark.parametrize("address", [directly, by_odbc])


@WAYS
def test_every_type_of_postgresql_comes_out_by_its_draft(
    postgres: Server, tmp_path: Path, address: Callable[[Server], str]
) -> None:
    with postgres.database("drafts") as session:
        for statement in (
            "CREATE EXTENSION hstore", "CREATE TYPE status AS ENUM ('open', 'closed')",
            "CREATE DOMAIN cost AS numeric(10,2)", "CREATE TYPE place AS (x integer, y text)",
            *statements(POSTGRES, "integer"),
        ):  # fmt: skip
            session.execute(statement.encode())
        takes_everything_out(tmp_path, drafted(tmp_path, address(postgres)), 3, len(POSTGRES))


@WAYS
def test_every_type_of_mariadb_comes_out_by_its_draft(
    mariadb: mariadb_server.Server, tmp_path: Path, address: Callable[[mariadb_server.Server], str]
) -> None:
    with mariadb.database("drafts") as session:
        for statement in statements({f"{kind} NULL": held for kind, held in MARIADB.items()}, "int"):
            session.execute(statement)
        takes_everything_out(tmp_path, drafted(tmp_path, address(mariadb)), 3, len(MARIADB))


def documented(section: str, dialect: str) -> list[tuple[str, str, str]]:
    text = DOCUMENT.read_text(encoding="utf-8").partition(f"## {section}\n")[2].partition("\n## ")[0]
    kinds = re.findall(r"^\| `[^`]+` \| `([^`]+)` \|.* \| (.+) \|$", text, re.MULTILINE)
    return [(dialect, kind, gets) for kind, gets in dict(kinds).items()]


@pytest.mark.parametrize(
    ("dialect", "native", "gets"), [*documented("SQL Server", "tsql"), *documented("Oracle", "oracle")]
)
def test_every_documented_type_of_a_product_that_is_not_here_can_be_drafted(
    dialect: str, native: str, gets: str
) -> None:
    made = draft(
        Table("T", {"ID": "int" if dialect == "tsql" else "NUMBER(9,0)", "V": native}, DIALECTS[dialect], ("ID",)), "t"
    )
    (_, line) = made.columns
    assert bool(line.refused) == (native in ("sql_variant", "LONG", "LONG RAW", "BFILE"))
    text = draft_yaml.written(Head({}, "silo", {"url": "oracle://silo/x"}), [made])
    assert ("# V: {" in text) == bool(line.refused)


TYPES = [
    ("tsql", "money", "decimal(19,4)"), ("tsql", "datetimeoffset(3)", "timestamp(UTC)"), ("tsql", "tinyint", "int16"),
    ("tsql", "nvarchar(max)", "string"), ("tsql", "decimal(9,3)", "decimal(9,3)"), ("tsql", "bit", "boolean"),
    ("tsql", "datetime2(3)", "timestamp"), ("tsql", "varbinary(max)", "binary"), ("tsql", "timestamp", "binary"),
    ("oracle", "NUMBER(9,0)", "int32"), ("oracle", "NUMBER(12,0)", "int64"),
    ("oracle", "NUMBER(19,0)", "decimal(19,0)"),
    ("oracle", "NUMBER(12,2)", "decimal(12,2)"), ("oracle", "NUMBER(4,-2)", "decimal(6,0)"),
    ("oracle", "DATE", "timestamp"), ("oracle", "TIMESTAMP(6) WITH LOCAL TIME ZONE", "timestamp(UTC)"),
    ("oracle", "NUMBER", "decimal(38,10)"), ("oracle", "CLOB", "string"), ("oracle", "TIMESTAMP(6)", "timestamp"),
    ("odbc", "ODBC decimal128(12, 2)", "decimal(12,2)"), ("odbc", "ODBC date32[day]", "date"),
    ("odbc", "ODBC timestamp[us]", "timestamp"), ("odbc", "ODBC int32", "int64"), ("odbc", "ODBC string", "string"),
    ("odbc", "ODBC fixed_size_binary[16]", "binary"), ("odbc", "ODBC time32[s]", "time"),
]  # fmt: skip


@pytest.mark.parametrize(("dialect", "native", "kind"), TYPES)
def test_a_type_is_drafted_as_what_holds_it(dialect: str, native: str, kind: str) -> None:
    assert suggested(DIALECTS[dialect], native).types[0] == kind
