"""What differs by itself: where legacy, asked the same twice, differs from its own answer. Pure.

    learning = Learning()
    learning.read_again((Difference("css:#advert", Kind.VALUE, "text of 9", "text of 7"),))   # a second read of legacy
    learning.compared(differences)                                                            # the candidate's
    learning.is_noise(differences[0])

One Learning belongs to one route pattern: pages of one kind have their noise in the same places.
"""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from math import sqrt

from proxy.compare.values import Difference, Kind

# Second reads of a route pattern that are wanted of every comparison; after them a share, `compare: {noise: 5%}`.
FIRST = 20
# Second reads before a mismatch counts: what differs in half of all answers is missed by five once in 32 times.
ENOUGH = 5
# A pattern of whose requests fewer than one in so many may be asked again learns nothing from waiting.
RARELY = 20
# Times that an exchange is asked again, of both sides, before a place where legacy never differed from itself counts;
# and exchanges that are asked so again because of one place that once was gone when asked again. Noise in one of ten
# answers is there again three times by chance once in a thousand times.
ROUNDS, TRIES = 3, 3
# Places of one pattern that are remembered, a few hundred bytes each; those that come after them are not noise.
PLACES = 512
# Reads after which all counts are halved, so that the noise of last month does not excuse a difference of today; and
# as many times that of comparisons as there are for each read at `noise: 5%`.
REMEMBERED_READS, REMEMBERED_COMPARISONS = 400, 8000
# Standard errors either way, for bounds each wrong once in 2,000 times: a pattern is looked at thousands of times.
# How often it is wrong is in docs/judging.md, by `test_rare_noise_that_is_asked_again_is_not_reported`.
Z = 3.29

Spot = tuple[str, Kind]


def spot_of(difference: Difference) -> Spot:
    """What is counted: the kind too, for a place whose text changes by itself is not one that may be missing."""
    return difference.path, difference.kind


@dataclass(slots=True)
class Learning:
    """What is known of one route pattern; it grows to PLACES and no further.

    `reads`: second reads of legacy, and in `noisy` in how many of them each place differed; `comparisons` and
    `differing` the same of the candidate. `barred`: comparisons whose request legacy must not be asked again,
    `allowed`: the others. `doubted`: places that are being asked about again; `confirmed`: those that still differed
    then; `fickle`: those that did not, and how often.
    """

    reads: int = 0
    noisy: Counter[Spot] = field(default_factory=Counter)
    comparisons: int = 0
    differing: Counter[Spot] = field(default_factory=Counter)
    barred: int = 0
    allowed: int = 0
    doubted: set[Spot] = field(default_factory=set)
    confirmed: set[Spot] = field(default_factory=set)
    fickle: Counter[Spot] = field(default_factory=Counter)

    def wants_reading(self, share: float, draw: float) -> bool:
        """Whether legacy should be asked again in this comparison. `draw`: of 0 to 1, by chance."""
        return self.reads < FIRST or draw < share

    def came(self, *, may_be_repeated: bool) -> None:
        """A comparison begins."""
        if may_be_repeated:
            self.allowed += 1
        else:
            self.barred += 1

    def read_again(self, differences: Iterable[Difference]) -> None:
        """Legacy was asked twice, and differed from itself so."""
        self.reads += 1
        _add(self.noisy, {spot_of(each) for each in differences})
        if self.reads >= REMEMBERED_READS:
            self.reads //= 2
            _halve(self.noisy)
            self.confirmed.clear()
            self.fickle.clear()

    def compared(self, differences: Iterable[Difference]) -> None:
        """The candidate differed so."""
        self.comparisons += 1
        _add(self.differing, {spot_of(each) for each in differences})
        if self.comparisons >= REMEMBERED_COMPARISONS:
            self.comparisons //= 2
            _halve(self.differing)

    def is_unsure(self, difference: Difference) -> bool:
        """Whether it should be asked again before it counts: legacy was never seen to differ there, and may yet.

        What differs rarely by itself is missed by a handful of second reads, and there is nothing to tell it by.
        """
        spot = spot_of(difference)
        known = self.noisy[spot] or spot in self.doubted or spot in self.confirmed or self.fickle[spot] >= TRIES
        return not known and len(self.confirmed) + len(self.fickle) < PLACES

    def asked_again(self, spots: Collection[Spot], differing: Collection[Spot]) -> frozenset[Spot]:
        """Of these, an exchange that differed in `spots` does in `differing` when it is asked again; those left."""
        left = frozenset(spots) & frozenset(differing)
        self.fickle.update(frozenset(spots) - left)
        return left

    def confirm(self, spots: Collection[Spot]) -> None:
        """These differed each time that they were asked again."""
        self.confirmed.update(spots)

    @property
    def has_learned(self) -> bool:
        """Whether a mismatch counts by now."""
        return self.reads >= ENOUGH

    @property
    def cannot_learn(self) -> bool:
        """Whether second reads will not come: too few of its requests may be asked again (`repeatable` is not set)."""
        return not self.has_learned and self.barred >= RARELY * (self.allowed + 1)

    def is_noise(self, difference: Difference) -> bool:
        """Whether legacy differs from itself there about as often as the candidate differs from it.

        "Well above its noise" is: the least that the candidate's rate may be, after what was seen, is above the most
        that legacy's own may be. What was gone when it was asked again is noise too, until it is confirmed.
        """
        spot = spot_of(difference)
        seen = self.noisy[spot]
        if not seen and (spot in self.confirmed or not self.fickle[spot]):
            return False
        _, noise = wilson(seen, self.reads)
        rate, _ = wilson(self.differing[spot], self.comparisons)
        return rate <= noise

    def counting(self, differences: Iterable[Difference]) -> tuple[Difference, ...]:
        """Those that are no noise, or of which it is being asked whether they are."""
        return tuple(each for each in differences if self.is_doubted(each) or not self.is_noise(each))

    def is_doubted(self, difference: Difference) -> bool:
        """Whether it is being asked about again."""
        return spot_of(difference) in self.doubted


def wilson(seen: int, of: int) -> tuple[float, float]:
    """The least and the most that a share may be of which `seen` among `of` were seen.

    Wilson's score interval (Journal of the American Statistical Association 22, 1927), which unlike the textbook's
    holds for a handful and near 0 and 1, where low traffic is.

    >>> [round(bound, 2) for bound in wilson(5, 5)]
    [0.32, 1.0]
    """
    if not of:
        return 0.0, 1.0
    share, square = seen / of, Z * Z
    middle = share + square / (2 * of)
    reach = Z * sqrt(share * (1 - share) / of + square / (4 * of * of))
    scale = 1 + square / of
    return max(0.0, (middle - reach) / scale), min(1.0, (middle + reach) / scale)


def _add(counts: Counter[Spot], spots: Collection[Spot]) -> None:
    for spot in spots:
        if spot in counts or len(counts) < PLACES:
            counts[spot] += 1


def _halve(counts: Counter[Spot]) -> None:
    for spot, count in list(counts.items()):
        counts[spot] = count // 2
        if not counts[spot]:
            del counts[spot]
