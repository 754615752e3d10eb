"""docs/ledger.md: what it shows runs, and it names every table and its columns."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path
from time import time

import pandas

from proxy.counters import Counters
from proxy.findings import Findings
from proxy.ledger.clerk import Clerk
from proxy.ledger.place import place_of
from proxy.ledger.schema import MEASURES, changes, differences, routes

PAGE = (Path(__file__).parents[3] / "docs" / "ledger.md").read_text()


def test_the_query_of_the_page_counts_what_was_written(tmp_path: Path) -> None:
    counters = Counters.create(1)
    for micros in (1_000_000, 3_000_000):
        counters.writer(0).count(5, 2, micros)
    counters.writer(0).count(4, 5, 0)
    clerk = Clerk(tmp_path, counters, "one", print, Findings())
    assert clerk.attempt(place_of(tmp_path), {4: ("repairs", "/repairs/*")}, time()) is None
    clerk.close()
    counters.close()
    found = re.search(r'"""\n(.*?)"""', PAGE, re.DOTALL)
    assert found is not None
    ledger = sqlite3.connect(f"file:{tmp_path}/data/ledger.sqlite?mode=ro", uri=True)
    moved = pandas.read_sql(found[1].replace("hits_by_hour", "hits_by_minute"), ledger)
    assert moved[["slice", "side", "hits", "errors", "seconds"]].to_numpy().tolist() == [
        ["repairs", "legacy", 1, 1, 0.0], ["repairs", "slice", 2, 0, 2.0],
    ]  # fmt: skip
    assert pandas.read_sql(found[1], ledger).empty
    ledger.close()


def test_every_table_is_named() -> None:
    tables = [*(tables["minute"].name for tables in MEASURES.values()), routes.name, changes.name, differences.name]
    assert [name for name in tables if f"`{name}`" not in PAGE] == []
