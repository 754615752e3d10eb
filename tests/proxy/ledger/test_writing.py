"""What is counted is written down once: by whichever keeper, however often one is killed, over clocks and upgrades."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine

from proxy.compare.values import Difference, Kind, Unjudged, Verdict
from proxy.copies import Cause
from proxy.counters import Counters
from proxy.findings import Finding, Findings
from proxy.holds import Change, note_change
from proxy.ledger import versions
from proxy.ledger.clerk import Clerk
from proxy.ledger.differing import note_differences
from proxy.ledger.engines import reading, writing
from proxy.ledger.place import place_of
from proxy.ledger.reads import Ledger
from proxy.ledger.upkeep import keep_up
from proxy.ledger.versions import NewerLedger, bring_up
from proxy.ledger.writing import Succeeded, Writer
from proxy.plan import DEFAULT_SERIES
from proxy.verdicts import Verdicts
from tests.proxy.ledger.conftest import NAMES, NOON, in_all, keeper


def test_hits_are_written_by_route_side_and_minute(counters: Counters, engine: Engine, tmp_path: Path) -> None:
    writer, first, second = keeper(counters), counters.writer(0), counters.writer(1)
    first.count(4, 2, 900)
    second.count(4, 5, 100)
    second.count(5, 2, 3000)
    second.count_cut(7)
    first.count(8, 4, 0)
    first.count(DEFAULT_SERIES, 2, 10)
    assert writer.write(engine, NOON + 59) == 5
    second.count(5, 2, 3000)
    assert writer.write(engine, NOON + 61) == 1
    assert writer.write(engine, NOON + 62) == 0
    with Ledger.of(tmp_path) as ledger:
        moments = ledger.over_time("minute", NOON, NOON + 120, "repairs")
        assert [(each.at - NOON, each.side, each.hits.answers, each.hits.cut) for each in moments] == [
            (0, "legacy", (0, 0, 1, 0, 0, 1), 0),
            (0, "slice", (0, 0, 1, 0, 0, 0), 1),
            (60, "slice", (0, 0, 1, 0, 0, 0), 0),
        ]
        assert ledger.moved(NOON, NOON + 120) == 3 / 6
        assert [(each.pattern, each.side, each.hits.hits) for each in ledger.by_route("repairs", NOON, NOON + 99)] == [
            ("/repairs/*", "legacy", 2), ("/repairs/*", "slice", 2), ("GET /housing", "slice", 1),
        ]  # fmt: skip
        took = ledger.latencies("repairs", "slice", NOON, NOON + 120)
        assert (took.hits, took.micros, took.quantile(0.5)) == (3, 6000, counters.tally(5).quantile(0.5))
    assert in_all(tmp_path) == {
        ("", "legacy"): 1, ("", "proxy"): 1, ("repairs", "legacy"): 2, ("repairs", "slice"): 3,
    }  # fmt: skip


def test_a_series_that_nobody_has_named_yet_waits(counters: Counters, engine: Engine, tmp_path: Path) -> None:
    writer = Writer(counters, "one")
    counters.writer(0).count(4, 2, 1)
    assert writer.write(engine, NOON) == 0
    writer.names = NAMES
    assert writer.write(engine, NOON) == 1
    assert in_all(tmp_path) == {("repairs", "legacy"): 1}


def test_a_keeper_that_is_killed_anywhere_neither_loses_nor_doubles_a_hit(
    counters: Counters, engine: Engine, tmp_path: Path
) -> None:
    """In the middle of a transaction, or after it: the next one begins with what the ledger has."""
    dice, worker, hits = random.Random(3), counters.writer(0), 0

    class Killed(Exception):
        pass

    def die(_: Connection) -> None:
        raise Killed

    writer = keeper(counters, "0")
    for number in range(1, 60):
        for _ in range(dice.randrange(5)):
            worker.count(dice.randrange(4, 10), 2, dice.randrange(10**6))
            hits += 1
        match dice.randrange(4):
            case 0:
                with pytest.raises(Killed):
                    writer.write(engine, NOON + number * 20, die)
                writer = keeper(counters, str(number))
            case 1:
                writer.write(engine, NOON + number * 20)
                writer = keeper(counters, str(number))
            case 2:
                with pytest.raises(Killed):
                    writer.write(engine, NOON + number * 20, die)
                writer.forget()
            case _:
                writer.write(engine, NOON + number * 20)
    writer.write(engine, NOON + 2000)
    assert hits > 50
    assert sum(in_all(tmp_path).values()) == hits


def test_of_two_keepers_the_one_that_came_last_writes(counters: Counters, engine: Engine, tmp_path: Path) -> None:
    worker, old, new = counters.writer(0), keeper(counters, "old"), keeper(counters, "new")
    worker.count(4, 2, 1)
    old.write(engine, NOON)
    worker.count(4, 2, 1)
    new.write(engine, NOON + 1)
    worker.count(4, 2, 1)
    with pytest.raises(Succeeded):
        old.write(engine, NOON + 2)
    new.write(engine, NOON + 3)
    assert in_all(tmp_path) == {("repairs", "legacy"): 3}


def test_a_new_map_begins_at_zero(counters: Counters, engine: Engine, tmp_path: Path) -> None:
    counters.writer(0).count(4, 2, 1)
    keeper(counters).write(engine, NOON)
    again = Counters.create(workers=1)
    again.writer(0).count(4, 2, 1)
    assert again.identity != counters.identity
    keeper(again).write(engine, NOON)
    again.close()
    assert in_all(tmp_path) == {("repairs", "legacy"): 2}


def test_only_the_owner_may_read_it(engine: Engine, tmp_path: Path) -> None:
    modes = {path.name: oct(path.stat().st_mode & 0o777) for path in (tmp_path / "data").iterdir()}
    assert modes == dict.fromkeys(("ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm"), "0o600")


def test_a_reader_can_change_nothing(engine: Engine, tmp_path: Path) -> None:
    from sqlalchemy import text

    with reading(place_of(tmp_path)).connect() as connection, pytest.raises(Exception, match="readonly database"):
        connection.execute(text("DELETE FROM routes"))


def test_an_older_form_is_brought_up_once(engine: Engine) -> None:
    def add_a_column(connection: Connection) -> None:
        connection.exec_driver_sql("ALTER TABLE routes ADD COLUMN owner TEXT")

    newer = (*versions.CHANGES, add_a_column)
    bring_up(engine, newer)
    bring_up(engine, newer)
    with pytest.raises(NewerLedger, match="it has version 2 of its form, and this program knows 1"):
        bring_up(engine)


def test_a_change_that_fails_leaves_the_form_as_it_was(engine: Engine) -> None:
    def half(connection: Connection) -> None:
        connection.exec_driver_sql("CREATE TABLE half (a)")
        raise sqlite3.OperationalError("the disk is full")

    with pytest.raises(sqlite3.OperationalError):
        bring_up(engine, (*versions.CHANGES, half))
    bring_up(engine)
    with engine.connect() as connection:
        assert not connection.dialect.has_table(connection, "half")


# -- over time


def test_a_ledger_that_was_removed_goes_on_where_it_was(counters: Counters, engine: Engine, tmp_path: Path) -> None:
    """What stood in it is gone with it; what was counted before is not counted again."""
    writer, worker = keeper(counters), counters.writer(0)
    worker.count(4, 2, 1)
    writer.write(engine, NOON)
    engine.dispose()
    for path in (tmp_path / "data").iterdir():
        path.unlink()
    writer.forget()
    again = writing(place_of(tmp_path))
    bring_up(again)
    worker.count(4, 2, 1)
    writer.write(again, NOON)
    assert in_all(tmp_path) == {("repairs", "legacy"): 1}
    worker.count(4, 2, 1)
    keeper(counters, "next").write(again, NOON)
    assert in_all(tmp_path) == {("repairs", "legacy"): 2}
    again.dispose()


# -- verdicts and differences


def test_verdicts_are_written_by_route_with_what_the_workers_dropped(
    counters: Counters, engine: Engine, tmp_path: Path
) -> None:
    writer, verdicts = keeper(counters), Verdicts(counters.judged(4))
    for verdict in (Verdict.MATCHED, Verdict.MATCHED, Verdict.MISMATCHED, Verdict.IGNORED):
        verdicts.reached(verdict)
    verdicts.unjudged(Unjudged.LIMIT)
    verdicts.reread()
    verdicts.waits(Unjudged.LEARNING, 1)  # nothing that has come to an end
    writer.write(engine, NOON)
    counters.writer(1).count_drop(4, Cause.LARGE)
    counters.writer(0).count_drop(6, Cause.FULL)
    verdicts.reached(Verdict.MATCHED)
    keeper(counters, "next").write(engine, NOON + 60)
    list(keep_up(engine, NOON + 3 * 86_400))
    with Ledger.of(tmp_path) as ledger:
        (whole,) = ledger.judged(NOON, NOON + 120)
        (first, second) = ledger.judged(NOON, NOON + 120, "repairs")
    assert (whole.matched, whole.mismatched, whole.ignored, whole.second_reads) == (3, 1, 1, 1)
    assert {cause: count for cause, count in whole.unjudged.items() if count} == {"limit": 1, "large": 1, "full": 1}
    assert (first.pattern, first.matched, second.pattern, second.unjudged["full"]) == (
        "/repairs/*",
        3,
        "GET /housing",
        1,
    )


def test_differences_are_added_up_by_day_and_forgotten_after_a_week(engine: Engine, tmp_path: Path) -> None:
    def found(at: float, count: int, values: tuple[str, str] | None = None) -> Finding:
        where = ("repairs", "/repairs/*", "json:$.cost", "value")
        return Finding(*where, "99.9", "99", count, at, at, (f"GET /repairs/{count}",), values)

    for at, count, values in ((0, 3, None), (60, 4, ("12.5", "12")), (86_400, 1, None), (86_400 * 8, 2, None)):
        with engine.begin() as connection:
            note_differences(connection, [found(NOON + at, count, values)])
    with Ledger.of(tmp_path) as ledger:
        (one,) = ledger.differences("repairs")
    assert (one.path, one.control, one.candidate, one.count) == ("json:$.cost", "99.9", "99", 10)
    assert (one.first, one.last, one.control_value) == (NOON, NOON + 86_400 * 8, "12.5")
    list(keep_up(engine, NOON + 86_400 * 8 + 60))
    with Ledger.of(tmp_path) as ledger:
        assert [each.count for each in ledger.differences()] == [3]
        assert ledger.differences("parks") == ()


def test_findings_that_could_not_be_written_come_again(counters: Counters, tmp_path: Path) -> None:
    findings, said = Findings(), list[str]()
    clerk = Clerk(tmp_path, counters, "one", said.append, findings)
    findings.add("repairs", "/repairs/*", [Difference("status", Kind.STATUS, "200", "500")], "GET /repairs/1", NOON)
    (tmp_path / "data" / "ledger.sqlite").mkdir(parents=True)
    assert clerk.attempt(place_of(tmp_path), NAMES, NOON) == "data/ledger.sqlite: Is a directory"
    (tmp_path / "data" / "ledger.sqlite").rmdir()
    assert clerk.attempt(place_of(tmp_path), NAMES, NOON) is None
    clerk.close()
    with Ledger.of(tmp_path) as ledger:
        assert [(each.path, each.count) for each in ledger.differences()] == [("status", 1)]


def test_changes_of_stages_are_read_on_from_where_they_were_read_last(counters: Counters, tmp_path: Path) -> None:
    def change(after: str) -> Change:
        return Change("repairs", "legacy", after, "promote", "ann", "2026-11-25T09:00:00+00:00", "ready")

    clerk = Clerk(tmp_path, counters, "one", print, Findings())
    note_change(tmp_path, change("shadow"))
    clerk.attempt(place_of(tmp_path), NAMES, NOON)
    with (tmp_path / "data" / "changes.jsonl").open("a") as file:
        file.write("not of ours\n{")
    for _ in range(2):
        clerk.attempt(place_of(tmp_path), NAMES, NOON)
    with (tmp_path / "data" / "changes.jsonl").open("a") as file:
        file.write("}\n")
    note_change(tmp_path, change("live"))
    for _ in range(2):
        clerk.attempt(place_of(tmp_path), NAMES, NOON)
    clerk.close()
    Clerk(tmp_path, counters, "next", print, Findings()).attempt(place_of(tmp_path), NAMES, NOON)
    with Ledger.of(tmp_path) as ledger:
        assert {(each.after, each.who, each.why) for each in ledger.history("repairs")} == {
            ("shadow", "ann", "ready"), ("live", "ann", "ready"),
        }  # fmt: skip
        assert len(ledger.history()) == 2
        assert ledger.history("parks") == ()
