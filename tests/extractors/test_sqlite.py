"""SQLite's values, each in the storage class it has, whatever the table declares; in bounded memory."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from extractors.compiled import Column, Source
from extractors.declared import Type
from extractors.dialects import Select
from extractors.raw import Undecodable, unpack
from extractors.sources import Reading, open_reading, sqlite
from extractors.sources.batches import BYTES
from notation.problems import Where

from .conftest import Council

VALUE = (
    st.none()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)  # SQLite has no NaN: it stores NULL
    | st.text(st.characters(exclude_categories=("Cs",)))
    | st.binary()
)


def source(path: Path) -> Source:
    return Source("silo", f"sqlite:///{path.name}", path.parent, Where("datasets.yaml", 3))


def select(reading: Reading, table: str, names: str) -> Select:
    columns = [Column(name, name.lower(), Type("string"), "keep") for name in names]
    plan = reading.dialect.plan
    return Select(reading.dialect.table(table), tuple(plan(column, "", as_text=False) for column in columns))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(rows=st.lists(st.tuples(VALUE, VALUE), max_size=20))
def test_any_value_is_read_as_it_is_stored(rows: list[tuple[object, object]], tmp_path: Path) -> None:
    path = tmp_path / "silo.db"
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE T (A, B)")
    connection.executemany("INSERT INTO T VALUES (?, ?)", rows)
    connection.commit()
    connection.close()
    with open_reading(source(path)) as reading:
        assert reading.count(select(reading, "T", "AB")) == len(rows)
        batches = list(reading.read(select(reading, "T", "AB")))
    read = [pair for batch in batches for pair in zip(unpack(batch.column(0)), unpack(batch.column(1)), strict=True)]
    assert [(type(a), a, type(b), b) for a, b in read] == [(type(a), a, type(b), b) for a, b in rows]


@given(st.binary(min_size=1))
def test_text_is_read_or_known_to_be_undecodable(stored: bytes) -> None:
    connection = sqlite3.connect(":memory:")
    reading = sqlite.SqliteReading("silo", Path(), connection)
    connection.execute("CREATE TABLE T (A TEXT)")
    connection.execute("INSERT INTO T VALUES (CAST(? AS TEXT))", (stored,))
    (value,) = unpack(next(iter(reading.read(select(reading, "T", "A")))).column(0))
    connection.close()
    assert value == stored if isinstance(value, Undecodable) else isinstance(value, str) and value.encode() == stored


def test_a_column_of_one_kind_has_its_arrow_type(council: Council) -> None:
    council.silo("CREATE TABLE T (I, R, S, B, N, M)",
                 "INSERT INTO T VALUES (9223372036854775807, 0.5, 'a', x'00', NULL, 1)",
                 "INSERT INTO T VALUES (NULL, NULL, NULL, NULL, NULL, '1')")  # fmt: skip
    with open_reading(source(council.home / "silo.db")) as reading:
        (batch,) = reading.read(select(reading, "T", "IRSBNM"))
    assert batch.schema.types[:5] == [pa.int64(), pa.float64(), pa.string(), pa.binary(), pa.null()]
    assert unpack(batch.column(5)) == [1, "1"]


def test_large_values_make_small_batches(council: Council) -> None:
    council.silo(
        "CREATE TABLE T (A TEXT, B BLOB, C)",
        rows=("INSERT INTO T VALUES (?, ?, ?)", [("x" * 100_000, b"y" * 100_000, None)] * 600),
    )
    with open_reading(source(council.home / "silo.db")) as reading:
        batches = list(reading.read(select(reading, "T", "ABC")))
    assert sum(batch.num_rows for batch in batches) == 600
    assert max(batch.nbytes for batch in batches) <= 2 * BYTES + sqlite.CHUNK * 200_000


@pytest.mark.slow
def test_memory_does_not_grow_with_the_table(council: Council) -> None:
    """300,000 rows take no more than 60,000, some room for allocators aside; each in a process of its own."""
    council.silo("CREATE TABLE JOBS (JOB_NO INTEGER PRIMARY KEY, NOTE TEXT, COST INTEGER, DAY TEXT)")
    council.declare(
        "JOB_NO: {type: int64}", "NOTE: {}", 'COST: {type: "decimal(12,2)", divide: 100}', "DAY: {type: date}"
    )
    peaks = []
    for rows in (60_000, 300_000):
        made = ((n, f"Job {n} " + "words " * 20, n * 7, f"20{n % 24:02}-01-{n % 28 + 1:02}") for n in range(rows))
        council.silo("DELETE FROM JOBS", rows=("INSERT INTO JOBS VALUES (?, ?, ?, ?)", made))  # type: ignore[arg-type]
        code = (
            "import re, sys; from pathlib import Path; from extractors import run, spec; home = Path(sys.argv[1]);"
            "loaded = spec.load(home / 'datasets.yaml', {});"
            "run.extract(loaded.dataset('jobs'), home, loaded.keys_file, lambda step: None);"
            # ru_maxrss would count what the parent had when it forked.
            "print(re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1])"
        )
        said = subprocess.run(
            [sys.executable, "-c", code, str(council.home)], check=True, capture_output=True, text=True
        )
        peaks.append(int(said.stdout) / 1024)
    assert peaks[1] < 350, f"MiB: {peaks}"
    assert peaks[1] - peaks[0] < 100, f"MiB: {peaks}"


def test_bytes_are_never_the_code_of_a_blank(council: Council) -> None:
    council.silo(
        "CREATE TABLE JOBS (JOB_NO, V)",
        "INSERT INTO JOBS VALUES ('A', ''), ('B', x'00ff'), ('C', CAST(x'ff' AS TEXT))",
    )
    council.declare("JOB_NO: {}", 'V: {values: {"": none}}')
    council.run()
    assert [row["v"] for row in council.rows()] == ["none", None, None]
    assert [fault["rule"] for fault in council.faults()] == ["a code that values: does not list"] * 2
