"""How a source's values travel as Arrow: a column of one kind, or of several side by side if the source is loose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa

if TYPE_CHECKING:
    Array: TypeAlias = pa.Array[Any]  # of whatever type: which one is known only when a batch is there
else:
    Array = pa.Array


class Undecodable(bytes):
    """Text of the source that is not valid in the encoding the source claims; the bytes as they are stored."""


Raw: TypeAlias = int | float | str | bytes | None

# At most one of the five is set in a row; none is a NULL.
MIXED = pa.struct(
    [
        pa.field("integer", pa.int64()),
        pa.field("real", pa.float64()),
        pa.field("text", pa.string()),
        pa.field("undecodable", pa.binary()),
        pa.field("blob", pa.binary()),
    ]
)
_ONE_KIND: dict[frozenset[type], pa.DataType] = {
    frozenset(): pa.null(),
    frozenset({int}): pa.int64(),
    frozenset({float}): pa.float64(),
    frozenset({str}): pa.string(),
    frozenset({bytes}): pa.binary(),
}
_FIELD: dict[type, str] = {int: "integer", float: "real", str: "text", Undecodable: "undecodable", bytes: "blob"}


def pack(values: Sequence[Raw]) -> Array:
    """Values as they were read -> one Arrow column that still says what each of them was.

    `[1, None]` -> int64; `["a", None]` -> string; `[1, "a"]` -> MIXED.
    """
    kinds = frozenset(map(type, values)) - {type(None)}
    one = _ONE_KIND.get(kinds)
    if one is not None:
        return pa.array(values, type=one)
    rows = [None if value is None else {_FIELD[type(value)]: value} for value in values]
    return pa.array(rows, type=MIXED)


def unpack(column: Array) -> list[Raw]:
    """The inverse of `pack`."""
    if column.type != MIXED:
        values: list[Raw] = column.to_pylist()
        return values
    rows: list[Raw] = []
    for row in column.to_pylist():
        if row is None:
            rows.append(None)
            continue
        name, value = next((name, value) for name, value in row.items() if value is not None)
        rows.append(Undecodable(value) if name == "undecodable" else value)
    return rows


def text_of(raw: Raw) -> str | None:
    """A value as a person would write it in YAML, for `null_values` and `values`; None for bytes.

    `0` -> "0", `"O  "` -> "O", `20240131.0` -> "20240131".
    """
    if isinstance(raw, str):
        return raw.strip(" \t\r\n\0")
    if isinstance(raw, float):
        return str(int(raw)) if raw.is_integer() else repr(raw)
    if isinstance(raw, int):
        return str(raw)
    return None
