"""Which of a backend's addresses is asked: the less loaded of two. Pure: the draw comes from outside.

Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing" (2001): two drawn at random and the less loaded
taken are almost as even as looking at all, and workers that know each other's load a moment late do not all rush to
the same one.
"""

from collections.abc import Sequence


def choose(loads: Sequence[int], draw: float) -> int:
    """The index of the address to ask, among those with these requests in flight; `draw` from [0, 1).

    >>> choose([3, 1], 0.0)
    1
    """
    count = len(loads)
    if count == 1:
        return 0
    # One draw names a pair: the first of it, and one of the others.
    first, second = divmod(int(draw * count * (count - 1)), count - 1)
    if second >= first:
        second += 1
    return second if loads[second] < loads[first] else first
