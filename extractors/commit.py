"""What a run commits: rows, faults, manifest and how far the dataset has got, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from extractors.address import place
from extractors.compiled import Dataset
from extractors.cursor import Position
from extractors.take import Counts, Job
from notation import lake


@dataclass(slots=True)
class Changes:
    """What became of the dataset's rows."""

    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    unchanged: int = 0

    def add(self, other: Changes) -> None:
        for name in ("inserted", "updated", "deleted", "unchanged"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is to be committed. `removes` None: `adds` are the whole dataset; `build` is where they come from."""

    mode: str
    adds: Sequence[Path]
    removes: Sequence[Path] | None
    counts: Counts
    changes: Changes
    position: Position | None
    build: lake.Build | None = None


@dataclass(slots=True)
class Committed:
    """All that a run has committed so far: one version, or one for each stretch."""

    run: str = ""
    version: int = -1
    changed: bool = False
    mode: str = ""
    counts: Counts = field(default_factory=Counts)
    changes: Changes = field(default_factory=Changes)


def commit(job: Job, held: lake.Hold, proposal: Proposal, began: datetime, so_far: Committed) -> None:
    """Manifest, then everything at once. Raises lake.LakeFailed; then nothing of it is seen."""
    meta = _meta(job, held.run, proposal, began)
    held.write_manifest(meta)
    job.say("manifest written")
    about = f"{job.dataset.title}. {job.dataset.description}".strip()
    schema = job.dataset.lake_schema(job.key.id if job.key else "")
    version, changed = held.commit(proposal.adds, proposal.removes, schema, meta, about=about, build=proposal.build)
    so_far.run, so_far.version, so_far.mode = held.run, version, proposal.mode
    so_far.changed |= changed
    so_far.counts.add(proposal.counts)
    so_far.changes.add(proposal.changes)
    job.say("committed", job.rows, job.of)


def _meta(job: Job, run: str, proposal: Proposal, began: datetime) -> dict[str, Any]:
    """What the commit says: how it came about, and what the next run compares with. No address, no secret."""
    dataset = job.dataset
    return {
        "run": run, "began": began.isoformat(timespec="seconds"), "mode": proposal.mode,
        **asdict(proposal.counts), **asdict(proposal.changes), **identity(dataset),
        "key_id": job.key.id if job.key else "", "title": dataset.title, "owner": dataset.owner,
        "licence": dataset.licence, "publisher": dict(dataset.publisher),
        "source_types": {column.source: job.types[column.source] for column in dataset.kept},
        "source_columns": list(job.types), "as_text": sorted(job.as_text),
        "cursor": proposal.position.as_json() if proposal.position else None,
    }  # fmt: skip


def identity(dataset: Dataset) -> dict[str, Any]:
    """How its rows are read: what may not change between a commit and one that adds to it."""
    return {
        "source": dataset.source.name, "place": place(dataset.source.url),
        "table": dataset.table, "query": dataset.query,
        "key": [column.name for column in dataset.key_columns], "read_as": dataset.fingerprints,
        "history": dataset.keeps_history,
    }  # fmt: skip
