"""The report on proxies: medians, targets met or missed, a page, a picture, and every round as JSON."""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from proxy.shadows import AT_ONCE
from scripts.benches.extract_picture import Bar, picture
from scripts.benches.machine import OUT, processor
from scripts.benches.proxy_cases import BODY, CASES, HEAD, MANY, SITTINGS
from scripts.benches.proxy_idle import CITIZENS, Idle
from scripts.benches.proxy_load import CONNECTIONS
from scripts.benches.proxy_pace import RATE
from scripts.benches.proxy_programs import MEASURE, OURS, PEERS, PURE
from scripts.benches.proxy_runs import Run

FULL = 0.95  # of a core: then its requests a second are what the proxy can do
COLUMNS = (
    "worker, us", "user + system", "from … to", "times nginx", "others, us", "requests/s", "p50 added", "p99", "MiB",
    "others",
)  # fmt: skip
ORDER = [peer.name for peer in PEERS]
# What copying adds is held against the same requests without; by the percent that is copied.
PLAIN = CASES[0].name
COPYING = {case.setup.copies: case.name for case in CASES if case.setup.copies}
# Microseconds, or a share, by which 99 of 100 citizens may wait longer for it, whichever is more.
LONGER, LONGER_SHARE = 2000.0, 0.1


@dataclass(frozen=True, slots=True)
class Results:
    """All that was measured; `changed`: milliseconds until a changed route answered."""

    runs: Sequence[Run] = ()
    idle: Sequence[Idle] = ()
    changed: Sequence[float] = ()
    versions: dict[str, str] = field(default_factory=dict)
    how: str = ""

    def after(self, earlier: Results) -> Results:
        """These, and of the earlier what was not measured again."""
        again = {(run.case, run.peer) for run in self.runs}
        idle = {each.peer for each in self.idle}
        return Results(
            (*(run for run in earlier.runs if (run.case, run.peer) not in again), *self.runs),
            (*(each for each in earlier.idle if each.peer not in idle), *self.idle),
            self.changed or earlier.changed,
            earlier.versions | self.versions,
            self.how or earlier.how,
        )

    def of(self, case: str, peer: str) -> Summary:
        return Summary(tuple(run for run in self.runs if (run.case, run.peer) == (case, peer)))


@dataclass(frozen=True, slots=True)
class Summary:
    """The rounds of one proxy in one case. One wrong answer, and there is nothing to report."""

    runs: tuple[Run, ...]

    @property
    def why_not(self) -> str:
        return next((run.failed or run.cannot for run in self.runs if run.failed or run.cannot), "")

    @property
    def is_good(self) -> bool:
        return bool(self.runs) and not self.why_not

    def median(self, what: str) -> float | None:
        """None where it was not measured."""
        values = [value for run in self.runs if self.is_good and (value := getattr(run, what)) is not None]
        return float(statistics.median(values)) if values else None

    @property
    def worker(self) -> float | None:
        return self.median("worker")

    @property
    def per_second(self) -> float | None:
        """Where its core had no more to give."""
        rates = [run.per_second for run in self.runs if run.busy >= FULL]
        return float(statistics.median(rates)) if rates else None


# --- targets ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Target:
    """`found` must be at most `wanted`; None if it was not measured."""

    what: str
    wanted: float
    found: float | None
    unit: str = "x"

    @property
    def line(self) -> str:
        if self.found is None:
            return f"| {self.what} | ≤ {self.wanted:g}{self.unit} | – | not measured |"
        said = f"{self.found:.2f}" if self.unit == "x" else f"{self.found:.1f}"
        met = "met" if self.found <= self.wanted else "**missed**"
        return f"| {self.what} | ≤ {self.wanted:g}{self.unit} | {said}{self.unit} | {met} |"


def targets(results: Results) -> Iterator[Target]:
    """What was promised."""

    def worker(case: str, peer: str = OURS) -> float | None:
        return results.of(case, peer).worker

    yield Target("GET 1 KiB, of nginx's CPU", 2.2, _ratio(worker("get-1k"), worker("get-1k", MEASURE)))
    yield Target("GET 1 KiB without C, of nginx's CPU", 2.2, _ratio(worker("get-1k", PURE), worker("get-1k", MEASURE)))
    for peer in ("Envoy", "Traefik", "Caddy"):
        yield Target(f"GET 1 KiB, of {peer}'s", 1.0, _ratio(worker("get-1k"), worker("get-1k", peer)))
    yield Target("POST 10 KiB, of nginx's", 2.0, _ratio(worker("post-10k"), worker("post-10k", MEASURE)))
    yield Target("GET 100 KiB, of nginx's", 2.0, _ratio(worker("get-100k"), worker("get-100k", MEASURE)))
    few = results.of("routes-10", OURS)
    spread = max((run.worker for run in few.runs), default=0.0) / few.worker if few.worker else 1.0
    wanted = round(spread, 2)
    yield Target(
        f"{MANY:,} routes, of 10 (whose rounds differ by as much)", wanted, _ratio(worker("routes-10000"), few.worker)
    )
    yield Target("copying to a shadow, the worker's more", 10.0, _less(worker("shadow"), worker("get-1k")), " us")
    yield Target(
        "copying to a shadow, of nginx's with `mirror`", 1.0, _ratio(worker("shadow"), worker("shadow", MEASURE))
    )
    for percent, case in COPYING.items():
        before = results.of(PLAIN, OURS).median("waited") or 0.0
        wanted = round(max(LONGER, LONGER_SHARE * before))
        yield Target(
            f"copying {percent}% to a shadow, the 99th percentile longer at {RATE} a second", wanted,
            _more(results, OURS, case, "waited"), " us",
        )  # fmt: skip
    p50 = [results.of("get-1k", peer).median("p50") for peer in (OURS, MEASURE)]
    yield Target(f"added at {RATE} a second, the median, above nginx's", 100.0, _less(*p50), " us")
    idle = next((each.worker for each in results.idle if each.peer == OURS and not each.failed), None)
    yield Target(f"a worker with {CITIZENS:,} idle connections", 60.0, idle, " MiB")
    changed = statistics.median(results.changed) if results.changed else None
    yield Target(f"a changed route answers, at {MANY:,} routes", 100.0, changed, " ms")


def _ratio(mine: float | None, theirs: float | None) -> float | None:
    return mine / theirs if mine is not None and theirs else None


def _less(mine: float | None, theirs: float | None) -> float | None:
    return mine - theirs if mine is not None and theirs is not None else None


def _more(results: Results, peer: str, case: str, what: str) -> float | None:
    """By how much a proxy's median is above that of its plain requests."""
    return _less(results.of(case, peer).median(what), results.of(PLAIN, peer).median(what))


# --- tables -----------------------------------------------------------------------------------------------------------


def tables(results: Results) -> str:
    parts = []
    for case in CASES:
        if any(run.case == case.name for run in results.runs):
            parts += [f"### {case.title[0].upper()}{case.title[1:]}", _case_table(results, case.name)]
    if copying := _copying_table(results):
        parts += ["### What copying adds", copying]
    if results.idle:
        parts += [f"### {CITIZENS:,} idle connections", _idle_table(results.idle)]
    lines = ["| | target | found | |", "|---|---:|---:|---|", *(target.line for target in targets(results))]
    return "\n\n".join([*parts, "### Targets", "\n".join(lines)])


def _case_table(results: Results, case: str) -> str:
    lines = [f"| | {' | '.join(COLUMNS)} |", f"|---|{'---:|' * len(COLUMNS)}"]
    measure = results.of(case, MEASURE).worker
    copied = []
    for peer in ORDER:
        mine = results.of(case, peer)
        if mine.why_not:
            lines.append(f"| {peer} | – | not measured: {_cell(mine.why_not)} |" + " |" * 8)
        if mine.worker is None:
            continue
        spans = sorted(run.worker for run in mine.runs)
        times = f"{mine.worker / measure:.2f}" if measure else "–"
        rate = f"{mine.per_second:,.0f}" if mine.per_second else f"(core {mine.median('busy'):.0%} busy)"
        lines.append(
            f"| {peer} | {mine.worker:.1f} | {mine.median('user'):.1f} + {mine.median('system'):.1f}"
            f" | {spans[0]:.1f} … {spans[-1]:.1f} | {times} | {mine.median('others'):.1f} | {rate}"
            f" | {_number(mine.median('p50'))} | {_number(mine.median('p99'))}"
            f" | {_number(mine.median('mib'))} | {_number(mine.median('others_mib'))} |"
        )
        if (share := mine.median("copied")) is not None:
            copied.append(f"{peer} {share:.0%}")
    return "\n".join(
        [*lines, *(["", f"Copied while measured: {', '.join(copied)} of the requests."] if copied else [])]
    )


def _copying_table(results: Results) -> str:
    """Of each proxy that copies, and was measured without too; "" if none was."""
    titles = (f"{title} at {percent}%" for title in ("worker, us", "others, us", "p99, us") for percent in COPYING)
    head = f"| | {' | '.join(titles)} |\n|---|{'---:|' * 3 * len(COPYING)}"
    lines = []
    for peer in ORDER:
        more = [
            _more(results, peer, case, what) for what in ("worker", "others", "waited") for case in COPYING.values()
        ]
        if any(each is not None for each in more):
            lines.append(f"| {peer} | {' | '.join('–' if each is None else f'{each:+.1f}' for each in more)} |")
    return "\n".join([head, *lines]) if lines else ""


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f}"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())[:160]


def _idle_table(everyone: Sequence[Idle]) -> str:
    lines = ["| | worker before, MiB | worker with them | its others | core busy |", "|---|---:|---:|---:|---:|"]
    for each in sorted(everyone, key=lambda one: ORDER.index(one.peer)):
        said = f"{each.before:.1f} | {each.worker:.1f} | {each.others:.1f} | {each.busy:.1%}"
        lines.append(f"| {each.peer} | {f'– | {_cell(each.failed)} | – | –' if each.failed else said} |")
    return "\n".join(lines)


# --- files ------------------------------------------------------------------------------------------------------------


def write(new: Results) -> list[str]:
    """Beside what stands there of other cases and proxies. The names of the files written."""
    OUT.mkdir(parents=True, exist_ok=True)
    file = OUT / "proxy.json"
    results = new.after(read(file))
    record = {"machine": machine(), **asdict(results)}
    file.write_text(json.dumps(record, indent=1) + "\n")
    (OUT / "proxy.svg").write_text(picture(dict(charts(results)), "CPU microseconds a request (less is better)"))
    (OUT / "proxy.md").write_text(page(results))
    return ["proxy.md", "proxy.json", "proxy.svg"]


def read(file: Path) -> Results:
    """Nothing where nothing was measured yet, or in another way."""
    record = json.loads(file.read_text()) if file.exists() else {}
    if "runs" not in record:
        return Results()
    return Results(
        [Run(**each) for each in record["runs"]], [Idle(**each) for each in record["idle"]],
        record["changed"], record["versions"], record["how"],
    )  # fmt: skip


def charts(results: Results) -> Iterator[tuple[str, list[Bar]]]:
    """One for each case, the leanest first."""
    for case in CASES:
        found = {peer: value for peer in ORDER if (value := results.of(case.name, peer).worker) is not None}
        if len(found) > 1:
            yield (
                case.title,
                [Bar(peer, found[peer], peer == OURS) for peer in sorted(found, key=lambda one: found[one])],
            )


def machine() -> dict[str, object]:
    asked = sysconfig.get_config_var("CONFIG_ARGS") or ""
    built = f"built with{'' if '--enable-optimizations' in asked else 'out'} --enable-optimizations"
    whose = "the system's" if sys.base_prefix == "/usr" else built
    return {
        "processor": processor(), "cores": len(os.sched_getaffinity(0)), "kernel": platform.release(),
        "python": f"{platform.python_version()} ({whose})",
    }  # fmt: skip


def page(results: Results) -> str:
    here = machine()
    together = "; ".join(", ".join(case.title for case in sitting) for sitting in SITTINGS)
    said = ", ".join(f"{name} {version}" for name, version in results.versions.items() if name not in (OURS, PURE))
    return f"""\
# What a proxied request costs

Made by `scripts/bench proxy`; every round is in [proxy.json](proxy.json).

![CPU microseconds a request by proxy, for each case](proxy.svg)

{tables(results)}

### How it is measured

- Each proxy has one core to itself in turn, {results.how}. **The machine has {here["cores"]} cores: the backends and
  the client share the other one**, so a lean proxy's core is not always busy; requests a second are given only where it
  was at least {FULL:.0%} busy. CPU time does not depend on that much.
- Measured in the same rounds: {together}. Compare within a case, not between runs.
- The load is wrk's, {CONNECTIONS} connections kept alive, one thread. A request has a browser's head of {len(HEAD)}
  fields. Every status is looked at, the bytes that came are counted, and one answer before each round is compared byte
  by byte: one wrong answer, and there is no figure.
- The backend is nginx answering {BODY} bytes from its configuration, or a document from a file that the kernel holds.
- Every proxy does the same work: kept HTTP/1.1 connections to the backend, `Via`, `X-Forwarded-For`, `-Proto` and
  `-Host` said, `Host` as it came, no access log, one worker (`GOMAXPROCS=1`, `--concurrency 1`, `nbthread 1`). nginx
  has buffers for 256 KiB, Envoy a tree of prefixes, Traefik its fast way of speaking to backends; HAProxy and Caddy
  cannot copy.
- CPU time is user and system time from /proc, a request: of the *worker* (the process that serves citizens), and of its
  *others* (for us the supervisor, the keeper and its jury). How it divides into user and system is sampled.
- **Our keeper and its jury run on the other core**, where the client and the backends are. What they do with copies,
  asking the shadow and comparing both answers, is counted as *others*, and not in how busy the proxy's core is. The
  others ask the shadow themselves, in their workers, and compare nothing. Ours asks it {AT_ONCE} at a time and drops
  what has no turn soon, so under full load it copies less. nginx mirrors each request or none: where a quarter is to
  be copied, it answers the mirror's other requests itself, with 204.
- *What copying adds* is held against GET 1 KiB in the same rounds: CPU time, and how much longer the 99th percentile of
  citizens waits at {RATE} requests a second.
- *Added*: microseconds by which an answer takes longer than the backend's own, at {RATE} requests a second that are
  sent whether or not the last was answered; the medians of the rounds' medians and 99th percentiles. TLS is compared
  with a backend asked in plain. *MiB* is PSS, of the worker and of its others: a process's own pages, and its share of
  those it shares.
- TLS is 1.3 with TLS_AES_128_GCM_SHA256 and one P-256 certificate for all; connections are kept.
- Where our worker's time goes, by function: `scripts/bench proxy --profile`. What the kernel is asked: `strace -c -f`
  on the worker. Python decides much of it: `FIG_PYTHON=/usr/bin/python3 FIG_VENV=…` measures with another.
- {here["processor"]}, Linux {here["kernel"]}. Python {here["python"]}. {said}.
"""
