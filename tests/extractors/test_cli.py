"""`fig extract` and `fig query` as a person runs them: what is said, where, and with which exit code."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from extractors.progress import Progress
from extractors.take import Step
from notation import lake

from .conftest import HEAD, Council

Fig = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run_fig(fig: Path, tmp_path: Path) -> Fig:
    def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        command = [fig, *arguments]
        return subprocess.run(
            command,
            cwd=tmp_path,
            env={**os.environ, **environ},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return run


def test_extract_then_query(run_fig: Fig, fifty: Council) -> None:
    done = run_fig("extract")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("jobs: 50 rows in, 50 out, 0 set aside, 0 faults, version 0, ")
    assert done.stderr.splitlines() == [
        "jobs: started", "jobs: reading", "jobs: 50 rows read and written", "jobs: counts and key hold",
        "jobs: committed",
    ]  # fmt: skip
    asked = run_fig(
        "query", "SELECT ward, sum(cost) AS cost FROM jobs GROUP BY ward ORDER BY ward LIMIT 1", "--format", "csv"
    )
    assert (asked.returncode, asked.stdout, asked.stderr) == (0, "ward,cost\nW0,227.25\n", "")


def test_extract_speaks_json(run_fig: Fig, fifty: Council) -> None:
    done = run_fig("extract", "jobs", "--json")
    said = json.loads(done.stdout)
    assert (said["failed"], said["datasets"][0]["rows_out"], said["datasets"][0]["changed"]) == ({}, 50, True)


def test_extract_refuses_what_is_not_acted_on(run_fig: Fig, fifty: Council) -> None:
    path = fifty.home / "datasets.yaml"
    path.write_text(path.read_text().replace("    key:", "    partition_by: [ward]\n    expect: [cost > 0]\n    key:"))
    done = run_fig("extract")
    assert (done.returncode, done.stdout, done.stderr) == (2, "", (
        "datasets.yaml:10: datasets.jobs.partition_by is not acted on yet\n    remove it until it is\n"
        "datasets.yaml:11: datasets.jobs.expect is not acted on yet\n    remove it until it is\n"
    ))  # fmt: skip
    assert not (fifty.home / "data").exists()


def test_what_is_told_stands_on_a_line_of_its_own_although_a_bar_is_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    with Progress(terminal=True) as show:
        show(Step("jobs", "compared"))
        show(Step("jobs", "read", 5, 10))
        assert show.bars is not None
        show.bars.refresh()
        show.tell("jobs: stopped")
        show.bars.refresh()
    told = capsys.readouterr().err
    assert "5/10" in told
    assert re.search(r"(?:\x1b\[2K|\n)jobs: stopped\n", told), repr(told)


def test_an_unknown_dataset_is_wrong_usage(run_fig: Fig, fifty: Council) -> None:
    done = run_fig("extract", "job")
    assert (done.returncode, done.stderr) == (
        2, "there is no dataset 'job' in datasets.yaml\n    datasets: jobs. Did you mean 'jobs'?\n",
    )  # fmt: skip


def test_a_source_that_is_gone_is_something_outside(run_fig: Fig, fifty: Council) -> None:
    (fifty.home / "silo.db").unlink()
    done = run_fig("extract")
    assert (done.returncode, done.stderr) == (
        3,
        f"jobs: started\nsource 'silo': there is no file {fifty.home / 'silo.db'}\n",
    )


def test_rows_that_do_not_prove_are_a_no(run_fig: Fig, fifty: Council) -> None:
    fifty.declare("JOB_NO: {}", "WARD: {}", head=HEAD.replace("[JOB_NO]", "[WARD]"))
    done = run_fig("extract", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["failed"]["jobs"].startswith(
        "datasets.yaml:5: the key of dataset 'jobs' (WARD) is not unique"
    )


def test_a_query_that_is_not_answered_is_wrong_usage(run_fig: Fig, fifty: Council) -> None:
    asked = run_fig("query", "SELECT * FROM jobs")
    assert (asked.returncode, asked.stderr) == (
        2, "there is no dataset 'jobs'\n    there are: none: run fig extract first\n",
    )  # fmt: skip


def test_what_is_wrong_with_one_dataset_stops_no_other(run_fig: Fig, fifty: Council) -> None:
    path = fifty.home / "datasets.yaml"
    text = path.read_text()
    refused = text[text.index("  jobs:") :].replace("  jobs:", "  first:").replace(
        "    columns:", "    cursor: {column: WARD, lag: 10m}\n    columns:"
    )  # fmt: skip
    path.write_text(text.replace("datasets:\n", "datasets:\n" + refused))
    done = run_fig("extract", "--json")
    said = json.loads(done.stdout)
    assert done.returncode == 2, done.stderr
    assert ([one["dataset"] for one in said["datasets"]], list(said["failed"])) == (["jobs"], ["first"])


def test_faults_are_told_by_column_and_a_wrong_type_is_pointed_at(run_fig: Fig, council: Council) -> None:
    council.silo(
        "CREATE TABLE JOBS (JOB_NO TEXT, RENT TEXT, BORN TEXT)",
        rows=("INSERT INTO JOBS VALUES (?, ?, ?)", [("A", "1.50", "2024-01-31"), ("B", "2.25", "31/01/2024")]),
    )
    council.declare("JOB_NO: {}", "RENT: {type: int32}", "BORN: {type: date}")
    done = run_fig("extract")
    assert done.returncode == 1, done.stderr
    assert done.stderr.splitlines()[-2:] == [
        'jobs: faults in rent 2, born 1; extractors.dataset("jobs").faults() lists them',
        "    every value of rent is a fault: is its type: right in datasets.yaml?",
    ]
    assert json.loads(run_fig("extract", "--json").stdout)["datasets"][0]["faults_in"] == {"rent": 2, "born": 1}


def test_a_type_that_none_of_many_values_is_of_is_refused(run_fig: Fig, council: Council) -> None:
    council.silo(
        "CREATE TABLE JOBS (JOB_NO INTEGER, RENT TEXT, BORN TEXT, GONE TEXT)",
        rows=("INSERT INTO JOBS VALUES (?, '1.50', ?, NULL)", [(n, "2024-01-31" if n else "x") for n in range(100)]),
    )
    path = council.declare("JOB_NO: {}", "RENT: {type: int32}", "BORN: {type: date}", "GONE: {type: date}")
    done = run_fig("extract", "--json")
    said = json.loads(done.stdout)
    assert (done.returncode, said["datasets"]) == (2, [])
    assert said["failed"]["jobs"].splitlines() == [
        "datasets.yaml:13: dataset 'jobs': none of 100 values of column 'RENT' is of type int32; nothing was committed",
        "    declare what it holds (in the source it is TEXT); type: string keeps it as it is",
    ]
    assert lake.names(council.home) == ()
    path.write_text(path.read_text().replace("int32", '"decimal(9,2)"'))
    assert run_fig("extract").returncode == 0


def test_a_table_that_is_not_there_is_wrong_configuration(run_fig: Fig, fifty: Council) -> None:
    path = fifty.home / "datasets.yaml"
    path.write_text(path.read_text().replace("table: JOBS", "table: JOBZ"))
    done = run_fig("extract")
    assert done.returncode == 2, done.stderr
    assert "there is no table or view 'JOBZ'" in done.stderr


def test_ctrl_c_is_said_in_json_too(fig: Path, fifty: Council, tmp_path: Path) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS JOB_NO FROM n WHERE i < 0"
    fifty.silo("DROP TABLE JOBS", f"CREATE VIEW JOBS AS {endless}")
    fifty.declare("JOB_NO: {}")
    with subprocess.Popen(
        [fig, "extract", "--json"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stderr is not None
            while "reading" not in (line := process.stderr.readline()):
                assert line, "it ended by itself"
            process.send_signal(signal.SIGINT)
            said, _ = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 130
    stopped = "stopped; what was committed before stays, and the next run goes on"
    assert json.loads(said) == {"datasets": [], "failed": {"jobs": stopped}}
