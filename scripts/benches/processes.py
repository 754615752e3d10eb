"""Programs under measurement: started on one core, their processor time read from /proc, stopped whole."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def family(pid: int) -> tuple[int, ...]:
    """The process and everything it started, itself first."""
    members = [pid]
    for member in members:
        try:
            for task in Path(f"/proc/{member}/task").iterdir():
                members += [int(child) for child in (task / "children").read_text().split()]
        except FileNotFoundError:
            continue
    return tuple(members)


def cpu_times(pid: int) -> tuple[float, float]:
    """Processor time the process has used in user and in system mode; nothing once it has ended.

    Fields 14 and 15 of proc(5). The kernel scales the two so that their sum is what the scheduler measured, as exact as
    a tick (10 ms); how it is divided is a sample, taken each tick.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0, 0.0
    return int(fields[11]) / TICKS, int(fields[12]) / TICKS


def memory(pid: int) -> float:
    """MiB: the process's own pages, and its share of those it shares (PSS); 0.0 once it has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def said_of(pid: int) -> str:
    """Its command line, or how it has named itself."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def move(pid: int, core: int) -> None:
    """All of a process's threads to one core, and what they start from now on."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), {core})


@dataclass(frozen=True, slots=True)
class Program:
    """A running program; `log` holds what it printed."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def cpu(self) -> dict[int, float]:
        """Processor seconds so far by process id, for all of its family."""
        return {pid: sum(times) for pid, times in self.times().items()}

    def times(self) -> dict[int, tuple[float, float]]:
        """The same, in user and in system mode."""
        return {pid: cpu_times(pid) for pid in family(self.process.pid)}

    def memory(self) -> dict[int, float]:
        """MiB by process id."""
        return {pid: memory(pid) for pid in family(self.process.pid)}

    def wait_until_it_listens(self, port: int, seconds: float = 20.0) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=1):
                    return
            except OSError:
                time.sleep(0.05)
        said = self.log.read_text(errors="replace").strip() or "(it printed nothing)"
        raise SystemExit(f"{self.name} did not come up on 127.0.0.1:{port}. It said:\n{said}")

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            for pid in reversed(family(self.process.pid)):
                os.kill(pid, 9)
            self.process.wait(10)


def start(name: str, command: Sequence[str], folder: Path, *cores: int) -> Program:
    """Starts `command` in `folder`, it and its children on `cores` only."""
    log = folder / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            ["taskset", "--cpu-list", ",".join(map(str, cores)), *command],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Program(name, process, log)
