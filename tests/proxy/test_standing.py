"""How a backend stands, over all workers, in the shared map."""

from __future__ import annotations

from proxy.counters import Counters
from proxy.standing import (
    ASKED,
    CONNECTIONS,
    DOWN,
    EVERY,
    EXTRA,
    FAILED,
    FOUND,
    QUEUED,
    REMEMBERED,
    WINDOW,
    Standing,
    is_down,
)


def two() -> tuple[Standing, Standing]:
    counters = Counters.create(2)
    return Standing(counters.of_backend(3), 0), Standing(counters.of_backend(3), 1)


def test_each_writes_its_own_and_reads_all() -> None:
    one, other = two()
    one.mine[CONNECTIONS] += 2
    other.mine[CONNECTIONS] += 3
    assert one.total(CONNECTIONS) == other.total(CONNECTIONS) == 5
    assert one.others(CONNECTIONS) == 3


def test_what_a_worker_that_died_held_is_let_go_and_its_counts_stay() -> None:
    one, other = two()
    one.mine[CONNECTIONS], one.mine[QUEUED], one.mine[ASKED] = 7, 3, 40
    other.begin(100)
    assert one.total(CONNECTIONS) == 7, "another's are not its to let go"
    one.begin(100)
    assert (one.total(CONNECTIONS), one.total(QUEUED), one.total(ASKED)) == (0, 0, 40)
    assert one.lately(100) == (0, 0)


def test_the_window_slides() -> None:
    one, other = two()
    for each in (one, other):
        each.begin(1000)
    for second in range(1000, 1000 + 3 * WINDOW):
        for each in (one, other):
            each.tick(second)
            each.mine[ASKED] += 5
        one.mine[EXTRA] += 1
        passed = min(second - 999, WINDOW + 1)  # the seconds before, and as much of this one as there was
        assert one.lately(second) == other.lately(second) == (passed * 10, passed)


def test_failures_are_those_of_the_last_requests_wherever_they_fell() -> None:
    one, other = two()
    assert one.failures(20) == 0
    for _ in range(3):
        one.fail()
        other.fail()
    assert one.failures(20) == other.failures(20) == 6
    other.mine[ASKED] += 16
    assert one.failures(20) == 4, "two of the six lie further back"
    one.mine[ASKED] += 4
    assert one.failures(20) == 0


def test_more_failures_than_are_remembered_are_still_the_last_ones() -> None:
    one, _ = two()
    for _ in range(3 * REMEMBERED):
        one.fail()
    assert one.failures(100) == 100
    assert one.mine[FAILED] == 3 * REMEMBERED


def test_the_keepers_word_lapses() -> None:
    found = Counters.create(1).found_by_keeper(2)
    assert not is_down(found, 10**6)
    found[DOWN], found[FOUND], found[EVERY] = 1, 10**6, 5000
    assert is_down(found, 10**6 + 15_000)
    assert not is_down(found, 10**6 + 15_001)
    found[DOWN] = 0
    assert not is_down(found, 10**6)
