"""A SQLite file: read-only, in one read transaction, every value in the storage class it has."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa

from extractors.compiled import Source
from extractors.dialects import DIALECTS, Dialect, Relation, Select
from extractors.dialects.base import select as sql_select
from extractors.raw import Raw, Undecodable, pack
from extractors.refused import NativeFailed, NoSuchTable, SourceRefused
from extractors.sources import sqlite_fast
from extractors.sources.batches import BYTES, ROWS
from extractors.sources.catalogue import Found
from extractors.spec import sqlite_path
from notation.problems import one_of

CHUNK = 256  # rows fetched between two looks at the bytes
PATIENCE = 10.0  # seconds to wait for a writer that holds the file
LARGE = 16 * 2**20  # bytes of a file that is worth a process of its own, which takes a tenth of a second to start
SAMPLE = 500  # rows looked at to see which kind of value each column has
SAMPLE_BYTES = 4 * 2**20  # or this many bytes of them
LANES = 2  # connections of that process: as many as one run has use for beside its own work
ATTEMPTS = 3  # to find a moment in which two connections see the same

HINTS: Mapping[str, str] = {  # what SQLite says -> what to do
    "file is not a database": "Is it a SQLite file? One that is encrypted looks like this too",
    "locked": "A writer holds it: run at a quiet time, or have the application use WAL (PRAGMA journal_mode = WAL)",
    "unable to open": "May this user read the file and its folder? In WAL mode SQLite also needs the -wal and -shm "
    "files beside it, or to be allowed to make them: else read a copy, made with VACUUM INTO",
    "readonly database": "Its last writer left something to put right, which a reader may not: "
    "open it once with the application",
    "malformed": "The file is damaged: PRAGMA integrity_check says where",
    "interrupted": "The reading was stopped",
}


@contextmanager
def open_reading(source: Source) -> Iterator[SqliteReading]:
    """Open, and begin the read transaction: what is committed from now on is not seen. Raises SourceRefused."""
    path = source.folder / sqlite_path(source.url)
    if not path.is_file():
        raise SourceRefused(f"source '{source.name}': there is no file {path}")
    reading = None
    try:
        with _said(source.name, path):
            reading = SqliteReading(source.name, path, _connect(path))
            lanes = min(source.max_connections - 1, LANES)
            reading.begin(lanes if path.stat().st_size >= LARGE else 0)
        with _said(source.name, path):
            yield reading
    finally:
        if reading is not None:
            reading.close()


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"file:{quote(str(path))}?mode=ro", uri=True, isolation_level=None, timeout=PATIENCE, cached_statements=0,
        check_same_thread=False,
    )  # fmt: skip
    connection.execute("PRAGMA query_only = 1")
    return connection


@contextmanager
def _said(name: str, path: Path) -> Iterator[None]:
    """SQLite's own errors, as SourceRefused with what to do."""
    try:
        yield
    except (sqlite3.Error, sqlite3.Warning) as exc:
        hint = next((f". {hint}" for words, hint in HINTS.items() if words in str(exc)), "")
        raise SourceRefused(f"source '{name}': SQLite cannot read {path}: {exc}{hint}") from exc


@dataclass(slots=True)
class SqliteReading:
    """One snapshot of one file."""

    name: str
    path: Path
    connection: sqlite3.Connection
    fast: sqlite_fast.Fast | None = None  # a second connection, in a process of its own, that sees the same
    cancelled: bool = False
    counts: dict[str, int] = field(default_factory=dict)  # rows of whole tables
    weight: int = 0  # bytes of text decoded since it was last set to 0
    dialect: Dialect = field(default_factory=lambda: DIALECTS["sqlite"])
    is_snapshot: bool = True

    def begin(self, lanes: int) -> None:
        """Begin the read transaction, and some in a process that reads fast, if all are found to see the same."""
        driver = sqlite_fast.driver() if lanes else None
        if driver is not None and self._is_utf8():
            for _ in range(ATTEMPTS):
                if self._begin_all(driver, lanes):
                    return
        self.connection.execute("BEGIN")
        self.connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()  # it begins with its first read

    def _is_utf8(self) -> bool:
        ((encoding,),) = self.connection.execute("PRAGMA encoding").fetchall()
        return bool(encoding == "UTF-8")

    def _begin_all(self, driver: Path, lanes: int) -> bool:
        """The others begin between two looks at the file's version: if that did not change, all see the same."""
        ((before,),) = self.connection.execute("PRAGMA data_version").fetchall()
        try:
            self.fast = sqlite_fast.Fast(self.path, driver, lanes)
        except sqlite_fast.Broke:
            return False
        self.connection.execute("BEGIN")
        self.connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        ((after,),) = self.connection.execute("PRAGMA data_version").fetchall()
        if before == after:
            return True
        self.connection.execute("ROLLBACK")
        self._without_fast()
        return False

    def _without_fast(self) -> None:
        if self.fast is not None:
            self.fast.close()
            self.fast = None

    def close(self) -> None:
        self._without_fast()
        self.connection.close()

    def columns(self, relation: Relation) -> Mapping[str, str]:
        """Names as the table writes them -> declared types, such as "INTEGER", or "" where there is none."""
        self.connection.text_factory = str
        if not relation.table:
            described = self._run(sql_select(relation, "*", "", "LIMIT 0")).description
            return {column[0]: "" for column in described}
        name = relation.table.removeprefix("main.")
        found = self._run("SELECT name, type FROM pragma_table_xinfo(?) WHERE hidden <> 1", (name,)).fetchall()
        if not found:
            listed = one_of("There are", relation.table, (each.table for each in self.tables()))
            raise NoSuchTable(f"source '{self.name}': there is no table or view '{relation.table}'. {listed}")
        return dict(found)

    def ask(self, sql: str) -> list[tuple[str | None, ...]]:
        self.connection.text_factory = str
        with _said(self.name, self.path):
            rows = self._run(sql).fetchall()
        return [tuple(None if value is None else str(value) for value in row) for row in rows]

    def _run(self, sql: str, values: tuple[str, ...] = ()) -> sqlite3.Cursor:
        with _said(self.name, self.path):
            return self.connection.execute(sql, values)

    def count(self, select: Select) -> int:
        ((rows,),) = self.ask(sql_select(select.relation, "count(*)", select.where))
        if not select.where:
            self.counts[select.relation.table] = int(rows or 0)
        return int(rows or 0)

    def counted(self) -> int | None:
        return None

    def _unique(self, table: str) -> tuple[str, ...]:
        """The columns of the shortest unique index none of which is ever NULL; () if there is none."""
        rows = self._run(
            'SELECT i.name, k.name, c."notnull" FROM pragma_index_list(?) i, pragma_index_info(i.name) k '
            'LEFT JOIN pragma_table_xinfo(?) c ON c.name = k.name WHERE i."unique" AND NOT i.partial '
            "ORDER BY i.seq DESC, k.seqno",
            (table, table),
        ).fetchall()
        indexes: dict[str, list[tuple[str, int]]] = {}
        for index, column, is_never_null in rows:
            indexes.setdefault(index, []).append((column, is_never_null))
        keys = [
            tuple(name for name, _ in parts)
            for parts in indexes.values()
            if all(name and never for name, never in parts)
        ]
        return min(keys, key=len, default=())

    def tables(self) -> list[Found]:
        self.connection.text_factory = str
        listed = (
            r"SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\_%' ESCAPE '\'"
        )
        found = []
        for (name,) in self._run(f"{listed} ORDER BY name").fetchall():
            try:
                columns = self._run(
                    "SELECT name, type, pk FROM pragma_table_xinfo(?) WHERE hidden <> 1", (name,)
                ).fetchall()
            except SourceRefused:  # a view of a table that is gone
                continue
            key = tuple(
                column for column, _, place in sorted(columns, key=lambda each: each[2]) if place
            ) or self._unique(name)
            found.append(Found(name, {column: kind for column, kind, _ in columns}, key))
        return found

    def cancel(self) -> None:
        self.cancelled = True
        self.connection.interrupt()
        if self.fast is not None:
            self.fast.kill()

    def read(self, select: Select) -> Iterator[pa.RecordBatch]:
        declared = self.columns(select.relation)
        expected = self._expected(select, declared) if self.fast is not None else None
        if self.fast is not None and expected is not None:
            began = False
            try:
                for batch in self.fast.read(expected):
                    began = True
                    yield batch
                return
            except NativeFailed:
                self._without_fast()
                raise
            except sqlite_fast.Broke as exc:
                self._without_fast()
                self._stop_if_cancelled()
                if began:  # the other engine may give rows in another order: all of them again
                    why = f"the process that reads {self.path} has ended: {exc}"
                    raise NativeFailed(frozenset(expected.columns), why) from exc
        with _said(self.name, self.path):
            yield from self._read(select, declared)

    def _expected(self, select: Select, declared: Mapping[str, str]) -> sqlite_fast.Expected | None:
        """What the fast way would read, by a look at the first rows; None if it would be neither exact nor faster."""
        if any(planned.as_text for planned in select.columns):
            return None
        if not self._is_stored(select.relation.table):
            declared = {}  # views and queries may give anything
        self.connection.text_factory = self._decoded
        self.weight = 0
        sample: list[tuple[Raw, ...]] = []
        cursor = self._run(f"{select.sql} LIMIT {SAMPLE}")
        while len(sample) < SAMPLE and self.weight < SAMPLE_BYTES:
            row = cursor.fetchone()
            if row is None:
                return None  # that was all there is
            sample.append(row)
            self.weight += sum(len(value) for value in row if isinstance(value, bytes))
        rowids = self._rowids(select, declared)
        return sqlite_fast.expected(select, declared, sample, self.weight // len(sample), rowids)

    def _rowids(self, select: Select, declared: Mapping[str, str]) -> sqlite_fast.Rowids | None:
        """Of a whole table that has them: it can be read in slices."""
        taken = {name.lower() for name in declared}
        name = next((name for name in ("rowid", "_rowid_", "oid") if name not in taken), None)
        count = self.counts.get(select.relation.table)
        if not declared or select.where or name is None or not count:
            return None
        table = select.relation.sql
        ends = f"SELECT (SELECT min({name}) FROM {table}), (SELECT max({name}) FROM {table})"  # noqa: S608 (each by itself is at once found)
        try:
            ((first, last),) = self.connection.execute(ends).fetchall()
        except sqlite3.OperationalError:  # WITHOUT ROWID
            return None
        return sqlite_fast.Rowids(name, first, last, count)

    def _is_stored(self, table: str) -> bool:
        """Whether it is a table that SQLite itself keeps, and so keeps to the columns' affinities."""
        sql = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 AND name = ? COLLATE NOCASE"
        return self._run(sql, (table.removeprefix("main."),)).fetchone() is not None

    def _stop_if_cancelled(self) -> None:
        if self.cancelled:
            raise SourceRefused(f"source '{self.name}': the reading was stopped")

    def _read(self, select: Select, declared: Mapping[str, str]) -> Iterator[pa.RecordBatch]:
        kinds = [declared.get(planned.column.source, "") for planned in select.columns]
        heavy = {at for at, kind in enumerate(kinds) if _may_hold_blobs(kind)}
        names = [f"c{at}" for at in range(len(select.columns))]
        self.connection.text_factory = self._decoded
        cursor = self.connection.execute(select.sql)
        rows: list[tuple[Raw, ...]] = []
        self.weight = 0
        while chunk := cursor.fetchmany(CHUNK):
            self._stop_if_cancelled()
            rows += chunk
            self.weight += sum(len(row[at]) for at in heavy for row in chunk if isinstance(row[at], bytes))
            heavy |= {at for at, value in enumerate(chunk[-1]) if isinstance(value, bytes)}  # a stray one
            if len(rows) >= ROWS or self.weight >= BYTES:
                yield _batch(rows, names)
                rows, self.weight = [], 0
        if rows:
            yield _batch(rows, names)

    def _decoded(self, stored: bytes) -> str | bytes:
        self.weight += len(stored)
        try:
            return stored.decode()
        except UnicodeDecodeError:
            return Undecodable(stored)


def _batch(rows: list[tuple[Raw, ...]], names: list[str]) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pack(values) for values in zip(*rows, strict=True)], names=names)


def _may_hold_blobs(declared: str) -> bool:
    return not declared or "BLOB" in declared.upper()
