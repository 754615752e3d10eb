"""Drivers' Arrow columns -> batches as a reading promises them: names, types, and of a size that is bounded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby

import pyarrow as pa
import pyarrow.compute as pc

from extractors.dialects import Planned
from extractors.raw import Array, Raw, Undecodable, pack
from extractors.refused import NativeFailed
from extractors.sources.catalogue import Found

ROWS = 32_768
BYTES = 16 * 2**20  # of Arrow: what is under way twice stays under 32 MiB
REPLACED = "\N{REPLACEMENT CHARACTER}"


def gathered(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same rows in fewer batches: drivers fetch wide rows a few at a time."""
    waiting: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        if not batch.num_rows:
            continue
        if waiting and (rows + batch.num_rows > ROWS or size + batch.nbytes > BYTES):
            yield _one(waiting)
            waiting, rows, size = [], 0, 0
        waiting.append(batch)
        rows, size = rows + batch.num_rows, size + batch.nbytes
    if waiting:
        yield _one(waiting)


def _one(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    if len(batches) == 1:
        return batches[0]
    columns = [pa.chunked_array(pieces).combine_chunks() for pieces in zip(*(b.columns for b in batches), strict=True)]
    return pa.RecordBatch.from_arrays(columns, schema=batches[0].schema)


Decode = Callable[[bytes], Raw]


def promised(batch: pa.RecordBatch, planned: Sequence[Planned], decode: Decode) -> pa.RecordBatch:
    """The batch with the columns its plan promised; `decode` reads what was planned without an Arrow type.

    Text that is not valid UTF-8 becomes MIXED. Raises NativeFailed where the driver has replaced something.
    """
    columns = [_column(array, plan, decode) for array, plan in zip(batch.columns, planned, strict=True)]
    return pa.RecordBatch.from_arrays(columns, names=[f"c{at}" for at in range(len(columns))])


def _column(array: Array, plan: Planned, decode: Decode) -> Array:
    if plan.arrow is None:
        return decoded(array, decode)
    if pa.types.is_large_string(array.type) or pa.types.is_string(array.type):
        array = _valid(array)
        if plan.fragile and pa.types.is_string(array.type) and _has(array, REPLACED):
            why = f"column '{plan.column.source}' holds text that its driver cannot hold"
            raise NativeFailed(frozenset({plan.column.source}), why)
        return array
    return array if array.type == plan.arrow else array.cast(plan.arrow)


def _has(text: Array, part: str) -> bool:
    return bool(pc.any(pc.match_substring(text, part), min_count=0).as_py())


def _valid(text: Array) -> Array:
    """Drivers hand over what the server sent: checked here, once, for the whole column."""
    try:
        plain = text.cast(pa.string())
        plain.validate(full=True)
    except pa.ArrowInvalid:
        return decoded(text, lambda stored: stored.decode())
    return plain


def decoded(stored: Array, decode: Decode) -> Array:
    """Bytes as what they mean; text in no known encoding stays bytes, and is known to be undecodable."""
    values: list[Raw] = []
    for each in stored.cast(pa.large_binary()).to_pylist():
        try:
            values.append(None if each is None else decode(each))
        except UnicodeDecodeError as exc:
            values.append(Undecodable(exc.object))
    return pack(values)


def catalogued(rows: Iterable[Sequence[str | None]]) -> list[Found]:
    """Rows of (table, column, type, place in the key, rows of the table, comment), in order, as tables."""
    found = []
    for table, listed in groupby(rows, key=lambda row: row[0]):
        columns = list(listed)
        key = sorted((int(row[3]), row[1] or "") for row in columns if row[3])
        counted = columns[0][4]
        found.append(
            Found(
                table or "", {row[1] or "": row[2] or "" for row in columns}, tuple(name for _, name in key),
                int(counted) if counted is not None else None, {row[1] or "": row[5] for row in columns if row[5]},
            )
        )  # fmt: skip
    return found
