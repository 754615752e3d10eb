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
from extractors.refused import SourceRefused
from extractors.sources.catalogue import Found
from extractors.spec import sqlite_path

ROWS = 32_768  # a batch: large enough for Arrow's speed, a few MiB of ordinary council rows
BYTES = 32 * 2**20  # or this many bytes of text and blobs, whichever comes first
CHUNK = 256  # rows fetched between two looks at the bytes
PATIENCE = 10.0  # seconds to wait for a writer that holds the file


@contextmanager
def open_reading(source: Source) -> Iterator[SqliteReading]:
    """Open, and begin the read transaction: what is committed from now on is not seen. Raises SourceRefused."""
    path = source.folder / sqlite_path(source.url)
    if not path.is_file():
        raise SourceRefused(f"source '{source.name}': there is no file {path}")
    connection = None
    try:
        connection = sqlite3.connect(
            f"file:{quote(str(path))}?mode=ro", uri=True, isolation_level=None, timeout=PATIENCE, cached_statements=0
        )
        connection.execute("PRAGMA query_only = 1")
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()  # a transaction begins with its first read
        yield SqliteReading(source.name, path, connection)
    except sqlite3.Error as exc:
        raise SourceRefused(f"source '{source.name}': SQLite cannot read {path}: {exc}") from exc
    finally:
        if connection is not None:
            connection.close()


@dataclass(slots=True)
class SqliteReading:
    """One snapshot of one file."""

    name: str
    path: Path
    connection: sqlite3.Connection
    weight: int = 0  # bytes of text decoded since it was last set to 0
    dialect: Dialect = field(default_factory=lambda: DIALECTS["sqlite"])
    is_snapshot: bool = True

    def columns(self, relation: Relation) -> Mapping[str, str]:
        """Names as the table writes them -> declared types, such as "INTEGER", or "" where there is none."""
        self.connection.text_factory = str
        if not relation.table:
            described = self.connection.execute(sql_select(relation, "*", "", "LIMIT 0")).description
            return {column[0]: "" for column in described}
        name = relation.table.removeprefix("main.")
        found = self.connection.execute("SELECT name, type FROM pragma_table_xinfo(?)", (name,)).fetchall()
        if not found:
            listed = ", ".join(each.table for each in self.tables()) or "none"
            raise SourceRefused(
                f"source '{self.name}': there is no table or view '{relation.table}'. There are: {listed}"
            )
        return dict(found)

    def ask(self, sql: str) -> list[tuple[str | None, ...]]:
        self.connection.text_factory = str
        rows = self.connection.execute(sql).fetchall()
        return [tuple(None if value is None else str(value) for value in row) for row in rows]

    def count(self, select: Select) -> int:
        ((rows,),) = self.ask(sql_select(select.relation, "count(*)", select.where))
        return int(rows or 0)

    def counted(self) -> int | None:
        return None

    def tables(self) -> list[Found]:
        self.connection.text_factory = str
        found = []
        for (name,) in self.connection.execute(
            "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') ORDER BY name"
        ).fetchall():
            columns = self.connection.execute("SELECT name, type, pk FROM pragma_table_xinfo(?)", (name,)).fetchall()
            key = tuple(column for column, _, place in sorted(columns, key=lambda each: each[2]) if place)
            found.append(Found(name, {column: kind for column, kind, _ in columns}, key))
        return found

    def cancel(self) -> None:
        self.connection.interrupt()

    def read(self, select: Select) -> Iterator[pa.RecordBatch]:
        declared = self.columns(select.relation)
        kinds = [declared.get(planned.column.source, "") for planned in select.columns]
        heavy = {at for at, kind in enumerate(kinds) if _may_hold_blobs(kind)}
        names = [f"c{at}" for at in range(len(select.columns))]
        self.connection.text_factory = self._decoded
        cursor = self.connection.execute(select.sql)
        rows: list[tuple[Raw, ...]] = []
        self.weight = 0
        while chunk := cursor.fetchmany(CHUNK):
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
