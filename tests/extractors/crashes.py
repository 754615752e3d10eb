"""A run in a process of its own that is killed, with no chance to tidy up, at one of its named moments."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from notation import lake

CHILD = """
import json, os, signal, sys
from collections import Counter
from pathlib import Path
import pyarrow.parquet as pq
from extractors import build, follow, parquet_files, run, spec

home, wanted, full = Path(sys.argv[1]), sys.argv[2], sys.argv[3] == "full"
build.WHOLE, build.PART, follow.STRETCH = 10, 20, 10  # fifty rows are many
met, times = [], Counter()

def moment(name):
    times[name] += 1
    met.append(f"{name} {times[name]}")
    if met[-1] == wanted:
        os.kill(os.getpid(), signal.SIGKILL)

def watched(module, name):
    real = getattr(module, name)
    def call(*args, **kwargs):
        moment(f"before {name}")
        return real(*args, **kwargs)
    setattr(module, name, call)

for module, name in ((os, "fsync"), (os, "replace"), (os, "rename"), (os, "unlink"), (pq.ParquetWriter, "close")):
    watched(module, name)
loaded = spec.load(home / "datasets.yaml", {})
done = run.extract(loaded.dataset("jobs"), home, loaded.keys_file, lambda step: moment(step.done), full=full)
print(json.dumps({"moments": met, "rows_in": done.rows_in}))
"""


def moments(home: Path, *, full: bool = False) -> list[str]:
    """Every moment of a run that is not killed, by name and number: `read 3`, `before fsync 7`."""
    done = _run(home, "", full=full)
    assert done.returncode == 0, done.stderr
    names: list[str] = json.loads(done.stdout)["moments"]
    return names


def kill(home: Path, moment: str, *, full: bool = False) -> None:
    """Run until that moment."""
    done = _run(home, moment, full=full)
    assert done.returncode == -signal.SIGKILL, f"{moment}: {done.returncode}, {done.stderr}"


def _run(home: Path, moment: str, *, full: bool) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", CHILD, str(home), moment, "full" if full else ""]
    return subprocess.run(command, check=False, capture_output=True, text=True, env=dict(os.environ))


def strays(home: Path, name: str = "jobs") -> set[str]:
    """Files that no version names."""
    folder = home / "data" / "lake" / name
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    named = {"_lock", "_vacuumed"}
    for version in lake.history(home, name):
        run = version.meta["run"]
        named |= {f"_faults/{run}.parquet", f"_runs/{run}.json"}
        named |= {path.name for path in lake.open_dataset(home, name, version.number).files}
    return {each for each in there - named if not each.startswith("_delta_log/")}


def spread(names: Sequence[str], most: int) -> list[str]:
    """At most so many of them, the first and the last among them, evenly spread."""
    if len(names) <= most:
        return list(names)
    return [names[round(at * (len(names) - 1) / (most - 1))] for at in range(most)]
