"""Whether the key of rows just written tells them apart: hashes are sorted, and what meets is looked at exactly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from extractors.duck import stoppable

Failed = (duckdb.Error, OSError, pa.ArrowException)  # memory or disk was not enough
MEMORY = "64MB"  # beside the run's own, for reading the key's columns
PART = 2**21  # hashes that are sorted at once: 16 MiB, so that any number of keys is compared in bounded memory
LOOKED_AT = 1_000  # keys whose hashes met that are looked at in one question
MARKS = 2**25  # numbers of which each has a place to be marked at: 32 MiB
SHOWN = 3  # keys named in the message

Hashes = npt.NDArray[np.uint64]


def keys_that_occur_twice(files: Sequence[Path], key: Mapping[str, bool], spill: Path) -> str:
    """ "" if every key occurs once; else a sentence. `key`: its columns, and whether their values may be shown.

    DuckDB's own GROUP BY does not come by with this memory where ten million keys are text.
    """
    spill.mkdir(mode=0o700, parents=True, exist_ok=True)
    if len(key) == 1 and _rows(files) <= PART and _is_marked_once(files, next(iter(key))):  # a fifth of the time
        return ""
    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": MEMORY, "threads": 1, "temp_directory": str(spill),
    }  # fmt: skip
    with stoppable(), duckdb.connect(config=settings) as connection:
        question = _Question(connection, files, key)
        met = np.concatenate([_twice(part) for part in _parts(question.hashes(), _rows(files), spill)])
        for at in range(0, len(met), LOOKED_AT):
            if found := question.look(met[at : at + LOOKED_AT]):
                return _sentence(found, len(met) if len(met) > LOOKED_AT else len(found), key)
    return ""


def _is_marked_once(files: Sequence[Path], name: str) -> bool:
    """Whether whole numbers that lie close together, as those of rows that were numbered do, are seen to differ."""
    found = []
    for file in map(pq.ParquetFile, files):
        for group in range(file.num_row_groups):
            column = file.read_row_group(group, [name], use_threads=False)[name].combine_chunks()
            if column.null_count or not pa.types.is_integer(column.type):
                return False
            found.append(column.cast(pa.int64()).to_numpy())
    numbers = np.concatenate([np.empty(0, np.int64), *found])
    low = int(numbers.min(initial=2**63 - 1))
    if int(numbers.max(initial=low)) - low >= MARKS:
        return False
    marks = np.zeros(MARKS, np.bool_)
    marks[numbers - low] = True
    return int(np.count_nonzero(marks)) == len(numbers)


class _Question:
    """What is asked of the files: every key's hash, and the keys that have certain hashes."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, files: Sequence[Path], key: Mapping[str, bool]) -> None:
        self.connection = connection
        self.key = ", ".join('"' + name.replace('"', '""') + '"' for name in key)
        names = ", ".join("'" + str(file).replace("'", "''") + "'" for file in files)
        self.rows = (
            f"read_parquet([{names}], hive_partitioning = false)"  # quoted; a parameter would hold all in memory
        )

    def hashes(self) -> Iterator[Hashes]:
        asked = self.connection.sql(f"SELECT hash({self.key}) AS h FROM {self.rows}")  # noqa: S608
        for batch in asked.to_arrow_reader(65_536):
            yield batch.column(0).to_numpy(zero_copy_only=False)

    def look(self, hashes: Hashes) -> list[tuple[object, ...]]:
        """The keys with these hashes that do occur more than once, and how often."""
        found = f"SELECT {self.key}, count(*) AS times FROM {self.rows} "  # noqa: S608
        found += f"WHERE hash({self.key}) IN (SELECT unnest(?::UBIGINT[])) GROUP BY ALL HAVING count(*) > 1 "
        return self.connection.execute(found + "ORDER BY ALL", [hashes.tolist()]).fetchall()


def _rows(files: Sequence[Path]) -> int:
    return sum(pq.read_metadata(file).num_rows for file in files)


def _parts(hashes: Iterator[Hashes], rows: int, spill: Path) -> Iterator[Hashes]:
    """The same hashes, those that could be equal in one part: they are parted by their first bits, on the disk."""
    bits = max((rows - 1) // PART, 0).bit_length()
    if not bits:
        yield np.concatenate([np.empty(0, np.uint64), *hashes])
        return
    firsts = np.arange(1, 1 << bits, dtype=np.uint64) << np.uint64(64 - bits)
    paths = [spill / f"hashes-{number}" for number in range(1 << bits)]
    try:
        with ExitStack() as stack:
            opened = [stack.enter_context(path.open("wb")) for path in paths]
            for batch in hashes:
                ordered = np.sort(batch)
                for file, part in zip(opened, np.split(ordered, np.searchsorted(ordered, firsts)), strict=True):
                    file.write(part.tobytes())
        for path in paths:
            yield np.fromfile(path, np.uint64)
    finally:
        for path in paths:
            path.unlink(missing_ok=True)


def _twice(part: Hashes) -> Hashes:
    """The hashes that occur more than once, each once. Sorts in place."""
    part.sort()
    return np.unique(part[1:][part[1:] == part[:-1]])


def _sentence(found: Sequence[tuple[object, ...]], many: int, key: Mapping[str, bool]) -> str:
    shown = [
        " ".join(str(value) if may else "…" for value, may in zip(row[:-1], key.values(), strict=True))
        + f" ({row[-1]} times)"
        for row in found[:SHOWN]
    ]
    return f"{many:,} {'key occurs' if many == 1 else 'keys occur'} more than once, for example {', '.join(shown)}"
