"""SQLite files made for a test, and what a reading gives of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pyarrow as pa

from extractors.compiled import Column, Source
from extractors.declared import parse
from extractors.dialects import Select
from extractors.raw import unpack
from extractors.sources import sqlite
from notation.problems import Where


def source(path: Path, **changes: int) -> Source:
    return Source("silo", f"sqlite:///{path.name}", path.parent, Where("datasets.yaml", 3), **changes)  # type: ignore[arg-type]


@contextmanager
def made(path: Path) -> Iterator[sqlite3.Connection]:
    for old in path.parent.glob(f"{path.name}*"):
        old.unlink()
    connection = sqlite3.connect(path)
    try:
        yield connection
        connection.commit()
    finally:
        connection.close()


def columns(names: Sequence[str], types: Sequence[str]) -> tuple[Column, ...]:
    return tuple(Column(n, n.lower(), parse(t), "keep") for n, t in zip(names, types, strict=True))


def selected(reading: sqlite.SqliteReading, table: str, cols: Sequence[Column], where: str = "") -> Select:
    plan = reading.dialect.plan
    return Select(reading.dialect.table(table), tuple(plan(column, "", as_text=False) for column in cols), where)


def opened(path: Path, **changes: int) -> AbstractContextManager[sqlite.SqliteReading]:
    return sqlite.open_reading(source(path, **changes))


def rows(batches: Sequence[pa.RecordBatch]) -> list[tuple[object, ...]]:
    return [row for b in batches for row in zip(*(unpack(c) for c in b.columns), strict=True)]
