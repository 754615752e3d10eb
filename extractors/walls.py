"""Wall times of a zone -> instants, a column at once: days on which the clock is not turned have one offset. Pure."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from extractors.raw import Array

NOON = time(12)
DAYS = 65_536  # whose offsets are remembered: 180 years


def placed(walls: Array, zone: str) -> Array:
    """timestamp[us] without a zone -> timestamp[us, UTC]; NULL where the day has more than one offset.

    Arrow's own `assume_timezone` asks the machine's C library, which may know other zones than Python does.
    """
    if zone == "UTC":
        return walls.cast(pa.timestamp("us", "UTC"))
    days = pc.floor_temporal(walls, unit="day").cast(pa.date32()).dictionary_encode()
    offsets = pa.array([None if day is None else offset(zone, day) for day in days.dictionary.to_pylist()], pa.int64())
    moved = pc.subtract_checked(walls.cast(pa.int64()), offsets.take(days.indices))
    return moved.cast(pa.timestamp("us", "UTC"))


@lru_cache(DAYS)
def offset(zone: str, day: date) -> int | None:
    """Microseconds from UTC all that day, if they are the same from the noon before it to the noon after it."""
    clock = ZoneInfo(zone)
    try:
        noons = [datetime.combine(day + timedelta(days=off), NOON, clock) for off in (-1, 0, 1)]
    except OverflowError:  # the first or last day there is
        return None
    before, at, after = (noon.utcoffset() or timedelta() for noon in noons)
    return at // timedelta(microseconds=1) if before == at == after else None
