"""A source is never read faster than its rate, nor outside its window."""

from __future__ import annotations

from datetime import datetime, time, timedelta, timezone

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.pace import LONGEST, Pace, check_open, is_open, opens_in, parse_window, sliced, written
from extractors.refused import SourceRefused
from notation.problems import Refused


class Clock:
    """Time that passes only by sleeping, or as told."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def batch(rows: int) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict({"c0": list(range(rows))})


@given(
    st.lists(st.tuples(st.integers(0, 500), st.floats(0, 3)), max_size=20),
    st.integers(1, 300),
)
def test_at_no_moment_were_more_rows_given_than_the_rate_allows(work: list[tuple[int, float]], rate: int) -> None:
    clock = Clock()
    began, given_on = clock.now, 0
    pace = Pace(rate, clock, clock.sleep)
    costs = iter([cost for _, cost in work])
    for piece in pace(batch(rows) for rows, _ in work):
        assert piece.num_rows <= rate
        # What is being given now is the second's worth that the rate is in front by.
        assert given_on <= (clock.now - began) * rate + 1e-6 * max(given_on, 1)
        given_on += piece.num_rows
        clock.now += next(costs, 0.0) / 100
    assert given_on == sum(rows for rows, _ in work)
    assert given_on <= (clock.now - began) * rate + 1e-6 * max(given_on, 1)
    assert max(clock.slept, default=0.0) <= LONGEST


def test_slow_work_is_not_slowed_further() -> None:
    clock = Clock()
    for _ in Pace(10, clock, clock.sleep)(batch(10) for _ in range(5)):
        clock.now += 2.0
    assert clock.slept == [1.0, 1.0, 1.0, 1.0, 1.0] or sum(clock.slept) <= 5.0


def test_time_that_was_not_used_is_not_saved_up() -> None:
    clock = Clock()
    pace = Pace(10, clock, clock.sleep)
    pace.took(10)
    clock.now += 3600
    before = clock.now
    for _ in pace(iter([batch(30)])):
        pass
    assert clock.now - before == pytest.approx(3.0)


def test_without_a_rate_batches_pass_as_they_are() -> None:
    clock, batches = Clock(), [batch(3), batch(0), batch(50_000)]
    passed = list(Pace(None, clock, clock.sleep)(iter(batches)))
    assert all(one is other for one, other in zip(passed, batches, strict=True))
    assert clock.slept == []


def test_a_wait_that_is_interrupted_stops_the_reading() -> None:
    def sleep(seconds: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(Pace(1, Clock(), sleep)(iter([batch(5)])))


def test_a_wait_that_returns_early_is_begun_again() -> None:
    clock = Clock()
    list(Pace(10, clock, lambda seconds: clock.sleep(seconds / 2 if seconds > 0.01 else seconds))(iter([batch(20)])))
    assert clock.now == pytest.approx(102.0)


def test_the_check_is_heard_while_waiting() -> None:
    clock = Clock()

    def check() -> None:
        if clock.now >= 103:
            raise SourceRefused("closed")

    seen = []
    with pytest.raises(SourceRefused, match="closed"):
        seen.extend(piece.num_rows for piece in Pace(1, clock, clock.sleep, check)(iter([batch(60)])))
    assert clock.now == pytest.approx(103)


def test_pieces_have_the_rows_in_their_order() -> None:
    pieces = list(sliced(batch(25), 10))
    assert [piece.num_rows for piece in pieces] == [10, 10, 5]
    assert pa.Table.from_batches(pieces).column(0).to_pylist() == list(range(25))


WRITTEN = [
    ("22:00-06:00", (time(22), time(6))),
    ("9:30 - 17:05", (time(9, 30), time(17, 5))),
    ("18:00–24:00", (time(18), time(0))),
    ("00:00-06:00", (time(0), time(6))),
]


@pytest.mark.parametrize(("text", "meant"), WRITTEN, ids=[text for text, _ in WRITTEN])
def test_a_window_is_two_times_of_day(text: str, meant: tuple[time, time]) -> None:
    assert parse_window(text) == meant
    assert parse_window(written(meant)) == meant


WRONG = [
    ("nights", "'nights' is not a window"),
    ("22-06", "'22-06' is not a window"),
    ("22:00", "'22:00' is not a window"),
    ("22:00-06:00 and 12:00-13:00", "'22:00-06:00 and 12:00-13:00' is not a window"),
    ("25:00-06:00", "'25:00-06:00' names a time of day that there is not"),
    ("24:30-06:00", "'24:30-06:00' names a time of day that there is not"),
    ("22:60-06:00", "'22:60-06:00' names a time of day that there is not"),
    ("06:00-06:00", "'06:00-06:00' opens and closes at one moment"),
    ("00:00-24:00", "'00:00-24:00' opens and closes at one moment"),
]


@pytest.mark.parametrize(("text", "what"), WRONG, ids=[text for text, _ in WRONG])
def test_what_is_no_window_says_what_to_write(text: str, what: str) -> None:
    with pytest.raises(Refused) as refused:
        parse_window(text)
    assert refused.value.what == what
    assert refused.value.hint


NIGHT, DAY = parse_window("22:00-06:00"), parse_window("09:00-17:00")
MOMENTS = [  # window, now, is it open, opens in
    (NIGHT, "21:59:59", False, 1),
    (NIGHT, "22:00:00", True, 0),
    (NIGHT, "23:59:59", True, 0),
    (NIGHT, "00:00:00", True, 0),
    (NIGHT, "05:59:59", True, 0),
    (NIGHT, "06:00:00", False, 16 * 3600),
    (DAY, "08:59:59", False, 1),
    (DAY, "09:00:00", True, 0),
    (DAY, "16:59:59", True, 0),
    (DAY, "17:00:00", False, 16 * 3600),
    (DAY, "23:00:00", False, 10 * 3600),
]


@pytest.mark.parametrize(("window", "at", "opened", "opens"), MOMENTS)
def test_a_window_is_open_from_its_first_minute_to_its_end(
    window: tuple[time, time], at: str, opened: bool, opens: int
) -> None:
    for zone in (None, timezone(timedelta(hours=1))):
        now = datetime.fromisoformat(f"2026-03-28 {at}").replace(tzinfo=zone)
        assert is_open(window, now) is opened
        assert opens_in(window, now) == timedelta(seconds=opens)


@given(st.times(), st.times(), st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)))  # noqa: DTZ001
def test_when_it_closes_it_is_closed_and_when_it_opens_it_is_open(opens: time, closes: time, now: datetime) -> None:
    if opens == closes:
        return
    window = (opens, closes)
    later = now + opens_in(window, now)
    assert is_open(window, later)
    assert later == now or not is_open(window, later - timedelta(microseconds=1))


def test_outside_the_window_it_is_said_when_it_opens() -> None:
    with pytest.raises(SourceRefused) as refused:
        check_open("housing", NIGHT, datetime.fromisoformat("2026-03-28 07:15:00"))
    assert str(refused.value) == (
        "source 'housing': it may be read at 22:00-06:00 only, and it is 07:15: its window opens at 22:00 today. "
        "What was committed is kept, and the next run goes on from there"
    )
    with pytest.raises(SourceRefused, match="opens at 09:00 tomorrow"):
        check_open("housing", DAY, datetime.fromisoformat("2026-03-28 18:00:00"))
    check_open("housing", NIGHT, datetime.fromisoformat("2026-03-28 23:00:00"))
    check_open("housing", None, datetime.fromisoformat("2026-03-28 12:00:00"))
