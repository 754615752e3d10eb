"""Columns as they were read -> columns of the declared types, exactly; what does not fit is told, row by row. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from extractors.casts import FIRST_DAY, LAST_DAY, bounds, cast
from extractors.coarser import NO_POSTCODE, without_postcode
from extractors.compiled import Column, Dataset
from extractors.parsing import BLANKS, Broken, Parse, parser
from extractors.raw import JSON, MIXED, Array, Raw, Unknown, loose, plain, text_of, unpack
from extractors.refused import NativeFailed


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
    """A raw column -> (the typed column, the rows that broke a rule and which). Raises NativeFailed."""
    typed, broken = _coerced(raw, column, read)
    if column.privacy == "outcode":
        typed, more = _postcodes(typed)
        broken += more
    return typed, broken


def _postcodes(array: Array) -> tuple[Array, list[tuple[int, str]]]:
    """What a rule cannot be applied to is a fault, not something to keep: NULL where there is no postcode."""
    none = without_postcode(array)
    rows: list[Any] = pc.indices_nonzero(none).to_pylist()
    return pc.if_else(none, pa.scalar(None, pa.string()), array), [(row, NO_POSTCODE) for row in rows]


def _coerced(raw: Array, column: Column, read: Parse) -> tuple[Array, list[tuple[int, str]]]:
    if isinstance(raw, pa.DictionaryArray) and len(raw.dictionary) < len(raw):
        typed, broken = _coerced(raw.dictionary, column, read)
        return typed.take(raw.indices), list(_rows_of(raw.indices, dict(broken)))
    is_json = raw.type == JSON
    try:
        raw = plain(raw)
    except Unknown as exc:
        raise NativeFailed(frozenset({column.source}), f"column '{column.source}' came as Arrow's {exc}") from exc
    if pa.types.is_null(raw.type):
        return raw.cast(column.type.arrow), []
    _check_years(raw, column)
    if (
        is_json
        and column.type.name == "json"
        and column.trim == "none"
        and not column.values
        and not column.null_values
    ):
        return raw, []
    if raw.type == MIXED:
        return _value_by_value(unpack(raw), column, read)
    if column.values or (column.null_values and pa.types.is_floating(raw.type)):
        return _distinct(raw, column, read)
    if column.null_values:
        raw = _without(raw, column.null_values)
    done = cast(raw, column)
    if done is None:
        return _distinct(raw, column, read)
    if done.rest is None:
        return done.values, []
    rows = pc.indices_nonzero(done.rest)
    typed, broken = _distinct(raw.take(rows), column, read)
    whole = pc.replace_with_mask(done.values, done.rest, typed)
    return whole, [(rows[row].as_py(), rule) for row, rule in broken]


def _check_years(raw: Array, column: Column) -> None:
    """What an engine makes of infinity and of years before 1 is the least and the most its Arrow type can hold."""
    if not pa.types.is_date32(raw.type) and not pa.types.is_timestamp(raw.type):
        return
    day = _A_DAY[raw.type.unit] if pa.types.is_timestamp(raw.type) else 1
    least, most = bounds(raw.cast(pa.int64() if pa.types.is_timestamp(raw.type) else pa.int32()))
    if least is not None and most is not None and (least < FIRST_DAY * day or most >= (LAST_DAY + 1) * day):
        why = f"column '{column.source}' holds a day outside the years 1 to 9999"
        raise NativeFailed(frozenset({column.source}), why)


_A_DAY = {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}


def _without(raw: Array, nulls: frozenset[str]) -> Array:
    """NULL where the value, blanks aside, is one of `nulls`: as `text_of` and `reader` have it."""
    text = loose(raw)
    if pa.types.is_binary(text.type):
        return raw
    text = pc.utf8_trim(text.cast(pa.string()), characters=" \t\r\n\0")
    kept: Array = pc.if_else(pc.is_in(text, value_set=pa.array(sorted(nulls))), pa.scalar(None, raw.type), raw)
    return kept


def _distinct(raw: Array, column: Column, read: Parse) -> tuple[Array, list[tuple[int, str]]]:
    """Each value that occurs is read once."""
    encoded = loose(raw).dictionary_encode()
    typed, broken = _value_by_value(unpack(encoded.dictionary), column, read)
    return typed.take(encoded.indices), list(_rows_of(encoded.indices, dict(broken)))


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
