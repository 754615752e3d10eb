"""The proof of a key says exactly which keys occur twice, whatever they are made of, in bounded memory."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors import proof

KINDS: dict[str, tuple[pa.DataType, st.SearchStrategy[object]]] = {
    "whole numbers": (pa.int64(), st.integers(-3, 3) | st.integers(-(2**63), 2**63 - 1)),
    "text": (pa.string(), st.sampled_from(["", " ", "a", "A", "é", "e\u0301", "a ", "\0"])),
    "decimals": (pa.decimal128(38, 2), st.integers(-3, 3).map(lambda n: Decimal(n).scaleb(-2))),
    "days": (pa.date32(), st.dates(date(2024, 1, 1), date(2024, 1, 5))),
    "moments": (pa.timestamp("us", "UTC"), st.datetimes(datetime(2024, 1, 1), datetime(2024, 1, 2))),  # noqa: DTZ001
    "floating-point numbers": (pa.float64(), st.sampled_from([0.0, -0.0, 1.5, float("inf"), 1e-300])),
    "booleans": (pa.bool_(), st.booleans()),
    "bytes": (pa.binary(), st.binary(max_size=1)),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("part", [1, 3, 2**21])
def test_keys_are_compared_as_values_are(kind: str, part: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proof, "PART", part)
    made, values = KINDS[kind]

    @settings(max_examples=15, deadline=None)
    @given(st.lists(st.lists(st.tuples(values, st.integers(0, 1)), max_size=9), min_size=1, max_size=3))
    def law(files: list[list[tuple[object, int]]]) -> None:
        with TemporaryDirectory() as folder:
            written = [write(Path(folder) / f"{at}.parquet", rows, made) for at, rows in enumerate(files)]
            rows = [row for batch in files for row in batch]
            for key in ({"a": True}, {"a": True, "b": True}):
                times = Counter(row[: len(key)] for row in rows)
                twice = {name for name, count in times.items() if count > 1}
                said = proof.keys_that_occur_twice(written, key, Path(folder) / "spill")
                assert said.partition(" ")[0] == (f"{len(twice):,}" if twice else "")
            assert not list((Path(folder) / "spill").iterdir())

    law()


def write(path: Path, rows: list[tuple[object, int]], kind: pa.DataType) -> Path:
    columns = list(zip(*rows, strict=True)) or [(), ()]
    pq.write_table(pa.table({"a": pa.array(columns[0], kind), "b": pa.array(columns[1], pa.int64())}), path)
    return path


def keys(tmp_path: Path, values: list[object]) -> list[Path]:
    pq.write_table(pa.table({'a"b': values, "p": [f"secret {value}" for value in values]}), tmp_path / "a.parquet")
    return [tmp_path / "a.parquet"]


def test_the_sentence_shows_three_keys_and_only_what_may_be_shown(tmp_path: Path) -> None:
    files = keys(tmp_path, [5, 4, 3, 2, 1, 0, 1, 2, 3, 5, 5])
    assert proof.keys_that_occur_twice(files, {'a"b': True}, tmp_path) == (
        "4 keys occur more than once, for example 1 (2 times), 2 (2 times), 3 (2 times)"
    )
    assert proof.keys_that_occur_twice(files, {'a"b': True, "p": False}, tmp_path) == (
        "4 keys occur more than once, for example 1 … (2 times), 2 … (2 times), 3 … (2 times)"
    )
    assert proof.keys_that_occur_twice(keys(tmp_path, [1, 2, 1]), {"p": False}, tmp_path) == (
        "1 key occurs more than once, for example … (2 times)"
    )


@pytest.mark.parametrize("kind", [pa.int8(), pa.int32(), pa.int64()], ids=str)
@pytest.mark.parametrize(
    ("rows", "unique"),
    [([3, -1, 0, 127, 1], True), ([], True), ([3, 1, 3], False), ([-2, 127], False), ([None, 1], False)],
)
def test_whole_numbers_close_together_need_no_hashes(
    kind: pa.DataType, rows: list[int | None], unique: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proof, "MARKS", 129)
    monkeypatch.setattr(proof._Question, "hashes", lambda _: iter([np.zeros(2, np.uint64)]))
    monkeypatch.setattr(proof._Question, "look", lambda *_: [(0, 2)])
    files = [write(tmp_path / f"{at}.parquet", [(row, 0)], kind) for at, row in enumerate(rows)]
    assert bool(proof.keys_that_occur_twice(files, {"a": True}, tmp_path / "spill")) != unique


def test_hashes_that_meet_by_chance_are_no_keys_that_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proof, "_twice", np.unique)
    monkeypatch.setattr(proof, "LOOKED_AT", 2)
    assert proof.keys_that_occur_twice(keys(tmp_path, list(range(7))), {"p": False}, tmp_path) == ""
    assert " key" in proof.keys_that_occur_twice(keys(tmp_path, [*range(7), 3]), {"p": False}, tmp_path)


def test_what_the_disk_refuses_is_a_failed_proof(tmp_path: Path) -> None:
    (tmp_path / "spill").write_text("a file where a folder belongs", encoding="utf-8")
    with pytest.raises(proof.Failed):
        proof.keys_that_occur_twice(keys(tmp_path, [1]), {'a"b': True}, tmp_path / "spill")
