"""Rows of PostgreSQL through COPY as CSV, over the session itself: batches by size, and text in no known encoding."""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import AbstractContextManager, suppress
from io import BytesIO
from typing import Protocol

import psycopg
import pyarrow as pa
from pyarrow import csv

from extractors.dialects import Select
from extractors.raw import JSON, Array, Raw, Undecodable, pack
from extractors.refused import NativeFailed, SourceRefused

ROWS = 32_768
BYTES = 8 * 2**20  # of CSV in one batch; a row is never cut, so a larger one is a batch of its own


class Asking(Protocol):
    """The session, for as long as it is used."""

    def __call__(self, *, amid_copy: bool = False) -> AbstractContextManager[psycopg.Connection]: ...


def read(asking: Asking, select: Select) -> Generator[pa.RecordBatch, None, None]:
    """Raises NativeFailed and whatever `asking` raises."""
    convert = _options(select)
    with asking() as session:
        copying = session.cursor().copy(f"COPY ({select.sql}) TO STDOUT (FORMAT csv)".encode())
        copy = copying.__enter__()
    finished = False
    try:
        while not finished:
            with asking(amid_copy=True):
                rows, finished = _some(copy)
            if rows:
                yield _batch(b"".join(rows), select, convert)
    finally:
        stopped = None if finished else GeneratorExit()  # then the COPY is cancelled, and what is under way let go of
        with suppress(GeneratorExit, SourceRefused), asking(amid_copy=True):
            copying.__exit__(type(stopped) if stopped else None, stopped, None)


def _some(copy: psycopg.Copy) -> tuple[list[bytes], bool]:
    """The next rows, and whether they are the last."""
    rows: list[bytes] = []
    size = 0
    while size < BYTES and len(rows) < ROWS:
        row = bytes(copy.read())  # PostgreSQL sends each row in a message of its own
        if not row:
            return rows, True
        rows.append(row)
        size += len(row)
    return rows, False


def _options(select: Select) -> csv.ConvertOptions:
    kinds = {f"c{at}": planned.arrow for at, planned in enumerate(select.columns)}
    return csv.ConvertOptions(
        column_types={name: pa.binary() if kind in (pa.string(), JSON, None) else kind for name, kind in kinds.items()},
        null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False,
        true_values=["t"], false_values=["f"],
    )  # fmt: skip


def _batch(text: bytes, select: Select, convert: csv.ConvertOptions) -> pa.RecordBatch:
    names = [f"c{at}" for at in range(len(select.columns))]
    whole = csv.ReadOptions(column_names=names, use_threads=False, block_size=len(text) + 1)
    lines = csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False)
    try:
        table = csv.read_csv(BytesIO(text), read_options=whole, parse_options=lines, convert_options=convert)
    except pa.ArrowInvalid as exc:
        raise _unread(str(exc), select) from None
    columns = []
    for column, planned in zip(table.columns, select.columns, strict=True):
        array: Array = column.combine_chunks()
        if planned.arrow in (pa.string(), JSON):
            array = _decoded(array)
            array = array.cast(JSON) if planned.arrow == JSON and array.type == pa.string() else array
        elif planned.arrow == pa.binary():
            array = pa.array(
                [None if v is None else bytes.fromhex(v[2:].decode()) for v in array.to_pylist()], pa.binary()
            )
        columns.append(array)
    return pa.RecordBatch.from_arrays(columns, names=names)


def _unread(said: str, select: Select) -> NativeFailed:
    """Infinity, or a year of five digits: Arrow says in which column."""
    found = re.search(r"column #([0-9]+)", said)
    failed = [select.columns[int(found[1])]] if found else []
    failed = [planned for planned in failed if planned.fragile] or [p for p in select.columns if p.fragile]
    names = frozenset(planned.column.source for planned in failed)
    return NativeFailed(names, f"a value of {', '.join(sorted(names))} has no form in Arrow")


def _decoded(stored: Array) -> Array:
    try:
        return stored.cast(pa.string())
    except pa.ArrowInvalid:
        return pack([_text(value) for value in stored.to_pylist()])


def _text(stored: bytes | None) -> Raw:
    if stored is None:
        return None
    try:
        return stored.decode()
    except UnicodeDecodeError:
        return Undecodable(stored)
