"""pyarrow is told that there is no pandas, for as long as nobody wants a frame."""

from __future__ import annotations

import subprocess
import sys

import psycopg

from extractors.sources import SOURCES

from .conftest import Council, numbered

FRAMES = """
import sys
import pyarrow as pa
from extractors.no_pandas import leave_pandas
leave_pandas()
pa.array([1, 2]).to_pylist()
pa.table({"a": [1, None]})
assert "pandas" not in sys.modules
frame = pa.table({"a": [1, 2]}).to_pandas()
assert list(frame.a) == [1, 2]
assert pa.array(frame.a).to_pylist() == pa.Table.from_pandas(frame)["a"].to_pylist() == [1, 2]
leave_pandas()
assert "pandas" in sys.modules
"""


def test_arrays_need_no_pandas_and_frames_still_find_it() -> None:
    done = subprocess.run([sys.executable, "-c", FRAMES], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_what_a_run_imports_makes_no_array() -> None:
    """It would bring pandas before a run can say that there is none."""
    names = "extractors.run", *(module for module, _ in SOURCES.values())
    code = "import sys, extractors.run; [__import__(name) for name in sys.argv[1:]]; assert 'pandas' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code, *names], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


RUN = """
import sys
from pathlib import Path
from extractors import spec
from extractors.run import extract
home = Path(sys.argv[1])
loaded = spec.load(home / "datasets.yaml", {})
assert extract(loaded.dataset("jobs"), home, loaded.keys_file, lambda step: None).rows_out == 2
assert "duckdb" in sys.modules
assert "pandas" not in sys.modules
"""


def test_rows_of_postgresql_need_none(council: Council, silo: psycopg.Connection, url: str) -> None:
    """DuckDB imports it for the first parameter of a statement."""
    silo.execute("CREATE TABLE t (id int PRIMARY KEY, v text)")
    silo.execute("INSERT INTO t VALUES (1, 'x'), (2, NULL)")
    council.declare("v: {}", head=numbered(url, "t"))
    command = [sys.executable, "-c", RUN, str(council.home)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
