"""The picture of hits: bars that add up, in a box."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proxy.admin.picture import HEIGHT, WIDTH, Moment, picture, round_up

HITS = st.integers(0, 10**9)


@given(st.lists(st.tuples(HITS, HITS), min_size=1, max_size=200))
def test_bars_stand_in_the_box_and_are_as_high_as_their_hits(hits: list[tuple[int, int]]) -> None:
    drawn = picture([Moment(str(at), *each) for at, each in enumerate(hits)])
    assert drawn is not None
    assert drawn.top >= max(sum(each) for each in hits)
    for bar, (legacy, slices) in zip(drawn.bars, hits, strict=True):
        assert 0 <= bar.x <= bar.x + bar.width <= WIDTH + 0.02
        assert bar.slice_y >= -0.02
        assert abs(bar.legacy_y + bar.legacy_height - HEIGHT) < 0.02
        assert abs(bar.slice_y + bar.slice_height - bar.legacy_y) < 0.02
        assert abs(bar.legacy_height / HEIGHT - legacy / drawn.top) < 0.001
        assert abs(bar.slice_height / HEIGHT - slices / drawn.top) < 0.001


def test_nothing_is_no_picture_and_no_hits_are_a_flat_one() -> None:
    assert picture([]) is None
    flat = picture([Moment("10:00", 0, 0)])
    assert flat is not None
    assert flat.bars[0].legacy_height == flat.bars[0].slice_height == 0


def test_an_axis_ends_at_a_round_number() -> None:
    assert [round_up(hits) for hits in (0, 1, 2, 3, 7, 11, 60, 501)] == [1, 1, 2, 5, 10, 20, 100, 1000]
