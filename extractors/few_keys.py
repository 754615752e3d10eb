"""Few incoming keys, found among those that are held by Arrow in memory: groups of rows whose bounds hold none of them
are not read. DuckDB does the same for any number, on disk, and takes longer to set up than this takes to be done.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from extractors.raw import Array

FEW = 131_072  # of short text they take 10 MiB
_EXACT = (pa.types.is_integer, pa.types.is_string, pa.types.is_date, pa.types.is_timestamp)  # what is equal is the same

Places = np.ndarray[Any, np.dtype[np.int64]]


def few_keys(files: Sequence[Path], key: Mapping[str, bool], schema: pa.Schema) -> FewKeys | None:
    """The keys of the rows in these files; None if they are many, of types that compare in ways of their own, or not
    all there, each once.
    """
    if not files or sum(pq.read_metadata(path).num_rows for path in files) > FEW:
        return None
    if not all(any(is_exact(schema.field(name).type) for is_exact in _EXACT) for name in key):
        return None
    wanted = pa.schema([schema.field(name) for name in key])
    parts = [pq.ParquetFile(path, pre_buffer=False).read(columns=wanted.names, use_threads=False) for path in files]
    columns = [column.combine_chunks() for column in pa.concat_tables(part.cast(wanted) for part in parts).columns]
    if any(column.null_count for column in columns):
        return None
    found = FewKeys(tuple(key), columns)
    return found if len(found.codes.unique()) == len(found.codes) else None


@dataclass
class FewKeys:
    """Every key as a number, made of where each of its columns' values stands among those that occur."""

    names: tuple[str, ...]
    columns: Sequence[Array]

    def __post_init__(self) -> None:
        self._known = [column.unique() for column in self.columns]
        self._numbers: list[Array] = []
        self.codes = self._encoded(self.columns)
        self._first: list[Any] = sorted(self._known[0].to_pylist())  # of one kind, none NULL

    def places(self, path: Path, footer: pq.FileMetaData, current: str) -> Iterator[tuple[int, Places, Places]]:
        """Of each group of a file that holds some of them: its number, which they are, and where they lie in it.

        `current`: a column; rows in which it is not NULL do not count.
        """
        file: pq.ParquetFile | None = None
        for group in range(footer.num_row_groups):
            if self._cannot_be_in(footer, group):
                continue
            file = file or pq.ParquetFile(path, pre_buffer=False)
            columns = [*self.names, *([current] if current else [])]
            rows = file.read_row_group(group, columns=columns, use_threads=False)
            codes = self._encoded([rows.column(name).combine_chunks() for name in self.names])
            mine = pc.index_in(codes, value_set=self.codes, skip_nulls=True)
            if current:
                mine = pc.if_else(pc.is_null(rows.column(current).combine_chunks()), mine, pa.scalar(None, pa.int32()))
            at = np.flatnonzero(pc.is_valid(mine).to_numpy(zero_copy_only=False))
            if len(at):
                yield group, np.asarray(mine.drop_null().to_numpy(), np.int64), at

    def _encoded(self, columns: Sequence[Array]) -> Array:
        """A number for each key; NULL where it is none of these. The first call says which numbers there are."""
        codes: Any = None  # Arrow's stubs know one kind of array at a time
        for at, (column, known) in enumerate(zip(columns, self._known, strict=True)):
            code = pc.index_in(column, value_set=known, skip_nulls=True).cast(pa.int64())
            if at:  # two numbers below 2^17 become one, which is counted anew
                pair = pc.add(pc.multiply(codes, len(known)), code)
                if len(self._numbers) < at:
                    self._numbers.append(pair.unique())
                code = pc.index_in(pair, value_set=self._numbers[at - 1], skip_nulls=True).cast(pa.int64())
            codes = code
        made: Array = codes
        return made

    def _cannot_be_in(self, footer: pq.FileMetaData, group: int) -> bool:
        at = footer.schema.names.index(self.names[0])
        bounds = footer.row_group(group).column(at).statistics
        if bounds is None or not bounds.has_min_max:
            return False
        least: Any = bounds.min
        most: Any = bounds.max
        is_ordered = isinstance(least, int | str)  # as Parquet orders them: text by its bytes, which is by its letters
        return is_ordered and bisect_left(self._first, least) == bisect_right(self._first, most)
