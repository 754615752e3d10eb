"""A MySQL or MariaDB database: read-only, one snapshot, one connection; a further one only to end what runs there.

Everything is asked and read over the one connection that holds the snapshot, as text, and decoded a batch at a time
(mysql_wire, mysql_rows). connectorx is as fast and was measured beside it: it has a connection of its own, so another
snapshot; cuts decimals after ten digits; dies of a zero date and a TIME over a day; takes memory without end where the
reader is slow; and holds Python still while it waits, so that nothing could be cancelled.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import pyarrow as pa
import pymysql
from pymysql.charset import charset_by_id

from extractors.address import Address, address
from extractors.ahead import ahead
from extractors.compiled import Source
from extractors.dialects import DIALECTS, Dialect, Relation, Select
from extractors.dialects.base import select as sql_select
from extractors.dialects.mysql import SETTINGS
from extractors.refused import NoSuchTable, SourceRefused
from extractors.sources import mysql_catalogue as catalogue
from extractors.sources import mysql_rows
from extractors.sources.catalogue import Found
from extractors.sources.mysql_wire import Answer
from notation.problems import one_of

PATIENCE = 15  # seconds to wait for a connection
PORT = 3306
OPTIONS = ("ssl", "ssl_ca", "ssl_cert", "ssl_key", "unix_socket")
FAILED = (pymysql.Error, OSError, ValueError, RuntimeError, mysql_rows.Garbled)
# A server that is gone without a word is noticed after a minute and a half of silence.
SILENCE = (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 20), ("TCP_KEEPCNT", 3))


@contextmanager
def open_reading(source: Source) -> Iterator[MySqlReading]:
    """Open, and take the snapshot: what is committed from now on is not seen. Raises SourceRefused."""
    reading = MySqlReading(source.name, address(source.url))
    try:
        reading.connect()
        yield reading
    finally:
        reading.close()


@dataclass
class MySqlReading:
    """One snapshot of one server, where its tables have one."""

    name: str
    at: Address
    dialect: Dialect = field(default_factory=lambda: DIALECTS["mysql"])
    is_snapshot: bool = True  # until a relation turns out to be in an engine without
    session: Any = None
    thread: int = 0
    is_cancelled: bool = False
    seen: int | None = None
    lock: Lock = field(default_factory=Lock)  # whoever waits for an answer has it

    def connect(self) -> None:
        try:
            self.session = self._connection()
            self.thread = self.session.thread_id()
            for option, value in SILENCE:
                if hasattr(socket, option) and self.session._sock.family != getattr(socket, "AF_UNIX", None):
                    self.session._sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
            self.session.query("SET SESSION " + ", ".join(f"{name} = {value}" for name, value in SETTINGS.items()))
            self.session.query("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            self.session.query("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
        except FAILED as exc:
            raise self.refused(exc) from None

    def _connection(self) -> Any:
        at = self.at
        if unknown := [option for option in at.options if option not in OPTIONS]:
            raise ValueError(f"its url has an option '{unknown[0]}'. {one_of('Options', unknown[0], OPTIONS)}")
        files = {name: at.options[f"ssl_{name}"] for name in ("ca", "cert", "key") if f"ssl_{name}" in at.options}
        return pymysql.connect(
            host=at.host or "localhost", port=at.port or PORT, user=at.user or None, password=at.password,
            database=at.database or None, charset="utf8mb4", connect_timeout=PATIENCE, autocommit=True,
            unix_socket=at.options.get("unix_socket"), program_name="fig", **self._tls(files),
        )  # fmt: skip

    def _tls(self, files: Mapping[str, str]) -> dict[str, Any]:
        """With `ssl=true` or a file, the server has to show who it is; without, TLS is used if the server offers it."""
        if not files and self.at.options.get("ssl", "") in ("", "false"):
            return {}
        context = ssl.create_default_context(cafile=files.get("ca"))
        if "cert" in files:
            context.load_cert_chain(files["cert"], files.get("key"))
        return {"ssl": context}

    def refused(self, exc: Exception) -> SourceRefused:
        said = "the reading was cancelled" if self.is_cancelled else self.at.scrub(_plainly(exc))
        return SourceRefused(f"source '{self.name}': {said}")

    @contextmanager
    def _asking(self, sql: str) -> Iterator[Answer]:
        """The answer to one question; what is left of it when the block ends is ended at the server."""
        if not self.lock.acquire(timeout=PATIENCE):
            raise SourceRefused(f"source '{self.name}': it is still being read")
        answer = None
        try:
            if self.session is None or self.is_cancelled:
                raise SourceRefused(f"source '{self.name}': the reading was cancelled")
            answer = Answer(self.session, sql)
            yield answer
        except FAILED as exc:
            raise self.refused(exc) from None
        finally:
            try:
                if answer is not None and not answer.is_over:
                    self._end(answer)
            finally:
                self.lock.release()

    def _end(self, answer: Answer) -> None:
        """Stop a statement whose rows are no longer wanted, and have the connection ready for the next one."""
        if self.is_cancelled or not self.session.open:
            return
        try:
            self._kill()
            answer.drain()
        except FAILED:
            if not answer.is_over:  # it could not be ended: nothing more can be asked
                self.session._force_close()

    def _kill(self) -> None:
        with self._connection() as other:
            other.query(f"KILL QUERY {self.thread}")

    # --- questions ---------------------------------------------------------------------------------------------------

    def ask(self, sql: str) -> list[tuple[str | None, ...]]:
        found: list[tuple[str | None, ...]] = []
        with self._asking(sql) as answer:
            for packets in ahead(answer.packets()):  # the server writes the next rows while these are decoded
                columns = mysql_rows.columns(packets.data, packets.starts, packets.ends, len(answer.fields))
                texts = [
                    [None if v is None else v.decode(errors="backslashreplace") for v in c.to_pylist()] for c in columns
                ]
                found += zip(*texts, strict=True)
        return found

    def columns(self, relation: Relation) -> Mapping[str, str]:
        """Names as the table writes them -> types as information_schema has them."""
        if not relation.table:
            self._note_engine(None)
            with self._asking(sql_select(relation, "*", "", "LIMIT 0")) as answer:
                fields = answer.fields
                answer.drain()
            return {each.name: catalogue.kind(each, self._character_set(each.charsetnr)) for each in fields}
        found = self.ask(catalogue.columns(relation.table))
        if not found:
            known = [table.table for table in self.tables()]
            listed = one_of("Tables this login may read", relation.table, known)
            raise NoSuchTable(f"source '{self.name}': there is no table or view '{relation.table}'. {listed}")
        self._note_engine(self.ask(catalogue.engine(relation.table))[0][0])
        return {str(name): str(kind) for name, kind in found}

    def _note_engine(self, engine: str | None) -> None:
        """A view or a query may read any table: it is of the snapshot if every table of the server is."""
        if engine is not None:
            self.is_snapshot = engine in catalogue.TRANSACTIONAL
        else:
            self.is_snapshot = self.ask(catalogue.LOOSE) == [("0",)]

    def _character_set(self, number: int) -> str:
        try:
            return str(charset_by_id(number).name)
        except KeyError:  # a collation newer than the driver
            found = self.ask(catalogue.character_set(number))
            return (found[0][0] if found else None) or "utf8mb4"

    def count(self, select: Select) -> int:
        ((rows,),) = self.ask(sql_select(select.relation, "count(*)", select.where))
        return int(rows or 0)

    def counted(self) -> int | None:
        return self.seen

    def tables(self) -> list[Found]:
        return catalogue.found(self.ask(catalogue.TABLES), self.ask(catalogue.KEYS))

    # --- rows --------------------------------------------------------------------------------------------------------

    def read(self, select: Select) -> Iterator[pa.RecordBatch]:
        self.seen = None
        width, names = len(select.columns), [f"c{at}" for at in range(len(select.columns))]
        with self._asking(select.sql if self.is_snapshot else _counting(select)) as answer:
            for packets in ahead(answer.packets()):  # the server writes the next rows while these are decoded
                stored = mysql_rows.columns(packets.data, packets.starts, packets.ends, len(answer.fields))
                if not self.is_snapshot:
                    self.seen = int(stored[width][0].as_py())
                arrays = [mysql_rows.promised(*each) for each in zip(stored[:width], select.columns, strict=True)]
                yield pa.RecordBatch.from_arrays(arrays, names=names)
        if not self.is_snapshot and self.seen is None:
            self.seen = 0

    def cancel(self) -> None:
        self.is_cancelled = True
        session = self.session
        if session is None or not session.open:
            return
        try:
            self._kill()
        except FAILED:
            pass  # the server ends by itself what has lost its client
        _hang_up(session)

    def close(self) -> None:
        if self.session is not None and self.session.open:
            self.session.close()
        self.session = None


def _hang_up(session: Any) -> None:
    """Whoever waits for the server's bytes in another thread comes back at once, and so does the server for ours."""
    try:
        session._sock.shutdown(socket.SHUT_RDWR)
    except (OSError, AttributeError):  # it is gone already
        pass


def _counting(select: Select) -> str:
    """The same statement counts its own rows: without a snapshot, one asked earlier or later counts others."""
    count = sql_select(select.relation, "count(*)", select.where).removeprefix(select.relation.ctes)
    listed = ", ".join(f"{column.sql} AS c{at}" for at, column in enumerate(select.columns))
    return sql_select(select.relation, f"{listed}, ({count}) AS counted", select.where)


_GONE = (2006, 2013, 2055, 1053, 1927, 4031)  # CR_SERVER_GONE_ERROR and its kin; ER_CONNECTION_KILLED


def _plainly(exc: Exception) -> str:
    """The complaint in one line: `(1045, "Access denied …")` -> Access denied …"""
    if isinstance(exc, mysql_rows.Garbled):
        return "its answer cannot be understood"
    number, said = (exc.args[0], str(exc.args[1])) if len(exc.args) > 1 else (0, str(exc))
    first = next((line.strip() for line in said.splitlines() if line.strip()), "") or type(exc).__name__
    return f"the connection was lost: {first}" if number in _GONE else first
