"""Up to when a dataset knows what its source knew: since its last whole run began, whatever was committed since."""

from __future__ import annotations

from pathlib import Path

import pytest

from notation import lake
from notation.as_of import as_of, changed

from .lake_bench import SCHEMA, Bench

FIRST, SECOND = 1_764_000_000, 1_764_000_300
SAID = {FIRST: "2025-11-24T16:00:00+00:00", SECOND: "2025-11-24T16:05:00+00:00"}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path)
    bench.run([1], removes=None, began=SAID[FIRST], cursor=None)
    return bench


def test_it_is_when_the_last_run_began(bench: Bench) -> None:
    assert as_of(bench.folder) == FIRST
    before = changed(bench.folder)
    bench.run(began=SAID[SECOND], cursor={"at": []})
    assert as_of(bench.folder) == SECOND, "also of a run that found nothing new"
    assert changed(bench.folder) != before


def test_a_stretch_that_ends_amid_a_window_does_not_count(bench: Bench) -> None:
    bench.run([2], began=SAID[SECOND], cursor={"at": ["2026-01-01", "7"]})
    assert as_of(bench.folder) == FIRST
    bench.run([3], began=SAID[SECOND], cursor={"at": []})
    assert as_of(bench.folder) == SECOND


def test_a_build_that_another_run_began_does_not_count(bench: Bench) -> None:
    with bench.hold() as killed:
        killed.begin_build("a print")
    with bench.hold() as held:
        build = held.build("a print")
        assert build is not None
        meta = {"run": held.run, "began": SAID[SECOND]}
        held.commit([bench.write(held, [5])], None, SCHEMA, meta, about="", build=build)
    assert as_of(bench.folder) == FIRST
    with bench.hold() as held:
        whole = held.begin_build("another")
        meta = {"run": held.run, "began": SAID[SECOND]}
        held.commit([bench.write(held, [6])], None, SCHEMA, meta, about="", build=whole)
    assert as_of(bench.folder) == SECOND


def test_who_only_keeps_order_makes_nothing_newer(bench: Bench) -> None:
    bench.run([2], began=SAID[SECOND], cursor=None)
    with bench.hold() as held:
        held.rewrite([bench.write(held, [1, 2])], lake.open_dataset(bench.home, "jobs").files)
    assert as_of(bench.folder) == SECOND


def test_where_there_is_nothing_it_knows_nothing(tmp_path: Path) -> None:
    assert (as_of(tmp_path / "jobs"), changed(tmp_path / "jobs")) == (0, 0)
