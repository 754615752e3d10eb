"""Minutes become hours, hours days, and what is old is forgotten: nothing is lost, doubled or kept for ever."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine

from proxy.counters import Counters
from proxy.ledger import upkeep
from proxy.ledger.reads import Ledger, Moment
from proxy.ledger.schema import STEPS
from proxy.ledger.upkeep import keep_up
from tests.proxy.ledger.conftest import NOON, in_all, keeper


def test_rolled_up_nothing_is_lost_and_rolling_up_again_changes_nothing(
    counters: Counters, engine: Engine, tmp_path: Path
) -> None:
    writer, worker = keeper(counters), counters.writer(0)
    for minute in range(0, 5 * 24 * 60, 61):
        worker.count(4 + minute % 2, 2, 1000)
        writer.write(engine, NOON + 60 * minute)
    now = NOON + 5 * 86_400

    def seen() -> list[tuple[Moment, ...]]:
        with Ledger.of(tmp_path) as ledger:
            return [ledger.over_time(step, NOON - 86_400, now) for step in ("hour", "day")]

    before = seen()
    assert sum(each.hits.hits for each in before[0]) == 119
    list(keep_up(engine, now))
    assert seen() == before
    list(keep_up(engine, now))
    assert seen() == before
    with engine.connect() as connection:
        kept = connection.exec_driver_sql("SELECT min(at) FROM hits_by_minute").scalar_one()
    assert kept >= now - 49 * 3600  # the rest is in hours
    with Ledger.of(tmp_path) as ledger:
        finest = ledger.over_time("minute", NOON, now)
        assert sum(each.hits.hits for each in finest) == 119  # hours, where minutes are forgotten
    list(keep_up(engine, now + 100 * 86_400))
    with Ledger.of(tmp_path) as ledger:
        days = ledger.over_time("day", 0, 2**40)
    assert [(each.at, each.side, each.hits) for each in days] == [(each.at, each.side, each.hits) for each in before[1]]
    list(keep_up(engine, now + 4 * 366 * 86_400))
    assert in_all(tmp_path) == {}


def test_while_it_is_rolled_up_in_pieces_and_forgotten_every_answer_is_read_once(
    counters: Counters, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where a keeper dies between two pieces, and the next begins again."""

    monkeypatch.setattr(upkeep, "ROUTES", 2)
    writer, worker = keeper(counters), counters.writer(0)
    writer.names = {number: ("repairs", f"/repairs/{number}") for number in range(4, 24, 2)}
    for moment in (0, 60, 3600, 7200):
        for series in range(4, 24, 2):
            worker.count(series, 2, 1)
        writer.write(engine, NOON + moment)
    expected = {("repairs", "legacy"): 40}
    for now in (NOON + 9000, NOON + 9 * 86_400):
        for pieces in range(1, 40):
            upkeeping = keep_up(engine, now)
            for _ in zip(range(pieces), upkeeping, strict=False):
                assert in_all(tmp_path) == expected
    list(keep_up(engine, NOON + 9 * 86_400))
    assert in_all(tmp_path) == expected
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM hits_by_minute").scalar_one() == 0


def test_what_comes_late_for_an_hour_is_rolled_up_too(counters: Counters, engine: Engine, tmp_path: Path) -> None:
    """A clock that was put back."""
    writer, worker = keeper(counters), counters.writer(0)
    for moment in (0, 7200):
        worker.count(4, 2, 1)
        writer.write(engine, NOON + moment)
    list(keep_up(engine, NOON + 3 * 86_400))
    worker.count(4, 2, 1)
    writer.write(engine, NOON + 60)  # minutes before NOON + 24 h are forgotten: it is counted there
    list(keep_up(engine, NOON + 3 * 86_400))
    list(keep_up(engine, NOON + 9 * 86_400))
    assert in_all(tmp_path) == {("repairs", "legacy"): 3}


def test_there_are_never_more_rows_than_there_is_room_for(
    counters: Counters, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    monkeypatch.setattr(upkeep, "STEPS", tuple(replace(step, rows=100) for step in STEPS))
    writer, worker = keeper(counters), counters.writer(0)
    for minute in range(0, 600, 3):
        worker.count(4, 2, 1)
        writer.write(engine, NOON + 60 * minute)
    list(keep_up(engine, NOON + 36_000))
    with engine.connect() as connection:
        assert 40 < connection.exec_driver_sql("SELECT count(*) FROM hits_by_minute").scalar_one() <= 100
    assert in_all(tmp_path) == {("repairs", "legacy"): 200}


def test_the_file_gets_smaller_when_much_is_forgotten(counters: Counters, engine: Engine, tmp_path: Path) -> None:
    writer, worker, file = keeper(counters), counters.writer(0), tmp_path / "data" / "ledger.sqlite"
    writer.names = {number: ("repairs", f"/repairs/{number}") for number in range(4, 2000, 2)}
    for minute in range(10):
        for series in range(4, 2000):
            worker.count(series, 2, 1)
        writer.write(engine, NOON + 60 * minute)

    def size() -> int:
        with engine.connect() as connection:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").all()
            connection.exec_driver_sql("BEGIN")
        return file.stat().st_size

    before = size()
    list(keep_up(engine, NOON + 90 * 86_400))
    assert size() < before / 3


def test_what_an_idle_proxy_has_counted_is_not_forgotten(counters: Counters, engine: Engine, tmp_path: Path) -> None:
    counters.writer(0).count(4, 2, 1)
    keeper(counters).write(engine, NOON)
    list(keep_up(engine, NOON + 3 * 86_400, counters.identity))
    keeper(counters, "next").write(engine, NOON + 3 * 86_400)
    assert in_all(tmp_path) == {("repairs", "legacy"): 1}
    list(keep_up(engine, NOON + 9 * 86_400, "another"))
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM recorded").scalar_one() == 0
