"""The breaker: its table, and its votes over all workers."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from proxy.breaker import TRANSITIONS, Breaking, Event, State, state_of, table
from proxy.counters import Counters
from proxy.standing import ASKED, TRYING, Standing
from proxy.votes import Votes

PAIRS = list(itertools.product(State, Event))
COOL = 10_000  # milliseconds


@pytest.mark.parametrize(("state", "event"), PAIRS)
def test_every_pair_is_in_the_table_or_loud(state: State, event: Event) -> None:
    expected = {
        (State.CLOSED, Event.TRIPPED): State.OPEN,
        (State.OPEN, Event.COOLED): State.HALF_OPEN,
        (State.HALF_OPEN, Event.PROVED): State.CLOSED,
        (State.HALF_OPEN, Event.FAILED): State.OPEN,
    }
    assert TRANSITIONS.get((state, event)) is expected.get((state, event))


def test_the_documents_show_the_table(root: Path) -> None:
    assert table() in (root / "docs" / "how-it-runs.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("opened", "closed", "now", "state"),
    [
        (0, 0, 500, State.CLOSED),
        (500, 0, 500, State.OPEN),
        (500, 0, 499 + COOL, State.OPEN),
        (500, 0, 500 + COOL, State.HALF_OPEN),
        (500, 501, 600, State.CLOSED),
        (900, 501, 950, State.OPEN),
    ],
)
def test_its_state_follows_from_its_moments(opened: int, closed: int, now: int, state: State) -> None:
    assert state_of(opened, closed, now, COOL / 1000) is state


@pytest.mark.parametrize(("errors", "of", "enough"), [(0.5, 20, 10), (0.5, 5, 3), (0.01, 20, 1), (1.0, 128, 128)])
def test_enough_is_the_share_rounded_up(errors: float, of: int, enough: int) -> None:
    assert Breaking(errors, of).enough == enough


def crew(count: int = 2, breaking: Breaking | None = None) -> list[tuple[Votes, Standing]]:
    counters = Counters.create(count)
    standings = [Standing(counters.of_backend(0), worker) for worker in range(count)]
    return [(Votes(standing, breaking or Breaking()), standing) for standing in standings]


def trip(workers: list[tuple[Votes, Standing]], now: int) -> None:
    for votes, _ in itertools.islice(itertools.cycle(workers), 10):
        votes.failed(now)


def test_few_failures_of_each_worker_are_enough_of_all() -> None:
    (one, _), (other, _) = workers = crew()
    for _ in range(4):
        assert not one.failed(1000)
        assert not other.failed(1000)
    assert not one.failed(1000)
    assert one.state(1000) is State.CLOSED
    assert other.failed(1000), "the tenth of the last twenty"
    assert all(votes.state(1000) is State.OPEN for votes, _ in workers)


def test_failures_between_many_answers_are_not() -> None:
    (votes, standing), _ = crew()
    for _ in range(100):
        assert not votes.failed(1000)
        standing.mine[ASKED] += 2
    assert votes.state(1000) is State.CLOSED


def test_late_failures_do_not_keep_it_open() -> None:
    (votes, _), _ = workers = crew()
    trip(workers, 1000)
    assert not votes.failed(1000 + COOL - 1)
    assert votes.state(1000 + COOL) is State.HALF_OPEN


def test_one_request_of_all_workers_tries() -> None:
    workers = crew(4)
    trip(workers, 1000)
    now = 1000 + COOL
    assert [votes.may_try(now) for votes, _ in workers].count(True) == 1
    assert not any(votes.may_try(now + 1) for votes, _ in workers), "nor a second of the same worker"


def test_two_that_claim_at_once_both_give_way_and_the_next_tries() -> None:
    (one, mine), (other, theirs) = workers = crew()
    trip(workers, 1000)
    theirs.mine[TRYING] = 1000 + COOL
    assert not one.may_try(1000 + COOL)
    assert mine.mine[TRYING] == 0
    other.withdraw()
    assert one.may_try(1000 + COOL)


def test_a_claim_whose_worker_died_lapses() -> None:
    (one, _), (other, _) = workers = crew()
    trip(workers, 1000)
    assert one.may_try(1000 + COOL)
    assert not other.may_try(1000 + 2 * COOL - 1)
    assert other.may_try(1000 + 2 * COOL)


def test_proved_it_closes_for_all_and_the_old_failures_are_forgotten() -> None:
    (one, _), (other, _) = workers = crew()
    trip(workers, 1000)
    now = 1000 + COOL
    assert one.may_try(now)
    one.tried(now, proved=True)
    assert other.state(now) is State.CLOSED
    for _ in range(9):
        assert not other.failed(now)
    assert other.failed(now), "ten new ones"


def test_failed_it_cools_again() -> None:
    (one, _), (other, _) = workers = crew()
    trip(workers, 1000)
    now = 1000 + COOL
    assert one.may_try(now)
    one.tried(now, proved=False)
    assert other.state(now + COOL - 1) is State.OPEN
    assert other.may_try(now + COOL)


def test_it_opens_in_the_very_millisecond_it_closed() -> None:
    (votes, _), _ = workers = crew()
    trip(workers, 1000)
    now = 1000 + COOL
    assert votes.may_try(now)
    votes.tried(now, proved=True)
    trip(workers, now)
    assert votes.state(now) is State.OPEN
