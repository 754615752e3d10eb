"""Batches into Parquet files: the declared schema, bounded groups of rows, dictionaries only where they pay."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

GROUP = 65_536  # rows of a row group: what is held in memory before it is written; twice as many cost 34 MiB more
GROUP_BYTES = 64 * 2**20  # or this many bytes
FILE = 262_144  # rows of a file: large enough to scan fast, small enough that a merge rewrites little
SAMPLE = 16_384  # rows that tell where a dictionary is worth it: to count all of a group takes 60 MiB and 0.2 s
REPEATED = 2  # it is if a value occurs this often among them: on every column it costs 2.3x the time
LEVEL = 1  # of zstd: level 3 takes a fifth more time for 4% fewer bytes; snappy and lz4 a fifth less for 53% more


class ParquetFiles:
    """Writes files named by `path(number)`; at least one, so that an empty dataset still has its schema."""

    def __init__(
        self, schema: pa.Schema, path: Callable[[int], Path], *, one_file: bool = False, passing: bool = False
    ) -> None:
        """`one_file`: however many rows there are. `passing`: the run itself reads them, and then they go."""
        self.schema, self.path, self.one_file, self.passing = schema, path, one_file, passing
        self.files: list[Path] = []
        self.rows = 0
        self._held: list[pa.RecordBatch] = []
        self._held_rows = self._held_bytes = self._in_file = 0
        self._writer: pq.ParquetWriter | None = None
        self._dictionaries: Any = None  # a list of names, which pyarrow's stubs do not know of

    def write(self, batch: pa.RecordBatch) -> None:
        self._held.append(batch)
        self._held_rows += batch.num_rows
        self._held_bytes += batch.nbytes
        if self._held_rows >= GROUP or self._held_bytes >= GROUP_BYTES:
            self._flush()

    def close(self) -> list[Path]:
        """The files, complete and on the disk."""
        if self._held_rows or not self.files:
            self._flush()
        self._finish()
        pa.default_memory_pool().release_unused()  # what comes next has needs of its own
        return self.files

    def abandon(self) -> None:
        """After an error: let go of the open file; the next run removes it."""
        self._held = []
        if self._writer is not None:
            self._writer.close()

    def _flush(self) -> None:
        table = pa.Table.from_batches(self._held, schema=self.schema)
        self._held, self._held_rows, self._held_bytes = [], 0, 0
        if self._writer is None:
            if self._dictionaries is None:  # what the first rows are like, the others will be: only bytes depend on it
                self._dictionaries = [] if self.passing else _repeating(table)
            path = self.path(len(self.files))
            self.files.append(path)
            packed: Any = (
                {"compression": "lz4"} if self.passing else {"compression": "zstd", "compression_level": LEVEL}
            )
            self._writer = pq.ParquetWriter(path, self.schema, use_dictionary=self._dictionaries, **packed)
        self._writer.write_table(table, row_group_size=max(table.num_rows, 1))
        self.rows += table.num_rows
        self._in_file += table.num_rows
        del table
        pa.default_memory_pool().release_unused()  # 30 MiB at the peak, for a tenth of the time
        if self._in_file >= FILE and not self.one_file:
            self._finish()

    def _finish(self) -> None:
        if self._writer is None:
            return
        self._writer.close()
        self._writer, self._in_file = None, 0
        if self.passing:
            return
        handle = os.open(self.files[-1], os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _repeating(table: pa.Table) -> list[str]:
    table = table.slice(0, SAMPLE)
    return [name for name in table.column_names if pc.count_distinct(table[name]).as_py() * REPEATED <= table.num_rows]
