"""A dataset, compiled: what is read, under which names and types, and what becomes of each value."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Literal

import pyarrow as pa

from extractors.declared import Type
from notation.problems import Where


@dataclass(frozen=True, slots=True)
class Source:
    """A silo: `url` may hold a secret, so it is never printed. `dialect` is "" where the url says it."""

    name: str
    url: str
    folder: Path
    where: Where
    dialect: str = ""
    max_connections: int = 2
    rows_per_second: int | None = None
    window: tuple[time, time] | None = None

    def __repr__(self) -> str:
        return f"Source({self.name!r})"


@dataclass(frozen=True, slots=True)
class Column:
    """`source` is its name there, `name` its name here; `privacy` is one of the rules acted on, with its domain."""

    source: str
    name: str
    type: Type
    privacy: Literal["keep", "drop", "pseudonym"]
    domain: str = ""
    description: str = ""
    unit: str = ""
    trim: Literal["none", "end", "both"] = "none"
    null_values: frozenset[str] = frozenset()
    values: Mapping[str, str] | None = None
    divide: int = 1
    where: Where | None = None


HISTORY = ("valid_from", "valid_to")  # the columns a history adds: from when to when a state held, the end not included


@dataclass(frozen=True, slots=True)
class Cursor:
    """Which column of the source says when a row was last changed; `lag` is in seconds."""

    column: str
    lag: float
    where: Where


@dataclass(frozen=True)
class Dataset:
    """What `fig extract` extracts. Either `table` or `query` is set; `versions` is in seconds."""

    name: str
    title: str
    description: str
    owner: str
    licence: str
    source: Source
    table: str
    key: tuple[str, ...]  # names in the source
    columns: tuple[Column, ...]
    publisher: Mapping[str, str]
    where: Where
    query: str = ""
    cursor: Cursor | None = None
    detects_deletes: bool = False
    keeps_history: bool = False
    versions: float = 30 * 86400.0

    @property
    def origin(self) -> str:
        """What its rows come from, for messages."""
        return self.table or "its query"

    @cached_property
    def kept(self) -> tuple[Column, ...]:
        """The columns that are read and written, in the file's order; the others are never selected."""
        return tuple(column for column in self.columns if column.privacy != "drop")

    @cached_property
    def key_columns(self) -> tuple[Column, ...]:
        by_source = {column.source: column for column in self.columns}
        return tuple(by_source[name] for name in self.key)

    @property
    def needs_key(self) -> bool:
        return any(column.privacy == "pseudonym" for column in self.kept)

    def arrow_schema(self, key_id: str = "") -> pa.Schema:
        """What the lake keeps: names, types, and beside each what a reader should know of it."""
        fields = []
        for column in self.kept:
            notes = {"comment": column.description, "unit": column.unit, "fig.source": column.source}
            if column.privacy == "pseudonym":
                notes |= {"fig.privacy": f"pseudonym({column.domain})", "fig.key": key_id}
            arrow = pa.string() if column.privacy == "pseudonym" else column.type.arrow
            set_notes = {name: text for name, text in notes.items() if text}
            fields.append(pa.field(column.name, arrow, nullable=column.source not in self.key, metadata=set_notes))
        return pa.schema(fields)

    @cached_property
    def fingerprints(self) -> dict[str, str]:
        """For each column kept, a digest of how it is read: what changed since the last run."""
        return {c.source: sha256(_meaning(c).encode()).hexdigest()[:16] for c in self.kept}


def _meaning(column: Column) -> str:
    return json.dumps(
        [column.name, str(column.type), column.privacy, column.domain, column.trim, sorted(column.null_values),
         sorted((column.values or {}).items()), column.divide]
    )  # fmt: skip
