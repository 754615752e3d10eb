"""New rows brought together with those a dataset has, key by key: which files go, which come instead."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Merged:
    """`removes` and `adds` are one commit's; `inserted + updated + unchanged` are the incoming rows.

    `moment` is what a history says of the change: the one asked for, or later if the dataset has a later one.
    """

    removes: tuple[Path, ...]
    adds: tuple[Path, ...]
    inserted: int
    updated: int
    deleted: int
    unchanged: int
    moment: datetime | None = None


@dataclass(frozen=True, slots=True)
class Twice:
    """Keys occur more than once among the incoming rows: `which` says which, as far as they may be shown."""

    which: str


@dataclass(frozen=True, slots=True)
class Merging:
    """What is merged: `held`, the dataset's files; `incoming`, files of protected rows in the declared `schema`."""

    held: Sequence[Path]
    incoming: Sequence[Path]
    schema: pa.Schema
    key: Mapping[str, bool]  # names here, and whether the values may be shown
    new_file: Callable[[int], Path]
    spill: Path
    deleted: Path | None = None  # a file of keys that are gone; a key that is also incoming is not
    whole: bool = False  # the incoming rows are all there are: a key that is absent is gone


def merge_latest(job: Merging) -> Merged | Twice:
    """Incoming rows replace those of the same key; what equals what is there changes nothing."""
    raise NotImplementedError


def merge_states(job: Merging, moment: datetime) -> Merged | Twice:
    """A changed row ends the current state of its key at `moment` and begins a new one; a deleted one only ends it.

    The files have two columns more than `schema`: `valid_from`, and `valid_to`, NULL while a state is current.
    """
    raise NotImplementedError
