"""How a source's values travel as Arrow: a column of one kind, or of several side by side if the source is loose."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

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
JSON = pa.json_(pa.string())  # text that the source's own type has made sure is a JSON document
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
    """The inverse of `pack`; days, moments, decimals and booleans come as their text, which says all of them."""
    column = plain(column)
    if column.type != MIXED:
        values: list[Raw] = loose(column).to_pylist()
        return values
    rows: list[Raw] = []
    for row in column.to_pylist():
        if row is None:
            rows.append(None)
            continue
        name, value = next((name, value) for name, value in row.items() if value is not None)
        rows.append(Undecodable(value) if name == "undecodable" else value)
    return rows


class Unknown(Exception):
    """An Arrow type that has no exact form here; the column is to be read as text."""


def plain(column: Array) -> Array:
    """The same values in the one Arrow type there is for each kind: large or viewed text as string, float32 as float64.

    A float32 becomes the float64 that is written alike, 0.1 and not 0.10000000149011612: what the source would show.
    """
    kind = column.type
    if kind == JSON:
        text: Any = column
        return plain(text.storage)
    if isinstance(kind, pa.BaseExtensionType):
        raise Unknown(str(kind))
    if pa.types.is_dictionary(kind):
        return plain(column.cast(kind.value_type))
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return column.cast(pa.string())
    if pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind) or pa.types.is_fixed_size_binary(kind):
        return column.cast(pa.binary())
    if pa.types.is_float32(kind):
        return column.cast(pa.string()).cast(pa.float64())
    if pa.types.is_date64(kind):
        return column.cast(pa.date32())
    if pa.types.is_timestamp(kind) and kind.tz not in (None, "UTC"):
        return column.cast(pa.timestamp(kind.unit, "UTC"))  # an instant, whatever clock it was to be shown on
    if kind == MIXED or any(known(kind) for known in _KNOWN):
        return column
    raise Unknown(str(kind))


_KNOWN = (
    pa.types.is_null, pa.types.is_boolean, pa.types.is_integer, pa.types.is_float64, pa.types.is_string,
    pa.types.is_binary, pa.types.is_date32, pa.types.is_time, pa.types.is_timestamp, pa.types.is_decimal,
)  # fmt: skip


def loose(column: Array) -> Array:
    """A plain column -> integers, floating-point numbers, text or bytes as they are; anything else as its text.

    `true`; decimals with all digits of their scale, `12.50`; `2024-01-31`; `2024-01-31 09:30:00.5`, and `+00:00` after
    it for an instant; `09:30:00`.
    """
    kind = column.type
    if pa.types.is_boolean(kind) or pa.types.is_date32(kind):
        return column.cast(pa.string())
    if pa.types.is_decimal(kind):
        text = column.cast(pa.string())
        if not pc.any(pc.match_substring(text, "E"), min_count=0).as_py():
            return text
        return pa.array([None if v is None else format(v, "f") for v in column.to_pylist()], pa.string())
    if pa.types.is_time(kind):
        return _without_end_zeros(column.cast(pa.string()))
    if pa.types.is_timestamp(kind):
        text = _without_end_zeros(column.cast(pa.timestamp(kind.unit)).cast(pa.string()))
        return pc.replace_substring_regex(text, "$", "+00:00") if kind.tz else text
    return column


def _without_end_zeros(text: Array) -> Array:
    return pc.replace_substring_regex(text, r"(\.[0-9]*[1-9])0*$|\.0*$", r"\1")


def mapped(column: Array, change: Callable[[object], object], kind: pa.DataType) -> Array:
    """`change` of each value that occurs, NULL aside, made once."""
    encoded: Any = column.dictionary_encode()
    changed = [None if value is None else change(value) for value in encoded.dictionary.to_pylist()]
    return pa.array(changed, kind).take(encoded.indices)


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
