"""The window of a cursor: every row that is new is in it, ties and late ones too; asked of a real database."""

from __future__ import annotations

import sqlite3
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from extractors.cursor import Order, Position, Window, position
from extractors.dialects.sqlite import Sqlite

DIALECT = Sqlite()
ROWS = st.lists(
    st.tuples(st.one_of(st.none(), st.integers(0, 5)), st.text("ab'", max_size=2)),
    unique_by=lambda row: row[1],
    max_size=12,
)


def window(lag: float = 0.0) -> Window:
    relation = DIALECT.table("T")
    order = Order(DIALECT, relation, ("C", "K"), ("INTEGER", "TEXT"))
    return Window(DIALECT, relation, "C", "INTEGER", lag, order)


def table(rows: list[tuple[int | None, str]]) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE T (C INTEGER, K TEXT)")
    connection.executemany("INSERT INTO T VALUES (?, ?)", rows)
    return connection


def chosen(connection: sqlite3.Connection, where: str) -> list[tuple[int | None, str]]:
    return connection.execute(f"SELECT C, K FROM T WHERE {where} ORDER BY C, K").fetchall()


@given(ROWS)
def test_stretches_take_every_row_of_a_window_once(rows: list[tuple[int | None, str]]) -> None:
    connection, it = table(rows), window()
    start = Position("C", "INTEGER", None)
    (until, older, new, without) = connection.execute(it.stands(start)).fetchone()
    if until is None:
        connection.close()
        return
    taken, number, after = [], 3, ""
    where = it.since(start) + " AND " + it.until(until)
    while place := connection.execute(it.order.place_of(number, where + after)).fetchone():
        taken += chosen(connection, f"{where}{after} AND {it.order.up_to(place)}")
        after = f" AND {it.order.after(place)}"
    taken += chosen(connection, where + after)
    assert taken == sorted(row for row in rows if row[0] is not None)
    assert chosen(connection, it.without()) == sorted((row for row in rows if row[0] is None), key=lambda row: row[1])
    assert (older, new, without) == (0, len(taken), len(rows) - len(taken))
    connection.close()


def test_ties_with_the_newest_are_read_again() -> None:
    connection, it = table([(1, "a"), (2, "a'b"), (2, "b"), (3, "c")]), window()
    assert chosen(connection, it.since(Position("C", "INTEGER", "2"))) == [(2, "a'b"), (2, "b"), (3, "c")]
    unfinished = Position("C", "INTEGER", "3", ("2", "'a''b'"))
    assert chosen(connection, it.since(unfinished)) == [(2, "b"), (3, "c")]
    connection.close()


def test_where_a_source_stands_is_asked_of_its_index() -> None:
    connection, it = table([(1, "a"), (2, "b"), (3, "c"), (None, "d")]), window()
    assert connection.execute(it.stands(Position("C", "INTEGER", "2"))).fetchone() == ("3", 0, 2, 1)
    assert connection.execute(it.stands(Position("C", "INTEGER", "9"))).fetchone() == (None, 0, 0, 1), "it was set back"
    connection.execute("CREATE INDEX newest ON T (C)")
    for now in ("", "5"):
        plan = connection.execute("EXPLAIN QUERY PLAN " + replace(it, now=now).stands(Position("C", "INTEGER", "2")))
        assert not [step for *_, step in plan if step.startswith("SCAN")], "the table is not scanned"
    connection.close()


def test_a_lag_reads_what_may_have_been_committed_late() -> None:
    relation = DIALECT.table("T")
    it = Window(DIALECT, relation, "C", "TEXT", 60.0, Order(DIALECT, relation, ("C",), ("TEXT",)))
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE T (C TEXT)")
    moments = ["2024-01-31 09:28:59.999", "2024-01-31 09:29:00.000", "2024-01-31 09:30:00.000"]
    connection.executemany("INSERT INTO T VALUES (?)", [(moment,) for moment in moments])
    found = connection.execute(f"SELECT C FROM T WHERE {it.since(Position('C', 'TEXT', repr(moments[2])))}").fetchall()
    assert [moment for (moment,) in found] == moments[1:]
    newer = Position("C", "TEXT", "'2024-01-31 09:30:30.000'")
    assert connection.execute(it.stands(newer)).fetchone() == (repr(moments[2]), 1, 1, 0), "it was set back a little"
    connection.close()


def test_a_position_is_kept_whole() -> None:
    kept = Position("LAST_MOD", "timestamp", "2024-01-31", ("2024-01-30", "7"))
    assert position(kept.as_json()) == kept
    assert position(None) is None
