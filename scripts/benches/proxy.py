"""CPU microseconds a proxied request, ours beside nginx: one pinned core, interleaved rounds, one origin."""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from scripts.benches.peers import NGINX, PEERS, Peer, nginx_version, origin_command
from scripts.benches.processes import Program, free_port, start

OUT = Path(__file__).resolve().parent.parent.parent / "docs" / "benchmarks"
BODY = 1024
CONNECTIONS = 64
TARGET = "/planning/search?q=loft+conversion&ward=3"

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
)
# What a browser sends when it follows a link, Host and Connection among the 14.
HEAD = (
    "Host: www.anytown.gov.uk",
    "Connection: keep-alive",
    'sec-ch-ua: "Chromium";v="142", "Not_A Brand";v="24"',
    "sec-ch-ua-mobile: ?0",
    'sec-ch-ua-platform: "Windows"',
    "Upgrade-Insecure-Requests: 1",
    f"User-Agent: {CHROME}",
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "Sec-Fetch-Site: same-origin",
    "Sec-Fetch-Mode: navigate",
    "Referer: http://www.anytown.gov.uk/planning",
    "Accept-Encoding: gzip, deflate, br",
    "Accept-Language: en-GB,en;q=0.9",
    "Cookie: JSESSIONID=4F1C2A9B77D04E5C8A61B0D2E3F49A10; cookies_policy=%7B%22essential%22%3Atrue%7D",
)


@dataclass(frozen=True, slots=True)
class Round:
    """One run of one proxy: microseconds a request of its busiest process and of its others, and its core's load."""

    peer: str
    worker_us: float
    others_us: float
    requests: int
    per_second: float
    busy: float


def load(port: int, core: int, seconds: int, target: str = TARGET) -> tuple[int, float]:
    """Requests answered and seconds taken; stops the measurement if a single one failed."""
    headers = [part for field in HEAD for part in ("-H", field)]
    command = ["taskset", "--cpu-list", str(core), "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", *headers]
    command.append(f"http://127.0.0.1:{port}{target}")
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    done = re.search(r"(\d+) requests in ([\d.]+)(ms|s|m)", said)
    if done is None or "Socket errors" in said or "Non-2xx" in said:
        raise SystemExit(f"not every request was answered with 200, so nothing is measured. wrk said:\n{said}")
    return int(done[1]), float(done[2]) * {"ms": 0.001, "s": 1.0, "m": 60.0}[done[3]]


def measure(peer: Peer, program: Program, port: int, core: int, seconds: int) -> Round:
    before = program.cpu()
    requests, took = load(port, core, seconds)
    used = {pid: now - before.get(pid, 0.0) for pid, now in program.cpu().items()}
    worker = max(used.values())
    others = sum(used.values()) - worker
    return Round(
        peer=peer.name,
        worker_us=round(worker / requests * 1e6, 2),
        others_us=round(others / requests * 1e6, 2),
        requests=requests,
        per_second=round(requests / took),
        busy=round(sum(used.values()) / took, 3),
    )


def run(rounds: int, seconds: int, scratch: Path) -> list[Round]:
    """Every peer once in each round, on one core; origin and client on the other."""
    cores = sorted(os.sched_getaffinity(0))
    ours, theirs = cores[0], cores[-1]
    programs: list[Program] = []

    def begin(name: str, command: list[str], folder: Path, port: int, core: int) -> Program:
        programs.append(start(name, command, folder, core))
        programs[-1].wait_until_it_listens(port)
        return programs[-1]

    def folder(name: str) -> Path:
        made = scratch / name
        made.mkdir()
        return made

    try:
        origin = free_port()
        place = folder("origin")
        begin("origin", origin_command(place, origin, BODY), place, origin, theirs)
        peers = []
        for peer in PEERS:
            port, place = free_port(), folder(peer.name)
            command = peer.command(place, port, origin, free_port())
            peers.append((peer, begin(peer.name, command, place, port, ours), port))
        for _, _, port in peers:
            load(port, theirs, 1)  # connections are made, code is warm
        results = []
        for number in range(rounds):
            for peer, program, port in peers:
                results.append(measure(peer, program, port, theirs, seconds))
                print(f"round {number + 1}: {sentence(results[-1])}", file=sys.stderr)
        return results
    finally:
        for program in reversed(programs):
            program.stop()


def sentence(one: Round) -> str:
    rate = f"{one.per_second:7.0f} a second, core {one.busy:.0%} busy"
    return f"{one.peer:<14}{one.worker_us:7.1f} us a request, {rate}"


def table(results: list[Round]) -> str:
    """The medians, as a Markdown table; the first peer is 1.00."""
    lines = [
        "| proxy | CPU us a request (median) | lowest to highest | its others | times nginx | requests a second |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    first = statistics.median(one.worker_us for one in results if one.peer == PEERS[0].name)
    for peer in PEERS:
        mine = [one for one in results if one.peer == peer.name]
        times = sorted(one.worker_us for one in mine)
        median = statistics.median(times)
        others = statistics.median(one.others_us for one in mine)
        rate = statistics.median(one.per_second for one in mine)
        span = f"{times[0]:.1f} to {times[-1]:.1f}"
        lines.append(f"| {peer.name} | {median:.1f} | {span} | {others:.2f} | {median / first:.2f} | {rate:.0f} |")
    return "\n".join(lines)


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def write(results: list[Round], rounds: int, seconds: int) -> None:
    machine = {
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "nginx": nginx_version(),
    }
    OUT.mkdir(parents=True, exist_ok=True)
    record = {"machine": machine, "rounds": rounds, "seconds": seconds, "results": [asdict(one) for one in results]}
    (OUT / "proxy.json").write_text(json.dumps(record, indent=1) + "\n")
    (OUT / "proxy.md").write_text(
        f"""\
# CPU time of a proxied request

Made by `scripts/bench proxy`; the single rounds are in [proxy.json](proxy.json).

{table(results)}

- Each proxy had one core to itself in turn, {rounds} interleaved rounds of {seconds} s. The origin and the client
  (wrk, {CONNECTIONS} connections kept alive) shared another. The origin is nginx answering {BODY} bytes from its
  configuration.
- The request is a GET with a browser's head of {len(HEAD)} fields; every answer was a 200, or nothing would be here.
- CPU time is user and system time of the proxy's busiest process, from /proc; its other processes (for us the
  supervisor and the keeper, for nginx the master) are a column of their own. Lower is better.
- {machine["processor"]}, {machine["cores"]} cores, Linux {machine["kernel"]}.
  Python {machine["python"]}, nginx {machine["nginx"]}.
  Rounds on a shared machine differ by some 15 per cent: compare within a run, not between runs.
"""
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench proxy", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often each proxy is measured (default 5)")
    parser.add_argument("--seconds", type=int, default=4, help="how long each time (default 4)")
    parser.add_argument("--quick", action="store_true", help="one round of one second; writes nothing")
    options = parser.parse_args()
    missing = [name for name, path in (("nginx", NGINX), ("wrk", shutil.which("wrk"))) if path is None]
    if missing:
        as_root = "" if os.geteuid() == 0 else "sudo "
        print(f"scripts/bench proxy: {' and '.join(missing)} missing. This installs it:", file=sys.stderr)
        print(f"    {as_root}apt-get install -y {' '.join(missing)}", file=sys.stderr)
        raise SystemExit(2)
    rounds, seconds = (1, 1) if options.quick else (options.rounds, options.seconds)
    with tempfile.TemporaryDirectory(prefix="fig-bench-") as scratch:
        results = run(rounds, seconds, Path(scratch))
    print(table(results))
    if not options.quick:
        write(results, rounds, seconds)
        print(f"written: {OUT.name}/proxy.md and proxy.json")


if __name__ == "__main__":
    main()
