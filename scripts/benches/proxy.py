"""What a proxied request costs, ours beside nginx, HAProxy, Envoy, Traefik and Caddy: one core each, one backend."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from scripts.benches import proxy_change, proxy_idle, proxy_profile, proxy_report
from scripts.benches.origin import NGINX
from scripts.benches.proxy_cases import CASES, SITTINGS
from scripts.benches.proxy_load import Wrong
from scripts.benches.proxy_programs import MEASURE, OURS, PEERS, Found, find
from scripts.benches.proxy_report import Results
from scripts.benches.proxy_runs import Run, say, sit

IDLE, CHANGE = "idle", "change"
NAMES = (*(case.name for case in CASES), IDLE, CHANGE)
NEEDED = {"nginx": NGINX, "wrk": shutil.which("wrk"), "openssl": shutil.which("openssl")}


def options() -> argparse.Namespace:
    peers = [peer.name for peer in PEERS]
    parser = argparse.ArgumentParser(prog="scripts/bench proxy", description=__doc__)
    parser.add_argument("--case", type=_list, default=NAMES, metavar="NAME,…", help=f"of {', '.join(NAMES)}")
    parser.add_argument("--peers", type=_list, default=peers, metavar="NAME,…", help=f"of {', '.join(peers)}")
    parser.add_argument("--rounds", type=int, default=5, help="how often each proxy is measured (default 5)")
    parser.add_argument("--seconds", type=int, default=3, help="how long each time (default 3)")
    parser.add_argument("--quick", action="store_true", help="a second of ours and of nginx, GET 1 KiB; writes nothing")
    parser.add_argument("--keep-out", action="store_true", help="print the report, and write nothing")
    parser.add_argument(
        "--profile", action="store_true", help="where our worker's time goes in each case; writes nothing"
    )
    chosen = parser.parse_args()
    if unknown := {*chosen.case} - {*NAMES} | {*chosen.peers} - {*peers}:
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    if chosen.quick:
        chosen.case, chosen.peers, chosen.rounds, chosen.seconds = [CASES[0].name], [MEASURE, OURS], 1, 1
    return chosen


def _list(text: str) -> list[str]:
    return text.split(",")


def ask_for_tools() -> None:
    missing = [name for name, path in NEEDED.items() if path is None]
    if missing:
        as_root = "" if os.geteuid() == 0 else "sudo "
        print(f"scripts/bench proxy: {' and '.join(missing)} missing. This installs it:", file=sys.stderr)
        print(f"    {as_root}apt-get install -y {' '.join(missing)}", file=sys.stderr)
        raise SystemExit(2)


def present(names: list[str]) -> list[Found]:
    """Those that are here; the others are named."""
    everyone = list(find(names))
    for each in everyone:
        if each.program is None:
            say(f"without {each.peer.name}, which is not here. This installs it:\n    {each.says}")
    return [each for each in everyone if each.program is not None]


def measured(chosen: argparse.Namespace, everyone: list[Found], scratch: Callable[[], Path]) -> Results:
    runs: list[Run] = []
    for sitting in SITTINGS:
        if cases := [case for case in sitting if case.name in chosen.case]:
            runs += sit(cases, everyone, chosen.rounds, chosen.seconds, scratch())
    idle = list(proxy_idle.measured(everyone, scratch())) if IDLE in chosen.case else []
    ours = [each for each in everyone if each.peer.name == OURS]
    changed = proxy_change.milliseconds(ours[0], chosen.rounds, scratch()) if CHANGE in chosen.case and ours else []
    how = f"{chosen.rounds} interleaved rounds of {chosen.seconds} s, and half of that at a steady pace"
    return Results(runs, idle, changed, {each.peer.name: each.says for each in everyone}, how)


def main() -> None:
    chosen = options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was started is ended then too
    ask_for_tools()
    everyone = present(chosen.peers)
    with tempfile.TemporaryDirectory(prefix="fig-bench-") as top:
        Path(top).chmod(0o755)  # where root started it, nginx reads the documents as nobody
        folders = _folders(Path(top))
        if chosen.profile:
            ours = next(each for each in everyone if each.peer.name == OURS)
            cases = [case for case in CASES if case.name in chosen.case]
            proxy_profile.show(cases, ours, chosen.seconds, lambda: next(folders))
            return
        try:
            results = measured(chosen, everyone, lambda: next(folders))
        except Wrong as exc:
            raise SystemExit(f"scripts/bench proxy: {exc}") from None
    if chosen.quick or chosen.keep_out:
        print(proxy_report.tables(results))
    else:
        print(f"written: {', '.join(proxy_report.write(results))} in docs/benchmarks")
    failed = [run for run in results.runs if run.failed and run.peer in (OURS, MEASURE)]
    for run in failed:
        say(f"scripts/bench proxy: {run.peer}, {run.case}: {run.failed}")
    raise SystemExit(1 if failed else 0)


def _folders(top: Path) -> Iterator[Path]:
    number = 0
    while True:
        number += 1
        (made := top / str(number)).mkdir()
        yield made


if __name__ == "__main__":
    main()
