"""A dataset's Delta log: its versions, the files of one, and what each commit says of itself."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

LOG = "_delta_log"
META = "fig"  # our part of a commit's metadata, as JSON text
MARK = "_vacuumed"  # which versions are gone, as JSON: {"oldest": the first that is still kept, "at": when}
_COMMIT = re.compile(r"^(\d{20})\.json$")
_TAKEN_APART = re.compile(r"%[0-9A-Fa-f]{2}|\\")  # deltalake 1.6.6 takes paths for addresses that are to be unquoted


class NoDataset(LookupError):  # an outcome, named like the others
    """There is no such dataset in the lake, or no such version of it."""


class LakeFailed(Exception):
    """The lake itself cannot be read or written; nothing was committed that was not there before."""


@dataclass(frozen=True, slots=True)
class Version:
    """One commit of a dataset."""

    number: int
    at: datetime
    meta: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Commit:
    """What one file of the log says: a version, and the files that were new in it."""

    version: Version
    added: tuple[str, ...]
    declares: bool  # what the columns are


def has_log(folder: Path) -> bool:
    return any((folder / LOG).glob("*.json")) or any((folder / LOG).glob("*.parquet"))


def delta(folder: Path, version: int | None = None) -> DeltaTable:
    """The table at its newest version, or the one asked for. Raises LakeFailed, or NoDataset for a missing version."""
    check_place(folder)
    try:
        return DeltaTable(folder, version=version)
    except (DeltaError, ValueError) as exc:
        if version is None:
            raise LakeFailed(f"dataset '{folder.name}': Delta cannot read {folder}: {first_line(exc)}") from exc
        raise NoDataset(f"dataset '{folder.name}' has no version {version}") from exc


def check_place(folder: Path) -> None:
    """Refuse a path that deltalake would mistake for another; `#`, `?`, blanks and any letters are fine."""
    if found := _TAKEN_APART.search(str(folder.resolve())):
        raise LakeFailed(
            f"dataset '{folder.name}': the Delta library misreads '{found[0]}' in {folder.resolve()} and would look in"
            " another folder; move the project to a path without it"
        )


def first_line(exc: Exception) -> str:
    """What deltalake says, without the stack of its own that it may add."""
    return str(exc).strip().partition("\n")[0]


def schema(table: DeltaTable) -> pa.Schema:
    handed_over: Any = table.schema().to_arrow()  # another library's schema, over Arrow's C interface
    return pa.schema([_without_empty_notes(field) for field in pa.schema(handed_over)])


def _without_empty_notes(field: pa.Field[Any]) -> pa.Field[Any]:
    """Delta can blank a field's note, not take it away."""
    if not field.metadata:
        return field
    return field.with_metadata({name: text for name, text in field.metadata.items() if text})


def files(table: DeltaTable) -> list[str]:
    """The names of the version's files, in the order they were written; our names need no quoting in a URI."""
    return sorted(uri.rpartition("/")[2] for uri in table.file_uris())


def sizes(table: DeltaTable) -> list[tuple[str, int, int]]:
    """Of each of the version's files its name, its rows and its bytes."""
    added: Any = table.get_add_actions()
    listed = pa.table(added).select(["path", "num_records", "size_bytes"]).to_pylist()
    return [(file["path"], file["num_records"], file["size_bytes"]) for file in listed]


def numbers(folder: Path) -> list[int]:
    """The versions whose commit is still in the log, newest first."""
    found = (_COMMIT.match(path.name) for path in (folder / LOG).iterdir())
    return sorted((int(match[1]) for match in found if match), reverse=True)


def commits(folder: Path, newest: int) -> Iterator[Commit]:
    """From version `newest` backwards, each read when it is asked for."""
    for number in numbers(folder):
        if number <= newest:
            yield _commit(folder / LOG / f"{number:020}.json", number)


def runs(commit: Commit) -> set[str]:
    """The runs whose faults and manifest a commit names."""
    return {str(commit.version.meta.get("run", "")), own_run(commit)}


def own_run(commit: Commit) -> str:
    """The run that wrote a commit: one that only keeps the dataset in order carries on the word of the last."""
    meta = commit.version.meta
    return str(meta.get("upkeep", meta).get("run", ""))


def last_meta(folder: Path, newest: int) -> Mapping[str, Any]:
    """What the newest commit of ours, at `newest` or before, says of itself; empty if there is none."""
    return next((commit.version.meta for commit in commits(folder, newest) if commit.version.meta), {})


def oldest_kept(folder: Path) -> int:
    """The first version whose files are still there."""
    return int(mark(folder).get("oldest", 0))


def mark(folder: Path) -> Mapping[str, Any]:
    try:
        read: Mapping[str, Any] = json.loads((folder / MARK).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return read


def _commit(path: Path, number: int) -> Commit:
    info: dict[str, Any] = {}
    added, declares = [], False
    for line in path.read_text(encoding="utf-8").splitlines():
        action = json.loads(line)
        if "commitInfo" in action:
            info = action["commitInfo"]
        elif "add" in action:
            added.append(action["add"]["path"])
        elif "metaData" in action:
            declares = True
    at = datetime.fromtimestamp(info.get("timestamp", 0) / 1000, UTC)
    return Commit(Version(number, at, json.loads(info.get(META, "{}"))), tuple(added), declares)
