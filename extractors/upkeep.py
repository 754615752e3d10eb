"""Keeping a dataset in order after its runs: small files joined into full ones, old versions given up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pyarrow.parquet as pq

from extractors.parquet_files import FILE, ParquetFiles
from notation import lake

SMALL = 4  # a file with fewer rows than this part of a full one is small
BYTES = 32 * 2**20  # and so many bytes at most: rows may be wide
MANY = 8  # so many small files are left alone: what each run adds is not worth a rewriting of its own


@dataclass(frozen=True, slots=True)
class Joined:
    """`files` small files became `into` full ones, in version `version`."""

    version: int
    files: int
    into: int
    rows: int


def join_small_files(held: lake.Hold, full: int = FILE) -> Joined | None:
    """Rewrite the small files as full ones, in a commit of its own, if there are many; no row changes."""
    snapshot = held.snapshot()
    if snapshot is None:
        return None
    rows = held.rows_of_files()
    small = [path for path in snapshot.files if rows[path] * SMALL < full and path.stat().st_size <= BYTES]
    if len(small) <= MANY:
        return None
    written = ParquetFiles(snapshot.schema, held.new_file)
    try:
        for path in small:
            file = pq.ParquetFile(path)
            for group in range(file.num_row_groups):
                for batch in file.read_row_group(group).cast(snapshot.schema).combine_chunks().to_batches():
                    written.write(batch)
        files = written.close()
    except BaseException:
        written.abandon()
        raise
    assert written.rows == sum(rows[path] for path in small), "no row changes"
    return Joined(held.rewrite(files, small), len(small), len(files), written.rows)


def keep_in_order(held: lake.Hold, keep: timedelta) -> tuple[Joined | None, lake.Vacuumed]:
    """What a run does when its rows are committed. A crash in it loses nothing: the next run does it."""
    return join_small_files(held), held.vacuum(keep)
