"""The fast way to read SQLite gives what the plain one gives, or it is noticed; and both see one moment of the file."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from extractors.compiled import Column
from extractors.dialects import Select
from extractors.queries import relation_of
from extractors.refused import NativeFailed, SourceRefused
from extractors.schema import coerce, reader
from extractors.sources import sqlite, sqlite_fast
from extractors.sources.batches import BYTES

from .sqlite_files import columns, made, opened, rows, selected

pytest.importorskip("adbc_driver_sqlite")

DECLARED = (
    "INTEGER", "BIGINT UNSIGNED", "TEXT", "VARCHAR(10)", "REAL", "DOUBLE", "NUMERIC", "DECIMAL(10,2)", "DATE",
    "DATETIME", "BOOLEAN", "BLOB", "", "JSON",
)  # fmt: skip
TYPES = (
    "string",
    "int64",
    "int8",
    "decimal(12,2)",
    "float64",
    "boolean",
    "date",
    "timestamp",
    "time",
    "binary",
    "uprn",
)
VALUE = (
    st.none()
    | st.integers(-5, 200)
    | st.integers(-(2**63), 2**63 - 1)
    | st.sampled_from([2**53, 2**53 + 1, -(2**53) - 1, 20240131, 0.5, 2.0, 1e300, 9e999, -9e999, float(2**53), 2.0**63])
    | st.floats(allow_nan=False)
    | st.sampled_from(
        ["", "1", "1.50", "2024-01-31", "2024-1-3", "2024-01-31T09:30:00", "a\0b", "é🏠", "Y", "x" * 3000]
    )
    | st.text(st.characters(exclude_categories=("Cs",)), max_size=5)
    | st.binary(max_size=5)
    | st.sampled_from([b"", b"2024-01-31", b"\xff"])
)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file in which even one row is worth the fast way."""
    monkeypatch.setattr(sqlite, "LARGE", 0)
    monkeypatch.setattr(sqlite, "SAMPLE", 1)
    return tmp_path / "silo.db"


def outcomes(batch: pa.RecordBatch, cols: Sequence[Column]) -> list[object]:
    """What becomes of each value: in its type, or which rule it broke."""
    found: list[object] = []
    for at, column in enumerate(cols):
        typed, broken = coerce(batch.column(at), column, reader(column))
        rules = dict(broken)
        found += [(row, at, rules.get(row, repr(value))) for row, value in enumerate(typed.to_pylist())]
    return found


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(
    st.lists(st.sampled_from(DECLARED), min_size=1, max_size=4).flatmap(
        lambda kinds: st.tuples(
            st.just(kinds),
            st.lists(st.sampled_from(TYPES), min_size=len(kinds), max_size=len(kinds)),
            st.lists(st.lists(VALUE, min_size=len(kinds), max_size=len(kinds)), min_size=2, max_size=12),
        )
    )
)
@pytest.mark.parametrize("sliced", [False, True], ids=["whole", "sliced"])
@pytest.mark.slow
def test_any_value_comes_out_as_by_the_plain_way_or_is_noticed(
    path: Path, monkeypatch: pytest.MonkeyPatch, sliced: bool, table: tuple[list[str], list[str], list[list[object]]]
) -> None:
    kinds, types, values = table
    monkeypatch.setattr(sqlite_fast, "ROWS", 4)
    names = [f"C{at}" for at in range(len(kinds))]
    with made(path) as connection:
        connection.execute(f"CREATE TABLE T ({', '.join(map(' '.join, zip(names, kinds, strict=True)))})")
        connection.executemany(f"INSERT INTO T VALUES ({', '.join('?' * len(kinds))})", values)
    cols = columns(names, types)
    with opened(path, max_connections=3) as reading:
        assert not sliced or reading.count(selected(reading, "T", cols)) == len(values)
        try:
            fast = list(reading.read(selected(reading, "T", cols)))
        except NativeFailed:
            return
    with opened(path, max_connections=1) as reading:
        assert reading.fast is None
        plain = list(reading.read(selected(reading, "T", cols)))
    assert len(rows(fast)) == len(values)
    (one,) = pa.Table.from_batches(fast).combine_chunks().to_batches()
    (other,) = plain
    assert outcomes(one, cols) == outcomes(other, cols)


ODD = [  # declared, type, the first rows, the odd one, what is said of it
    ("INTEGER", "int64", [1, 2], "text", "expected INT64 but got STRING/BINARY"),
    ("INTEGER", "int64", [1, 2], 1.5, "expected INT64 but got DOUBLE"),
    ("INTEGER", "int64", [1, 2], b"x", "expected INT64 but got STRING/BINARY"),
    ("TEXT", "string", ["a", "b"], b"x", "a value of another storage class"),
    ("TEXT", "string", ["a", "b"], b"", "a value of another storage class"),
    ("DATE", "date", ["2024-01-31", "2024-01-31"], 20240131, "a value of another storage class"),
    ("DATE", "date", ["2024-01-31", "2024-01-31"], 1.5, "a value of another storage class"),
    ("REAL", "float64", [1.5, 2.5], "text", "expected DOUBLE but got STRING/BINARY"),
    ("DECIMAL(10,2)", "decimal(12,2)", [1.5, 2.5], 2**53 + 1, "a number that a float cannot say exactly"),
    ("BLOB", "binary", [b"a", b"b"], "text", "a value of another storage class"),
    ("BLOB", "binary", [b"a", b"b"], 1, "expected BLOB"),
]  # fmt: skip


@pytest.mark.parametrize("far", [False, True], ids=["near", "far"])
@pytest.mark.parametrize(("kind", "declared", "first", "odd", "said"), ODD)
def test_a_value_of_another_kind_is_noticed_wherever_it_is(
    path: Path, kind: str, declared: str, first: list[object], odd: object, said: str, far: bool
) -> None:
    """In the batch from which ADBC takes the types, and after it."""
    before = [(value,) for value in first * (sqlite_fast.ROWS // 2 + 10 if far else 1)]
    with made(path) as connection:
        connection.execute(f"CREATE TABLE T (A {kind}, B INTEGER DEFAULT 7)")
        connection.executemany("INSERT INTO T (A) VALUES (?)", [*before, (odd,)])
    cols = columns(["B", "A"], ["int64", declared])
    with opened(path) as reading:
        assert reading.fast is not None
        with pytest.raises(NativeFailed) as failed:
            list(reading.read(selected(reading, "T", cols)))
        if failed.value.columns != {"A", "B"}:
            assert failed.value.columns == {"A"}
        if far:
            assert said in str(failed.value)
        again = Select(
            reading.dialect.table("T"), tuple(reading.dialect.plan(c, "", as_text=c.source == "A") for c in cols)
        )
        assert rows(list(reading.read(again)))[-1] == (7, odd)  # the plain way, on the same connection


def test_text_that_is_not_utf8_is_noticed(path: Path) -> None:
    with made(path) as connection:
        connection.execute("CREATE TABLE T (A TEXT)")
        connection.execute("INSERT INTO T VALUES ('a'), ('b'), (CAST(x'436166e9' AS TEXT))")
    with opened(path) as reading, pytest.raises(NativeFailed, match="text that is not valid UTF-8") as failed:
        list(reading.read(selected(reading, "T", columns("A", ["string"]))))
    assert failed.value.columns == {"A"}


SHAPES = [  # what is made, the table read, its columns
    ("a view", "CREATE VIEW V AS SELECT A, A || '!' AS X, length(A) AS L, 1.5 AS R FROM T", "V", "AXLR"),
    ("a table without rowids", "CREATE TABLE W (A TEXT PRIMARY KEY, X INTEGER) WITHOUT ROWID", "W", "AX"),
    ("generated columns", "CREATE TABLE G (A TEXT, X AS (A || '!'), L INTEGER AS (length(A)) STORED)", "G", "AXL"),
    ("a collation", "CREATE TABLE N (A TEXT COLLATE NOCASE, X INTEGER)", "N", "AX"),
    ("rowids by another name", "CREATE TABLE R (A TEXT, rowid TEXT, X AS (A || '!'))", "R", ("A", "X", "rowid")),
    ("a strict table", "CREATE TABLE S (A TEXT, X ANY) STRICT", "S", "AX"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "sql", "table", "names"), SHAPES, ids=[what for what, *_ in SHAPES])
def test_whatever_kind_of_table_it_is(path: Path, what: str, sql: str, table: str, names: Sequence[str]) -> None:
    with made(path) as connection:
        connection.execute("CREATE TABLE T (A TEXT)")
        connection.execute(sql)
        filled = "T" if table == "V" else table
        connection.executemany(f"INSERT INTO {filled} (A) VALUES (?)", [(f"a{n}",) for n in range(50)])
    types = {"L": "int64", "R": "float64"}
    cols = columns(names, [types.get(name, "string") for name in names])
    with opened(path) as reading:
        select = selected(reading, table, cols)
        assert reading.count(select) == 50  # so that it is read in slices, where it can be
        got = rows(list(reading.read(select)))
        assert reading.fast is not None
    with opened(path, max_connections=1) as reading:
        assert got == rows(list(reading.read(selected(reading, table, cols))))
    assert len(got) == 50


def test_a_query_and_a_condition(path: Path) -> None:
    with made(path) as connection:
        connection.execute("CREATE TABLE T (A TEXT, N INTEGER)")
        connection.executemany("INSERT INTO T VALUES (?, ?)", [(f"a{n}", n) for n in range(50)])
    with opened(path) as reading:
        relation = relation_of("WITH x AS (SELECT A, N, N / 2.0 AS R FROM T) SELECT * FROM x; -- all", reading.dialect)
        assert list(reading.columns(relation)) == ["A", "N", "R"]
        cols = columns("ANR", ["string", "int64", "float64"])
        plan = tuple(reading.dialect.plan(column, "", as_text=False) for column in cols)
        select = Select(relation, plan, "N >= 10")
        assert rows(list(reading.read(select))) == [(f"a{n}", n, n / 2) for n in range(10, 50)]
        assert reading.count(select) == 40


def test_a_thousand_columns_with_reserved_and_unicode_names(path: Path) -> None:
    names = ["select", 'quo"te', "größe", "with blank", *(f"c{n}" for n in range(996))]
    with made(path) as connection:
        connection.execute(f"CREATE TABLE [group] ({', '.join('[' + name + '] TEXT' for name in names)})")
        connection.executemany(f"INSERT INTO [group] VALUES ({', '.join('?' * 1000)})", [["v"] * 1000] * 3)
    with opened(path) as reading:
        batches = list(reading.read(selected(reading, "group", columns(names, ["string"] * 1000))))
        assert reading.fast is not None
    assert rows(batches) == [("v",) * 1000] * 3


def test_rows_too_long_for_the_process_are_read_one_by_one(path: Path) -> None:
    """Short rows first, then so many of 1 MiB in one batch that the process runs into its limit."""
    with made(path) as connection:
        connection.execute("CREATE TABLE T (A TEXT)")
        connection.executemany("INSERT INTO T VALUES (?)", [("a",)] * 2 + [("x" * 2**20,)] * 300)
    cols = columns("A", ["string"])
    with opened(path) as reading:
        batches = list(reading.read(selected(reading, "T", cols)))
        assert reading.fast is None
    assert sum(batch.num_rows for batch in batches) == 302
    assert max(batch.nbytes for batch in batches) <= BYTES + 2 * sqlite.CHUNK * 2**20


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_both_see_one_moment_of_the_file(path: Path, mode: str) -> None:
    """What is committed after the opening is not there; a rollback journal keeps the writer waiting."""
    with made(path) as connection:
        connection.execute(f"PRAGMA journal_mode = {mode}")
        connection.execute("CREATE TABLE T (N INTEGER)")
        connection.executemany("INSERT INTO T VALUES (?)", [(n,) for n in range(1000)])
    code = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], timeout=0.1)\n"
        "try: c.execute('DELETE FROM T WHERE N < 500'); c.commit(); print('committed')\n"
        "except sqlite3.OperationalError as exc: print(exc)"
    )
    with opened(path) as reading:
        assert reading.fast is not None
        said = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
        assert said.stdout.strip() == ("committed" if mode == "wal" else "database is locked")
        select = selected(reading, "T", columns("N", ["int64"]))
        assert reading.count(select) == 1000
        assert len(rows(list(reading.read(select)))) == 1000
    with opened(path) as reading:
        assert reading.count(selected(reading, "T", columns("N", ["int64"]))) == (500 if mode == "wal" else 1000)


def test_a_commit_between_the_two_openings_is_noticed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with made(path) as connection:
        connection.execute("PRAGMA journal_mode = wal")
        connection.execute("CREATE TABLE T (N INTEGER)")
        connection.executemany("INSERT INTO T VALUES (?)", [(n,) for n in range(10)])
    fast, opened_at = sqlite_fast.Fast, []

    def after_which_somebody_commits(path: Path, driver: Path, lanes: int) -> sqlite_fast.Fast:
        made_one = fast(path, driver, lanes)
        opened_at.append(made_one)
        if len(opened_at) < 3:
            add = "c.execute('INSERT INTO T VALUES (1)'); c.commit()"
            code = f"import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); {add}"
            subprocess.run([sys.executable, "-c", code, str(path)], check=True)
        return made_one

    monkeypatch.setattr(sqlite_fast, "Fast", after_which_somebody_commits)
    with opened(path) as reading:
        assert reading.fast is opened_at[2]
        assert len(opened_at) == 3
        select = selected(reading, "T", columns("N", ["int64"]))
        assert reading.count(select) == len(rows(list(reading.read(select)))) == 12
    assert all(one.process.returncode is not None for one in opened_at)


def test_a_reading_is_cancelled_from_another_thread(path: Path) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
    with made(path) as connection:
        connection.execute(f"CREATE VIEW V AS {endless}")
    for limit in (1, 2):
        with opened(path, max_connections=limit) as reading:
            assert (reading.fast is not None) == (limit == 2)
            batches = reading.read(selected(reading, "V", columns("i", ["int64"])))
            next(batches)
            timer = threading.Timer(0.05, reading.cancel)
            timer.start()
            with pytest.raises(SourceRefused, match="reading was stopped"):
                for _ in batches:
                    pass
            timer.join()
    with opened(path) as reading:
        timer = threading.Timer(0.05, reading.cancel)
        timer.start()
        with pytest.raises(SourceRefused, match=r"interrupted\. The reading was stopped"):
            reading.ask("SELECT count(*) FROM V")
        timer.join()


def test_a_process_that_dies_amid_a_reading_starts_it_again_the_plain_way(path: Path) -> None:
    with made(path) as connection:
        connection.execute("CREATE TABLE T (N INTEGER, A TEXT)")
        connection.executemany("INSERT INTO T VALUES (?, ?)", [(n, "x" * 100) for n in range(100_000)])
    cols = columns("NA", ["int64", "string"])
    with opened(path) as reading:
        assert reading.fast is not None
        batches = reading.read(selected(reading, "T", cols))
        next(batches)
        reading.fast.process.kill()
        with pytest.raises(NativeFailed) as failed:
            list(batches)
        assert failed.value.columns == {"N", "A"}
        assert len(rows(list(reading.read(selected(reading, "T", cols))))) == 100_000


def test_a_reading_that_is_left_off_leaves_no_process(path: Path) -> None:
    with made(path) as connection:
        connection.execute("CREATE TABLE T (N INTEGER)")
        connection.executemany("INSERT INTO T VALUES (?)", [(n,) for n in range(100_000)])
    with opened(path) as reading:
        assert reading.fast is not None
        process = reading.fast.process
        batches = reading.read(selected(reading, "T", columns("N", ["int64"])))
        next(batches)
        batches.close()
    assert process.returncode is not None


def test_small_files_single_connections_and_other_encodings_are_read_the_plain_way(path: Path, tmp_path: Path) -> None:
    with made(path) as connection:
        connection.execute("PRAGMA encoding = 'UTF-16'")
        connection.execute("CREATE TABLE T (A TEXT)")
        connection.execute("INSERT INTO T VALUES ('é🏠'), ('b')")
    with opened(path) as reading:
        assert reading.fast is None
        assert rows(list(reading.read(selected(reading, "T", columns("A", ["string"]))))) == [("é🏠",), ("b",)]
    with opened(path, max_connections=1) as reading:
        assert reading.fast is None
