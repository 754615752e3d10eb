"""One run of one contender, in a process of its own: seconds, processor time, memory, and the files it wrote."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from scripts.benches.environments import environment
from scripts.benches.extract_peers import Contender, Task
from scripts.benches.extract_servers import Silo
from scripts.benches.extract_table import Table
from scripts.benches.processes import family

ROOT = Path(__file__).resolve().parent.parent.parent
PEERS = ("dlt[parquet]==1.31.0", "connectorx==0.4.6", "pyarrow", "pandas", "sqlalchemy", "psycopg2-binary", "pymysql")
PATIENCE = 3600.0  # seconds for one run
LOOK = 0.05  # seconds between two looks at the memory of what a contender has started


@dataclass(frozen=True, slots=True)
class Run:
    """`failed` is why there is nothing else to say; `values` the verdict on what it wrote, "" where nobody looked."""

    silo: str
    table: str
    rows: int
    contender: str
    seconds: float = 0.0
    cpu: float = 0.0
    server_cpu: float = 0.0
    peak: float = 0.0  # MiB, of the process and what it started
    failed: str = ""
    values: str = ""
    said: str = ""  # of our own incremental runs: what became of the rows


def peers_python() -> tuple[str, str]:
    """The Python of the peers' environment, made the first time; or "" and why there is none."""
    place, why = environment(PEERS[0], PEERS)
    return (str(place / "bin" / "python"), "") if place else ("", why)


def datasets_yaml(silo: Silo, table: Table, cursor: str) -> str:
    """Every column kept, in its declared type."""
    columns = "".join(f'      {c.name}: {{type: "{c.declared}"}}\n' for c in table.columns)
    follows = f"    cursor: {{column: {cursor}}}\n" if cursor else ""
    return f"""\
version: 1
sources:
  silo: {{url: "{silo.url}"}}
datasets:
  {table.name.replace("_", "-")}:
    title: {table.name.replace("_", " ")}
    owner: housing-data@anytown.gov.uk
    source: silo
    table: {table.name}
    key: [{table.key}]
{follows}    columns:
{columns}"""


def run(
    contender: Contender, silo: Silo, table: Table, rows: int, folder: Path, python: str, *, cursor: str = ""
) -> tuple[Run, tuple[str, ...]]:
    """`folder` is made if it is not there; a run that follows another finds there what that one left."""
    folder.mkdir(exist_ok=True)
    if contender.name == "ours":
        (folder / "datasets.yaml").write_text(datasets_yaml(silo, table, cursor))
    task = Task(silo.name, silo.url, table.name, str(folder), tuple(silo.dump(table)))
    task_file, result_file, log = (folder.with_name(f"{folder.name}.{end}") for end in ("task", "result", "log"))
    task_file.write_text(json.dumps(asdict(task)))
    result_file.unlink(missing_ok=True)
    before = silo.settled()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [python, "-W", "ignore", "-m", "scripts.benches.extract_peers", contender.name, task_file, result_file],
            cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        others = _watch(process)
    server = silo.settled() - before
    made = Run(silo.name, table.name, rows, contender.name)
    if process.returncode != 0 or not result_file.exists():
        said = _last_line(log.read_text(errors="replace")) or f"ended with {process.returncode}"
        return Run(**{**asdict(made), "failed": said[:200]}), ()
    done = json.loads(result_file.read_text())
    keep = ("mode", "inserted", "updated", "deleted", "unchanged", "set_aside", "faults")
    said = ", ".join(f"{key} {done['said'][key]}" for key in keep if done["said"].get(key))
    figures = {
        "seconds": done["seconds"], "cpu": done["cpu"], "server_cpu": round(server, 2),
        "peak": round((done["peak"] + others) / 2**20, 1), "said": said,
    }  # fmt: skip
    return Run(**{**asdict(made), **figures}), tuple(done["files"])


def _watch(process: subprocess.Popen[bytes]) -> int:
    """Until it ends; the greatest memory of each process it started, added up."""
    peaks: dict[int, int] = {}
    seen: set[int] = set()
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None:
        there = set(family(process.pid)[1:])
        for pid in there & seen:  # one that is seen once may not have begun its own program yet
            peaks[pid] = max(peaks.get(pid, 0), _peak(pid))
        seen = there
        if time.monotonic() > deadline:
            for pid in reversed(family(process.pid)):
                os.kill(pid, 9)
        try:
            process.wait(LOOK)
        except subprocess.TimeoutExpired:
            continue
    return sum(peaks.values())


def _peak(pid: int) -> int:
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return 0
    return int(found[1]) * 1024 if found else 0


def _last_line(text: str) -> str:
    """Of what a program printed before it failed: the first exception, which is the cause of the others."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    named = [
        line for line in lines if re.match(r"[\w.]*(Error|Exception|Refused|Panic\w*|Drift|Failed|Unproven)\b", line)
    ]
    return named[0] if named else (lines or [""])[-1]
