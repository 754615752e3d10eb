"""A dataset, compiled: what is read, under which names and types, and what becomes of each value."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Literal, TypeAlias

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


Rule: TypeAlias = Literal["keep", "drop", "pseudonym", "mask", "year", "month", "outcode", "band"]


@dataclass(frozen=True, slots=True)
class Column:
    """`source` is its name there, `name` its name here; `argument` is what the privacy rule has in brackets."""

    source: str
    name: str
    type: Type
    privacy: Rule
    argument: str = ""  # the domain of a pseudonym, the width of a band
    description: str = ""
    unit: str = ""
    trim: Literal["none", "end", "both"] = "none"
    null_values: frozenset[str] = frozenset()
    values: Mapping[str, str] | None = None
    divide: int = 1
    where: Where | None = None

    @property
    def rule(self) -> str:
        """The privacy rule as datasets.yaml has it: `keep`, `pseudonym(person)`, `band(10)`."""
        return f"{self.privacy}({self.argument})" if self.argument else self.privacy

    @property
    def arrow(self) -> pa.DataType:
        """The Arrow type the lake keeps of it."""
        return self.type.arrow if self.privacy in ("keep", "drop") else _LEFT_BY[self.privacy]


_LEFT_BY: Mapping[Rule, pa.DataType] = {
    "pseudonym": pa.string(),
    "mask": pa.string(),
    "year": pa.int16(),
    "month": pa.string(),
    "outcode": pa.string(),
    "band": pa.string(),
}


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
            if column.privacy != "keep":
                notes["fig.privacy"] = column.rule
            if column.privacy == "pseudonym":
                notes["fig.key"] = key_id
            set_notes = {name: text for name, text in notes.items() if text}
            fields.append(
                pa.field(column.name, column.arrow, nullable=column.source not in self.key, metadata=set_notes)
            )
        return pa.schema(fields)

    def lake_schema(self, key_id: str = "") -> pa.Schema:
        """What the lake keeps: the columns, and for a history from when to when each state held."""
        schema = self.arrow_schema(key_id)
        if self.keeps_history:
            kind = pa.timestamp("us", "UTC")
            notes = ("from when this state held", "until when it held, that moment not included; nothing while it does")
            for name, comment in zip(HISTORY, notes, strict=True):
                schema = schema.append(pa.field(name, kind, name == HISTORY[1], metadata={"comment": comment}))
        return schema

    @cached_property
    def fingerprints(self) -> dict[str, str]:
        """For each column kept, a digest of how it is read: what changed since the last run."""
        return {c.source: sha256(_meaning(c).encode()).hexdigest()[:16] for c in self.kept}


def _meaning(column: Column) -> str:
    return json.dumps(
        [column.name, str(column.type), column.privacy, column.argument, column.trim, sorted(column.null_values),
         sorted((column.values or {}).items()), column.divide]
    )  # fmt: skip
