"""What legacy's second reads excuse, and what they do not."""

from __future__ import annotations

import random

import pytest

from proxy.compare.values import Difference, Kind
from proxy.noise import ENOUGH, FIRST, PLACES, RARELY, REMEMBERED_READS, ROUNDS, TRIES, Learning, Z, spot_of, wilson

ADVERT = Difference("css:#advert", Kind.VALUE, "text of 9", "text of 7")
TOTAL = Difference("json:$.total", Kind.VALUE, "99.9", "99.9")


def learned(reads: int, noisy: int, comparisons: int, differing: int, what: Difference = ADVERT) -> Learning:
    """As if legacy had differed from itself in `noisy` of its second reads."""
    learning = Learning()
    for at in range(reads):
        learning.read_again((what,) if at < noisy else ())
    for at in range(comparisons):
        learning.compared((what,) if at < differing else ())
    return learning


CASES = [  # second reads, of them differing, comparisons, of them differing, noise
    ("legacy never differs there", 20, 0, 100, 1, False),
    ("both always differ there", 5, 5, 5, 5, True),
    ("both differ there in half", 20, 10, 200, 100, True),
    ("the candidate a little more often", 20, 10, 200, 120, True),
    ("the candidate always, legacy in half", 20, 10, 100, 100, False),
    ("the candidate always, legacy in half, but it is too early to say", 6, 3, 6, 6, True),
    ("the candidate always, legacy once", 20, 1, 30, 30, False),
    ("nothing was read twice", 0, 0, 5, 5, False),
]


@pytest.mark.parametrize(
    ("reads", "noisy", "comparisons", "differing", "noise"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_a_difference_is_noise_where_legacy_differs_about_as_often(
    reads: int, noisy: int, comparisons: int, differing: int, noise: bool
) -> None:
    assert learned(reads, noisy, comparisons, differing).is_noise(ADVERT) is noise


def test_what_is_noise_in_one_place_or_of_one_kind_excuses_no_other() -> None:
    learning = learned(20, 20, 100, 100)
    learning.compared((TOTAL,))
    missing = Difference(ADVERT.path, Kind.MISSING, "text of 9", "")
    assert learning.counting((ADVERT, TOTAL, missing)) == (TOTAL, missing)


@pytest.mark.parametrize("rate", [0.2, 0.5, 0.9])
def test_equal_noise_is_never_taken_for_a_difference_however_often_one_looks(rate: float) -> None:
    wrong = 0
    for seed in range(40):
        dice = random.Random(seed)
        learning = Learning()
        for at in range(3000):
            differs = (ADVERT,) if dice.random() < rate else ()
            learning.compared(differs)
            if learning.wants_reading(0.05, dice.random()):
                learning.read_again((ADVERT,) if dice.random() < rate else ())
            wrong += at >= FIRST and bool(learning.counting(differs))
    assert wrong <= 40 * 3000 // 1000  # what was missed by twenty reads of a fifth: once in a hundred patterns


def test_a_candidate_that_always_differs_stands_out_of_noise_within_two_hundred() -> None:
    dice = random.Random(1)
    learning = Learning()
    for _ in range(200):
        learning.compared((ADVERT,))
        if learning.wants_reading(0.05, dice.random()):
            learning.read_again((ADVERT,) if dice.random() < 0.5 else ())
    assert learning.counting((ADVERT,)) == (ADVERT,)


def test_the_first_comparisons_are_read_twice_and_then_a_share() -> None:
    learning = Learning()
    assert all(learning.wants_reading(0.0, 0.99) for _ in range(3))
    for _ in range(FIRST):
        learning.read_again(())
    assert not learning.wants_reading(0.05, 0.06)
    assert learning.wants_reading(0.05, 0.04)


def test_it_has_learned_after_five_and_cannot_where_legacy_must_not_be_asked_again() -> None:
    learning = Learning()
    for _ in range(RARELY - 1):
        learning.came(may_be_repeated=False)
    assert (learning.has_learned, learning.cannot_learn) == (False, False)
    learning.came(may_be_repeated=False)
    assert learning.cannot_learn
    learning.came(may_be_repeated=True)  # one in twenty may: it learns, if slowly
    assert not learning.cannot_learn
    for _ in range(RARELY):
        learning.came(may_be_repeated=False)
    assert learning.cannot_learn
    for _ in range(ENOUGH):
        assert not learning.has_learned
        learning.read_again(())
    assert learning.has_learned
    assert not learning.cannot_learn


def test_what_is_remembered_is_bounded_and_fades() -> None:
    learning = Learning()
    for number in range(3 * PLACES):
        learning.read_again((Difference(f"json:$.{number}", Kind.VALUE, "9", "9"),))
        assert learning.reads < REMEMBERED_READS
        assert len(learning.noisy) <= PLACES
    old, new = learned(30, 30, 0, 0), Difference("json:$.29", Kind.VALUE, "9", "9")
    assert old.is_noise(ADVERT)
    for _ in range(6 * REMEMBERED_READS):
        old.read_again(())
    old.compared((ADVERT, new))
    assert ADVERT in old.counting((ADVERT, new)), "what stopped long ago excuses nothing"


def test_the_bounds_of_a_share() -> None:
    # The score interval's bounds solve |p - share| = z sqrt(p (1 - p) / n): held to that, not to a copy of the formula.
    for seen, of in ((0, 5), (5, 5), (1, 20), (10, 20), (37, 1000)):
        for bound in wilson(seen, of):
            if 0.0 < bound < 1.0:
                assert abs(bound - seen / of) == pytest.approx(Z * (bound * (1 - bound) / of) ** 0.5, abs=1e-6)
    assert wilson(0, 0) == (0.0, 1.0)


def reported(rate: float, seed: int, *, rounds: int = ROUNDS) -> tuple[int, int]:
    """Mismatches that count of 2,000 comparisons where nothing is wrong, and exchanges asked again.

    Both sides give an odd answer so often that two answers differ at `rate`.
    """
    dice, learning = random.Random(seed), Learning()
    odd = (1 - (1 - 2 * rate) ** 0.5) / 2

    def differ() -> bool:
        return (dice.random() < odd) != (dice.random() < odd)

    wrong = asked = 0
    for _ in range(2000):
        control = dice.random() < odd
        differs = (ADVERT,) if control != (dice.random() < odd) else ()
        learning.compared(differs)
        if learning.wants_reading(0.05, dice.random()):
            learning.read_again((ADVERT,) if control != (dice.random() < odd) else ())
        if not differs or not learning.has_learned:
            continue
        if rounds and learning.is_unsure(ADVERT):
            asked += 1
            left = frozenset({spot_of(ADVERT)})
            for _ in range(rounds):
                left = learning.asked_again(left, {spot_of(ADVERT)} if differ() else set())
                if not left:
                    break
            learning.confirm(left)
        wrong += bool(learning.counting(differs))
    return wrong, asked


@pytest.mark.parametrize("rate", [0.02, 0.05, 0.1, 0.2, 0.5])
def test_rare_noise_that_is_asked_again_is_not_reported(rate: float) -> None:
    seen = [reported(rate, seed) for seed in range(150)]
    assert sum(wrong > 0 for wrong, _ in seen) <= 1
    assert all(asked <= TRIES for _, asked in seen), "asked again until it is known"
    if rate == 0.1:  # what that is good for
        assert sum(reported(rate, seed, rounds=0)[0] > 0 for seed in range(150)) > 15


def test_what_persists_counts_from_then_on_and_what_does_not_until_it_stands_out() -> None:
    learning, spot = learned(FIRST, 0, FIRST, 1), spot_of(ADVERT)
    assert learning.is_unsure(ADVERT)
    learning.doubted.add(spot)
    assert not learning.is_unsure(ADVERT)
    assert learning.counting((ADVERT,)) == (ADVERT,), "it waits"
    learning.doubted.clear()
    assert learning.asked_again({spot}, ()) == frozenset()
    assert learning.counting((ADVERT,)) == (), "gone when it was asked again"
    assert learning.is_unsure(ADVERT), "another may persist"
    learning.confirm(learning.asked_again({spot}, {spot}))
    assert learning.counting((ADVERT,)) == (ADVERT,)
    assert not learning.is_unsure(ADVERT)
    flaky = learned(FIRST, 0, FIRST, 1)
    for _ in range(TRIES):
        flaky.asked_again({spot}, ())
    assert not flaky.is_unsure(ADVERT), "that is tried a few times"
    for _ in range(3 * FIRST):
        flaky.compared((ADVERT,))
    assert flaky.counting((ADVERT,)) == (ADVERT,), "well more often than legacy ever did"
