"""How fast a source is read and at what hours: never faster, never outside them. Pure: clock and sleep are given."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime, time, timedelta
from typing import TypeAlias

import pyarrow as pa

from extractors.refused import SourceRefused
from notation.problems import Refused

Window: TypeAlias = tuple[time, time]

_WINDOW = re.compile(r"\s*([0-9]{1,2}):([0-9]{2})\s*[-–]\s*([0-9]{1,2}):([0-9]{2})\s*")
_A_DAY = timedelta(days=1)
LONGEST = 1.0  # seconds slept at once, so that whoever stops the run, or the window's end, is heard soon


class Pace:
    """Batches no faster than `rows_per_second`, from the first one on: `for batch in Pace(…)(batches)`.

    Each piece given on is at most a second's rows, and the next is given only when the rows before it have had their
    time, so at no moment have more rows been given than the rate allows, one second's aside. `sleep` may return early
    (an Event's `wait`): it is asked again. What it raises stops the reading.
    """

    def __init__(
        self,
        rows_per_second: int | None,
        clock: Callable[[], float],
        sleep: Callable[[float], object],
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self.rows_per_second, self.clock, self.sleep, self.check = rows_per_second, clock, sleep, check
        self.free_at: float | None = None  # the clock's time at which the rows given so far have had theirs

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The same rows. `check` is called before each piece, and may raise."""
        for batch in batches:
            for piece in sliced(batch, self.rows_per_second or batch.num_rows):
                self.check()
                yield piece
                self.took(piece.num_rows)

    def took(self, rows: int) -> None:
        """Wait until so many rows more have had their time."""
        if self.rows_per_second is None:
            return
        now = self.clock()
        # Time in which nothing was asked for is not saved up: a burst after it would be faster than the rate.
        began = now if self.free_at is None or self.free_at < now else self.free_at
        self.free_at = began + rows / self.rows_per_second
        while (left := self.free_at - self.clock()) > 0:
            self.check()
            self.sleep(min(left, LONGEST))


def sliced(batch: pa.RecordBatch, rows: int) -> Iterator[pa.RecordBatch]:
    """The batch in pieces of at most so many rows; an empty batch is one piece."""
    if batch.num_rows <= rows:
        yield batch
        return
    for start in range(0, batch.num_rows, rows):
        yield batch.slice(start, rows)


def parse_window(text: str) -> Window:
    """`"22:00-06:00"` -> (22:00, 06:00). Raises Refused."""
    hint = "write the hours of this machine's clock in which it may be read, for example 22:00-06:00"
    found = _WINDOW.fullmatch(text)
    if found is None:
        raise Refused(f"'{text}' is not a window", hint)
    hours, minutes = (int(found[1]), int(found[3])), (int(found[2]), int(found[4]))
    if max(hours) > 24 or max(minutes) > 59 or any(h == 24 and m for h, m in zip(hours, minutes, strict=True)):
        raise Refused(f"'{text}' names a time of day that there is not", hint)
    opens, closes = (time(hour % 24, minute) for hour, minute in zip(hours, minutes, strict=True))
    if opens == closes:
        raise Refused(f"'{text}' opens and closes at one moment", "leave window: out to read at any hour")
    return opens, closes


def written(window: Window) -> str:
    return f"{window[0]:%H:%M}-{window[1]:%H:%M}"


def is_open(window: Window, now: datetime) -> bool:
    """Whether the clock on the wall is within the window: its first minute is, its end is not."""
    opens, closes = window
    at = now.time().replace(tzinfo=None)
    return opens <= at < closes if opens < closes else at >= opens or at < closes


def opens_in(window: Window, now: datetime) -> timedelta:
    """How long until it opens; nothing if it is open."""
    return timedelta() if is_open(window, now) else _until(window[0], now)


def _until(moment: time, now: datetime) -> timedelta:
    """From now to the next time a clock shows this; the night of a clock change is an hour out."""
    wall = now.replace(tzinfo=None)
    left = datetime.combine(wall.date(), moment) - wall
    return left if left > timedelta() else left + _A_DAY


def check_open(name: str, window: Window | None, now: datetime) -> None:
    """Raises SourceRefused outside the window: when it opens next."""
    if window is None or is_open(window, now):
        return
    opens = now.replace(tzinfo=None) + opens_in(window, now)
    day = "today" if opens.date() == now.date() else "tomorrow"
    raise SourceRefused(
        f"source '{name}': it may be read at {written(window)} only, and it is {now:%H:%M}: "
        f"its window opens at {opens:%H:%M} {day}. What was committed is kept, and the next run goes on from there"
    )
