"""One dataset held in memory for lookups: the lake's newest version, taken in beside the one that is being read."""

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from notation.lake import NoDataset, Snapshot, history, open_dataset
from notation.problems import ConfigError, Problem
from slices.manifest import NeedSpec, missing

LOG = logging.getLogger("slices")
EVERY = 5.0  # seconds between looks for a newer version: a small file listing
_CONFIG = {"threads": "2", "autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}

Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class Held:
    """One version of the dataset as a table `data` of a DuckDB database in memory."""

    version: int
    rows: int
    committed: datetime
    database: duckdb.DuckDBPyConnection

    def ask(self, sql: str, values: Mapping[str, object]) -> list[Row]:
        """Rows of a SELECT with named values (`$name`). Blocks. Threads may share it: each call has its own cursor."""
        cursor = self.database.cursor()
        try:
            cursor.execute(sql, dict(values))
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        finally:
            cursor.close()


class Shelf:
    """A dataset by name. `select` makes the table `data`: a SELECT over `source`, the columns the slice needs."""

    def __init__(
        self, home: Path, name: str, need: NeedSpec, select: str = "SELECT * FROM source", index: str = ""
    ) -> None:
        self.home, self.name = home, name
        self._need, self._select, self._index = need, select, index
        self._held: Held | None = None
        self._files: tuple[Path, ...] = ()

    @property
    def held(self) -> Held:
        """The version that answers now. A request takes it once, so that all it shows is of one version."""
        if self._held is None:
            raise RuntimeError(f"dataset {self.name} was asked before it was loaded")
        return self._held

    def load(self) -> None:
        """Takes the newest version in. Raises ConfigError when there is none or a column is missing. Blocks."""
        self._take(self._open())

    def _open(self) -> Snapshot:
        try:
            return open_dataset(self.home, self.name)
        except NoDataset as exc:
            what = f"dataset '{self.name}' is not in {self.home / 'data' / 'lake'}"
            raise ConfigError([Problem(None, what, f"extract it first: fig extract {self.name}")]) from exc

    def _take(self, snapshot: Snapshot) -> None:
        lacks = missing(self._need, snapshot.schema)
        if lacks:
            what = f"dataset '{self.name}', version {snapshot.version}, is not what the slice needs: {'; '.join(lacks)}"
            hint = f"add it to datasets.yaml, then extract again: fig extract {self.name}"
            raise ConfigError([Problem(None, what, hint)])
        at = next(version.at for version in history(self.home, self.name) if version.number == snapshot.version)
        if self._held is not None and self._files == snapshot.files:  # extracted anew, and nothing had changed
            self._held = replace(self._held, version=snapshot.version, committed=at)
        else:
            self._held = self._loaded(snapshot, at)
            self._files = snapshot.files
        LOG.info("dataset %s: version %d, %d rows", self.name, snapshot.version, self._held.rows)

    def _loaded(self, snapshot: Snapshot, at: datetime) -> Held:
        wanted = list(self._need.columns)
        schema = pa.schema([snapshot.schema.field(name) for name in wanted])
        database = duckdb.connect(":memory:", config=dict(_CONFIG))
        database.register("source", pa.RecordBatchReader.from_batches(schema, snapshot.batches(wanted)))
        database.execute(f"CREATE TABLE data AS {self._select}")
        database.unregister("source")
        if self._index:
            database.execute(f"CREATE INDEX by_key ON data ({self._index})")
        count = database.execute("SELECT count(*) FROM data").fetchone()
        return Held(snapshot.version, int(count[0]) if count else 0, at.astimezone(UTC), database)

    def refresh(self) -> bool:
        """Takes a newer version in, if there is one; what fails leaves the old one answering. Blocks."""
        try:
            snapshot = self._open()
            if snapshot.version == self.held.version:
                return False
            self._take(snapshot)
        except Exception:  # the shelf must outlive whatever is wrong in the lake, and say so
            LOG.exception("dataset %s: version %d goes on answering", self.name, self.held.version)
            return False
        return True

    async def follow(self, every: float = EVERY) -> None:
        """Looks for a newer version for ever, off the request path."""
        while True:
            await asyncio.sleep(every)
            await asyncio.to_thread(self.refresh)

    def state(self) -> dict[str, object]:
        """For /healthz: version, rows, when it was committed and how many seconds ago."""
        held = self.held
        age = max(0.0, time.time() - held.committed.timestamp())
        return {
            "version": held.version,
            "rows": held.rows,
            "committed": held.committed.isoformat(timespec="seconds"),
            "age_seconds": round(age, 1),
        }
