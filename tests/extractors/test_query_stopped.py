"""Ctrl-C ends a query that computes, whichever of DuckDB's threads is at it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

LONG = "SELECT sum(a.range * b.range % 7) FROM range(100000) a, range(100000) b WHERE a.range * b.range % 7 > 3"
TICKS = os.sysconf("SC_CLK_TCK")
COMPUTES = 2.5  # seconds of processor time: no command takes as long to begin


def used(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def test_ctrl_c_ends_a_query_that_computes(fig: Path, tmp_path: Path) -> None:
    (tmp_path / "datasets.yaml").write_text("version: 1\nsources: {}\ndatasets: {}\n")
    environ = {**os.environ, "FIG_HOME": str(tmp_path)}
    with subprocess.Popen([fig, "query", LONG], env=environ, stderr=subprocess.PIPE, text=True) as process:
        try:
            deadline = time.monotonic() + 60
            while process.poll() is None and used(process.pid) < COMPUTES:
                assert time.monotonic() < deadline
                time.sleep(0.02)  # another process counts: nothing here could say when
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=20)  # the query alone would take minutes
        finally:
            process.kill()
    assert process.returncode == 1, said
    assert "Traceback" not in said
