"""A whole table of SQLite's, read in slices of its rowids over one connection or two, is all of it, in its order."""

from __future__ import annotations

from pathlib import Path

import pytest

from extractors.refused import NativeFailed, SourceRefused
from extractors.sources import sqlite, sqlite_fast

from .sqlite_files import columns, made, opened, rows, selected

pytest.importorskip("adbc_driver_sqlite")


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file in which even one row is worth the fast way."""
    monkeypatch.setattr(sqlite, "LARGE", 0)
    monkeypatch.setattr(sqlite, "SAMPLE", 1)
    return tmp_path / "silo.db"


SLICED = [  # what is made of it, the rowids
    ("INTEGER PRIMARY KEY", [1, 2, 3, 4, 5, 6, 7, 8, 9]),
    ("INTEGER PRIMARY KEY", [-(2**63), -5, 0, 7, 8, 9, 10, 11, 12, 13, 2**63 - 1]),
    ("INTEGER", [*range(1000, 1100), 10**12, *range(2 * 10**12, 2 * 10**12 + 100)]),
    ("INTEGER PRIMARY KEY", [3 * n for n in range(5000)]),
]


@pytest.mark.parametrize("lanes", [1, 2])
@pytest.mark.parametrize(("key", "ids"), SLICED, ids=["dense", "as far as can be", "in two places", "many"])
def test_a_whole_table_in_slices_is_all_of_it_in_its_order(
    path: Path, monkeypatch: pytest.MonkeyPatch, key: str, ids: list[int], lanes: int
) -> None:
    monkeypatch.setattr(sqlite_fast, "ROWS", 4)
    with made(path) as connection:
        connection.execute(f"CREATE TABLE T (N {key}, A TEXT)")
        connection.executemany(
            "INSERT INTO T (rowid, N, A) VALUES (?1, ?1, ?2)", [(n, None if n % 3 else f"é{n}") for n in ids]
        )
    with opened(path, max_connections=lanes + 1) as reading:
        assert reading.fast is not None
        select = selected(reading, "T", columns("NA", ["int64", "string"]))
        assert reading.count(select) == len(ids)
        batches = list(reading.read(select))
        assert reading.fast is not None
    assert rows(batches) == [(n, None if n % 3 else f"é{n}") for n in ids]
    assert len(batches) >= len(ids) / 4


@pytest.mark.parametrize("at", [7, 4990])
@pytest.mark.parametrize(("kind", "usual", "odd"), [("TEXT", "a", b"x"), ("DATE", "2024-01-31", 20240131)])
def test_a_value_of_another_kind_is_noticed_in_whatever_slice_it_is(
    path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, usual: str, odd: object, at: int
) -> None:
    monkeypatch.setattr(sqlite_fast, "ROWS", 64)
    with made(path) as connection:
        connection.execute(f"CREATE TABLE T (N INTEGER PRIMARY KEY, A {kind})")
        connection.executemany("INSERT INTO T (A) VALUES (?)", [(odd if n == at else usual,) for n in range(5000)])
    with opened(path, max_connections=3) as reading:
        assert reading.fast is not None
        process = reading.fast.process
        select = selected(reading, "T", columns("NA", ["int64", "string"]))
        assert reading.count(select) == 5000
        with pytest.raises(NativeFailed, match="'A' holds") as failed:
            list(reading.read(select))
        assert failed.value.columns == {"A"}
        assert process.returncode is not None


@pytest.mark.parametrize("how", ["killed", "cancelled", "left off"])
def test_two_lanes_end_at_once(path: Path, how: str) -> None:
    with made(path) as connection:
        connection.execute("CREATE TABLE T (N INTEGER PRIMARY KEY, A TEXT)")
        connection.executemany("INSERT INTO T (A) VALUES (?)", [("x" * 100,) for _ in range(100_000)])
    cols = columns("NA", ["int64", "string"])
    with opened(path, max_connections=3) as reading:
        assert reading.fast is not None
        process = reading.fast.process
        select = selected(reading, "T", cols)
        assert reading.count(select) == 100_000
        batches = reading.read(select)
        next(batches)
        if how == "left off":
            batches.close()
        else:
            process.kill() if how == "killed" else reading.cancel()
            with pytest.raises(NativeFailed if how == "killed" else SourceRefused):
                list(batches)
        assert process.returncode is not None
        if how == "killed":
            assert len(rows(list(reading.read(select)))) == 100_000  # the plain way
