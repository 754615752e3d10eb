"""The sources: one small file each, one line each in the list. Arrow record batches are the only currency."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol
from urllib.parse import urlsplit

import pyarrow as pa

from extractors.compiled import Source
from extractors.sources import sqlite


class Reading(Protocol):
    """One consistent snapshot of a source, open for reading only."""

    def columns(self, table: str) -> Mapping[str, str]:
        """The table's columns and the types the source gives them. Raises SourceRefused."""

    def count(self, table: str) -> int:
        """How many rows the table has in this snapshot."""

    def read(self, table: str, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """The rows, in batches of bounded memory; columns as `raw.pack` makes them."""


SOURCES: Mapping[str, Callable[[Source], AbstractContextManager[Reading]]] = {
    "sqlite": sqlite.open_snapshot,
}


def open_snapshot(source: Source) -> AbstractContextManager[Reading]:
    """A snapshot of the source; closed at the end of the `with`. Raises SourceRefused."""
    return SOURCES[urlsplit(source.url).scheme](source)
