"""A PostgreSQL database to read, and ways to read it, for tests."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from extractors.compiled import Column, Source
from extractors.declared import Type, parse
from extractors.dialects import Relation, Select
from extractors.raw import unpack
from extractors.sources import Reading, open_reading
from extractors.sources.postgres import PostgresReading
from notation.problems import Where
from tests.servers.postgres import Server

WAYS = pytest.mark.parametrize("most", [1, 2], ids=["copy", "scan"])  # connections, and so how rows are read


def source(url: str, most: int = 2) -> Source:
    return Source("silo", url, Path(), Where("datasets.yaml", 3), max_connections=most)


@contextmanager
def opened(url: str, most: int = 2) -> Iterator[PostgresReading]:
    with open_reading(source(url, most)) as reading:
        assert isinstance(reading, PostgresReading)
        yield reading


def select(reading: Reading, relation: Relation | str, where: str = "") -> Select:
    relation = reading.dialect.table(relation) if isinstance(relation, str) else relation
    planned = (
        reading.dialect.plan(Column(name, "x", _DECLARED.get(kind, Type("string")), "keep"), kind, as_text=False)
        for name, kind in reading.columns(relation).items()
    )
    return Select(relation, tuple(planned), where)


_DECLARED = {
    "integer": parse("int64"),
    "numeric(10,2)": parse("decimal(10,2)"),
    "date": parse("date"),
    "timestamp without time zone": parse("timestamp"),
    "double precision": parse("float64"),
    "bytea": parse("binary"),
    "boolean": parse("boolean"),
}


def rows(reading: Reading, relation: Relation | str, where: str = "") -> list[tuple[object, ...]]:
    chosen = select(reading, relation, where)
    found = [
        row
        for batch in reading.read(chosen)
        for row in zip(*(unpack(column) for column in batch.columns), strict=True)
    ]  # fmt: skip
    assert reading.count(chosen) == len(found)
    return found


def until(what: Callable[[], bool], seconds: float = 20.0) -> float:
    """How long it took until it was so."""
    began = time.monotonic()
    while not what():
        assert time.monotonic() - began < seconds, "it never was"
    return time.monotonic() - began


@pytest.fixture
def silo(postgres: Server) -> Iterator[psycopg.Connection]:
    with postgres.database("silo", "ENCODING 'UTF8' TEMPLATE template0") as session:
        yield session


@pytest.fixture
def url(postgres: Server, silo: psycopg.Connection) -> str:
    return postgres.reader("silo")
