"""Anything with an ODBC driver, through arrow-odbc: buffers of a bounded size, and nothing cut to fit in them."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import Empty, Queue
from threading import Lock, Thread
from time import monotonic
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from extractors.address import Address, address
from extractors.compiled import Source
from extractors.dialects import Dialect, Planned, Relation, Select
from extractors.dialects.base import select as sql_select
from extractors.dialects.odbc import DRIVERS, Odbc
from extractors.raw import Array
from extractors.refused import NativeFailed, NoSuchTable, SourceRefused
from extractors.sources.batches import BYTES, gathered, promised
from extractors.sources.catalogue import Found
from extractors.sources.odbc_products import ANSI, PRODUCTS, Product, dialect_of, recognised
from notation.problems import one_of

try:
    import arrow_odbc
except OSError as exc:  # it links the system's libodbc.so.2
    raise ImportError(f"unixODBC is not installed: {exc}", name="the system's unixodbc") from exc

PATIENCE = 10  # seconds to wait for a connection
GRACE = 1.0  # seconds in which a cancelled call must come back; then it is left to itself
ROWS = 10_000  # a fetch; drivers count rows in 16 bits
ORDINARY = 4_096  # bytes of room for one text, until one is met that needs more
UNMEASURED = 2**20  # where a product cannot be asked how long its longest text is
ROOM = 256 * 2**20  # for one row at most
MOST = 1_900  # columns of one statement, pieces counted
_UNFIT = "too large to be written|invalid UTF-8"  # arrow-odbc of a value that does not fit in its buffer, or in text
T = TypeVar("T")
_OPENING = Lock()  # the sockets that appear while it is held are those of the connection that is being opened


@contextmanager
def open_reading(source: Source) -> Iterator[OdbcReading]:
    """Open, and begin the snapshot where the product has one. Raises SourceRefused."""
    try:
        at = address(source.url)
    except ValueError as exc:
        raise SourceRefused(f"source '{source.name}': its url is none: {exc}") from None
    spoken = source.dialect or dialect_of(at.options.get("driver", at.options.get("Driver", "")))
    reading = OdbcReading(source.name, at, PRODUCTS[spoken] if spoken in PRODUCTS else _recognised(source.name, at))
    reading.open()
    try:
        yield reading
    finally:
        reading.close()


def _recognised(name: str, at: Address) -> Product:
    probe = OdbcReading(name, at, ANSI)
    probe.open()
    try:
        return recognised(probe.ask)
    finally:
        probe.close()


def connection_string(at: Address, product: Product = ANSI) -> str:
    """`odbc://?driver=X&pwd=a}b` -> `driver={X};pwd={a}}b};`: the url's options, then the product's own."""
    given = {"UID": at.user, "PWD": at.password, **at.options}
    words = {word.lower() for word in given}
    listed = {**given, **{word: value for word, value in product.options.items() if word.lower() not in words}}
    return "".join(f"{word}={_braced(value)};" for word, value in listed.items() if value)


def _braced(value: str) -> str:
    """Only where it must be: psqlodbc takes `{5432}` for a port's own digits."""
    return value if re.fullmatch(r"[\w./:\\+ -]*[\w./:\\+-]", value) else "{" + value.replace("}", "}}") + "}"


@dataclass(slots=True)
class OdbcReading:
    """One connection. `is_snapshot` where the product has transactions that see one moment."""

    name: str
    at: Address = field(repr=False)
    product: Product
    connection: arrow_odbc.Connection | None = field(default=None, repr=False)
    session: str = ""
    sockets: frozenset[int] = frozenset()
    cancelled: float | None = None  # when
    rows: int | None = None
    is_loose: bool = False
    stopped: bool = False

    @property
    def dialect(self) -> Dialect:
        return self.product.dialect

    @property
    def spoken(self) -> Odbc:
        return self.product.dialect

    @property
    def is_snapshot(self) -> bool:
        return self.product.is_snapshot and not self.is_loose

    def open(self) -> None:
        with _OPENING:
            before = _open_sockets()
            self.connection = self._connected(autocommit=not self.is_snapshot)
            self.sockets = frozenset(_open_sockets() - before)
        for statement in self.product.begin:
            self._guarded(lambda said=statement: self._link.execute(said))  # type: ignore[misc]
        if self.product.loose:
            self.is_loose = self.ask(self.product.loose) != [("0",)]
        if self.product.myself:
            self.session = self.ask(self.product.myself)[0][0] or ""

    def _connected(self, *, autocommit: bool) -> arrow_odbc.Connection:
        words = connection_string(self.at, self.product)
        return self._guarded(lambda: arrow_odbc.connect(words, login_timeout_sec=PATIENCE, autocommit=autocommit))

    @property
    def _link(self) -> arrow_odbc.Connection:
        if self.connection is None:
            raise SourceRefused(f"source '{self.name}': the connection is closed")
        return self.connection

    def close(self) -> None:
        if self.is_snapshot and self.cancelled is None and self.connection is not None:
            with suppress(arrow_odbc.Error):
                self.connection.rollback()
        self.connection = None

    # --- calls that block: on a thread of their own, so that a person can always stop the run -------------------------

    def _guarded(self, call: Callable[[], T]) -> T:
        answer: Queue[T | BaseException] = Queue(1)

        def run() -> None:
            try:
                answer.put(call())
            except BaseException as exc:  # handed over
                answer.put(exc)

        Thread(target=run, name=f"odbc {self.name}", daemon=True).start()
        try:
            got = self._awaited(answer)
        except KeyboardInterrupt:
            self.cancel()
            raise
        if isinstance(got, arrow_odbc.Error):
            raise self._refused(got) from None
        if isinstance(got, BaseException):
            raise got
        return got

    def _awaited(self, answer: Queue[T | BaseException]) -> T | BaseException:
        while True:
            with suppress(Empty):
                return answer.get(timeout=0.1)
            if self.cancelled is not None and monotonic() - self.cancelled > GRACE:
                raise SourceRefused(f"source '{self.name}': the reading was cancelled")

    def _refused(self, exc: Exception) -> SourceRefused:
        if self.cancelled is not None:
            return SourceRefused(f"source '{self.name}': the reading was cancelled")
        said = self.at.scrub(_plainly(str(exc)))
        hint = self._hint if re.search(_UNFIT, said) else ""
        return SourceRefused(f"source '{self.name}': its ODBC driver says: {said}{hint}")

    def cancel(self) -> None:
        """arrow-odbc has no SQLCancel: another connection stops the session, or this one's socket is shut.

        A server that is shut off ends the statement when it next sends; an engine inside the driver (SQLite) ends its
        batch in peace, and nobody waits for it.
        """
        self.cancelled = monotonic()
        stopper = Thread(target=self._stop, name=f"odbc {self.name} stop", daemon=True)
        stopper.start()
        stopper.join(GRACE / 2)
        if self.stopped:
            return
        for number in self.sockets:
            with suppress(OSError), socket.socket(fileno=os.dup(number)) as one:
                one.shutdown(socket.SHUT_RDWR)

    def _stop(self) -> None:
        if self.product.stop and self.session:
            with suppress(Exception):
                words = connection_string(self.at, self.product)
                other = arrow_odbc.connect(words, login_timeout_sec=PATIENCE)
                other.read_arrow_batches(self.product.stop.replace("#", self.session), 1, max_text_size=64)
                self.stopped = True

    # --- questions ----------------------------------------------------------------------------------------------------

    def ask(self, sql: str) -> list[tuple[str | None, ...]]:
        rows: list[tuple[str | None, ...]] = []
        for batch in self._batches(sql, 256, ORDINARY * 4, _all_text):
            rows += zip(*(column.to_pylist() for column in batch.columns), strict=True)
        return rows

    def columns(self, relation: Relation) -> Mapping[str, str]:
        """Names -> types: the product's own words where its catalogue is known, else `ODBC …`, the driver's."""
        if relation.table and self.product.columns is not None:
            known = {str(row[0]): next((kind for kind in row[1:] if kind), "") for row in
                     self.ask(self.product.columns(relation)) if row[0]}  # fmt: skip
            if not known:
                raise self._no_table(relation.table)
            return known
        seen: list[pa.Schema] = []

        def look(schema: pa.Schema) -> pa.Schema:
            seen.append(schema)
            return _all_text(schema)

        try:
            list(self._batches(sql_select(relation, "*", "1 = 0"), 1, ORDINARY, look))
        except SourceRefused as exc:
            if relation.table:
                raise self._no_table(relation.table, exc) from None
            raise
        return {each.name: DRIVERS + str(each.type) for schema in seen for each in schema}

    def _no_table(self, table: str, why: SourceRefused | None = None) -> SourceRefused:
        there = [found.table for found in self.tables()]
        near = one_of("there are", table, there) if there else "its driver does not list the tables there are"
        said = f" ({str(why).partition('says: ')[2]})" if why else ""
        return NoSuchTable(f"source '{self.name}': there is no table or view '{table}'{said}; {near}")

    def count(self, select: Select) -> int:
        ((rows,),) = self.ask(sql_select(select.relation, "count(*)", select.where))
        return int(rows or 0)

    def counted(self) -> int | None:
        return self.rows

    def tables(self) -> list[Found]:
        """arrow-odbc does not know SQLTables: only where the product is known, its own catalogue is asked."""
        return self.product.tables(self.ask) if self.product.tables else []

    # --- rows ---------------------------------------------------------------------------------------------------------

    def read(self, select: Select) -> Iterator[pa.RecordBatch]:
        self.rows = None
        room = self._room(select)
        parts = [self._parts(planned, room) for planned in select.columns]
        fields = [
            pa.field(f"c{at}", planned.arrow or self.spoken.raw)
            for at, (planned, part) in enumerate(zip(select.columns, parts, strict=True))
            for _ in part
        ]
        if len(fields) > MOST:
            raise SourceRefused(f"source '{self.name}': a text is longer than its driver can hand over{self._hint}")
        counts = not self.is_snapshot
        schema = pa.schema([*fields, pa.field("n", pa.int64())] if counts else fields)
        sql = statement(select, [sql for part in parts for sql in part], counts=counts)
        for batch in gathered(self._batches(sql, ROWS, room, lambda _: schema, select)):
            if counts:
                self.rows = batch.column(batch.num_columns - 1)[0].as_py()
            yield promised(_joined(batch, parts), select.columns, self.spoken.decode)
        if counts and self.rows is None:
            self.rows = 0

    def _parts(self, planned: Planned, room: int) -> list[str]:
        """The expressions that one column is fetched as: itself, or pieces of it."""
        size = self.product.piece
        if not size or not planned.as_text or room <= size:
            return [planned.sql]
        return [f"substr({planned.sql}, {start + 1}, {size})" for start in range(0, room, size)]

    @property
    def _hint(self) -> str:
        return f"\n    {self.product.hint}" if self.product.hint else ""

    def _room(self, select: Select) -> int:
        """Bytes for the longest text: ordinary ones, or, once longer ones were met, as many as the source says."""
        wide = [planned for planned in select.columns if planned.as_text and _is_wide(planned)]
        if not wide:
            return ORDINARY
        asked = ", ".join(f"max({self.product.bytes_of.replace('#', f'({planned.sql})')})" for planned in wide)
        try:
            ((*lengths,),) = self.ask(sql_select(select.relation, asked, select.where))
        except SourceRefused:
            if self.cancelled is not None:
                raise
            return UNMEASURED
        longest = max((int(float(length)) for length in lengths if length), default=0)
        if longest > ROOM:
            raise SourceRefused(f"source '{self.name}': a value of {longest:,} bytes is more than there is room for")
        return max(ORDINARY, longest + 4)

    def _batches(
        self, sql: str, rows: int, room: int, schema: Callable[[pa.Schema], pa.Schema], select: Select | None = None
    ) -> Iterator[pa.RecordBatch]:
        width = len(select.columns) + 1 if select else 8
        if self.product.piece:
            room = min(room, ORDINARY)
        try:
            reader = self._guarded(
                lambda: self._link.read_arrow_batches(
                    sql, rows, max_text_size=room, max_binary_size=room, map_schema=schema, fetch_concurrently=False,
                    max_bytes_per_batch=BYTES + (room + 8) * 4 * width,
                )
            )  # fmt: skip
            while (batch := self._guarded(reader.reader.next_batch)) is not None:
                yield batch
        except SourceRefused as exc:
            failed = select and _unfit(str(exc), select)
            if failed:
                raise NativeFailed(failed, str(exc)) from None
            raise


def statement(select: Select, listed: Sequence[str], *, counts: bool) -> str:
    """The select; `counts`: with the count of its rows behind them, asked within the same statement."""
    what = ", ".join(f"{sql} AS c{at}" for at, sql in enumerate(listed))
    if counts:
        what += f", ({sql_select(replace(select.relation, ctes=''), 'count(*)', select.where)}) AS n"
    return sql_select(select.relation, what, select.where)


def _joined(batch: pa.RecordBatch, parts: Sequence[Sequence[str]]) -> pa.RecordBatch:
    """Pieces put together again, and what stands behind them left out."""
    columns: list[Array] = []
    start = 0
    for part in parts:
        pieces = batch.columns[start : start + len(part)]
        joined = pieces[0]
        if len(part) > 1:  # the stubs know arrays or texts, not both
            joined = pc.binary_join_element_wise(*pieces, "")  # type: ignore[call-overload]
        columns.append(joined)
        start += len(part)
    return pa.RecordBatch.from_arrays(columns, names=[f"c{at}" for at in range(len(columns))])


def _is_wide(planned: Planned) -> bool:
    return planned.arrow is None or planned.arrow in (pa.string(), pa.binary())


def _unfit(said: str, select: Select) -> frozenset[str]:
    """The columns to be read another way, if that is what the driver's complaint is about."""
    if not re.search(_UNFIT, said):
        return frozenset()
    return frozenset(planned.column.source for planned in select.columns if planned.fragile and not planned.as_text)


def _all_text(schema: pa.Schema) -> pa.Schema:
    return pa.schema([pa.field(each.name, pa.string()) for each in schema])


def _open_sockets() -> set[int]:
    """The descriptors of this process that are sockets; none where there is no /proc."""
    found = set()
    with suppress(OSError):
        for entry in list(Path("/proc/self/fd").iterdir()):
            with suppress(OSError):
                if entry.readlink().name.startswith("socket:"):
                    found.add(int(entry.name))
    return found


def _plainly(said: str) -> str:
    """ODBC's three lines in one."""
    message = re.search(r"Message: (.*)", said, re.DOTALL)
    return " ".join((message[1] if message else said).split())
