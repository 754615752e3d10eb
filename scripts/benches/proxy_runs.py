"""The rounds: each proxy in turn under the same load, its processor time, its memory and its latency read off."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from scripts.benches.origin import counted, origin_command
from scripts.benches.processes import Program, family, free_port, move, said_of, start
from scripts.benches.proxy_cases import BODY, DOCUMENT, Case, Setup, Site
from scripts.benches.proxy_load import NAME, Wrong, load, probe
from scripts.benches.proxy_pace import paced, percentile
from scripts.benches.proxy_programs import Found, Peer, not_yet

PATIENCE = 20.0  # seconds until a proxy answers as it should, and for each thousand routes
WARM = 2  # seconds of load before anything is measured: connections are made, code is warm


@dataclass(frozen=True, slots=True)
class Run:
    """One proxy in one case once: CPU microseconds a request of its workers and of its others, `busy` its core's load.

    `p50` and `p99`: microseconds it adds to an answer of the backend; `waited`: 99 of 100 citizens no longer than that
    in all. `copied`: the share of requests that the shadow
    was sent. `cannot`: why it was not tried; `failed`: what went wrong. Then there is nothing else to say.
    """

    case: str
    peer: str
    user: float = 0.0
    system: float = 0.0
    others: float = 0.0
    per_second: float = 0.0
    busy: float = 0.0
    p50: float | None = None
    p99: float | None = None
    waited: float | None = None
    mib: float = 0.0
    others_mib: float = 0.0
    copied: float | None = None
    cannot: str = ""
    failed: str = ""

    @property
    def worker(self) -> float:
        return self.user + self.system


@dataclass(frozen=True, slots=True)
class Running:
    """A proxy that is up."""

    peer: Peer
    program: Program
    site: Site

    def workers(self) -> set[int]:
        """The processes that serve citizens."""
        return {pid for pid in self.program.times() if self.peer.worker in said_of(pid)}

    def aside(self) -> set[int]:
        """Processes that are not on its core: see `Peer.aside`."""
        named = {pid for pid in self.program.times() if self.peer.aside and self.peer.aside in said_of(pid)}
        return {member for pid in named for member in family(pid)}

    def put_aside(self) -> None:
        """Have them where the client and the backends are."""
        for pid in self.aside():
            move(pid, cores()[1])

    def memory(self) -> tuple[float, float]:
        """MiB of its workers, and of its other processes."""
        by_pid, workers = self.program.memory(), self.workers()
        mine = sum(mib for pid, mib in by_pid.items() if pid in workers)
        return round(mine, 1), round(sum(by_pid.values()) - mine, 1)


def cores() -> tuple[int, int]:
    """The proxy's core, and that of the backends and the client."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[-1]


def certificate(folder: Path) -> Path:
    """A key and the certificate it signed, in one file."""
    file = folder / "certificate.pem"
    if not file.exists():
        names = f"subjectAltName=DNS:{NAME},DNS:www.anytown.gov.uk"
        kind = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30")
        command = ("openssl", "req", "-x509", *kind, "-subj", f"/CN={NAME}", "-addext", names, "-keyout", file)
        made = subprocess.run([*command, "-out", "-"], capture_output=True, text=True, check=True).stdout
        file.write_text(file.read_text() + made)
    return file


class CannotBe(Exception):
    """A proxy has no setting for what is asked of it."""


class Stage(ExitStack):
    """Two backends, and the proxies in front of them; all are ended with it."""

    def __init__(self, scratch: Path) -> None:
        super().__init__()
        self.scratch = scratch
        self.origin, self.second = (self._backend(name) for name in ("origin", "second"))

    def folder(self, name: str) -> Path:
        made = self.scratch / name
        made.mkdir()
        return made

    def _backend(self, name: str) -> int:
        port, place = free_port(), self.folder(name)
        program = start(name, origin_command(place, port, BODY, (DOCUMENT,)), place, cores()[1])
        self.callback(program.stop)
        program.wait_until_it_listens(port)
        return port

    def site(self, name: str) -> Site:
        return Site(self.folder(name), free_port(), self.origin, self.second, certificate(self.scratch))

    def run(self, found: Found, setup: Setup) -> Running:
        """A proxy, on its core. Raises CannotBe, and Wrong if it does not come up."""
        peer, site = found.peer, self.site(f"{found.peer.name}-{setup.name}")
        assert found.program is not None
        if why := peer.cannot(setup):
            raise CannotBe(why)
        program = start(peer.name, peer.command(found.program, setup, site), site.folder, cores()[0])
        self.callback(program.stop)
        try:
            program.wait_until_it_listens(site.port, patience(setup))
        except SystemExit as exc:
            if why := not_yet(str(exc)):
                raise CannotBe(why) from None
            raise Wrong(str(exc)) from None
        return Running(peer, program, site)


def measure(running: Running, case: Case, seconds: float, scratch: Path) -> Run:
    """Under as much load as it takes. Raises Wrong."""
    size = probe(running.site.port, case)
    copies = counted(running.site.second) if case.setup.copies else 0
    before = running.program.times()
    loaded = load(running.site.port, cores()[1], seconds, case, size, scratch)
    after = running.program.times()
    spent = {
        pid: (user - before.get(pid, (0.0, 0.0))[0], system - before.get(pid, (0.0, 0.0))[1])
        for pid, (user, system) in after.items()
    }
    workers, aside = running.workers(), running.aside()
    on_core = sum(sum(times) for pid, times in spent.items() if pid not in aside)
    user, system = (sum(times[mode] for pid, times in spent.items() if pid in workers) for mode in (0, 1))
    whole = sum(map(sum, spent.values()))
    mib, others_mib = running.memory()

    def each(seconds: float) -> float:
        return round(max(seconds, 0.0) / loaded.requests * 1e6, 2)

    return Run(
        case.name,
        running.peer.name,
        user=each(user),
        system=each(system),
        others=each(whole - user - system),
        per_second=round(loaded.requests / loaded.seconds),
        busy=round(on_core / loaded.seconds, 3),
        mib=mib,
        others_mib=others_mib,
        copied=min(1.0, (counted(running.site.second) - copies) / loaded.requests) if case.setup.copies else None,
    )


def with_pace(run: Run, running: Running, case: Case, seconds: float, direct: Sequence[float]) -> Run:
    """The run, and what the proxy adds to the answers of the backend, `direct`. Raises Wrong."""
    taken = paced(running.site.port, case, cores()[1], seconds)
    p50, p99 = (round(percentile(taken, share) - percentile(direct, share), 1) for share in (0.5, 0.99))
    return replace(run, p50=p50, p99=p99, waited=round(percentile(taken, 0.99), 1))


def patience(setup: Setup) -> float:
    return PATIENCE * (1 + setup.routes / 1000)


def answering(running: Running, case: Case, folder: Path) -> None:
    """Waits until it answers as it should, then warms it up. Raises Wrong."""
    deadline = time.monotonic() + patience(case.setup)
    size = 0
    while not size:
        try:
            size = probe(running.site.port, case)
        except (Wrong, OSError) as exc:  # who listens may not have read all its routes yet
            if time.monotonic() > deadline or running.program.process.poll() is not None:
                raise Wrong(str(exc)) from None
            time.sleep(0.1)
    load(running.site.port, cores()[1], WARM, case, size, folder)


def sit(cases: Sequence[Case], everyone: Sequence[Found], rounds: int, seconds: float, scratch: Path) -> Iterator[Run]:
    """The cases of one sitting: in each round every proxy once in every case, each round beginning with another."""
    with Stage(scratch) as stage:
        for case in cases:
            probe(stage.origin, replace(case, setup=Setup()))
        running: dict[tuple[str, Case], Running] = {}
        for found in everyone:
            for setup in dict.fromkeys(case.setup for case in cases):
                mine = [case for case in cases if case.setup == setup]
                try:
                    one = stage.run(found, setup)
                    for case in mine:
                        answering(one, case, scratch)
                        one.put_aside()
                        running[found.peer.name, case] = one
                except CannotBe as exc:
                    yield from _told(Run(case.name, found.peer.name, cannot=str(exc)) for case in mine)
                except Wrong as exc:
                    yield from _told(Run(case.name, found.peer.name, failed=str(exc)) for case in mine)
        for number in range(rounds):
            say(f"round {number + 1} of {rounds}")
            for case in cases:
                direct = paced(stage.origin, replace(case, setup=Setup()), cores()[1], seconds / 2)
                for found in rotated(everyone, number):
                    key = found.peer.name, case
                    if key not in running:
                        continue
                    try:
                        run = measure(running[key], case, seconds, scratch)
                        run = with_pace(run, running[key], case, seconds / 2, direct)
                    except (Wrong, OSError) as exc:
                        del running[key]
                        run = Run(case.name, found.peer.name, failed=str(exc))
                    say(sentence(run))
                    yield run


def _told(runs: Iterator[Run]) -> Iterator[Run]:
    for run in runs:
        say(sentence(run))
        yield run


def rotated(everyone: Sequence[Found], number: int) -> Iterator[Found]:
    at = number % len(everyone)
    yield from everyone[at:]
    yield from everyone[:at]


def sentence(run: Run) -> str:
    if run.failed or run.cannot:
        return f"{run.case:<14}{run.peer:<14}{run.failed or run.cannot}"
    added = f", {run.p50:.0f} us added" if run.p50 is not None else ""
    return (
        f"{run.case:<14}{run.peer:<14}{run.worker:8.1f} us a request ({run.user:.1f} + {run.system:.1f}),"
        f" others {run.others:.1f}, {run.per_second:7.0f} a second, core {run.busy:4.0%} busy{added}, {run.mib:.0f} MiB"
    )


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
