"""The ladder's order, and who has the last word."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notation.problems import Refused
from proxy.stages import LADDER, LEGACY, LIVE, RETIRED, SHADOW, Stage, effective, next_rung, parse, previous

IN_ORDER = ["legacy", "shadow", "canary 0.01%", "canary 1%", "canary 10%", "canary 100%", "live", "retired"]
STAGES = st.one_of(
    st.sampled_from([LEGACY, SHADOW, LIVE, RETIRED]),
    st.integers(1, 10_000).map(lambda hundredths: Stage("canary", hundredths / 100)),
)


def test_stages_are_ordered_from_legacy_to_retired() -> None:
    stages = [parse(text) for text in IN_ORDER]
    assert all(lower < upper for lower, upper in pairwise(stages))
    assert [str(stage) for stage in stages] == IN_ORDER


@given(STAGES)
def test_a_stage_is_read_as_it_is_written(stage: Stage) -> None:
    assert parse(str(stage)) == stage


CANARY = "write canary and a share from 0.01% to 100%: canary 10%"
NAMES = "stages: legacy, shadow, canary N%, live, retired"


@pytest.mark.parametrize(
    ("text", "what", "hint"),
    [
        ("canary", "'canary' is not a canary stage", CANARY),
        ("canary 10", "'canary 10' is not a canary stage", CANARY),
        ("canary 0%", "'canary 0%' is not a canary stage", CANARY),
        ("canary 0.001%", "'canary 0.001%' is not a canary stage", CANARY),
        ("canary 100.01%", "'canary 100.01%' is not a canary stage", CANARY),
        ("shadwo", "'shadwo' is not a stage", f"{NAMES}. Did you mean 'shadow'?"),
        ("", "'' is not a stage", NAMES),
    ],
)
def test_what_is_no_stage_is_refused(text: str, what: str, hint: str) -> None:
    with pytest.raises(Refused) as caught:
        parse(text)
    assert (caught.value.what, caught.value.hint) == (what, hint)


@given(STAGES, st.none() | STAGES)
def test_the_lower_of_file_and_hold_is_in_force(file: Stage, hold: Stage | None) -> None:
    assert effective(file, hold) == (file if hold is None or file <= hold else hold)
    assert effective(file, hold) <= file


CLIMB = [
    ("from legacy to the first rung", "legacy", "shadow"),
    ("from one rung to the next", "canary 1%", "canary 10%"),
    ("from between two rungs to the upper", "canary 2%", "canary 10%"),
    ("from the top nowhere", "live", None),
    ("retired is the end", "retired", None),
]


@pytest.mark.parametrize(("law", "at", "to"), CLIMB)
def test_promoting_climbs_one_rung(law: str, at: str, to: str | None) -> None:
    assert next_rung(LADDER, parse(at)) == (parse(to) if to else None), law


def test_retired_is_never_climbed_to_even_if_the_ladder_names_it() -> None:
    assert next_rung([LIVE, RETIRED], LIVE) is None


@given(STAGES, st.lists(STAGES, max_size=5))
def test_going_down_never_goes_up(stage: Stage, ladder: list[Stage]) -> None:
    assert previous(ladder, stage) <= stage
