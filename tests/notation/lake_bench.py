"""A lake to try commits on: each run a call, each file a list of numbers."""

from __future__ import annotations

import resource
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from notation import lake
from notation.lake import log

SCHEMA = pa.schema([pa.field("n", pa.int64(), nullable=False), pa.field("ward", pa.string())])
START = datetime(2026, 1, 1, tzinfo=UTC)


class Bench:
    """A lake with the dataset `jobs`; `run(adds, removes, cursor)` is one run of it."""

    def __init__(self, home: Path) -> None:
        self.home, self.folder = home, home / "data" / "lake" / "jobs"
        self.runs = 0

    @contextmanager
    def hold(self) -> Iterator[lake.Hold]:
        self.runs += 1
        with lake.hold(self.home, "jobs", self.name(self.runs), "a test") as held:
            yield held

    @staticmethod
    def name(number: int) -> str:
        return f"{START + timedelta(minutes=number):%Y%m%dT%H%M%SZ}-{number:06x}"

    def write(self, held: lake.Hold, numbers: Sequence[int]) -> Path:
        path = held.new_file()
        pq.write_table(pa.table({"n": numbers, "ward": ["W"] * len(numbers)}, schema=SCHEMA), path)
        return path

    def run(
        self, *adds: Sequence[int], removes: Sequence[Path] | None = (), schema: pa.Schema = SCHEMA, **meta: Any
    ) -> tuple[int, bool]:
        with self.hold() as held:
            held.tidy()
            files = [self.write(held, numbers) for numbers in adds]
            pq.write_table(pa.table({"rule": ["x"]}), held.faults_file)
            room = meta.pop("room", resource.RLIM_INFINITY)
            said = {"run": held.run, **meta}
            held.write_manifest(said)
            with files_of_at_most(room):
                return held.commit(files, removes, schema, said, about="Jobs.")

    def rows(self, version: int | None = None) -> list[int]:
        return sorted(lake.open_dataset(self.home, "jobs", version).table()["n"].to_pylist())

    def file_of(self, number: int) -> Path:
        files = lake.open_dataset(self.home, "jobs").files
        return next(path for path in files if number in pq.ParquetFile(path).read()["n"].to_pylist())

    def lying_about(self) -> set[str]:
        """The files of the folder that no version that can be read names."""
        names: set[Path] = {self.folder / "_lock", self.folder / log.MARK}
        for version in lake.history(self.home, "jobs"):
            snapshot = lake.open_dataset(self.home, "jobs", version.number)
            names |= {*snapshot.files, self.folder / "_runs" / f"{version.meta['run']}.json"}
            names |= {self.folder / "_faults" / f"{version.meta['run']}.parquet"}
        found = {path for path in self.folder.rglob("*") if path.is_file() and path.parent.name != "_delta_log"}
        return {str(path.relative_to(self.folder)) for path in found - names}


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
