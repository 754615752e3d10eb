"""The sources: one small file each, one line each in the list. Arrow record batches are the only currency."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol
from urllib.parse import urlsplit

import pyarrow as pa

from extractors.compiled import Source
from extractors.dialects import Dialect, Relation, Select
from extractors.refused import DriverMissing
from extractors.sources.catalogue import Found


class Reading(Protocol):
    """A source open for reading only; where it can, in one consistent snapshot.

    Every method may raise SourceRefused. No message holds a password.
    """

    dialect: Dialect
    is_snapshot: bool  # whether all that is asked and read is of one moment

    def columns(self, relation: Relation) -> Mapping[str, str]:
        """The relation's columns -> the type the source gives each, in its own words."""

    def ask(self, sql: str) -> list[tuple[str | None, ...]]:
        """A small question: every value comes as text, or None."""

    def count(self, select: Select) -> int:
        """How many rows a select has."""

    def read(self, select: Select) -> Iterator[pa.RecordBatch]:
        """The rows, in batches of bounded memory (at most about 64k rows and 32 MiB). Raises NativeFailed."""

    def counted(self) -> int | None:
        """After a `read` without a snapshot: the rows that the source says that very statement had."""

    def tables(self) -> Sequence[Found]:
        """The source's catalogue: the tables and views this login may read."""

    def cancel(self) -> None:
        """From another thread: end what runs on the server, at once. What is being read then raises SourceRefused."""


SOURCES: Mapping[str, tuple[str, str]] = {  # how a url begins -> the module that opens it, the extra with its driver
    "sqlite": ("extractors.sources.sqlite", ""),
    "postgresql": ("extractors.sources.postgres", "postgres"),
    "mysql": ("extractors.sources.mysql", "mysql"),
    "mssql": ("extractors.sources.mssql", "mssql"),
    "oracle": ("extractors.sources.oracle", "oracle"),
    "odbc": ("extractors.sources.odbc", "odbc"),
}


def open_reading(source: Source) -> AbstractContextManager[Reading]:
    """The source, open; closed at the end of the `with`. Raises SourceRefused, DriverMissing."""
    module, extra = SOURCES[urlsplit(source.url).scheme]
    try:
        opened = importlib.import_module(module)
    except ImportError as exc:
        if not extra or (exc.name or "").startswith("extractors"):
            raise
        raise DriverMissing(
            f"source '{source.name}' needs a driver that is not installed ({exc.name}): "
            f"pip install 'stranglerfig[{extra}]'"
        ) from exc
    reading: AbstractContextManager[Reading] = opened.open_reading(source)
    return reading
