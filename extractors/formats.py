"""An answer as a table to look at, CSV, JSON or Parquet; numbers in every digit."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from extractors.shown import values

SHOWN = 100  # rows of a table: a screen or two
WIDTH = 60  # characters of a cell


def write(reader: pa.RecordBatchReader, form: str, out: BinaryIO) -> None:
    FORMATS[form](reader, out)


def text(value: object) -> str:
    """A value as text, exactly: decimals with all their digits, never in powers of ten; NULL is nothing."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case Decimal():
            return format(value, "f")
        case bytes():
            return value.hex()
        case datetime():
            return value.isoformat(sep=" ").replace("+00:00", "Z")
        case date() | time():
            return value.isoformat()
        case timedelta():
            return str(value)
        case list() | dict():
            return json.dumps(plain(value), ensure_ascii=False)
    return str(value)


def plain(value: object) -> object:
    """A value for JSON: what JSON has no exact form for becomes text."""
    match value:
        case None | bool() | str() | int():
            return value
        case float():
            return value if math.isfinite(value) else str(value)
        case list():
            return [plain(inner) for inner in value]
        case dict():
            return {text(key): plain(inner) for key, inner in value.items()}
    return text(value)


def _csv(reader: pa.RecordBatchReader, out: BinaryIO) -> None:
    """RFC 4180, which has no NULL: it is nothing at all, and an empty text is `""`, as PostgreSQL writes them."""
    out.write((",".join(map(_field, reader.schema.names)) + "\r\n").encode())
    for batch in reader:
        rows = zip(*(values(column) for column in batch.columns), strict=True)
        out.write("".join([",".join(map(_field, row)) + "\r\n" for row in rows]).encode())


_SPECIAL = re.compile(r'[",\r\n]')


def _field(value: object) -> str:
    if value is None:
        return ""
    shown = text(value)
    return '"' + shown.replace('"', '""') + '"' if not shown or _SPECIAL.search(shown) else shown


def _json(reader: pa.RecordBatchReader, out: BinaryIO) -> None:
    separator = b"[\n"
    for batch in reader:
        for row in zip(*(values(column) for column in batch.columns), strict=True):
            named = {name: plain(value) for name, value in zip(reader.schema.names, row, strict=True)}
            out.write(separator + json.dumps(named, ensure_ascii=False).encode())
            separator = b",\n"
    out.write(b"[]\n" if separator == b"[\n" else b"\n]\n")


def _parquet(reader: pa.RecordBatchReader, out: BinaryIO) -> None:
    with pq.ParquetWriter(out, reader.schema, compression="zstd") as writer:
        for batch in reader:
            writer.write_batch(batch)


def _table(reader: pa.RecordBatchReader, out: BinaryIO) -> None:
    names = reader.schema.names
    rows: list[list[str]] = []
    total = 0
    for batch in reader:
        some = batch.slice(0, max(SHOWN - len(rows), 0))
        rows += map(list, zip(*([_cell(v) for v in values(column)] for column in some.columns), strict=True))
        total += batch.num_rows
    widths = [max([len(name), *(len(row[at]) for row in rows)]) for at, name in enumerate(names)]
    right = [pa.types.is_integer(t) or pa.types.is_floating(t) or pa.types.is_decimal(t) for t in reader.schema.types]

    def line(cells: list[str]) -> str:
        return "  ".join(c.rjust(w) if r else c.ljust(w) for c, w, r in zip(cells, widths, right, strict=True)).rstrip()

    lines = [line(names), line(["-" * width for width in widths]), *map(line, rows)]
    more = f"; the first {len(rows)} are shown, --format csv gives all" if total > len(rows) else ""
    lines.append(f"({total:,} {'row' if total == 1 else 'rows'}{more})")
    out.write(("\n".join(lines) + "\n").encode())


def _cell(value: object) -> str:
    shown = "NULL" if value is None else " ".join(text(value).split("\n"))
    shown = "".join(character if character.isprintable() else "?" for character in shown)  # no terminal codes from data
    return shown if len(shown) <= WIDTH else shown[: WIDTH - 1] + "…"


FORMATS: Mapping[str, Callable[[pa.RecordBatchReader, BinaryIO], None]] = {
    "table": _table,
    "csv": _csv,
    "json": _json,
    "parquet": _parquet,
}
