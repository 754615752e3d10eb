"""Hits by side over time as a picture: where each bar of a plain SVG lies. Pure.

picture([Moment("10:00", 40, 10), …]) -> bars in a box of WIDTH by HEIGHT, the tallest as high as the box
"""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 720, 160


@dataclass(frozen=True, slots=True)
class Moment:
    """What was answered in one step of time, by legacy and by slices."""

    label: str
    legacy: int
    slice: int


@dataclass(frozen=True, slots=True)
class Bar:
    """One step: legacy below, the slices on top of it. In the box's own units, y from above."""

    x: float
    width: float
    legacy_y: float
    legacy_height: float
    slice_y: float
    slice_height: float


@dataclass(frozen=True, slots=True)
class Picture:
    """Bars, and what the axis says: `top` is the number of hits at the upper edge."""

    bars: tuple[Bar, ...]
    top: int
    first: str
    last: str
    moments: tuple[Moment, ...]


def picture(moments: Sequence[Moment]) -> Picture | None:
    """None where there is nothing to draw."""
    if not moments:
        return None
    top = round_up(max(moment.legacy + moment.slice for moment in moments))
    step = WIDTH / len(moments)
    gap = min(2.0, step / 4)
    bars = []
    for index, moment in enumerate(moments):
        legacy, slices = (HEIGHT * hits / top for hits in (moment.legacy, moment.slice))
        x, upper = index * step + gap / 2, HEIGHT - legacy
        bars.append(Bar(*(round(n, 2) for n in (x, step - gap, upper, legacy, upper - slices, slices))))
    return Picture(tuple(bars), top, moments[0].label, moments[-1].label, tuple(moments))


def round_up(hits: int) -> int:
    """The next of 1, 2, 5, 10, 20, 50 …: what an axis can say in a word."""
    power = 1
    while True:
        for number in (power, 2 * power, 5 * power):
            if hits <= number:
                return number
        power *= 10
