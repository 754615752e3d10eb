"""A PostgreSQL database: read-only, one snapshot; questions over one connection, rows over a second where allowed.

Rows come through DuckDB's scanner, three times as cheap as any other way, where a row is of moderate size. Where rows
may be large (documents, views that say nothing of themselves), where text may be in no encoding at all (SQL_ASCII),
where only one connection is allowed, or DuckDB's scanner is not installed, they come through COPY as text.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock

import psycopg
import pyarrow as pa
from psycopg import conninfo
from psycopg.pq import TransactionStatus

from extractors.address import Address, address
from extractors.compiled import Source
from extractors.dialects import DIALECTS, Dialect, Relation, Select
from extractors.dialects.base import quoted_text
from extractors.dialects.base import select as sql_select
from extractors.dialects.postgres import SETTINGS, not_a_number
from extractors.raw import JSON
from extractors.refused import NativeFailed, NoSuchTable, SourceRefused
from extractors.sources import postgres_catalogue as catalogue
from extractors.sources import postgres_copy, postgres_scan
from extractors.sources.catalogue import Found
from notation.problems import one_of

PATIENCE = 15  # seconds to wait for a connection
# A server that is gone without a word is noticed after this many seconds of silence.
SILENCE = {"keepalives_idle": "30", "keepalives_interval": "10", "keepalives_count": "3", "tcp_user_timeout": "60000"}
LARGE = 8 * 2**20  # bytes that a table keeps of its rows' large values, from which on they come in batches by size


@contextmanager
def open_reading(source: Source) -> Iterator[PostgresReading]:
    """Open, and take the snapshot: what is committed from now on is not seen. Raises SourceRefused."""
    at = address(source.url)
    reading = PostgresReading(source.name, at, source.max_connections)
    try:
        reading.connect()
        yield reading
    finally:
        reading.close()


@dataclass
class PostgresReading:
    """One snapshot of one database."""

    name: str
    at: Address
    most: int  # connections
    dialect: Dialect = field(default_factory=lambda: DIALECTS["postgres"])
    is_snapshot: bool = True
    snapshot: str = ""
    session: psycopg.Connection | None = None
    scan: postgres_scan.Scan | None = None
    is_cancelled: bool = False
    lock: Lock = field(default_factory=Lock)  # whoever uses the session has it

    def connect(self) -> None:
        try:
            session = psycopg.connect(self._conninfo())
            self.session = session
            session.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            session.read_only = True
            for setting, value in SETTINGS.items():
                session.execute(f"SET {setting} = {quoted_text(value)}")
            if not self._is_decoded():
                session.execute("SET client_encoding = 'SQL_ASCII'")
            row = session.execute("SELECT pg_export_snapshot()").fetchone()
            assert row is not None
            self.snapshot = str(row[0])
            session.execute("SAVEPOINT opened")  # an error takes the session back to here, and not out of its snapshot
        except (psycopg.Error, ValueError) as exc:
            raise self.refused(exc) from None

    def _conninfo(self) -> str:
        at = self.at
        given = {"host": at.host, "port": at.port, "user": at.user, "password": at.password, "dbname": at.database}
        usual: dict[str, str | int] = {
            "connect_timeout": PATIENCE,
            "fallback_application_name": "fig",
            "client_encoding": "UTF8",
            **SILENCE,
        }
        return conninfo.make_conninfo("", **{**usual, **{k: v for k, v in given.items() if v}, **at.options})

    def _is_decoded(self) -> bool:
        """Whether the server knows the encoding of its text, and so hands all of it over as UTF-8."""
        assert self.session is not None
        return self.session.info.parameter_status("server_encoding") != "SQL_ASCII"

    @contextmanager
    def asking(self, *, amid_copy: bool = False) -> Iterator[psycopg.Connection]:
        """The session, for one question."""
        with self.lock:
            session = self.session
            if session is None or self.is_cancelled:
                raise SourceRefused(f"source '{self.name}': the reading was cancelled")
            assert amid_copy or session.info.transaction_status != TransactionStatus.ACTIVE, "one thing at a time"
            try:
                yield session
            except psycopg.Error as exc:
                raise self.refused(exc) from None
            finally:
                if session.info.transaction_status == TransactionStatus.INERROR:
                    session.pgconn.exec_(b"ROLLBACK TO SAVEPOINT opened")  # not `execute`: a COPY may have its lock

    def refused(self, exc: Exception) -> SourceRefused:
        said = "the reading was cancelled" if self.is_cancelled else self.at.scrub(_plainly(str(exc)))
        return SourceRefused(f"source '{self.name}': {said}")

    # --- questions ---------------------------------------------------------------------------------------------------

    def ask(self, sql: str) -> list[tuple[str | None, ...]]:
        with self.asking() as session:
            answer = session.execute(sql.encode()).pgresult
            assert answer is not None
            width, length = answer.nfields, answer.ntuples
            raw = [[answer.get_value(row, column) for column in range(width)] for row in range(length)]
        return [tuple(None if v is None else v.decode(errors="backslashreplace") for v in row) for row in raw]

    def columns(self, relation: Relation) -> Mapping[str, str]:
        """Names as the table writes them -> types as `format_type` has them; of a domain, what it is made of."""
        if not relation.table:
            with self.asking() as session:
                described = session.execute(sql_select(relation, "*", "", "LIMIT 0").encode()).pgresult
                assert described is not None
                kinds = [
                    (described.fname(at), described.ftype(at), described.fmod(at)) for at in range(described.nfields)
                ]
            return {
                (name or b"").decode(): self.ask(f"SELECT format_type({kind}, {modifier})")[0][0] or ""
                for name, kind, modifier in kinds
            }
        found = self.ask(catalogue.columns(relation.sql))
        if not found:
            meant = relation.table if "." in relation.table else f"public.{relation.table}"
            listed = one_of("Tables this login may read", meant, [each.table for each in self.tables()])
            raise NoSuchTable(f"source '{self.name}': there is no table or view '{relation.table}'. {listed}")
        return {str(name): str(kind) for name, kind in found}

    def count(self, select: Select) -> int:
        ((rows,),) = self.ask(sql_select(select.relation, "count(*)", select.where))
        return int(rows or 0)

    def counted(self) -> int | None:
        return None

    def tables(self) -> list[Found]:
        return catalogue.found(self.ask(catalogue.TABLES), self.ask(catalogue.COLUMNS), self.ask(catalogue.KEYS))

    # --- rows --------------------------------------------------------------------------------------------------------

    def read(self, select: Select) -> Generator[pa.RecordBatch, None, None]:
        batches = self._scanned(select) if self._may_scan(select) else postgres_copy.read(self.asking, select)
        try:
            while True:
                try:
                    batch = next(batches)
                except StopIteration:
                    return
                except (*postgres_scan.FAILED, SourceRefused) as exc:
                    raise self._noticed(select, exc) from None
                yield batch
        finally:
            batches.close()

    def _noticed(self, select: Select, exc: Exception) -> Exception:
        if isinstance(exc, NativeFailed):
            return exc
        names = [planned.column.source for planned in select.columns if planned.fragile]
        failed = [name for name in names if f'NaN{not_a_number(name)}"' in str(exc)]
        if failed:
            return NativeFailed(frozenset(failed), f"column '{failed[0]}' holds NaN")
        return exc if isinstance(exc, SourceRefused) else self.refused(exc)

    def _may_scan(self, select: Select) -> bool:
        return self.most >= 2 and self._is_decoded() and postgres_scan.is_installed() and not self._may_be_large(select)

    def _may_be_large(self, select: Select) -> bool:
        """Whether single values may be so large that a fixed number of rows is no bound of memory."""
        texts = [p for p in select.columns if p.arrow in (pa.string(), pa.binary(), JSON)]
        if not texts:
            return False
        if not select.relation.table:
            return True
        kinds = self.columns(select.relation)
        if not any(catalogue.is_unbounded(kinds.get(planned.column.source, "")) for planned in texts):
            return False
        ((large,),) = self.ask(catalogue.large(select.relation.sql))
        return large is None or int(large) > LARGE

    def _scanned(self, select: Select) -> Generator[pa.RecordBatch, None, None]:
        if self.scan is None:
            self.scan = postgres_scan.Scan(self._conninfo(), self.snapshot)
        if self.is_cancelled:
            raise SourceRefused(f"source '{self.name}': the reading was cancelled")
        scan, finished = self.scan, False
        try:
            yield from scan.read(select)
            finished = True
        finally:
            if not finished:  # what it still runs is ended first, or closing would read it to its end
                self._end("pg_cancel_backend", scan.pid)
                scan.close()
                self.scan = None

    def _end(self, how: str, pid: int) -> None:
        try:
            with self.asking() as session:
                session.execute(f"SELECT {how}({pid})")
        except SourceRefused:
            pass  # it is gone, and the server ends by itself what has lost its client

    def cancel(self) -> None:
        self.is_cancelled = True
        session, scan = self.session, self.scan
        if session is None:
            return
        while not self.lock.acquire(timeout=0.05):
            session.cancel_safe(timeout=1)
        try:
            if scan is not None:
                if session.info.transaction_status != TransactionStatus.ACTIVE:
                    session.rollback()
                # Not pg_cancel_backend: a backend that waits for us to take its rows would not hear it.
                session.execute(f"SELECT pg_terminate_backend({scan.pid})")
            session.close()
        except psycopg.Error:
            pass
        finally:
            self.lock.release()

    def close(self) -> None:
        if self.scan is not None:
            self.scan.close()
            self.scan = None
        if self.session is not None:
            self.session.close()
            self.session = None


def _plainly(text: str) -> str:
    """The server's complaint in one line: `IO Error: Failed to fetch …: ERROR:  division by zero` -> its last part."""
    complaint = re.search(r"(?:ERROR|FATAL|PANIC):\s+(.*)", text)
    first = (
        complaint[1] if complaint else next((line for line in text.splitlines() if line.strip()), "no answer")
    ).strip()
    if re.search(r"closed the connection|connection is closed|terminating connection|lost|reset by peer", first):
        return f"the connection was lost: {first}"
    return first
