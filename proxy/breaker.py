"""The circuit breaker: when a backend that fails is left alone, and how it is tried again. Pure; a table.

A *failure* is a request that a backend could not be asked (`connect`), did not answer in time, broke off, or answered
with 502, 503 or 504, by which a server says itself that it cannot. A 500 may be one page's own fault.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from math import ceil


class State(Enum):
    """What becomes of a request: sent; refused; refused but for one, which finds out."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class Event(Enum):
    """What moves it: enough failures among the last requests; time; the outcome of the one request."""

    TRIPPED = "the share of failures among the last requests is reached"
    COOLED = "it has cooled"
    PROVED = "the one request was answered"
    FAILED = "the one request failed"


TRANSITIONS: Mapping[tuple[State, Event], State] = {
    (State.CLOSED, Event.TRIPPED): State.OPEN,
    (State.OPEN, Event.COOLED): State.HALF_OPEN,
    (State.HALF_OPEN, Event.PROVED): State.CLOSED,
    (State.HALF_OPEN, Event.FAILED): State.OPEN,
}

FAILURES = frozenset((502, 503, 504))


@dataclass(frozen=True, slots=True)
class Breaking:
    """`breaker:` of a backend: this share of the last `of` requests opens it, for `cool` seconds."""

    errors: float = 0.5
    of: int = 20
    cool: float = 10.0

    @property
    def enough(self) -> int:
        """How many failures among the last `of` requests open it."""
        return max(1, ceil(self.errors * self.of))


USUAL = Breaking()


def state_of(opened: int, closed: int, now: int, cool: float) -> State:
    """Its state by the moments it last opened and closed, and now: all in milliseconds, `cool` in seconds."""
    if not opened or closed >= opened:
        return State.CLOSED
    return State.OPEN if now - opened < cool * 1000 else TRANSITIONS[State.OPEN, Event.COOLED]


def table() -> str:
    """The table as the documents show it."""
    rows = [f"| {was.value} | {event.value} | {then.value} |" for (was, event), then in TRANSITIONS.items()]
    return "\n".join(("| it is | when | it becomes |", "|---|---|---|", *rows))
