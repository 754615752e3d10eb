"""The lake: each dataset a Delta table under `data/lake/`, seen only whole. The one file that imports deltalake."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, Schema, TableFeatures, Transaction
from deltalake.exceptions import DeltaError
from deltalake.transaction import AddAction, create_table_with_add_actions

from notation.delta_stats import statistics
from notation.files import sync_folder, write_whole

APP = "stranglerfig.extract"  # with its number, it makes a commit that is already in the log impossible to repeat
FAULTS, RUNS, LOCK = "_faults", "_runs", "_lock"  # Delta's readers leave names with an underscore alone
META = "fig"  # our part of a commit's metadata, as JSON text


class NoDataset(LookupError):  # an outcome, named like the others
    """There is no such dataset in the lake, or no such version of it."""


class LakeFailed(Exception):
    """The lake itself cannot be read or written; nothing was committed that was not there before."""


class Held(Exception):  # an outcome, named like the others
    """Another run is writing this dataset; the message says who."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A dataset at one version: exactly these files, nothing else that lies in the folder."""

    name: str
    folder: Path
    version: int
    files: tuple[Path, ...]
    schema: pa.Schema
    meta: Mapping[
        str, Any
    ]  # what the run wrote into its commit: run, rows_in, rows_out, set_aside, faults, source_rows, …

    def table(self, columns: Sequence[str] | None = None) -> pa.Table:
        """The rows as an Arrow table, in the order they were written; all of them in memory."""
        wanted = pa.schema([self.schema.field(name) for name in columns] if columns is not None else self.schema)
        parts = [pq.ParquetFile(file).read(columns=wanted.names) for file in self.files]
        return (
            pa.concat_tables(part.select(wanted.names).cast(wanted) for part in parts)
            if parts
            else wanted.empty_table()
        )

    def batches(self, columns: Sequence[str] | None = None, rows: int = 65_536) -> Iterator[pa.RecordBatch]:
        """The rows, a bounded number at a time."""
        for file in self.files:
            yield from pq.ParquetFile(file).iter_batches(rows, columns=None if columns is None else list(columns))

    def faults(self) -> pa.Table:
        """What broke a rule in the run that wrote this version."""
        return pq.ParquetFile(self.folder / FAULTS / f"{self.meta['run']}.parquet").read()


@dataclass(frozen=True, slots=True)
class Version:
    """One commit of a dataset."""

    number: int
    at: datetime
    meta: Mapping[str, Any]


# --- reading ----------------------------------------------------------------------------------------------------------


def names(home: Path) -> tuple[str, ...]:
    """The datasets that have been extracted at least once."""
    lake = _lake(home)
    return tuple(sorted(folder.name for folder in lake.iterdir() if _has_log(folder))) if lake.is_dir() else ()


def open_dataset(home: Path, name: str, version: int | None = None) -> Snapshot:
    """A dataset at its newest version, or at the one asked for. Raises NoDataset."""
    table = _table(home, name, version)
    folder, number = _lake(home) / name, table.version()
    meta = next((v.meta for v in _versions(table) if v.number <= number and v.meta), {})
    files = tuple(folder / file for file in _files(table))
    return Snapshot(name, folder, number, files, _schema(table), meta)


def history(home: Path, name: str) -> tuple[Version, ...]:
    """The versions that can still be named, newest first. Raises NoDataset."""
    return _versions(_table(home, name, None))


def _table(home: Path, name: str, version: int | None) -> DeltaTable:
    folder = _lake(home) / name
    if not _has_log(folder):
        raise NoDataset(f"there is no dataset '{name}' in {_lake(home)}; run: fig extract {name}")
    try:
        return DeltaTable(folder, version=version)
    except (DeltaError, ValueError) as exc:
        if version is None:
            raise LakeFailed(f"dataset '{name}': Delta cannot read {folder}: {exc}") from exc
        raise NoDataset(f"dataset '{name}' has no version {version}") from exc


def _versions(table: DeltaTable) -> tuple[Version, ...]:
    found = []
    for entry in table.history():
        at = datetime.fromtimestamp(entry["timestamp"] / 1000, UTC)
        found.append(Version(entry["version"], at, json.loads(entry.get(META, "{}"))))
    return tuple(sorted(found, key=lambda version: version.number, reverse=True))


def _lake(home: Path) -> Path:
    return home / "data" / "lake"


def _schema(table: DeltaTable) -> pa.Schema:
    handed_over: Any = table.schema().to_arrow()  # another library's schema, over Arrow's C interface
    return pa.schema(handed_over)


def _files(table: DeltaTable) -> list[str]:
    """The names of the version's files, in the order they were written; our names need no quoting in a URI."""
    return sorted(uri.rpartition("/")[2] for uri in table.file_uris())


# --- writing ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hold:
    """The right to write one dataset, for as long as the process that took it lives or lets go."""

    name: str
    folder: Path
    run: str

    @property
    def faults_file(self) -> Path:
        return self.folder / FAULTS / f"{self.run}.parquet"

    @property
    def spill(self) -> Path:
        """A folder for what does not fit in memory while a run proves its rows."""
        return self.folder / "_spill"

    def data_file(self, number: int) -> Path:
        return self.folder / f"{self.run}-{number:05}.parquet"

    def table(self) -> DeltaTable | None:
        return DeltaTable(self.folder) if _has_log(self.folder) else None

    def last(self) -> Mapping[str, Any]:
        """What the newest commit says of itself; empty if there is none."""
        table = self.table()
        return next((version.meta for version in _versions(table) if version.meta), {}) if table else {}

    def tidy(self) -> tuple[str, ...]:
        """Remove what crashed runs left: files of runs that no commit names. -> the names removed."""
        table = self.table()
        active = set(_files(table)) if table else set()
        committed = {str(version.meta.get("run")) for version in _versions(table)} if table else set()
        removed = []
        for path in (*self.folder.glob("*.parquet"), *self.folder.glob(f"{FAULTS}/*"), *self.folder.glob(f"{RUNS}/*")):
            run = path.name[: len(self.run)] if path.parent == self.folder else path.stem
            if path.name not in active and run not in committed and run != self.run:
                path.unlink()
                removed.append(path.name)
        if self.spill.exists():
            shutil.rmtree(self.spill)
            removed.append(self.spill.name)
        for path in self.folder.glob("_delta_log/*.tmp"):
            path.unlink()
            removed.append(path.name)
        return tuple(sorted(removed))

    def write_manifest(self, meta: Mapping[str, Any]) -> None:
        """What the run is about to commit, beside the data; readers see neither until the commit names them."""
        write_whole(self.folder / RUNS / f"{self.run}.json", json.dumps(meta, indent=1, sort_keys=True) + "\n", 0o600)

    def commit(
        self, files: Sequence[Path], schema: pa.Schema, meta: Mapping[str, Any], *, about: str
    ) -> tuple[int, bool]:
        """Make these files the whole dataset, in one commit. -> its version, and whether the rows changed.

        Files equal to the last byte to those they replace are removed again: the commit then says that the rows were
        extracted anew, and the old files stay. The files, and the folder's entries, are on the disk before it.
        """
        table, digest = self.table(), _digest(files)
        meta = {**meta, "digest": digest}
        before = self.last()
        number = (table.transaction_version(APP) if table else None) or 0
        properties = CommitProperties(
            custom_metadata={META: json.dumps(meta)},
            max_commit_retries=0,
            app_transactions=[Transaction(APP, number + 1)],
        )
        same = table is not None and before.get("digest") == digest and _schema(table).equals(
            schema, check_metadata=True
        )  # fmt: skip
        if same:
            for file in files:
                file.unlink()
        for path in (*(() if same else files), self.faults_file):
            _sync(path)
        sync_folder(self.folder)
        sync_folder(self.folder / FAULTS)
        delta, adds = Schema.from_arrow(schema), [_add(file) for file in files] if not same else []
        if table is None:
            create_table_with_add_actions(
                str(self.folder),
                delta,
                adds,
                mode="error",
                name=self.name,
                description=about,
                commit_properties=properties,
            )
        else:
            _allow_times_without_zone(table, schema)
            table.create_write_transaction(
                list(adds), "append" if same else "overwrite", delta, commit_properties=properties
            )
        return self._settled(), not same

    def _settled(self) -> int:
        """The commit of this run, on the disk. -> its version."""
        mine = next(v for v in _versions(DeltaTable(self.folder)) if v.meta.get("run") == self.run)
        log = self.folder / "_delta_log"
        for path in log.iterdir():
            path.chmod(0o600)
        _sync(log / f"{mine.number:020}.json")
        sync_folder(log)
        sync_folder(self.folder)
        sync_folder(self.folder.parent)
        return mine.number


@contextmanager
def hold(home: Path, name: str, run: str, who: str) -> Iterator[Hold]:
    """Take the right to write `name`; what is written within is for the owner's eyes only. Raises Held.

    The lock belongs to the process: it goes with it, however it dies.
    """
    folder = _lake(home) / name
    before = os.umask(0o077)
    try:
        for part in (folder, folder / FAULTS, folder / RUNS):
            part.mkdir(mode=0o700, parents=True, exist_ok=True)
        _lake(home).chmod(0o700)
        with (folder / LOCK).open("a+", encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                raise Held(f"dataset '{name}' is being written by {lock.read().strip() or 'another process'}") from None
            lock.truncate(0)
            since = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
            lock.write(f"process {os.getpid()} on {socket.gethostname()} ({who}, since {since})")
            lock.flush()
            try:
                yield Hold(name, folder, run)
            except DeltaError as exc:
                raise LakeFailed(f"dataset '{name}': Delta cannot write in {folder}: {exc}") from exc
    finally:
        os.umask(before)


def _allow_times_without_zone(table: DeltaTable, schema: pa.Schema) -> None:
    """Delta counts them as a feature, declared when a table is made with them; one that gets them later, here."""
    protocol = table.protocol()
    if pa.timestamp("us") in schema.types and "timestampNtz" not in (protocol.writer_features or ()):
        table.alter.add_feature(TableFeatures.TimestampWithoutTimezone, allow_protocol_versions_increase=True)
        table.update_incremental()


def _has_log(folder: Path) -> bool:
    return any((folder / "_delta_log").glob("*.json")) or any((folder / "_delta_log").glob("*.parquet"))


def _add(file: Path) -> AddAction:
    stat = file.stat()
    return AddAction(
        file.name, stat.st_size, {}, int(stat.st_mtime * 1000), True, json.dumps(statistics(pq.read_metadata(file)))
    )


def _digest(files: Sequence[Path]) -> str:
    digest = sha256()
    for file in files:
        with file.open("rb") as opened:
            while block := opened.read(2**20):
                digest.update(block)
    return digest.hexdigest()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
