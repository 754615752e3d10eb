"""Legacy is asked a second time one at a time, and at most once a second."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from proxy.pacing import GAP, Pacer


def test_one_at_a_time() -> None:
    pacer = Pacer()
    assert pacer.begins(100.0)
    assert not pacer.begins(100.0 + 9 * GAP)
    pacer.ended()
    assert pacer.begins(100.0 + 9 * GAP)


def test_and_not_twice_within_a_second() -> None:
    pacer = Pacer()
    assert pacer.begins(100.0)
    pacer.ended()
    assert not pacer.is_free(100.0 + GAP / 2)
    assert pacer.is_free(pacer.due)
    assert pacer.begins(100.0 + GAP)


@given(st.lists(st.tuples(st.floats(0.0, 3.0), st.booleans()), max_size=50))
def test_whenever_somebody_asks(tries: list[tuple[float, bool]]) -> None:
    pacer, now, begun = Pacer(), 0.0, []
    for pause, ends in tries:
        now += pause
        if pacer.begins(now):
            begun.append(now)
        if ends and pacer.is_busy:
            pacer.ended()
    assert all(after - before >= GAP * 0.999 for before, after in itertools.pairwise(begun))
