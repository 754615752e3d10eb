"""What a table of routes costs: a match, building it, taking it in while serving; beside other proxies' tables."""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import timeit
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from proxy.table import Claim, Pattern
from scripts.benches.intake import Intake, measure_intake
from scripts.benches.machine import OUT, processor
from scripts.benches.origin import origin_command
from scripts.benches.processes import free_port, start
from scripts.benches.proxy_cases import BODY, HEAD, Case
from scripts.benches.proxy_load import load, probe
from scripts.benches.tables import Contender, contenders, prefixes, routes_yaml, target

COUNTS = (10, 1_000, 10_000, 100_000)


@dataclass(frozen=True, slots=True)
class Own:
    """Our table of `routes`: microseconds a match by kind of path, seconds to read and to build, MiB of its own."""

    routes: int
    hit: float
    deep: float
    miss: float
    read: float
    checked: float
    built: float
    mib: float


@dataclass(frozen=True, slots=True)
class Request:
    """CPU microseconds of a proxied request with a table of `routes`; None where it was not asked to try."""

    proxy: str
    routes: int
    us: float | None


def own(count: int) -> Own:
    """Measure one size in this process, which should be a fresh one."""
    from notation.marked_yaml import parse
    from notation.shape import read
    from proxy.asked import Asked
    from proxy.checks import CHECKS
    from proxy.compiler import Held, SeriesBook, make_generation
    from proxy.model import RoutesSpec
    from proxy.sections import claims_of

    def took(work: Callable[[], object]) -> float:
        began = time.perf_counter()
        kept.append(work())
        return time.perf_counter() - began

    kept: list[object] = []
    text = routes_yaml(count, 8080, 9901, 8081)
    seconds_read = took(lambda: parse(text, "routes.yaml"))
    document = parse(text, "routes.yaml")
    spec = read(RoutesSpec, document, {})
    seconds_checked = took(lambda: [list(check(spec, document, Path())) for check in CHECKS])
    gc.collect()
    began = time.perf_counter()
    generation, sections = make_generation(1, spec, Held(), SeriesBook())
    claims = claims_of(sections)
    table = generation.rules.table
    before = _mib()
    for claim in claims:
        table.add(claim)
    built = time.perf_counter() - began
    mib = _mib() - before + sum(map(_size, claims)) / 2**20
    middle = list(prefixes(count))[count // 2].encode()

    def match(path: bytes) -> float:
        asked = Asked(b"GET", path, None, b"www.anytown.gov.uk")
        return min(timeit.repeat(lambda: table.find(path, asked), number=20_000, repeat=7)) / 20_000 * 1e6

    return Own(
        count,
        hit=round(match(middle + b"/42"), 2),
        deep=round(match(middle + b"/applications/2024/0117/documents/plan.pdf"), 2),
        miss=round(match(b"/planning/applications/2024/0117"), 2),
        read=round(seconds_read, 2),
        checked=round(seconds_checked, 2),
        built=round(built, 2),
        mib=round(mib, 1),
    )


def _mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def _size(claim: Claim) -> int:
    """Bytes of one claim and what only it holds."""
    path = claim.pattern.path if isinstance(claim.pattern, Pattern) else b""
    return sum(map(sys.getsizeof, (claim, claim.pattern, path, claim.at)))


def own_in_fresh_processes(counts: tuple[int, ...]) -> list[Own]:
    found = []
    for count in counts:
        command = [sys.executable, "-m", "scripts.benches.table", "--one", str(count)]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        found.append(Own(**json.loads(said)))
        print(f"{count:>7} routes: {found[-1]}", file=sys.stderr)
    return found


def requests(contender: Contender, counts: tuple[int, ...], rounds: int, seconds: int, scratch: Path) -> list[Request]:
    """One proxy, started with each size, the sizes in turn in every round; origin and client on another core."""
    if contender.program is None:
        return []
    cores = sorted(os.sched_getaffinity(0))
    tried = [count for count in counts if count <= contender.most]
    times: dict[int, list[float]] = {count: [] for count in tried}
    with ExitStack() as stack:
        origin = free_port()
        place = scratch / f"{contender.name}-origin"
        place.mkdir()
        server = start("origin", origin_command(place, origin, BODY), place, cores[-1])
        stack.callback(server.stop)
        server.wait_until_it_listens(origin)
        running = []
        for count in tried:
            port, place = free_port(), scratch / f"{contender.name}-{count}"
            place.mkdir()
            command = contender.command(contender.program, place, count, port, origin)
            program = start(contender.name, command, place, cores[0])
            stack.callback(program.stop)
            program.wait_until_it_listens(port, 180.0)
            _wait_until_it_answers(port, target(count))
            case = Case(f"table-{count}", "a table", target=target(count))
            size = probe(port, case)
            load(port, cores[-1], 1, case, size, scratch)
            running.append((count, case, size, program, port))
        for _ in range(rounds):
            for count, case, size, program, port in running:
                before = program.cpu()
                done = load(port, cores[-1], seconds, case, size, scratch).requests
                used = {pid: now - before.get(pid, 0.0) for pid, now in program.cpu().items()}
                times[count].append(max(used.values()) / done * 1e6)
    found = []
    for count in counts:
        us = round(statistics.median(times[count]), 1) if count in times else None
        found.append(Request(contender.name, count, us))
        print(f"{contender.name:<14}{count:>7} routes: {us or '-'} us a request", file=sys.stderr)
    return found


def _wait_until_it_answers(port: int, path: str, seconds: float = 60.0) -> None:
    """A socket that listens may have nobody behind it yet."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=seconds) as answer:
        answer.read()


def own_table(rows: list[Own]) -> str:
    lines = [
        "| routes | a match, us | five levels deeper | no match | matches a second | read | checked | built | MiB |",
        "|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {row.routes:,} | {row.hit:.2f} | {row.deep:.2f} | {row.miss:.2f} | {1e6 / row.hit:,.0f}"
        f" | {row.read:.2f} s | {row.checked:.2f} s | {row.built:.2f} s | {row.mib:.1f} |"
        for row in rows
    ]
    return "\n".join(lines)


def request_table(everyone: list[Contender], found: list[Request], counts: tuple[int, ...]) -> str:
    heads = " | ".join(f"{count:,}" for count in counts)
    lines = [f"| proxy | its table | {heads} |", f"|---|---|{'---:|' * len(counts)}"]
    for contender in everyone:
        mine = {one.routes: one.us for one in found if one.proxy == contender.name}
        if not mine:
            lines.append(f"| {contender.name} | {contender.how} |{' absent |' * len(counts)}")
            continue
        first = mine[counts[0]]
        assert first is not None
        cells = ["not tried" if (us := mine.get(count)) is None else f"{us:.1f} ({us / first:.2f})" for count in counts]
        lines.append(f"| {contender.name} | {contender.how} | {' | '.join(cells)} |")
    return "\n".join(lines)


def write(
    rows: list[Own], everyone: list[Contender], found: list[Request], intake: Intake, rounds: int, seconds: int
) -> None:
    machine = {
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "python": platform.python_version(),
    }
    OUT.mkdir(parents=True, exist_ok=True)
    record = {
        "machine": machine,
        "own": [asdict(row) for row in rows],
        "requests": [asdict(one) for one in found],
        "intake": asdict(intake),
    }
    (OUT / "table.json").write_text(json.dumps(record, indent=1) + "\n")
    (OUT / "table.md").write_text(
        f"""\
# A table of routes

Made by `scripts/bench table`; all numbers are in [table.json](table.json).

## Our own table

{own_table(rows)}

A match costs by the depth of the path, not by the number of routes; what is left of a difference is the processor's
cache. *Built* is what the supervisor does from the checked file to the table; reading the YAML and checking it come
before, off the path of any request. *MiB* is the table in each worker.

## A request, by the length of the table

CPU microseconds of a proxied request, and in brackets how many times its own figure with {COUNTS[0]} routes.

{request_table(everyone, found, COUNTS)}

Every proxy had one core to itself, {rounds} interleaved rounds of {seconds} s with each table; origin and client (wrk,
64 connections) had another. The request matches a route in the middle of the table. A GET with {len(HEAD)} fields, an
answer of {BODY} bytes. Proxies that are absent are not installed on the machine of the measurement. With 100,000
locations nginx had not started after three minutes; Envoy and Caddy look at one prefix after the other, so they are
tried with up to 10,000.

## Requests while {intake.routes:,} routes are taken in

{intake.table()}

One worker; a client asks every millisecond, and the file is replaced meanwhile. Supervisor, worker, origin and client
share {machine["cores"]} cores here, so the worker also waits for the processor while the supervisor reads the file.

{machine["processor"]}, {machine["cores"]} cores, Linux {machine["kernel"]}, Python {machine["python"]}. A shared
machine: compare within a run.
"""
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench table", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often each proxy is measured (default 3)")
    parser.add_argument("--seconds", type=int, default=2, help="how long each time (default 2)")
    parser.add_argument("--quick", action="store_true", help="small tables, one short round; writes nothing")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one is not None:
        print(json.dumps(asdict(own(chosen.one))))
        return
    counts = COUNTS[:2] if chosen.quick else COUNTS
    rounds, seconds = (1, 1) if chosen.quick else (chosen.rounds, chosen.seconds)
    everyone = contenders()
    rows = own_in_fresh_processes(counts)
    with tempfile.TemporaryDirectory(prefix="table-") as scratch:
        found = [one for each in everyone for one in requests(each, counts, rounds, seconds, Path(scratch))]
        intake = measure_intake(counts[-1], Path(scratch))
    if chosen.quick:
        print(own_table(rows), request_table(everyone, found, counts), intake.table(), sep="\n\n")
    else:
        write(rows, everyone, found, intake, rounds, seconds)
        print(f"written: {OUT / 'table.md'}")


if __name__ == "__main__":
    main()
