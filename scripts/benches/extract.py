"""Rows a second out of PostgreSQL, MariaDB and SQLite: ours, peers and the limit, and whether the values are right."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from scripts.benches import extract_report as report
from scripts.benches import extract_table as tables
from scripts.benches.extract_peers import CONTENDERS, Contender
from scripts.benches.extract_runs import Run, peers_python, run
from scripts.benches.extract_servers import SILOS, Silo, absent
from scripts.benches.extract_table import AWKWARD, REPAIRS, Change, Table
from scripts.benches.extract_values import judge

QUICK = 50_000
ONCE = 60.0  # seconds: a contender that took longer is not run again
NOT_YET = "not acted on yet"
OURS = next(each for each in CONTENDERS if each.name == "ours")


@dataclass
class Bench:
    """What one call of the script does. `scratch` holds everything it writes before the report."""

    rows: int
    rounds: int
    scratch: Path
    contenders: tuple[Contender, ...]
    peers: str  # the Python of the peers' environment; "": those are left out
    runs: list[Run] = field(default_factory=list)

    def measure(self, name: str, truth: Path, lines: Path, *, incremental: bool, tables_: tuple[str, ...]) -> None:
        _say(f"{name}: starting and filling")
        with SILOS[name](self.rows, lines, self.scratch) as silo:
            truths = {REPAIRS.name: truth, AWKWARD.name: self.scratch / "awkward-truth.parquet"}
            for table in silo.tables:
                if table.name in tables_:
                    self.compare(silo, table, truths[table.name])
            if incremental:
                self.follow(silo, truth)

    def compare(self, silo: Silo, table: Table, truth: Path) -> None:
        """Every contender once in each round, each time beginning with another."""
        able = [each for each in self.contenders if silo.name in each.silos and (self.peers or not each.is_peer)]
        done: dict[str, Run] = {}
        for number in range(self.rounds):
            for contender in rotated(able, number):
                last = done.get(contender.name)
                if last is not None and (last.failed or last.seconds > ONCE):
                    continue
                with self.place() as place:
                    made, files = run(contender, silo, table, self.rows, place, self.python(contender))
                    if files and last is None:
                        verdict = judge(files, truth, table, silo.name)
                        made = Run(**{**asdict(made), "values": verdict.sentence})
                done[contender.name] = made
                self.keep(made, f"round {number + 1}")

    def follow(self, silo: Silo, truth: Path) -> None:
        """A full run into an empty lake, then one after each change of one per cent of the rows, in every round."""
        lake, changes = self.scratch / "followed", list[Change]()
        kinds: tuple[tuple[str, Callable[[int], Change]], ...] = (
            ("newest", lambda number: tables.newest(number, self.rows)), ("anywhere", tables.anywhere),
        )  # fmt: skip
        files: tuple[str, ...] = ()
        for number in range(self.rounds):
            with self.place() as place:
                target = place if lake.exists() else lake
                made, _ = run(OURS, silo, REPAIRS, self.rows, target, sys.executable, cursor="last_modified")
            self.keep(_named(made, "ours, full, with a cursor"), f"round {number + 1}")
            if made.failed:
                return
            for kind, change in kinds:
                changes.append(change(len(changes) + 1))
                changed = silo.execute(changes[-1].sql(silo.name))
                _say(f"{silo.name}: {changed:,} rows changed, {kind}")
                made, files = run(OURS, silo, REPAIRS, self.rows, lake, sys.executable, cursor="last_modified")
                made = _named(made, f"ours, 1% changed, {kind}")
                if files and number == self.rounds - 1:
                    verdict = judge(files, tables.changed_truth(truth, changes), REPAIRS, silo.name)
                    made = Run(**{**asdict(made), "values": verdict.sentence})
                self.keep(made, f"round {number + 1}")
        shutil.rmtree(lake, ignore_errors=True)

    def keep(self, made: Run, when: str) -> None:
        self.runs.append(made)
        _say(f"{made.silo} {made.table} {when}: {report.sentence(made)}")

    def python(self, contender: Contender) -> str:
        return self.peers if contender.is_peer else sys.executable

    @contextmanager
    def place(self) -> Iterator[Path]:
        """An empty folder for one run."""
        with tempfile.TemporaryDirectory(prefix="run-", dir=self.scratch) as folder:
            yield Path(folder)


def rotated(contenders: list[Contender], number: int) -> Iterator[Contender]:
    at = number % len(contenders) if contenders else 0
    yield from contenders[at:]
    yield from contenders[:at]


def _named(made: Run, contender: str) -> Run:
    return Run(**{**asdict(made), "contender": contender})


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def measure(chosen: argparse.Namespace, contenders: tuple[Contender, ...]) -> list[Run]:
    python, why = ("", "--quick leaves them out") if chosen.quick else peers_python()
    if not python and any(each.is_peer for each in contenders):
        _say(f"extract: without {', '.join(each.name for each in contenders if each.is_peer)}: {why}")
    with tempfile.TemporaryDirectory(prefix="fig-bench-") as scratch:
        _say(f"extract: {chosen.rows:,} rows, made in {scratch}")
        truth, lines = tables.generate(chosen.rows, Path(scratch))
        bench = Bench(chosen.rows, chosen.rounds, Path(scratch), contenders, python)
        for name in SILOS if chosen.source == "all" else (chosen.source,):
            if why := absent(name):
                _say(f"extract: without {name}: {why}")
                continue
            bench.measure(
                name, truth, lines, incremental=not chosen.only or "incremental" in chosen.only, tables_=chosen.table
            )
    return bench.runs


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench extract", description=__doc__)
    names = [each.name for each in CONTENDERS]
    parser.add_argument("--source", choices=[*SILOS, "all"], default="all", help="the silo (default all)")
    parser.add_argument("--rows", type=int, default=2_000_000, help="of each table (default 2,000,000)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each contender is measured (default 3)")
    parser.add_argument(
        "--only",
        type=lambda text: text.split(","),
        default=[],
        metavar="NAME,…",
        help=f"of {', '.join([*names, 'incremental'])}",
    )
    parser.add_argument(
        "--table",
        type=lambda text: text.split(","),
        default=[REPAIRS.name, AWKWARD.name],
        metavar="NAME,…",
        help=f"of {REPAIRS.name}, {AWKWARD.name} (PostgreSQL only)",
    )
    parser.add_argument(
        "--quick", action="store_true", help=f"{QUICK:,} rows, one round, without dlt and pandas; writes nothing"
    )
    parser.add_argument("--keep-out", action="store_true", help="print the report, and write nothing")
    chosen = parser.parse_args()
    if unknown := {*chosen.only} - {*names, "incremental"} | {*chosen.table} - {REPAIRS.name, AWKWARD.name}:
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    if chosen.quick:
        chosen.rows, chosen.rounds = QUICK, 1
    contenders = tuple(each for each in CONTENDERS if not chosen.only or each.name in chosen.only)
    runs = measure(chosen, tuple(each for each in contenders if not (chosen.quick and each.is_peer)))
    if not chosen.quick and not chosen.keep_out:
        print(f"written: {', '.join(report.write(runs))} in docs/benchmarks")
    else:
        print(report.tables(runs))
    ours = [each for each in runs if each.contender.startswith("ours") and NOT_YET not in each.failed]
    wrong = [each for each in ours if each.failed or each.values.startswith("no")]
    for each in wrong:
        _say(f"extract: {each.contender} of {each.silo} {each.table}: {each.failed or each.values}")
    raise SystemExit(1 if wrong else 0)


if __name__ == "__main__":
    main()
