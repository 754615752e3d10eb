"""Writing the lake: the right to, the files of a run, and the one commit that makes them a dataset's next version."""

from __future__ import annotations

import fcntl
import filecmp
import itertools
import json
import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, Schema, TableFeatures, Transaction
from deltalake.exceptions import DeltaError
from deltalake.transaction import AddAction, RemoveAction, create_table_with_add_actions

from notation.delta_stats import statistics
from notation.files import sync_folder, write_whole
from notation.lake import building, log, tidying, vacuum
from notation.lake.building import Build
from notation.lake.disk import plainly, sync
from notation.lake.log import LakeFailed
from notation.lake.reading import FAULTS, LOCK, RUNS, Snapshot, place

APP = "stranglerfig.extract"  # with its number, it makes a commit that is already in the log impossible to repeat


class Held(Exception):  # an outcome, named like the others
    """Another run is writing this dataset; the message says who."""


@dataclass(frozen=True, slots=True)
class Hold:
    """The right to write one dataset, for as long as the process that took it lives or lets go."""

    name: str
    folder: Path
    run: str
    _numbers: Iterator[int] = field(default_factory=itertools.count, repr=False, compare=False)
    _read: list[DeltaTable] = field(default_factory=list, repr=False, compare=False)  # the newest version, read once

    @property
    def faults_file(self) -> Path:
        return self.folder / FAULTS / f"{self.run}.parquet"

    @property
    def spill(self) -> Path:
        """A folder for what does not fit in memory while a run proves or merges its rows."""
        return self.folder / tidying.SPILL

    def data_file(self, number: int) -> Path:
        return self.folder / f"{self.run}-{number:05}.parquet"

    def new_file(self, _: int = 0) -> Path:
        """A name for a file of rows that this run has not had yet."""
        return next(path for number in self._numbers if not (path := self.data_file(number)).exists())

    # --- what is there

    def table(self) -> DeltaTable | None:
        if not self._read and log.has_log(self.folder):
            self._read.append(log.delta(self.folder))
        return self._read[0] if self._read else None

    def snapshot(self) -> Snapshot | None:
        """The dataset as it is; None before its first commit."""
        if (table := self.table()) is None:
            return None
        files = tuple(self.folder / name for name in log.files(table))
        meta = log.last_meta(self.folder, table.version())
        return Snapshot(self.name, self.folder, table.version(), files, log.schema(table), meta)

    def rows_of_files(self) -> dict[Path, int]:
        """How many rows each file of the newest version has, as its commit says."""
        if (table := self.table()) is None:
            return {}
        return {self.folder / name: rows for name, rows, _ in log.sizes(table)}

    def last(self) -> Mapping[str, Any]:
        """What the newest commit says of itself; empty if there is none."""
        table = self.table()
        return log.last_meta(self.folder, table.version()) if table else {}

    def tidy(self, fingerprint: str = "") -> tuple[str, ...]:
        """Remove what runs that were killed left, but for the build with this fingerprint. -> the names removed."""
        table = self.table()
        files, newest = (log.files(table), table.version()) if table else ([], None)
        return tidying.tidy(self.folder, self.run, self.build(fingerprint), files, newest)

    # --- building

    def build(self, fingerprint: str) -> Build | None:
        """The unfinished build with this fingerprint and its finished parts; None if there is none that fits."""
        found = building.find(self.folder, fingerprint) if fingerprint else None
        return None if found is None or found.id == self.last().get("build") else found

    def begin_build(self, fingerprint: str) -> Build:
        """A build without parts. Any other is forgotten."""
        return building.begin(self.folder, self.run, fingerprint)

    # --- committing

    def write_manifest(self, meta: Mapping[str, Any]) -> None:
        """What the run is about to commit, beside the data; readers see neither until the commit names them."""
        write_whole(self.folder / RUNS / f"{self.run}.json", json.dumps(meta, indent=1, sort_keys=True) + "\n", 0o600)

    def commit(
        self,
        adds: Sequence[Path],
        removes: Sequence[Path] | None,
        schema: pa.Schema,
        meta: Mapping[str, Any],
        *,
        about: str,
        build: Build | None = None,
    ) -> tuple[int, bool]:
        """Make `adds` files of the dataset and `removes` no longer, and say `meta`, in one commit. -> its version, and
        whether the rows changed.

        `removes` None: the files are the whole dataset. Files equal to the last byte to those they replace are then
        removed again: the commit says that the rows were extracted anew, and the old files stay. Without files either
        way the commit still says its `meta`. All files, and the folder's entries, are on the disk before it.
        """
        table = self.table()
        meta = {**meta, **({"build": build.id} if build else {})}
        changed = bool(adds or removes) if removes is not None else not self._is_there(table, adds, schema)
        for path in (*(adds if changed else ()), *([self.faults_file] if self.faults_file.exists() else [])):
            path.chmod(0o600)
            sync(path)
        sync_folder(self.folder)
        sync_folder(self.folder / FAULTS)
        version = self._write(
            table, [_add(file) for file in adds] if changed else [], removes, schema, meta, about=about, whole=changed
        )
        if build:
            build.drop()
        return version, changed

    def rewrite(self, adds: Sequence[Path], removes: Sequence[Path]) -> int:
        """Put the same rows into other files: a commit of its own, with the last run's word carried on. -> its version.

        Who follows the table's changes is told that no row changed.
        """
        table, before = self.table(), self.last()
        assert table is not None, "there are files to rewrite"
        for path in adds:
            path.chmod(0o600)
            sync(path)
        sync_folder(self.folder)
        meta = {**before, "upkeep": {"run": self.run, "joined": len(removes), "into": len(adds)}}
        return self._write(
            table, [_add(file, changes=False) for file in adds], removes, log.schema(table), meta, about="", whole=False
        )

    def vacuum(
        self, keep: timedelta = vacuum.KEEP, *, now: datetime | None = None, every: timedelta = vacuum.EVERY
    ) -> vacuum.Vacuumed:
        """Remove what only versions need that were replaced longer than `keep` ago; at most once in `every`."""
        build = building.any_build(self.folder)
        return vacuum.vacuum(self.folder, self.run, keep, now or datetime.now(UTC), every, build)

    def _is_there(self, table: DeltaTable | None, files: Sequence[Path], schema: pa.Schema) -> bool:
        """Whether these are, byte for byte, the files there are; then they are removed again."""
        if table is None or not log.schema(table).equals(schema, check_metadata=True):
            return False
        there = [self.folder / name for name in log.files(table)]
        pairs = list(zip(files, there, strict=False))
        if len(files) != len(there) or any(new.stat().st_size != old.stat().st_size for new, old in pairs):
            return False
        if not all(filecmp.cmp(new, old, shallow=False) for new, old in pairs):
            return False
        for file in files:
            file.unlink()
        return True

    def _write(
        self,
        table: DeltaTable | None,
        adds: list[AddAction],
        removes: Sequence[Path] | None,
        schema: pa.Schema,
        meta: Mapping[str, Any],
        *,
        about: str,
        whole: bool,
    ) -> int:
        number = (table.transaction_version(APP) if table else None) or 0
        properties = CommitProperties(
            custom_metadata={log.META: json.dumps(meta)},
            max_commit_retries=0,
            app_transactions=[Transaction(APP, number + 1)],
        )
        delta = Schema.from_arrow(schema)
        if table is None:
            with self._unless_committed(0):
                create_table_with_add_actions(
                    str(self.folder), delta, adds, mode="error", name=self.name, description=about,
                    commit_properties=properties,
                )  # fmt: skip
            return self._settled(0)
        replaces = removes is None and whole
        if not replaces:
            _take_notes(table, schema)
        _allow_times_without_zone(table, schema)
        changes = not adds or adds[0].data_change
        gone = [] if replaces else [_remove(file, changes=changes) for file in removes or ()]
        version = table.version() + 1
        mode = "overwrite" if replaces else "append"
        with self._unless_committed(version):
            table.create_write_transaction([*adds, *gone], mode, delta, commit_properties=properties)
        return self._settled(version)

    @contextmanager
    def _unless_committed(self, version: int) -> Iterator[None]:
        """Delta may fail after its commit, at a checkpoint: the version is there all the same."""
        self._read.clear()
        try:
            yield
        except (DeltaError, OSError):
            if not (self.folder / log.LOG / f"{version:020}.json").exists() or self.run not in log.runs(
                next(log.commits(self.folder, version))
            ):
                raise

    def _settled(self, version: int) -> int:
        """The commit of this run, on the disk. -> its version."""
        folder = self.folder / log.LOG
        try:
            for path in folder.iterdir():
                if path.name.startswith((f"{version:020}", "_last_checkpoint")):
                    path.chmod(0o600)
                    sync(path)
            for each in (folder, self.folder, self.folder.parent):
                sync_folder(each)
        except OSError as exc:
            why = plainly(exc) or str(exc)
            raise LakeFailed(
                f"dataset '{self.name}': version {version} is committed, but {why}: it may be lost if the machine fails"
            ) from exc
        return version


@contextmanager
def hold(home: Path, name: str, run: str, who: str) -> Iterator[Hold]:
    """Take the right to write `name`; what is written within is for the owner's eyes only. Raises Held.

    The lock belongs to the process: it goes with it, however it dies. A disk that refuses is told as LakeFailed.
    """
    folder = place(home) / name
    log.check_place(folder)
    before = os.umask(0o077)
    try:
        for part in (folder, folder / FAULTS, folder / RUNS):
            part.mkdir(mode=0o700, parents=True, exist_ok=True)
        place(home).chmod(0o700)
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
            yield Hold(name, folder, run)
    except DeltaError as exc:
        why = plainly(exc)
        raise LakeFailed(
            f"dataset '{name}': {why}; nothing was committed in {folder}"
            if why
            else f"dataset '{name}': Delta cannot write in {folder}: {log.first_line(exc)}"
        ) from exc
    except OSError as exc:
        if not (why := plainly(exc)):
            raise
        raise LakeFailed(f"dataset '{name}': {why}; nothing was committed in {folder}") from exc
    finally:
        os.umask(before)


def _take_notes(table: DeltaTable, schema: pa.Schema) -> None:
    """What columns mean may change while files stay; names and types may not. Raises LakeFailed."""
    mine = log.schema(table)
    if not mine.equals(schema):
        raise LakeFailed(f"files of other columns can only replace a dataset whole; there are {mine}, not {schema}")
    for old, new in zip(mine, schema, strict=True):
        if (was := dict(old.metadata or {})) != (now := dict(new.metadata or {})):
            notes = {**dict.fromkeys(was, b""), **now}
            table.alter.set_column_metadata(new.name, {key.decode(): text.decode() for key, text in notes.items()})
            table.update_incremental()


def _allow_times_without_zone(table: DeltaTable, schema: pa.Schema) -> None:
    """Delta counts them as a feature, declared when a table is made with them; one that gets them later, here."""
    protocol = table.protocol()
    if pa.timestamp("us") in schema.types and "timestampNtz" not in (protocol.writer_features or ()):
        table.alter.add_feature(TableFeatures.TimestampWithoutTimezone, allow_protocol_versions_increase=True)
        table.update_incremental()


def _add(file: Path, *, changes: bool = True) -> AddAction:
    stat, bounds = file.stat(), json.dumps(statistics(pq.read_metadata(file)))
    return AddAction(file.name, stat.st_size, {}, int(stat.st_mtime * 1000), changes, bounds)


def _remove(file: Path, *, changes: bool) -> RemoveAction:
    now = int(datetime.now(UTC).timestamp() * 1000)
    return RemoveAction(file.name, changes, now, size=file.stat().st_size, partition_values={})
