"""Which dates and times are now, and which of two are the same now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from proxy.compare.moments import Nows

NOON = datetime(2026, 11, 25, 12, 26, 9, tzinfo=UTC)
MIDNIGHT = datetime(2026, 11, 25, 23, 59, 58, tzinfo=UTC)

SAME = [
    ("2026-11-25T12:26:09Z", "2026-11-25T12:26:11Z"),
    ("2026-11-25T12:26:09.123+00:00", "2026-11-25T12:26:11.4+00:00"),
    ("2026-11-25 13:26:09", "2026-11-25 13:26:11"),  # some zone's, and the same for both
    ("Wed, 25 Nov 2026 12:26:09 GMT", "Wed, 25 Nov 2026 12:26:11 GMT"),
    ("Wed Nov 25 12:26:09 GMT 2026", "Wed Nov 25 12:26:11 GMT 2026"),
    ("printed 25/11/2026 12:26", "printed 25/11/2026 12:27"),
    ("Wednesday 25th November 2026 at 12:26 pm", "Wednesday 25th November 2026 at 12:27 pm"),
    ("12:26", "12:27"),
    ("1795609569", "1795609571"),
    ("at 1795609569123", "at 1795609571456"),
    ("2 seconds ago", "4 seconds ago"),
    ("59 seconds ago", "1 minute ago"),
    ("just now", "a second ago"),
]
DIFFERENT = [
    ("2026-11-25T12:26:09+00:00", "2026-11-25T13:26:11+01:00"),
    ("2026-11-25T12:26:09Z", "2026-11-25T12:26:11"),
    ("2026-11-25T12:26:09Z", "2026-11-25T12:26:11.0Z"),
    ("2026-11-25 12:26:09", "2026-11-25 13:26:11"),
    ("25/11/2026 12:26", "11/25/2026 12:27"),
    ("25/11/2026", "11/25/2026"),
    ("25/11/2026", "24/11/2026"),
    ("25/11/2026 12:26", "25/11/26 12:27"),
    ("25 November 2026 12:26", "25 Nov 2026 12:27"),
    ("25 November 2026", "25th November 2026"),
    ("2026-11-25T10:11:12Z", "2026-11-25T10:11:14Z"),  # of today, but not now
    ("12:26", "12:26 pm"),
    ("2 seconds ago", "3 minutes ago"),
    ("3 hours ago", "4 hours ago"),
    ("1795609569", "1795609571123"),
    ("31/02/2026", "30/02/2026"),
    ("job 12.25", "job 12.26"),
]
AT_MIDNIGHT = [
    ("25/11/2026", "26/11/2026"),
    ("Wed, 25 Nov 2026 23:59:59 GMT", "Thu, 26 Nov 2026 00:00:01 GMT"),
    ("23:59", "00:00"),
    ("11:59 pm", "12:00 am"),
]


@pytest.mark.parametrize(("control", "candidate"), SAME)
def test_the_same_now(control: str, candidate: str) -> None:
    nows = Nows(NOON, NOON + timedelta(seconds=2))
    assert nows.alike(control, candidate)
    assert nows.loose(control) == nows.loose(candidate)


@pytest.mark.parametrize(("control", "candidate"), DIFFERENT)
def test_another_now_or_none(control: str, candidate: str) -> None:
    assert not Nows(NOON, NOON + timedelta(seconds=2)).alike(control, candidate)


@pytest.mark.parametrize(("control", "candidate"), AT_MIDNIGHT)
def test_a_day_may_begin_between_the_two(control: str, candidate: str) -> None:
    nows = Nows(MIDNIGHT, MIDNIGHT + timedelta(seconds=4))
    assert nows.alike(control, candidate)


def test_a_day_alone_does_not_go_back() -> None:
    assert not Nows(MIDNIGHT, MIDNIGHT + timedelta(seconds=4)).alike("26/11/2026", "25/11/2026")
