"""Faults: values that broke a rule, as rows, with no more of a value than its column's privacy allows. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from extractors.compiled import Dataset
from extractors.privacy import shape
from extractors.raw import Array, Raw, Undecodable, unpack
from extractors.schema import Break


def _field(name: str, kind: pa.DataType, comment: str, *, nullable: bool = False) -> pa.Field[Any]:
    return pa.field(name, kind, nullable, metadata={"comment": comment})


SCHEMA = pa.schema(
    [
        _field("row", pa.int64(), "the row's number in the run that read it, from 1"),
        _field("key", pa.string(), "the row's key as stored, as a JSON list"),
        _field("column", pa.string(), "the column in the dataset"),
        _field("source_column", pa.string(), "the column in the source"),
        _field("rule", pa.string(), "what it broke"),
        _field("shape", pa.string(), "what the value looks like: 9999-99-99"),
        _field("value", pa.string(), "the value itself, only where the column's privacy is keep", nullable=True),
        _field("set_aside", pa.bool_(), "whether the whole row was left out"),
    ]
)
NO_KEY = "a key without a value"


def without_key(typed: Sequence[Array], dataset: Dataset, breaks: Sequence[Break]) -> list[Break]:
    """The rows whose key is NULL in the source: a row that cannot be told apart is set aside."""
    known = {(fault.row, fault.column) for fault in breaks}
    found = []
    for index, column in enumerate(dataset.kept):
        if column.source in dataset.key and typed[index].null_count:
            nulls = typed[index].is_null().to_pylist()
            found += [Break(row, index, NO_KEY) for row, null in enumerate(nulls) if null and (row, index) not in known]
    return found


def set_aside(dataset: Dataset, breaks: Sequence[Break]) -> set[int]:
    """The rows of a batch that are left out: those with a fault in their key."""
    key = {index for index, column in enumerate(dataset.kept) if column.source in dataset.key}
    return {fault.row for fault in breaks if fault.column in key}


def rows(
    raw: pa.RecordBatch, safe: Sequence[Array], dataset: Dataset, breaks: Sequence[Break], *, before: int
) -> pa.RecordBatch:
    """The faults of one batch as rows of SCHEMA; `before` is how many rows the run read earlier."""
    aside = set_aside(dataset, breaks)
    keys = [dataset.kept.index(column) for column in dataset.key_columns]
    made = []
    for fault in sorted(breaks, key=lambda fault: (fault.row, fault.column)):
        column = dataset.kept[fault.column]
        value: Raw = unpack(raw.column(fault.column).slice(fault.row, 1))[0]
        key = [safe[index][fault.row].as_py() for index in keys]
        made.append(
            {
                "row": before + fault.row + 1,
                "key": json.dumps(key, ensure_ascii=False, default=str),
                "column": column.name,
                "source_column": column.source,
                "rule": fault.rule,
                "shape": shape(value),
                "value": _told(value) if column.privacy == "keep" else None,
                "set_aside": fault.row in aside,
            }
        )
    return pa.RecordBatch.from_pylist(made, schema=SCHEMA)


def _told(value: Raw) -> str | None:
    """A value as text: bytes as hexadecimal, so that what cannot be decoded can still be looked up."""
    if isinstance(value, Undecodable | bytes):
        return value.hex()
    return None if value is None else str(value)
