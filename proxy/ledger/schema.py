"""The ledger's tables, and for how long their rows are kept.

What is counted (a *measure*) is kept at three steps: by minute, by hour and by day, in columns that can be added up.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sqlalchemy import BigInteger, Column, Float, Index, Integer, LargeBinary, MetaData, Table, Text

from proxy.compare.values import Unjudged, Verdict
from proxy.counters import BOUNDS, CELLS

MINUTE, HOUR, DAY = 60, 3600, 86_400


@dataclass(frozen=True, slots=True)
class Step:
    """How finely a row counts: `seconds` each, kept for `keep` seconds, and never more than `rows` of them."""

    name: str
    seconds: int
    keep: int
    rows: int


# Two days by the minute: what went wrong last night. Two months by the hour: a stage and the one before. Three years by
# the day: a migration. 10,000 routes that are all asked for all the time would reach the rows (100 bytes each) first.
STEPS = (
    Step("minute", MINUTE, 48 * HOUR, 2_000_000),
    Step("hour", HOUR, 60 * DAY, 2_000_000),
    Step("day", DAY, 3 * 366 * DAY, 4_000_000),
)
FINEST = STEPS[0]

# In the order of the cells of a series. Of the histogram, a column counts the answers that took less than it says, and
# not less than the one before.
ANSWERS = ("answers_other", *(f"answers_{kind}xx" for kind in range(1, 6)))
HISTOGRAM = (*(f"under_{bound}us" for bound in BOUNDS), "longer")
HITS = (*ANSWERS, "cut", "micros", *HISTOGRAM)
assert len(HITS) == CELLS
VERDICTS = (
    *(str(each) for each in (Verdict.MATCHED, Verdict.MISMATCHED, Verdict.IGNORED)),
    "second_reads",
    *(f"unjudged_{cause}" for cause in Unjudged),
)

metadata = MetaData()


def _counted(name: str, columns: tuple[str, ...], *keys: Callable[[], Column[Any]]) -> Mapping[str, Table]:
    """By step. A row's `at` is its beginning, in seconds since 1970; hours and days are UTC's."""
    return MappingProxyType(
        {
            step.name: Table(
                f"{name}_by_{step.name}",
                metadata,
                Column("at", BigInteger, primary_key=True, autoincrement=False),
                Column("route", Integer, primary_key=True, autoincrement=False),
                *(key() for key in keys),
                *(Column(each, BigInteger, nullable=False) for each in columns),
                sqlite_with_rowid=False,
            )
            for step in STEPS
        }
    )


# `side`: who answered, `legacy` or `slice`; or `proxy`, by itself. `micros`: the sum of the latencies.
hits = _counted("hits", HITS, lambda: Column("side", Text, primary_key=True))
# What came of comparing.
verdicts = _counted("verdicts", VERDICTS)
MEASURES: Mapping[str, Mapping[str, Table]] = MappingProxyType({"hits": hits, "verdicts": verdicts})

# `slice` is empty for what no slice claims, `pattern` is written as `fig status` and the log have it.
routes = Table(
    "routes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("slice", Text, nullable=False),
    Column("pattern", Text, nullable=False),
    Index("routes_by_name", "slice", "pattern", unique=True),
)

# Who moved what, when and why: a line each of data/changes.jsonl. `id`: made from the line.
changes = Table(
    "changes",
    metadata,
    Column("id", Text, primary_key=True),
    *(Column(name, Text, nullable=False) for name in ("at", "slice", "before", "after", "by", "who", "why")),
)

# What answers differed in, by day, so that a day can be forgotten. `id`: made from slice, pattern, path and kind.
differences = Table(
    "differences",
    metadata,
    Column("day", BigInteger, primary_key=True, autoincrement=False),
    Column("id", Text, primary_key=True),
    *(Column(name, Text, nullable=False) for name in ("slice", "pattern", "path", "kind", "control", "candidate")),
    Column("count", BigInteger, nullable=False),
    Column("first", Float, nullable=False),
    Column("last", Float, nullable=False),
    Column("example", Text, nullable=False),
    Column("control_value", Text),
    Column("candidate_value", Text),
)

# Below is what the writer keeps for itself.

facts = Table("facts", metadata, Column("name", Text, primary_key=True), Column("value", Text, nullable=False))

# A map of counters, and which keeper writes down what it counts.
maps = Table(
    "maps",
    metadata,
    Column("id", Text, primary_key=True),
    Column("writer", Text, nullable=False),
    Column("last", Float, nullable=False),
)

# What a map had counted when it was last written down: the cells of each of its series, little-endian.
recorded = Table(
    "recorded",
    metadata,
    Column("map", Text, primary_key=True),
    Column("measure", Text, primary_key=True),
    Column("series", Integer, primary_key=True, autoincrement=False),
    Column("cells", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

# How far each step is rolled up from the one before, and forgotten: both in seconds since 1970.
rolled = Table(
    "rolled",
    metadata,
    Column("step", Text, primary_key=True),
    Column("until", BigInteger, nullable=False),
    Column("forgotten", BigInteger, nullable=False),
)
