"""A run that is stopped, or whose source goes away: the server is let go of at once, and the next run is clean."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Timer

import duckdb
import pytest

from extractors import spec
from extractors.duck import comparing, room, stoppable
from extractors.refused import SourceRefused
from extractors.run import Step, extract
from notation import lake
from tests.servers.postgres import Server, serving

HEAD = """version: 1
sources:
  housing: {url: "${HOUSING_URL}"}
datasets:
  jobs:
    title: Jobs
    owner: data@anytown.example.org
    source: housing
    table: %s
    key: [job_no]
    cursor: {column: changed}
    columns:
      job_no: {type: int64}
      changed: {type: timestamp}
      note: {}
"""


ROWS = 600_000
TABLE = (
    "CREATE TABLE jobs AS SELECT i::bigint AS job_no, timestamp '2024-01-31' + i * interval '1 second' AS changed, "
    f"repeat(md5(i::text), 10) AS note FROM generate_series(1, {ROWS}) i"
)
SLOW = [  # read without end, as far as a test is concerned; or counted so
    ("slow_to_read", "true", "(CASE WHEN i > 90000 THEN pg_sleep(0.01)::text ELSE '' END) || i"),
    ("slow_to_count", "pg_sleep(0.01) IS NOT NULL", "'x'"),
]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as running:
        with running.admin() as admin:
            admin.execute(TABLE)  # more than is read ahead, and than sockets hold
            admin.execute("ALTER TABLE jobs ADD PRIMARY KEY (job_no)")
            for name, when, note in SLOW:
                columns = f"i::bigint AS job_no, timestamp '2024-01-31' AS changed, {note} AS note"
                admin.execute(f"CREATE VIEW {name} AS SELECT {columns} FROM generate_series(1, 99999) i WHERE {when}")
        yield running


def declare(home: Path, table: str) -> Path:
    (home / "datasets.yaml").write_text(HEAD % table)
    return home


def running(server: Server, what: str) -> int:
    """How many of the server's sessions are busy with it."""
    asked = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE %s AND pid <> pg_backend_pid()"
    with server.admin() as admin:
        (sessions,) = admin.execute(asked, [f"%{what}%"]).fetchone() or (0,)
    return int(sessions)


def until(seconds: float, server: Server, what: str, *, busy: bool) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if bool(running(server, what)) is busy:
            return True
    return False


@pytest.mark.parametrize(
    ("table", "number", "code"),
    [
        ("slow_to_read", signal.SIGINT, 130),
        ("slow_to_count", signal.SIGINT, 130),
        ("slow_to_read", signal.SIGTERM, 143),
    ],
)
def test_ctrl_c_ends_the_query_on_the_server(
    table: str, number: signal.Signals, code: int, server: Server, tmp_path: Path
) -> None:
    declare(tmp_path, table)
    environ = {**os.environ, "HOUSING_URL": server.reader()}
    command = [sys.executable, "-m", "fig", "extract", "jobs"]
    root = str(Path(__file__).resolve().parent.parent.parent)
    with subprocess.Popen(
        command, cwd=tmp_path, env={**environ, "PYTHONPATH": root}, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert until(30, server, table, busy=True)
            began = time.monotonic()
            process.send_signal(number)
            assert until(5, server, table, busy=False), "the query goes on at the server"
            took = time.monotonic() - began
            _, said = process.communicate(timeout=30)
        finally:
            process.kill()  # one that does not end must not keep the test
    assert took < 2, "a second, and as much again for a busy machine"
    assert process.returncode == code, said
    assert said.splitlines()[-1] == "jobs: stopped; what was committed before stays, and the next run goes on"
    assert "Traceback" not in said
    assert lake.names(tmp_path) == ()


def test_a_source_that_goes_away_and_comes_back(server: Server, tmp_path: Path) -> None:
    declare(tmp_path, "jobs")
    loaded = spec.load(tmp_path / "datasets.yaml", {"HOUSING_URL": server.reader()})
    is_gone = False

    def told(step: Step) -> None:
        nonlocal is_gone
        if step.done == "read" and not is_gone:
            server.kill()
            is_gone = True

    with pytest.raises(SourceRefused) as refused:
        extract(loaded.dataset("jobs"), tmp_path, loaded.keys_file, told)
    assert str(refused.value).startswith("source 'housing': ")
    assert is_gone
    assert lake.names(tmp_path) == ()
    with pytest.raises(SourceRefused):
        extract(loaded.dataset("jobs"), tmp_path, loaded.keys_file, told)
    server.start()
    done = extract(loaded.dataset("jobs"), tmp_path, loaded.keys_file, told)
    assert (done.rows_in, done.rows_out, done.version) == (ROWS, ROWS, 0)
    with server.admin() as admin:
        admin.execute("UPDATE jobs SET note = 'new', changed = '2025-01-01' WHERE job_no = 7")
    done = extract(loaded.dataset("jobs"), tmp_path, loaded.keys_file, told)
    assert (done.mode, done.rows_in, done.updated) == ("window", 2, 1)


def compare(connection: duckdb.DuckDBPyConnection, *statements: str) -> None:
    for statement in statements:
        connection.execute(statement)


@pytest.mark.parametrize("wrapped", [comparing, stoppable])
def test_ctrl_c_while_duckdb_compares_is_a_ctrl_c(wrapped: Callable[[], AbstractContextManager[None]]) -> None:
    long = "SELECT sum(a.range * b.range % 7) FROM range(100000) a, range(100000) b WHERE a.range * b.range % 7 > 3"
    timer = Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    # One thread, as `room` has it: of several, the one that a signal reaches may be idle until the query ends.
    with duckdb.connect(config={"threads": 1}) as connection, pytest.raises(KeyboardInterrupt), wrapped():
        compare(connection, long)


def test_what_duckdb_has_no_room_for_is_told_plainly(tmp_path: Path) -> None:
    much = "SELECT list(repeat('x', 1000) || range) FROM range(100000)"
    with pytest.raises(lake.LakeFailed, match="not enough memory"), room(tmp_path, "1MB") as connection:
        compare(connection, much)
