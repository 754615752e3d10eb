"""The sections of docs/types.md on sources there is no server of: their lines, and what a driver is said to give."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from extractors import formats, spec
from extractors.compiled import Column
from extractors.dialects import Dialect, Planned
from extractors.model import ColumnSpec
from extractors.raw import Array
from extractors.schema import coerce, reader
from notation import marked_yaml

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "types.md"
RECORDED = Path(__file__).parent / "recorded"
Line = tuple[str, str, str, str, str]  # declared, the source's type, read as, the driver gives, the dataset gets


def recorded(name: str) -> Any:
    return json.loads((RECORDED / f"{name}.json").read_text(encoding="utf-8"))


def write(name: str, said: dict[str, object]) -> None:
    """A recording as JSON, a type a line."""
    types = said["types"]
    assert isinstance(types, list)
    listed = ",\n".join("    " + json.dumps(each, ensure_ascii=False) for each in types)
    head = json.dumps({**said, "types": []}, ensure_ascii=False, indent=2)
    text = head.replace('"types": []', f'"types": [\n{listed}\n  ]') + "\n"
    (RECORDED / f"{name}.json").write_text(text, encoding="utf-8")


def short(value: object) -> object:
    """As it is written down: bytes as hexadecimal, what is long by its length; half a pair has no place in UTF-8."""
    text = value.hex() if isinstance(value, bytes) else value if value is None else str(value)
    if text is None or len(text) > 60:
        return text and f"{text[0]}… ({len(text)})"
    return text.encode("ascii", "backslashreplace").decode() if "\ud83d" in text else text


def gives(column: Array) -> list[object]:
    """What a driver gave between two NULLs."""
    kept = column.cast(pa.string()) if pa.types.is_temporal(column.type) else column
    assert kept[0].as_py() is None
    assert kept[-1].as_py() is None
    return [short(each) for each in kept[1:-1].to_pylist()]


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
