"""Rows as MySQL's text protocol writes them -> Arrow columns, a whole batch at a time. Pure.

A row is a field after another, each its length and then its bytes (dev.mysql.com, "Protocol::LengthEncodedString"): a
byte up to 250, 252 and two bytes, 253 and three, 254 and eight; 251 alone is NULL. All rows of a batch are walked
abreast, one column after another, so Python's part is some numpy calls a column.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from extractors.dialects import Planned
from extractors.dialects.mysql import UNREADABLE
from extractors.raw import Array, Undecodable
from extractors.refused import NativeFailed
from extractors.sources.batches import decoded

Positions: TypeAlias = "np.ndarray[Any, np.dtype[np.int64]]"
Bytes: TypeAlias = "np.ndarray[Any, np.dtype[np.uint8]]"
_NULL, _TWO, _THREE, _EIGHT = 251, 252, 253, 254


class Garbled(Exception):
    """Rows that do not end where they say they end."""


def columns(data: bytearray, starts: Sequence[int], ends: Sequence[int], width: int) -> list[Array]:
    """The fields of the rows at `starts`, as `width` columns of bytes. Raises Garbled."""
    stored = np.frombuffer(data, np.uint8)
    at = np.array(starts, np.int64)
    even = pa.array(np.arange(0, 2 * len(at), 2, dtype=np.int32))
    found = []
    for _ in range(width):
        begin, length, nulls = _lengths(stored, at)
        at = begin + length
        found.append(_column(stored, begin, at, nulls, even))
    if not np.array_equal(at, np.array(ends, np.int64)):
        raise Garbled
    return found


def _lengths(stored: Bytes, at: Positions) -> tuple[Positions, Positions, Any]:
    """Where each field's bytes begin, how many they are, and which are NULL (None: none is)."""
    length, begin, nulls = stored.take(at).astype(np.int64), at + 1, None
    if len(length) and int(length.max()) >= _NULL:
        nulls = length == _NULL
        for mark, more in ((_TWO, 2), (_THREE, 3), (_EIGHT, 8)):
            rows = np.flatnonzero(length == mark)
            if len(rows):
                first = begin[rows]
                length[rows] = sum(stored[first + byte].astype(np.int64) << (8 * byte) for byte in range(more))
                begin[rows] += more
        length[nulls] = 0
    return begin, length, nulls


def _column(stored: Bytes, begin: Positions, end: Positions, nulls: Any, even: Array) -> Array:
    """The fields lie in the batch with other bytes between them: Arrow sees both, and takes every second."""
    rows = len(begin)
    if not rows:
        return pa.array([], pa.binary())
    offsets = np.empty(2 * rows, np.int32)
    offsets[0::2], offsets[1::2] = begin, end
    both = pa.Array.from_buffers(pa.binary(), 2 * rows - 1, [None, _buffer(offsets), _buffer(stored)])
    taken = both.take(even)
    if nulls is None or not nulls.any():
        return taken
    _, places, values = taken.buffers()
    valid = _buffer(np.packbits(~nulls, bitorder="little"))
    return pa.Array.from_buffers(pa.binary(), rows, [valid, places, values])


def _buffer(numbers: Any) -> pa.Buffer:
    return pa.py_buffer(numbers)


def promised(stored: Array, planned: Planned) -> Array:
    """Bytes -> the Arrow type the plan promised. Text that is not valid UTF-8 becomes MIXED. Raises NativeFailed."""
    kind = planned.arrow
    if kind == pa.binary():
        return stored
    if kind == pa.string():
        try:
            return stored.cast(kind)  # checked here, once, for the whole column
        except pa.ArrowInvalid:
            return decoded(stored, _decode)
    try:
        return _typed(stored.cast(pa.string()), kind)
    except pa.ArrowInvalid:
        why = f"column '{planned.column.source}' holds a value that {kind} cannot hold"
        raise NativeFailed(frozenset({planned.column.source}), why) from None


def _decode(stored: bytes) -> str | Undecodable:
    if stored.startswith(UNREADABLE):
        return Undecodable(stored.removeprefix(UNREADABLE))
    return stored.decode()


def _typed(text: Array, kind: pa.DataType | None) -> Array:
    if kind is not None and pa.types.is_timestamp(kind):
        return text.cast(pa.timestamp(kind.unit)).cast(kind)
    return text.cast(kind)
