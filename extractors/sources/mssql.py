"""SQL Server, by Microsoft's own driver: read-only, in SNAPSHOT isolation where the database allows it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

import mssql_python
import pyarrow as pa
from mssql_python.exceptions import ConnectionStringParseError

from extractors.address import Address, address
from extractors.compiled import Source
from extractors.dialects import DIALECTS, Dialect, Relation, Select
from extractors.dialects.base import quoted_text
from extractors.dialects.base import select as sql_select
from extractors.dialects.tsql import is_long
from extractors.refused import NoSuchTable, SourceRefused
from extractors.sources import mssql_catalogue
from extractors.sources.batches import catalogued, gathered, promised
from extractors.sources.catalogue import Found
from notation.problems import one_of

PATIENCE = 10  # seconds to wait for a connection, and for a lock
ROWS = 8_192  # rows a fetch: none is longer than 8,060 bytes in a page
LONG_ROWS = 32  # where one value may be megabytes, the driver fetches a row at a time anyway
HARMLESS = ("01000", "01003")  # what a server prints; a NULL that an aggregate of the query's passed over
mssql_python.pooling(enabled=False)  # a pooled session would bring its isolation level along


@contextmanager
def open_reading(source: Source) -> Iterator[MssqlReading]:
    """Open, and begin the snapshot. Raises SourceRefused."""
    at = _address(source)
    connection = _connected(source.name, at)
    reading = MssqlReading(source.name, at, connection)
    try:
        reading.begin()
        yield reading
    finally:
        with suppress(mssql_python.Error):
            connection.rollback()
        with suppress(mssql_python.Error):
            connection.close()


def _address(source: Source) -> Address:
    try:
        return address(source.url)
    except ValueError as exc:
        raise SourceRefused(f"source '{source.name}': its url is none: {exc}") from None


def _connected(name: str, at: Address) -> Any:
    if at.port or "\\" not in at.host:
        try:  # the driver itself would try for fifteen seconds, and say "Error code 0x2749"
            socket.create_connection((at.host, at.port or 1433), PATIENCE).close()
        except OSError as exc:
            where = f"{at.host}:{at.port or 1433}"
            raise SourceRefused(f"source '{name}': nothing answers at {where}: {exc}") from None
    try:
        return mssql_python.connect(connection_string(at), autocommit=False, timeout=PATIENCE)
    except (mssql_python.Error, ConnectionStringParseError, ValueError, RuntimeError) as exc:
        raise SourceRefused(f"source '{name}': SQL Server does not let us in: {_said(exc, at)}") from None


def _said(exc: Exception, at: Address) -> str:
    return at.scrub(" ".join(str(exc).split()))


def connection_string(at: Address) -> str:
    """`mssql://reader:p;w@db:1433/housing?encrypt=yes` -> `Server={db,1433};…`; each option of the url is a keyword."""
    words = {
        "Server": f"{at.host},{at.port}" if at.port else at.host,
        "Database": at.database, "UID": at.user, "PWD": at.password, "ApplicationIntent": "ReadOnly",
    }  # fmt: skip
    given = {word.lower() for word in at.options}
    kept = {word: value for word, value in words.items() if value and word.lower() not in given}
    return ";".join(f"{word}={{{value.replace('}', '}}')}}}" for word, value in {**kept, **at.options}.items())


@dataclass(slots=True)
class MssqlReading:
    """One connection, one transaction."""

    name: str
    at: Address = field(repr=False)
    connection: Any = field(repr=False)
    is_snapshot: bool = False
    dialect: Dialect = field(default_factory=lambda: DIALECTS["tsql"])
    running: Any = None  # the cursor of what runs
    cancelled: bool = False
    rows: int | None = None
    ending: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def begin(self) -> None:
        """SNAPSHOT, where the database keeps row versions; else READ COMMITTED, and each statement is its own."""
        allowed = self.ask("SELECT snapshot_isolation_state FROM sys.databases WHERE database_id = DB_ID()")
        self.connection.rollback()  # the level of a transaction that has begun cannot become SNAPSHOT
        self.is_snapshot = allowed == [("1",)]
        level = "SNAPSHOT" if self.is_snapshot else "READ COMMITTED"
        self._run(f"SET LOCK_TIMEOUT {PATIENCE * 1000}; SET DATEFORMAT ymd; SET TRANSACTION ISOLATION LEVEL {level}")

    def _run(self, sql: str) -> Any:
        self._check()
        try:
            self.running = self.connection.cursor()
            self.running.execute(sql)
            return self.running
        except mssql_python.Error as exc:
            raise self._refused(exc) from None

    def _check(self) -> None:
        if self.cancelled:
            raise SourceRefused(f"source '{self.name}': the reading was cancelled")

    def _refused(self, exc: Exception) -> SourceRefused:
        self._check()
        return SourceRefused(f"source '{self.name}': SQL Server says: {_said(exc, self.at)}")

    def columns(self, relation: Relation) -> Mapping[str, str]:
        """Names -> types as T-SQL writes them: `nvarchar(50)`, `datetime2(7)`."""
        if relation.table and self.ask(f"SELECT OBJECT_ID(N{quoted_text(relation.sql)})") == [(None,)]:
            near = one_of("there are", relation.table, [found.table for found in self.tables()])
            raise NoSuchTable(f"source '{self.name}': there is no table or view '{relation.table}'; {near}")
        described = self.ask(mssql_catalogue.described(relation))
        if not described or described[0][0] is None:
            raise SourceRefused(f"source '{self.name}': SQL Server cannot describe {relation.table or 'the query'}")
        return {str(name): system or user or "" for name, system, user in described}

    def ask(self, sql: str) -> list[tuple[str | None, ...]]:
        cursor = self._run(sql)
        try:
            rows = cursor.fetchall()
        except mssql_python.Error as exc:
            raise self._refused(exc) from None
        finally:
            self._close(cursor)
        return [tuple(None if value is None else str(value) for value in row) for row in rows]

    def count(self, select: Select) -> int:
        ((rows,),) = self.ask(sql_select(select.relation, "count_big(*)", select.where))
        return int(rows or 0)

    def counted(self) -> int | None:
        return self.rows

    def read(self, select: Select) -> Iterator[pa.RecordBatch]:
        types = self.columns(select.relation)
        wide = any(is_long(types.get(planned.column.source, "")) for planned in select.columns)
        self.rows = None
        for batch in gathered(self._batches(counting(select, self.is_snapshot), LONG_ROWS if wide else ROWS)):
            if not self.is_snapshot:
                self.rows = batch.column(batch.num_columns - 1)[0].as_py()
            read = batch.select(range(len(select.columns)))
            yield promised(read, select.columns, lambda stored: stored.decode("utf-16-le"))
        if not self.is_snapshot and self.rows is None:
            self.rows = 0

    def _batches(self, sql: str, rows: int) -> Iterator[pa.RecordBatch]:
        cursor = self._run(sql)
        try:
            while True:
                batch = cursor.arrow_batch(rows)
                self._heard(cursor.messages)
                if not batch.num_rows:
                    return
                yield batch
                self._check()
        except (mssql_python.Error, RuntimeError) as exc:  # its C++ raises RuntimeError
            raise self._refused(exc) from None
        finally:
            self._close(cursor)

    def _close(self, cursor: Any) -> None:
        """The driver wants no statement freed while another thread cancels it: one after the other."""
        with self.ending, suppress(mssql_python.Error):
            cursor.close()

    def _heard(self, messages: list[tuple[str, str]]) -> None:
        """What the driver has to say of the rows it gave: a connection lost between two rows is told nowhere else."""
        bad = [text for state, text in messages if state[1:6] not in HARMLESS]
        if bad:
            self._check()
            raise SourceRefused(f"source '{self.name}': SQL Server's driver says: {self.at.scrub(' '.join(bad))}")

    def tables(self) -> list[Found]:
        return catalogued(self.ask(mssql_catalogue.TABLES))

    def cancel(self) -> None:
        """SQLCancel, which ODBC lets another thread call: the server gets an attention and ends the statement."""
        self.cancelled = True
        with self.ending, suppress(mssql_python.Error, RuntimeError):
            handle = getattr(self.running, "hstmt", None)
            if handle is not None:
                handle._cancel()


def counting(select: Select, is_snapshot: bool) -> str:
    """The select; without a snapshot with the count of its rows behind them, asked within the same statement."""
    if is_snapshot:
        return select.sql
    listed = ", ".join(f"{column.sql} AS c{at}" for at, column in enumerate(select.columns))
    uncounted = replace(select.relation, ctes="")
    return sql_select(
        select.relation, f"{listed}, ({sql_select(uncounted, 'COUNT_BIG(*)', select.where)}) AS n", select.where
    )
