"""What a source says of its own tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Found:
    """One table of a source's catalogue, for whoever drafts a datasets.yaml."""

    table: str  # as `table:` would write it: `dbo.REPAIR_JOBS`
    columns: Mapping[str, str]  # name -> the source's type
    key: tuple[str, ...] = ()  # its primary key, or a unique one that is never NULL
    rows: int | None = None  # about how many, where the catalogue says
    comments: Mapping[str, str] | None = None  # column -> what the source says of it
