"""The command: the cases against one proxy that runs already, or against all that are here, written down."""

from __future__ import annotations

import argparse
import asyncio
import re
import socket
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from scripts.conformances.peers import PEERS, Peer
from scripts.conformances.play import Report, play, play_twice
from scripts.conformances.written import written
from tests.processes import Started, free_port
from tests.wire.case import Case
from tests.wire.subjects import CASES

DOCUMENT = Path(__file__).resolve().parent.parent.parent / "docs" / "conformance.md"


def wanted(words: Sequence[str]) -> list[Case]:
    """The cases whose name or subject holds one of the words; all where there are none."""
    return [case for case in CASES if not words or any(word in f"{case.subject}: {case.name}" for word in words)]


def show(report: Report, cases: Sequence[Case], *, strict: bool) -> bool:
    """Print what failed; whether nothing did."""
    failed = 0
    for case in cases:
        must, lenient = report.findings[case.name]
        wrong = [*must, *(lenient if strict else ())]
        if wrong:
            failed += 1
            print(f"{case.subject}: {case.name} ({case.reference})")
            for each in wrong[:4]:
                print(f"    {each[:300]}")
    for stray in report.strays:
        failed += 1
        print(f"what belongs to no case reached the backend: {stray[:200]!r}")
    print(f"{len(cases)} cases, {failed} failed")
    return not failed


def wait_until_it_listens(started: Started, port: int, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"{started.name} did not come up on 127.0.0.1:{port}. It said:\n{started.log or '(nothing)'}")


def examine(peer: Peer, cases: Sequence[Case]) -> Report | None:
    """Start the proxy, play the cases, stop it; None if it is not here."""
    program = peer.program()
    if program is None:
        print(f"{peer.name}: not here. This installs it: {peer.absent}")
        return None
    port, backend = free_port(), free_port()
    with tempfile.TemporaryDirectory(prefix="conformance-") as folder:
        Path(folder).chmod(0o755)  # nginx looks in as somebody else
        command = peer.prepare(program, Path(folder), port, backend)
        with Started(command, folder=Path(folder), environ={"HOME": folder}, name=peer.name) as started:
            wait_until_it_listens(started, port)
            began = time.monotonic()
            report = asyncio.run(play_twice(port, backend, cases=cases))
    failed = sum(report.fails(case) for case in cases)
    lenient = sum(report.is_lenient(case) for case in cases)
    took = time.monotonic() - began
    print(f"{peer.name} {peer.says()}: {failed} failed, {lenient} lenient, of {len(cases)}; {took:.0f} s", flush=True)
    return report


def all_of_them(cases: Sequence[Case], names: Sequence[str], *, write: bool) -> bool:
    reports: dict[str, Report] = {}
    versions: dict[str, str] = {}
    chosen = [peer for peer in PEERS if not names or peer.name.lower() in names]
    for peer in chosen:
        report = examine(peer, cases)
        if report is not None:
            reports[peer.name] = report
            versions[peer.name] = "" if peer is PEERS[0] else peer.says()
    absent = [peer.name for peer in chosen if peer.name not in reports]
    if write and absent:
        print(f"not written: docs/{DOCUMENT.name} compares all of them, and {', '.join(absent)} could not be run")
    elif write:
        DOCUMENT.write_text(written(cases, reports, versions), encoding="utf-8")
        print(f"written: docs/{DOCUMENT.name}")
    else:
        for name, report in reports.items():
            print(f"-- {name}")
            show(report, cases, strict=False)
    ours = reports.get(PEERS[0].name)
    return ours is not None and not any(ours.fails(case) for case in cases)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="scripts/conformance", add_help=False)
    parser.add_argument("proxy", nargs="?")
    parser.add_argument("--backend", type=int)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--peer", action="append", default=[])
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--strict", action="store_true")
    asked = parser.parse_args(arguments)
    cases = wanted(asked.only)
    if not cases:
        parser.error(f"no case is called anything like {', '.join(asked.only)}")
    if asked.all or asked.peer:
        peers = [name.lower() for name in asked.peer]
        return 0 if all_of_them(cases, peers, write=not asked.only and not peers) else 1
    place = re.fullmatch(r"(?:127\.0\.0\.1|localhost):(\d+)", asked.proxy or "")
    if place is None or asked.backend is None:
        parser.error("say where the proxy is (127.0.0.1:PORT), and --backend PORT: where it looks for its backend")
    report = asyncio.run(play(int(place[1]), asked.backend, cases=cases))
    return 0 if show(report, cases, strict=asked.strict) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
