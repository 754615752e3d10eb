"""When a failed attempt is made again, and where: the laws of RFC 9110 and of the design, one a row."""

from __future__ import annotations

import pytest

from proxy.retrying import FLOOR, Attempt, Cause, may_fall_back, may_retry, within

GET, PUT, POST = (True, True), (False, True), (False, False)  # is it safe, is it idempotent

RETRIES: list[tuple[str, Cause, bool, tuple[bool, bool], bool, int, bool]] = [
    # law, cause, sent, method, others, repeats, whether
    ("who cannot be reached was sent nothing, so the next address is", "connect", False, POST, True, 0, True),
    ("and so the next again", "connect", False, POST, True, 9, True),
    ("until there is none", "connect", False, GET, False, 0, False),
    ("an idempotent request is repeated", "reset", True, PUT, False, 0, True),
    ("once", "reset", True, PUT, False, 1, False),
    ("and never another", "reset", True, POST, True, 0, False),
    ("who says that it cannot is not pressed", 503, True, GET, False, 0, False),
    ("but the next may be able to", 503, True, GET, True, 0, True),
    ("though not for a POST", 503, True, POST, True, 0, False),
    ("one that had all its time gets no more", "timeout", True, GET, True, 0, False),
    ("an open breaker is not asked", "breaker", False, GET, True, 0, False),
]


@pytest.mark.parametrize(("law", "cause", "sent", "method", "others", "repeats", "whether"), RETRIES)
def test_the_same_backend(
    law: str, cause: Cause, sent: bool, method: tuple[bool, bool], others: bool, repeats: int, whether: bool
) -> None:
    assert may_retry(Attempt(cause, sent, *method, others, repeats)) is whether, law


ON = frozenset({"connect", "breaker", "reset", 503})
FALLBACKS: list[tuple[str, Cause, bool, tuple[bool, bool], bool]] = [
    ("a safe request", "reset", True, GET, True),
    ("no other, once a byte was sent", "reset", True, PUT, False),
    ("any, if not one was", "connect", False, POST, True),
    ("not if an earlier attempt sent some", "connect", True, PUT, False),
    ("only what is named", "timeout", True, GET, False),
    ("an answer that is named", 503, True, GET, True),
    ("an answer that is not", 500, True, GET, False),
    ("a journey's write waits for its backend", "breaker", False, POST, False),
    ("and its reading does not", "breaker", False, GET, True),
]


@pytest.mark.parametrize(("law", "cause", "sent", "method", "whether"), FALLBACKS)
def test_another_backend(law: str, cause: Cause, sent: bool, method: tuple[bool, bool], whether: bool) -> None:
    assert may_fall_back(Attempt(cause, sent, *method), ON) is whether, law


def test_a_budget_is_a_share_of_the_citizens_own_requests() -> None:
    assert within(0.2, asked=1199, extra=199)
    assert not within(0.2, asked=1200, extra=200)


def test_a_quiet_site_can_repeat_too() -> None:
    assert within(0.2, asked=1, extra=0)
    assert within(0.0, asked=30, extra=FLOOR - 1)
    assert not within(0.2, asked=30, extra=FLOOR)
