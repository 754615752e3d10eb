"""From differences to a verdict, and what waits until more is known."""

from __future__ import annotations

import pytest

from proxy.compare.values import Difference, Kind, Verdict
from proxy.judging import PATTERNS, WAITING_OF_ONE, Mismatch, Patterns, Reached, Waits, conclude, may_pass
from proxy.noise import ENOUGH, RARELY, Learning, spot_of

COST = Difference("json:$.cost", Kind.VALUE, "99.9", "99.99")
ADVERT = Difference("css:#advert", Kind.VALUE, "text of 5", "text of 6")


def taught(*noise: Difference) -> Learning:
    learning = Learning()
    for _ in range(ENOUGH):
        learning.read_again(noise)
        learning.compared(noise)
    return learning


UNTAUGHT = Learning(barred=RARELY)

CASES = [  # differences, ignored, what is known, what comes of it
    ("nothing differs", (), False, Learning(), Reached(Verdict.MATCHED)),
    ("what `ignore:` excuses is no match", (), True, Learning(), Reached(Verdict.IGNORED)),
    ("noise alone", (ADVERT,), False, taught(ADVERT), Reached(Verdict.IGNORED)),
    ("more than noise", (ADVERT, COST), False, taught(ADVERT), Reached(Verdict.MISMATCHED, (COST,))),
    ("too little is known", (COST,), False, Learning(), Waits((COST,))),
    ("and never will be", (COST,), False, UNTAUGHT, Reached(Verdict.MISMATCHED, (COST,))),
]


@pytest.mark.parametrize(
    ("differences", "ignored", "learning", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_a_verdict(
    differences: tuple[Difference, ...], ignored: bool, learning: Learning, expected: Reached | Waits
) -> None:
    assert conclude(differences, ignored=ignored, learning=learning) == expected


def mismatch(series: int, *differences: Difference) -> Mismatch:
    return Mismatch(series, "repairs", "/repairs/*", "GET /repairs/1", differences, 1.0)


def test_what_waited_is_judged_once_by_what_is_known_then() -> None:
    patterns = Patterns()
    patterns.wait(mismatch(4, ADVERT))
    patterns.wait(mismatch(4, ADVERT, COST))
    patterns.wait(mismatch(6, COST))
    assert list(patterns.released(4)) == []
    for _ in range(ENOUGH):
        patterns.of(4).read_again((ADVERT,))
    released = [reached for _, reached in patterns.released(4)]
    assert released == [Reached(Verdict.IGNORED), Reached(Verdict.MISMATCHED, (COST,))]
    assert list(patterns.released(4)) == []
    assert list(patterns.released(6)) == []


def test_few_of_one_pattern_wait_so_that_others_can() -> None:
    patterns = Patterns()
    for _ in range(WAITING_OF_ONE):
        assert patterns.has_room(4)
        patterns.wait(mismatch(4, COST))
    assert not patterns.has_room(4)
    assert patterns.has_room(6)


def test_what_is_asked_again_waits_until_it_is_known_and_nothing_else_does() -> None:
    patterns = Patterns()
    learning = patterns.of(4)
    for _ in range(ENOUGH):
        learning.read_again(())
    learning.doubted.add(spot_of(COST))
    assert conclude((COST, ADVERT), ignored=False, learning=learning) == Waits((COST, ADVERT))
    assert conclude((ADVERT,), ignored=False, learning=learning) == Reached(Verdict.MISMATCHED, (ADVERT,))
    patterns.wait(mismatch(4, COST))
    patterns.wait(mismatch(4, ADVERT))
    assert [reached.counting for _, reached in patterns.released(4)] == [(ADVERT,)]
    learning.doubted.clear()
    assert [reached.counting for _, reached in patterns.released(4)] == [(COST,)]
    assert list(patterns.released(4)) == []


def test_patterns_are_bounded_and_one_that_is_waited_for_is_not_forgotten() -> None:
    patterns = Patterns()
    patterns.of(4).read_again(())
    patterns.of(6).read_again(())
    patterns.wait(mismatch(4, COST))
    for series in range(8, 8 + 2 * PATTERNS, 2):
        patterns.of(series)
    assert patterns.of(4).reads == 1
    assert patterns.of(6).reads == 0


@pytest.mark.parametrize(
    ("difference", "stale"),
    [
        (COST, True),
        (Difference("status", Kind.STATUS, "200", "404"), True),
        (Difference("status", Kind.STATUS, "200", "500"), False),
        (Difference("status", Kind.NO_ANSWER, "200", "none"), False),
    ],
)
def test_a_service_that_fails_does_not_wait_for_data(difference: Difference, stale: bool) -> None:
    assert may_pass(difference) is stale
