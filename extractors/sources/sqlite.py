"""A SQLite file: read-only, in one read transaction, every value in the storage class it has."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa

from extractors.compiled import Source
from extractors.raw import Raw, Undecodable, pack
from extractors.refused import SourceRefused
from extractors.spec import sqlite_path

ROWS = 32_768  # a batch: large enough for Arrow's speed, a few MiB of ordinary council rows
BYTES = 32 * 2**20  # or this many bytes of text and blobs, whichever comes first
CHUNK = 256  # rows fetched between two looks at the bytes
PATIENCE = 10.0  # seconds to wait for a writer that holds the file


@contextmanager
def open_snapshot(source: Source) -> Iterator[SqliteReading]:
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

    def columns(self, table: str) -> Mapping[str, str]:
        """Names as the table writes them -> declared types, such as "INTEGER", or "" where there is none."""
        self.connection.text_factory = str
        found = self.connection.execute("SELECT name, type FROM pragma_table_xinfo(?)", (_bare(table),)).fetchall()
        if not found:
            names = self.connection.execute(
                "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') ORDER BY name"
            )
            listed = ", ".join(name for (name,) in names) or "none"
            raise SourceRefused(f"source '{self.name}': there is no table or view '{table}'. There are: {listed}")
        return dict(found)

    def count(self, table: str) -> int:
        (rows,) = self.connection.execute(f"SELECT count(*) FROM {_quoted(_bare(table))}").fetchone()  # noqa: S608  # quoted
        return int(rows)

    def read(self, table: str, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        declared = self.columns(table)
        heavy = {at for at, name in enumerate(columns) if _may_hold_blobs(declared.get(name, ""))}
        self.connection.text_factory = self._decoded
        listed = ", ".join(map(_quoted, columns))
        cursor = self.connection.execute(f"SELECT {listed} FROM {_quoted(_bare(table))}")  # noqa: S608  # quoted
        rows: list[tuple[Raw, ...]] = []
        self.weight = 0
        while chunk := cursor.fetchmany(CHUNK):
            rows += chunk
            self.weight += sum(len(row[at]) for at in heavy for row in chunk if isinstance(row[at], bytes))
            heavy |= {at for at, value in enumerate(chunk[-1]) if isinstance(value, bytes)}  # a stray one
            if len(rows) >= ROWS or self.weight >= BYTES:
                yield _batch(rows, columns)
                rows, self.weight = [], 0
        if rows:
            yield _batch(rows, columns)

    def _decoded(self, stored: bytes) -> str | bytes:
        self.weight += len(stored)
        try:
            return stored.decode()
        except UnicodeDecodeError:
            return Undecodable(stored)


def _batch(rows: list[tuple[Raw, ...]], names: Sequence[str]) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pack(values) for values in zip(*rows, strict=True)], names=list(names))


def _may_hold_blobs(declared: str) -> bool:
    return not declared or "BLOB" in declared.upper()


def _bare(table: str) -> str:
    """`main.jobs` and `jobs` are one table; SQLite's own schema is the only one a file has."""
    return table.removeprefix("main.")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
