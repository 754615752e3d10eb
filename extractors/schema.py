"""Columns as they were read -> columns of the declared types, exactly; what does not fit is told, row by row. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from extractors.compiled import Column, Dataset
from extractors.parsing import BLANKS, Broken, Parse, parser
from extractors.raw import MIXED, Array, Raw, text_of, unpack


@dataclass(frozen=True, slots=True)
class Break:
    """One value that broke a rule: its row in the batch, its column among those kept, and the rule."""

    row: int
    column: int
    rule: str


@dataclass(frozen=True, slots=True)
class Coerced:
    """A batch in its declared types; NULL where a value broke a rule."""

    columns: tuple[Array, ...]
    breaks: tuple[Break, ...]


class Coercion:
    """Coerces the batches of one dataset: columns in the order of `dataset.kept`."""

    def __init__(self, dataset: Dataset) -> None:
        self.columns = dataset.kept
        self.readers = tuple(reader(column) for column in self.columns)

    def __call__(self, batch: pa.RecordBatch) -> Coerced:
        typed: list[Array] = []
        breaks: list[Break] = []
        for index, (column, read) in enumerate(zip(self.columns, self.readers, strict=True)):
            array, broken = coerce(batch.column(index), column, read)
            typed.append(array)
            breaks.extend(Break(row, index, rule) for row, rule in broken)
        return Coerced(tuple(typed), tuple(breaks))


def reader(column: Column) -> Parse:
    """What one value of this column becomes: a value of its type, None, or Broken."""
    parse = parser(column.type, column.divide)
    values, nulls, cut = column.values, column.null_values, _TRIM[column.trim]

    def read(raw: Raw) -> object:
        if raw is None:
            return None
        if nulls and text_of(raw) in nulls:
            return None
        if values is not None:
            meant = None if (code := text_of(raw)) is None else values.get(code)
            if meant is None:
                return Broken("a code that values: does not list")
            raw = meant
        return parse(cut(raw) if isinstance(raw, str) else raw)

    return read


_TRIM: dict[str, Callable[[str], str]] = {
    "none": lambda text: text,
    "end": lambda text: text.rstrip(BLANKS),
    "both": lambda text: text.strip(BLANKS),
}


def coerce(raw: Array, column: Column, read: Parse) -> tuple[Array, list[tuple[int, str]]]:
    """A raw column -> (the typed column, the rows that broke a rule and which)."""
    if pa.types.is_null(raw.type):
        return pa.array([None] * len(raw), type=column.type.arrow), []
    if not column.values and not column.null_values:
        fast = _whole_column(raw, column)
        if fast is not None:
            return fast, []
    if raw.type == MIXED:
        return _value_by_value(unpack(raw), column, read)
    encoded = raw.dictionary_encode()
    typed, broken = _value_by_value(unpack(encoded.dictionary), column, read)
    indices = encoded.indices
    return typed.take(indices), list(_rows_of(indices, dict(broken)))


def _rows_of(indices: Array, broken: dict[int, str]) -> Iterable[tuple[int, str]]:
    if not broken:
        return
    for row, code in enumerate(indices.to_pylist()):
        if code is not None and code in broken:
            yield row, broken[code]


def _value_by_value(values: list[Raw], column: Column, read: Parse) -> tuple[Array, list[tuple[int, str]]]:
    broken: list[tuple[int, str]] = []
    typed: list[object] = []
    for row, raw in enumerate(values):
        value = read(raw)
        if isinstance(value, Broken):
            broken.append((row, value.rule))
            value = None
        typed.append(value)
    return pa.array(typed, type=column.type.arrow), broken


# --- whole columns at once, only where that gives what reading value by value gives -----------------------------------

# Years from 1000: Arrow reads them as we do; whatever else a column holds is left to the parser.
_ISO_DAY = r"^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}$"
_ISO_MOMENT = r"^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?$"


def _whole_column(raw: Array, column: Column) -> Array | None:
    """The typed column, or None: read it value by value."""
    kind, name = raw.type, column.type.name
    if name == "string" and pa.types.is_string(kind) and column.trim == "none":
        return raw
    if (name, kind) in (("int64", pa.int64()), ("float64", pa.float64()), ("binary", pa.binary())):
        return raw
    try:
        if name in ("int8", "int16", "int32") and kind == pa.int64():
            return raw.cast(column.type.arrow)
        if name == "decimal" and kind == pa.int64():
            return _shifted(raw, column)
        if name == "date" and pa.types.is_string(kind) and _all_match(raw, _ISO_DAY):
            return raw.cast(pa.date32())
        if name == "timestamp" and not column.type.zone and pa.types.is_string(kind) and _all_match(raw, _ISO_MOMENT):
            return raw.cast(pa.timestamp("us"))
    except pa.ArrowInvalid:  # some value does not fit: the parser says which
        return None
    return None


def _all_match(raw: Array, pattern: str) -> bool:
    return bool(pc.all(pc.match_substring_regex(raw, pattern), min_count=0).as_py())


def _shifted(raw: Array, column: Column) -> Array | None:
    """Integers as decimals: 1234 pence, divided by 100, are 12.34. The digits stay; only the point is set anew."""
    declared, places = column.type, len(str(column.divide)) - 1
    if declared.scale < places or declared.scale - places > 18:
        return None
    digits = raw.cast(pa.decimal128(38, declared.scale - places))  # 19 digits and 18 zeros fit in 38
    moved = pa.Array.from_buffers(pa.decimal128(38, declared.scale), len(digits), digits.buffers(), digits.null_count)
    return moved.cast(declared.arrow)
