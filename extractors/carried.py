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

# What is told of a row without a key may be told of several: they are counted.
_NOT_FOUND = """SELECT * EXCLUDE (nth) FROM (
    SELECT *, row_number() OVER (PARTITION BY key, "column", rule, shape, value ORDER BY row) AS nth
    FROM {} WHERE set_aside
) o WHERE nth > (
    SELECT count(*) FROM {} n WHERE n.set_aside AND n.key = o.key AND n."column" = o."column" AND n.rule = o.rule
        AND n.shape = o.shape AND n.value IS NOT DISTINCT FROM o.value
) ORDER BY row, "column", nth"""


def carry(old: Path, new: Path, touched: Sequence[Path], key: Sequence[str], spill: Path) -> int:
    """Faults of `old` whose row's key is in no file of `touched`, put before those of `new`. -> how many.

    A row that was set aside has no key to be known by: of each of its faults there are as many as before, or as many as
    were found now if that is more. They stand until everything is read again.
    """
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
    kept, carried = ParquetFiles(faults.SCHEMA, lambda _: whole, one_file=True), 0
    with room(spill) as connection:
        old_rows, new_rows, seen = files([old]), files([new]), files(read)
        with_key = f"SELECT * FROM {old_rows} WHERE NOT set_aside AND key NOT IN (SELECT key FROM {seen})"  # noqa: S608
        both = f"{with_key} UNION ALL SELECT * FROM ({_NOT_FOUND.format(old_rows, new_rows)})"  # noqa: S608
        for batch in connection.execute(both).to_arrow_reader(65_536):
            kept.write(batch.cast(faults.SCHEMA))
            carried += batch.num_rows
    for batch in pq.ParquetFile(new).iter_batches():
        kept.write(batch.cast(faults.SCHEMA))
    kept.close()
    whole.replace(new)
    return carried
