"""What the keeper knows of the table: the claims of which something is copied, however often they change."""

from __future__ import annotations

import pickle
from collections.abc import Iterable

from proxy.channel import Message, Whole, whole
from proxy.claims import Claim, Pattern, Route, Shadowing
from proxy.generation import Generation
from proxy.intake import Intake, Served
from proxy.paths import PathRules
from proxy.plan import Rules
from proxy.sections import Section, Sections, copied_of
from proxy.stages import SHADOW
from proxy.table import Table

COPIED = Route("repairs", SHADOW, "new", "old", False, shadowing=Shadowing(1.0, frozenset((b"GET",)), 1000))
ALONE = Route("parking", SHADOW, "new", "old", False)


def a_claim(number: int, route: Route) -> Claim:
    return Claim(Pattern.parse(f"/{number}"), None, route, "", number)


def sections(**claims: Iterable[Claim]) -> Sections:
    return {("slices", name): Section(None, (), tuple(each)) for name, each in claims.items()}


def a_whole(number: int, made: Sections, before: Whole | None = None) -> Whole:
    generation = Generation(number, Rules(Table(), "old", frozenset(), PathRules()), {})
    return whole(generation, copied_of(made), before)


def fed(intake: Intake, frames: Iterable[bytes]) -> Served | None:
    served = None
    for frame in frames:
        message: Message = pickle.loads(frame[4:])
        assert served is None
        served = intake.take(message)
    return served


def test_only_claims_that_copy_are_told_and_changes_alone() -> None:
    intake = Intake()
    copied = [a_claim(number, COPIED) for number in range(500)]
    first = a_whole(1, sections(repairs=copied, parking=[a_claim(900, ALONE)]))
    served = fed(intake, first.frames_after(0))
    assert served is not None
    assert sorted(served.claims) == list(range(500))

    changed = [*copied[1:], a_claim(700, COPIED)]
    second = a_whole(2, sections(repairs=changed), first)
    assert sum(map(len, second.frames_after(1))) < sum(map(len, second.frames)) / 10
    again = fed(intake, second.frames_after(1))
    assert again is not None
    assert again.generation.number == 2
    assert sorted(again.claims) == [*range(1, 500), 700]
    assert sorted(served.claims) == list(range(500))

    anew = fed(Intake(), second.frames_after(0))
    assert anew is not None
    assert anew.claims == again.claims


def test_what_broke_off_is_begun_anew() -> None:
    intake = Intake()
    first = a_whole(1, sections(repairs=[a_claim(1, COPIED)]))
    assert fed(intake, first.frames_after(0)) is not None
    second = a_whole(2, sections(repairs=[a_claim(2, COPIED)]), first)
    assert fed(intake, second.frames_after(1)[:-1]) is None
    again = fed(intake, second.frames_after(1))
    assert again is not None
    assert list(again.claims) == [2]
