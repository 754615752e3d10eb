"""What is known of each product that is spoken to over ODBC: its session, its catalogue, and how it is stopped."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from extractors.dialects import Relation, mysql
from extractors.dialects.base import quoted_text
from extractors.dialects.odbc import Bytes, Odbc, Spoken, Tagged, Utf16
from extractors.dialects.oracle import Oracle
from extractors.dialects.postgres import SETTINGS, Postgres
from extractors.dialects.sqlite import Sqlite
from extractors.dialects.tsql import Tsql
from extractors.refused import SourceRefused
from extractors.sources import mssql_catalogue, mysql_catalogue, oracle_catalogue, postgres_catalogue
from extractors.sources.batches import catalogued
from extractors.sources.catalogue import Found

Ask = Callable[[str], list[tuple[str | None, ...]]]


@dataclass(frozen=True, slots=True)
class Product:
    """`options` are words of the connection string, unless the url has them; `begin` opens the session, read-only."""

    name: str
    dialect: Odbc
    is_snapshot: bool = False
    options: Mapping[str, str] = field(default_factory=dict)
    begin: Sequence[str] = ()
    loose: str = ""  # the question how many tables its snapshot would not hold for
    columns: Callable[[Relation], str] | None = None  # the question for a table's columns and their types
    tables: Callable[[Ask], list[Found]] | None = None
    bytes_of: str = "{fn OCTET_LENGTH(#)}"  # how many bytes (#, an expression) has as text
    myself: str = ""  # the question for this session's number
    stop: str = ""  # what ends the statement of session #, said over another connection
    piece: int = 0  # how many characters of an expression its driver hands over; a longer text comes in pieces
    hint: str = ""  # what to do about a value that its driver cannot hand over


def _postgres_tables(ask: Ask) -> list[Found]:
    return postgres_catalogue.found(
        ask(postgres_catalogue.TABLES), ask(postgres_catalogue.COLUMNS), ask(postgres_catalogue.KEYS)
    )


def _sqlite_tables(ask: Ask) -> list[Found]:
    return catalogued(
        ask(
            "SELECT m.name, p.name, p.type, nullif(p.pk, 0), NULL, NULL"
            " FROM sqlite_schema m, pragma_table_xinfo(m.name) p"
            " WHERE m.type IN ('table', 'view') AND m.name NOT LIKE 'sqlite!_%' ESCAPE '!' ORDER BY m.name, p.cid"
        )
    )


ANSI = Product("", Odbc())
POSTGRES = Product(
    "PostgreSQL",
    # A varchar is described as 255 characters, a text as of any length; both casts keep every character.
    Spoken(Postgres(), always_text=True, proven=True, narrow=lambda sql: f"({sql})::varchar"),
    is_snapshot=True,
    # UseDeclareFetch: or psqlodbc keeps the whole table in memory. MaxLongVarcharSize: or it calls a text 8 KiB long.
    options={"UseDeclareFetch": "1", "Fetch": "5000", "MaxLongVarcharSize": "-4", "MaxVarcharSize": "255",
             "BoolsAsChar": "1"},
    begin=(
        *(f"SET {name} = {quoted_text(value)}" for name, value in SETTINGS.items()), "COMMIT",
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
    ),
    columns=lambda relation: postgres_catalogue.columns(relation.sql),
    tables=_postgres_tables,
    bytes_of="octet_length(#)",
    myself="SELECT pg_backend_pid()",
    stop="SELECT pg_cancel_backend(#)",
)  # fmt: skip
MYSQL = Product(
    "MySQL",
    Bytes(mysql.MySql(), always_text=True, proven=True),
    is_snapshot=True,
    options={"FORWARDONLY": "1", "NO_CACHE": "1", "CHARSET": "utf8mb4"},  # or its driver keeps the table in memory
    begin=(
        *(f"SET SESSION {name} = {value}" for name, value in mysql.SETTINGS.items()),
        "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
    ),
    columns=lambda relation: mysql_catalogue.columns(relation.table),
    tables=lambda ask: mysql_catalogue.found(ask(mysql_catalogue.TABLES), ask(mysql_catalogue.KEYS)),
    loose=mysql_catalogue.LOOSE,
    bytes_of="LENGTH(#)",
    myself="SELECT CONNECTION_ID()",
    stop="KILL QUERY #",
)
SQLITE = Product(
    "SQLite",
    Tagged(Sqlite(), always_text=True),
    is_snapshot=True,
    begin=("PRAGMA query_only = 1",),
    columns=lambda relation: f"SELECT name, type FROM pragma_table_xinfo({quoted_text(_unquoted(relation))})",  # noqa: S608
    tables=_sqlite_tables,
    bytes_of="length(#)",
    piece=1020,  # it describes any expression as 255 characters, whatever it is cast to
    hint="read the file itself: url: sqlite:////its/path",
)
SQL_SERVER = Product(
    "SQL Server",
    Utf16(Tsql(), always_text=False),
    options={"ApplicationIntent": "ReadOnly"},
    columns=mssql_catalogue.described,
    tables=lambda ask: catalogued(ask(mssql_catalogue.TABLES)),
    bytes_of="2 * DATALENGTH(#)",
    myself="SELECT @@SPID",
    stop="KILL #",
)
ORACLE = Product(
    "Oracle",
    Spoken(Oracle(), always_text=True),
    is_snapshot=True,
    begin=(
        "ALTER SESSION SET TIME_ZONE = '+00:00'", "ALTER SESSION SET NLS_NUMERIC_CHARACTERS = '.,'",
        "SET TRANSACTION READ ONLY",
    ),
    columns=lambda relation: oracle_catalogue.columns(relation.table),
    tables=lambda ask: catalogued(ask(oracle_catalogue.TABLES)),
    bytes_of="4 * LENGTH(#)",
)  # fmt: skip
PRODUCTS: Mapping[str, Product] = {
    "odbc": ANSI, "postgres": POSTGRES, "mysql": MYSQL, "sqlite": SQLITE, "tsql": SQL_SERVER, "oracle": ORACLE,
}  # fmt: skip
_MARKS: Mapping[str, str] = {  # what a driver's name has in it -> the dialect
    "psqlodbc": "postgres", "postgres": "postgres", "maria": "mysql", "mysql": "mysql", "sqlite": "sqlite",
    "sql server": "tsql", "freetds": "tsql", "tdsodbc": "tsql", "msodbcsql": "tsql", "oracle": "oracle",
}  # fmt: skip


def dialect_of(driver: str) -> str:
    """`PostgreSQL Unicode` -> postgres; "" where a driver's name says nothing."""
    return next((dialect for mark, dialect in _MARKS.items() if mark in driver.lower()), "")


# Where a DSN hides the driver: questions of which any product but the one answers some with an error. Harmless ones.
_QUESTIONS: Sequence[tuple[str, Mapping[str, str]]] = (
    ("SELECT version()", {"PostgreSQL": "postgres", "MariaDB": "mysql"}),
    ("SELECT @@version_comment", {"": "mysql"}),
    ("SELECT sqlite_version()", {"": "sqlite"}),
    ("SELECT @@version", {"Microsoft SQL Server": "tsql"}),
    ("SELECT banner FROM v$version", {"Oracle": "oracle"}),
)


def recognised(ask: Ask) -> Product:
    """The product that answers; ANSI if none is known."""
    for question, answers in _QUESTIONS:
        with suppress(SourceRefused):
            said = ask(question)[0][0] or ""
            for mark, dialect in answers.items():
                if mark in said:
                    return PRODUCTS[dialect]
    return ANSI


def _unquoted(relation: Relation) -> str:
    return relation.table.removeprefix("main.")
