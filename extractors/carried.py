"""Faults of rows that a run did not read again: they still hold, so they go into its own faults."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from extractors import faults
from extractors.duck import files, room
from extractors.parquet_files import ParquetFiles


def carry(old: Path, new: Path, touched: Sequence[Path], key: Sequence[str], spill: Path) -> int:
    """Faults of `old` whose row's key is in no file of `touched`, put before those of `new`. -> how many."""
    if not old.is_file() or pq.read_metadata(old).num_rows == 0:
        return 0
    spill.mkdir(mode=0o700, exist_ok=True)
    keys = ParquetFiles(pa.schema([("key", pa.string())]), lambda number: spill / f"touched-{number:05}.parquet")
    for file in touched:
        for batch in pq.ParquetFile(file).iter_batches(columns=list(key)):
            columns = [batch.column(name).to_pylist() for name in key]
            texts = [json.dumps(row, ensure_ascii=False, default=str) for row in zip(*columns, strict=True)]
            keys.write(pa.RecordBatch.from_arrays([pa.array(texts, pa.string())], names=["key"]))
    read, whole = keys.close(), spill / "faults.parquet"
    kept, carried = ParquetFiles(faults.SCHEMA, lambda _: whole), 0
    with room(spill) as connection:
        old_rows = f"SELECT * FROM {files([old])} WHERE key NOT IN (SELECT key FROM {files(read)})"  # noqa: S608
        for batch in connection.execute(old_rows).to_arrow_reader(65_536):
            kept.write(batch.cast(faults.SCHEMA))
            carried += batch.num_rows
    for batch in pq.ParquetFile(new).iter_batches():
        kept.write(batch.cast(faults.SCHEMA))
    kept.close()
    whole.replace(new)
    return carried
