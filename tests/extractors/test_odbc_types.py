"""docs/types.md, the section on ODBC: every line is run through a real driver, and PostgreSQL's own lines too."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from extractors import formats
from tests.servers import mariadb as mariadb_server
from tests.servers import odbc
from tests.servers.postgres import Server

from . import test_mysql_types, test_postgres_types
from .conftest import Council, numbered

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "types.md"
Line = tuple[str, str, str, str]  # declared, type there, what it holds, what the dataset gets


def lines(product: str) -> Iterator[Line]:
    section = DOCUMENT.read_text(encoding="utf-8").partition("\n## ODBC\n")[2].partition("\n## ")[0]
    for line in section.splitlines():
        cells = [cell.strip().strip("`") for cell in line[1:-1].split(" | ")] if line.startswith("| `") else []
        if cells and cells[1] == product:
            yield cells[0], cells[2], cells[3].replace("·", " "), cells[4].replace("·", " ").replace(r"\0", "\0")


def table_of(some: Sequence[Line]) -> tuple[str, str]:
    """A table with a column for each line, and its one row, as SQL; a second row is of NULLs."""
    kinds = "".join(f", v{at} {kind}" for at, (_, kind, _, _) in enumerate(some))
    held = "".join(f", {holds}" for _, _, holds, _ in some)
    return f"(id integer PRIMARY KEY{kinds})", f"(1{held})"


def outcomes(council: Council, url: str, some: Sequence[Line], table: str, more: str = "") -> list[str]:
    council.declare(*(f"v{at}: {line[0]}" for at, line in enumerate(some)), head=numbered(url, table, more))
    council.run()
    faults = {fault["column"]: f"fault: {fault['rule']}" for fault in council.faults()}
    first, *others = council.rows()
    assert all(set(other.values()) == {2, None} for other in others)
    assert all(first[name] is None for name in faults)
    return [
        faults.get(f"v{at}", "NULL" if first[f"v{at}"] is None else formats.text(first[f"v{at}"]))
        for at in range(len(some))
    ]


Run = Callable[[str, Sequence[Line], str], list[str]]  # a driver, lines, what else the source says


@pytest.fixture
def postgres_run(postgres: Server, council: Council) -> Iterator[Run]:
    driver = odbc.driver("PostgreSQL Unicode")
    with postgres.database("odbc_types", "ENCODING 'UTF8'") as session:

        def run(_: str, some: Sequence[Line], more: str) -> list[str]:
            columns, row = table_of(some)
            session.execute(f"CREATE TABLE t {columns}".encode())
            session.execute(f"INSERT INTO t VALUES {row}".encode())
            session.execute(b"INSERT INTO t (id) VALUES (2)")
            words = {"driver": driver, "server": "127.0.0.1", "port": postgres.port, "database": "odbc_types"}
            return outcomes(council, odbc.url(words | {"uid": "reader"}), some, "public.t", more)

        for statement in test_postgres_types.TYPES:
            session.execute(statement.encode())
        yield run


@pytest.fixture
def mariadb_run(mariadb: mariadb_server.Server, council: Council) -> Iterator[Run]:
    driver = odbc.driver("MariaDB Unicode")
    with mariadb.database("odbc_types") as session:

        def run(_: str, some: Sequence[Line], more: str) -> list[str]:
            columns, row = table_of([(line[0], f"{line[1]} NULL", *line[2:]) for line in some])
            session.execute(f"CREATE TABLE t {columns} ENGINE InnoDB")
            session.execute(f"INSERT INTO t VALUES {row}")
            session.execute(f"INSERT INTO t VALUES (2{', NULL' * len(some)})")
            words = {"driver": driver, "server": "127.0.0.1", "port": mariadb.port, "database": "odbc_types"}
            if "odbc" in more:
                words["initstmt"] = "SET sql_mode='ANSI_QUOTES'"
            return outcomes(council, odbc.url(words | {"uid": "reader"}), some, "t", more)

        yield run


@pytest.fixture
def sqlite_run(council: Council) -> Run:
    driver = odbc.driver("SQLite3")

    def run(_: str, some: Sequence[Line], more: str) -> list[str]:
        columns, row = table_of(some)
        path = council.home / "silo.db"
        connection = sqlite3.connect(path)
        connection.execute(f"CREATE TABLE t {columns}")
        connection.execute(f"INSERT INTO t VALUES {row}")
        connection.execute("INSERT INTO t (id) VALUES (2)")
        connection.commit()
        connection.close()
        return outcomes(council, odbc.url({"driver": driver, "database": str(path)}), some, "t", more)

    return run


PRODUCTS = [
    ("PostgreSQL", "postgres_run", ""),
    ("PostgreSQL as any", "postgres_run", ", dialect: odbc"),
    ("MariaDB", "mariadb_run", ""),
    ("MariaDB as any", "mariadb_run", ", dialect: odbc"),
    ("SQLite", "sqlite_run", ""),
]


@pytest.mark.parametrize(("product", "fixture", "more"), PRODUCTS, ids=[product for product, _, _ in PRODUCTS])
def test_every_value_has_its_stated_outcome(
    product: str, fixture: str, more: str, request: pytest.FixtureRequest
) -> None:
    some = list(lines(product))
    assert len(some) >= 5
    got = request.getfixturevalue(fixture)(product, some, more)
    assert [(*line[:3], gets) for line, gets in zip(some, got, strict=True)] == some


def test_postgresql_has_the_outcomes_of_its_own_section(postgres_run: Run) -> None:
    some = [
        (*line[:3], line[3].replace(r"\n", "\n").replace(r"\t", "\t").replace("\\\\", "\\"))
        for line in test_postgres_types.LINES
    ]
    got = postgres_run("PostgreSQL", some, "")
    assert [(*line[:3], gets) for line, gets in zip(some, got, strict=True)] == some


def test_mysql_has_the_outcomes_of_its_own_section(mariadb: mariadb_server.Server, council: Council) -> None:
    driver, some = odbc.driver("MariaDB Unicode"), test_mysql_types.LINES
    with mariadb.database("odbc_lines") as session:
        session.execute("SET time_zone = 'SYSTEM'")  # London's
        test_mysql_types.fill(session, "jobs", [(kind, [holds]) for _, kind, holds, _ in some])
        words = {"driver": driver, "server": "127.0.0.1", "port": mariadb.port, "database": "odbc_lines"}
        got = outcomes(council, odbc.url(words | {"uid": "reader"}), some, "jobs")
    assert [(*line[:3], gets) for line, gets in zip(some, got, strict=True)] == some
