"""Few keys are found where they lie, whatever they are made of; groups of rows that cannot hold them are not read."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from extractors import few_keys
from extractors.few_keys import FewKeys

CASES: list[tuple[str, list[pa.DataType], list[tuple[Any, ...]], list[tuple[Any, ...]]]] = [
    # law, types of the key, incoming, held
    ("whole numbers", [pa.int64()], [(7,), (-1,), (2**60,)], [(5,), (-1,), (6,), (2**60,)]),
    ("text by its bytes", [pa.string()], [("é",), ("A",), ("",)], [("a",), ("A",), ("e\u0301",), ("é",), ("🏠",)]),
    ("days", [pa.date32()], [(dt.date(2024, 2, 29),)], [(dt.date(2024, 2, 28),), (dt.date(2024, 2, 29),)]),
    ("several, each equal", [pa.string(), pa.int32()], [("a", 1), ("b", 2)], [("a", 2), ("b", 1), ("b", 2)]),
    (
        "four", [pa.int8(), pa.string(), pa.int64(), pa.string()], [(1, "a", 2, "b"), (1, "a", 2, "c")],
        [(1, "a", 2, "c"), (1, "c", 2, "a"), (2, "a", 2, "c"), (1, "a", 1, "b")],
    ),
    ("NULL is no key", [pa.string(), pa.int32()], [("a", 1)], [("a", None), (None, 1), ("a", 1)]),
]  # fmt: skip


def written(path: Path, types: list[pa.DataType], rows: list[tuple[Any, ...]], group: int = 100) -> Path:
    columns = [pa.array(values, kind) for values, kind in zip(zip(*rows, strict=True), types, strict=True)]
    pq.write_table(pa.table(columns, names=[f"k{at}" for at in range(len(types))]), path, row_group_size=group)
    return path


def few(path: Path) -> FewKeys | None:
    schema = pq.read_schema(path)
    return few_keys.few_keys([path], dict.fromkeys(schema.names, True), schema)


@pytest.mark.parametrize(("law", "types", "incoming", "held"), CASES, ids=[law for law, *_ in CASES])
def test_keys_are_found_where_they_lie(
    tmp_path: Path, law: str, types: list[pa.DataType], incoming: list[tuple[Any, ...]], held: list[tuple[Any, ...]]
) -> None:
    found = few(written(tmp_path / "incoming", types, incoming))
    assert found is not None
    for group in (1, 2, 100):
        path = written(tmp_path / "held", types, held, group)
        places = found.places(path, pq.read_metadata(path), "")
        pairs = {
            (int(m), at * group + int(t)) for at, mine, theirs in places for m, t in zip(mine, theirs, strict=True)
        }
        assert pairs == {(m, t) for m, key in enumerate(incoming) for t, other in enumerate(held) if key == other}


def test_a_group_that_cannot_hold_them_is_not_read(tmp_path: Path) -> None:
    path = written(tmp_path / "held", [pa.int64()], [(n,) for n in range(200)])
    footer = pq.read_metadata(path)
    first: Any = footer.row_group(0).column(0)
    with path.open("r+b") as file:
        file.seek(first.dictionary_page_offset or first.data_page_offset)
        file.write(b"\xff" * first.total_compressed_size)
    beyond = few(written(tmp_path / "beyond", [pa.int64()], [(150,), (500,)]))
    within = few(written(tmp_path / "within", [pa.int64()], [(50,), (150,)]))
    assert beyond is not None
    assert within is not None
    assert [(group, theirs.tolist()) for group, _, theirs in beyond.places(path, footer, "")] == [(1, [50])]
    with pytest.raises(OSError, match=r"Deserializing|decompress|Corrupt|Invalid|thrift"):
        list(within.places(path, footer, ""))


def test_what_is_left_to_the_other_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cases: list[tuple[pa.DataType, list[tuple[Any, ...]]]] = [
        (pa.int64(), [(1,), (1,)]), (pa.string(), [("a",), (None,)]), (pa.float64(), [(0.0,)]),
    ]  # fmt: skip
    for number, (kind, rows) in enumerate(cases):
        assert few(written(tmp_path / f"{number}", [kind], rows)) is None
    monkeypatch.setattr(few_keys, "FEW", 1)
    assert few(written(tmp_path / "many", [pa.int64()], [(1,), (2,)])) is None
