"""Ranges of a key tell which part of a table differs, whatever the keys are; asked of a real database."""

from __future__ import annotations

import sqlite3

from hypothesis import given
from hypothesis import strategies as st

from extractors.ranges import RANGES, Ranges, between

KEYS = st.sets(st.integers(-(2**40), 2**40), min_size=1, max_size=60)


def tallies(split: Ranges, keys: set[int]) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE T (K INTEGER)")
    connection.executemany("INSERT INTO T VALUES (?)", [(key,) for key in keys] + [(None,)])
    rows = connection.execute(split.tallies("T", "K")).fetchall()
    connection.close()
    return rows


@given(KEYS, KEYS)
def test_ranges_that_differ_hold_every_difference(held: set[int], there: set[int]) -> None:
    split = between(min(held), max(held))
    numbers = split.differing(tallies(split, held), tallies(split, there))
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE T (K INTEGER)")
    connection.executemany("INSERT INTO T VALUES (?)", [(key,) for key in held ^ there])
    inside = connection.execute(f"SELECT count(*) FROM T WHERE {split.condition('K', numbers) if numbers else '1 = 0'}")
    assert inside.fetchone() == (len(held ^ there),)
    connection.close()


@given(st.integers(-(2**62), 2**62), st.integers(0, 2**40))
def test_there_are_never_too_many(least: int, span: int) -> None:
    split = between(least, least + span)
    assert len(split.edges) < RANGES
    assert list(split.edges) == sorted(set(split.edges))


def test_one_range_is_enough_for_one_key() -> None:
    split = between(7, 7)
    assert split.edges == ()
    assert split.condition("K", [0]) == "((1 = 1))"
    assert split.differing([(0, 1, 0)], [("0", "1", "0")]) == []
    assert split.differing([(0, 1, 0)], []) == [0]
