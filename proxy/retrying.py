"""Whether a request whose attempt failed is sent again, to the same backend or to another. Pure.

All of this holds only before the first byte of an answer went to the citizen, and while everything that was sent of the
request is still held.
"""

from collections.abc import Collection
from dataclasses import dataclass

# `connect`: no connection, so not a byte was sent. `breaker`: not even tried. `timeout`: no answer in time. `reset`:
# it broke off before its answer. A number: the status of its answer. `queue`: too many wait for a connection, which is
# no failure of the backend, and nobody else is asked: what is too much for one would soon be too much for both.
Cause = str | int
# `down`: the keeper found it down, which in `fallback.on` is meant by `connect`.
UNSENT = frozenset({"connect", "breaker", "queue", "down"})

# How often a request is sent again to the same backend: a second repetition seldom finds what the first did not.
REPEATS = 1
# Extra requests that every WINDOW of ten seconds allows, whatever the share: one a second harms no server, and without
# them a site with three requests a minute could never repeat any (20% of three is none).
FLOOR = 10


@dataclass(frozen=True, slots=True)
class Attempt:
    """One that failed. `sent`: any backend has seen any of the request; `repeats`: how often this one was asked again.

    `others`: this backend has addresses that were not asked yet. `is_safe` and `is_idempotent` as RFC 9110 (9.2) has
    them; a request that overrides its method is neither.
    """

    cause: Cause
    sent: bool
    is_safe: bool
    is_idempotent: bool
    others: bool = False
    repeats: int = 0


def may_retry(attempt: Attempt) -> bool:
    """Whether the same backend is asked again."""
    if attempt.cause == "connect":
        return attempt.others  # nothing was sent, so nothing is sent twice
    # RFC 9110 section 9.2.2: "A proxy MUST NOT automatically retry non-idempotent requests."
    if not attempt.is_idempotent or attempt.repeats >= REPEATS:
        return False
    # One that had all its time would only take as much again; one that says it cannot is not pressed.
    return attempt.cause == "reset" or (isinstance(attempt.cause, int) and attempt.others)


def may_fall_back(attempt: Attempt, on: Collection[Cause]) -> bool:
    """Whether another backend is asked, where `fallback.on` is `on`."""
    if ("connect" if attempt.cause == "down" else attempt.cause) not in on:
        return False
    # A journey with writes stays where it began: what it knows is in the candidate, which is only resting.
    return attempt.is_safe or (not attempt.sent and attempt.cause != "breaker")


def within(budget: float, asked: int, extra: int) -> bool:
    """Whether one more extra request is within the share `budget` of the citizens' own among those `asked` lately."""
    return extra < max(FLOOR, budget * (asked - extra))
