"""The sections of docs/types.md on sources there is no server of: their lines, and what a driver is said to give."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from extractors import formats, spec
from extractors.compiled import Column
from extractors.dialects import Dialect, Planned
from extractors.dialects.odbc import Decode
from extractors.model import ColumnSpec
from extractors.raw import Array
from extractors.schema import coerce, reader
from extractors.sources.batches import promised
from notation import marked_yaml

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "types.md"
RECORDED = Path(__file__).parent / "recorded"
Line = tuple[str, str, str, str, str]  # declared, the source's type, read as, the driver gives, the dataset gets


def recorded(name: str) -> Any:
    return json.loads((RECORDED / f"{name}.json").read_text(encoding="utf-8"))


def lines(section: str) -> Iterator[Line]:
    text = DOCUMENT.read_text(encoding="utf-8").partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    for line in text.splitlines():
        cells = [cell.strip() for cell in line[1:-1].split(" | ")] if line.startswith("| `") else []
        if cells:
            declared, kind, how, gives, gets = (cell.strip().strip("`").replace("·", " ") for cell in cells)
            yield declared, kind, how, gives, gets


def column(declared: str) -> Column:
    document = marked_yaml.parse(f"V: {declared}", "x.yaml")
    return spec._column(document, ("V",), "V", ColumnSpec.model_validate(document.at(("V",))))


def planned(line: Line, dialect: Dialect, *, as_text: bool = False) -> Planned:
    return dialect.plan(column(line[0]), line[1], as_text=as_text)


def given(text: str, kind: pa.DataType) -> Array:
    """What a line says the driver gives, between two NULLs, in the Arrow type it is recorded to have."""
    value: object = text
    if text.startswith("x'"):
        value = bytes.fromhex(text[2:-1])
    elif pa.types.is_decimal(kind):
        value = Decimal(text)
    elif pa.types.is_boolean(kind):
        value = text == "true"
    elif pa.types.is_floating(kind):
        value = float(text)
    elif pa.types.is_integer(kind):
        value = int(text)
    elif not pa.types.is_large_string(kind):
        return pa.array([None, text, None]).cast(kind)
    return pa.array([None, value, None], kind)


def outcome(line: Line, plan: Planned, array: Array, decode: Decode) -> str:
    """What becomes of it: as a batch of the driver's, promised, coerced."""
    batch = promised(pa.RecordBatch.from_arrays([array], names=["whatever"]), [plan], decode)
    assert batch.schema.names == ["c0"]
    assert plan.arrow is None or batch.schema.types == [plan.arrow]
    return became(line, batch.column(0))


def became(line: Line, read: Array) -> str:
    """What the dataset gets of the column read, which holds the line's value between two NULLs."""
    compiled = column(line[0])
    typed, broken = coerce(read, compiled, reader(compiled))
    values = typed.to_pylist()
    assert values[0] is None
    assert values[2] is None
    if broken:
        assert [row for row, _ in broken] == [1]
        assert values[1] is None
        return f"fault: {broken[0][1]}"
    return formats.text(values[1])
