"""The less loaded of two."""

from __future__ import annotations

import pytest

from proxy.balance import choose


def test_one_needs_no_draw() -> None:
    assert choose([9], 0.7) == 0


@pytest.mark.parametrize("count", [2, 3, 7])
def test_every_pair_is_drawn_and_the_less_loaded_of_it_taken(count: int) -> None:
    draws = [n / 1000 for n in range(1000)]
    loads = list(range(count))
    chosen = {choose(loads, draw) for draw in draws}
    assert chosen == set(range(count - 1)), "all but the most loaded, which loses to every other"


def test_equals_are_taken_alike_often() -> None:
    chosen = [choose([1, 1, 1], n / 900) for n in range(900)]
    assert [chosen.count(each) for each in range(3)] == [300, 300, 300]


def test_the_last_draw_is_still_a_pair() -> None:
    assert choose([5, 5, 0], 0.999999) in (0, 1, 2)
