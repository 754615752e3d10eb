"""Whose turn it is to be read a second time: those who know least, and nobody after it has become meaningless."""

from __future__ import annotations

from proxy.claims import Claim, Pattern, Route
from proxy.compare.values import Reply
from proxy.exchanged import Exchanged
from proxy.noise import ENOUGH, Learning
from proxy.rereads import LATER, SOON, STALE_SECONDS, WISHES, Wish, Wishes, delay
from proxy.stages import SHADOW


def wish(reads: int, ripe: float = 0.0) -> Wish:
    route = Route("repairs", SHADOW, "repairs", "legacy", False)
    claim = Claim(Pattern.parse("/repairs/*"), None, route, "", 4)
    reply = Reply(200, ())
    exchanged = Exchanged(claim, route, "legacy", b"GET / HTTP/1.1\r\n\r\n", b"", b"http", "192.0.2.1", b"", reply, 1)
    return Wish(exchanged, reply, Learning(reads=reads), ripe)


def test_the_pattern_that_knows_least_is_next() -> None:
    wishes = Wishes()
    for reads in (7, 2, 30):
        wishes.add(wish(reads), 0.0)
    order = [wishes.next(0.0) for _ in range(4)]
    assert [each.learning.reads if each else None for each in order] == [2, 7, 30, None]


def test_one_that_is_to_come_later_waits_until_then_and_not_for_ever() -> None:
    wishes = Wishes()
    wishes.add(wish(0, ripe=5.0), 0.0)
    assert wishes.next(4.9) is None
    assert wishes.next(5.0) is not None
    wishes.add(wish(0, ripe=5.0), 0.0)
    assert wishes.next(5.0 + STALE_SECONDS) is None
    assert len(wishes) == 0


def test_who_knows_enough_waits_where_others_may_want_to_ask() -> None:
    wishes = Wishes()
    wishes.add(wish(ENOUGH), 0.0)
    assert wishes.next(0.0, learners=True) is None
    wishes.add(wish(ENOUGH - 1), 0.0)
    assert wishes.next(0.0, learners=True) is not None
    assert wishes.next(0.0) is not None


def test_of_too_many_one_that_knows_most_goes() -> None:
    wishes = Wishes()
    for reads in range(WISHES + 3):
        wishes.add(wish(reads), 0.0)
    assert len(wishes) == WISHES
    kept = [each.learning.reads for each in iter(lambda: wishes.next(0.0), None) if each]
    assert kept == list(range(WISHES))


def test_half_come_at_once_and_half_some_seconds_later() -> None:
    delays = [delay(draw / 1000) for draw in range(1000)]
    assert sum(each == 0 for each in delays) == 500
    assert min(each for each in delays if each) == SOON
    assert SOON < max(delays) < LATER
