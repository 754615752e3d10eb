"""Claims as they were written: every line of the one table with its place, before it is compiled. Pure."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import re2

from notation.marked_yaml import Path as Place
from proxy.claims import Claim, Gone, Pattern, Redirect, Regex
from proxy.compiler import methods_of, needs_of, path_pattern, paths_of, pattern_of
from proxy.model import RoutesSpec
from proxy.predicates import NO_NEEDS, Needs, Pairs
from proxy.regexes import compiled

# What RE2 is asked for the least and the greatest path an expression can match: bytes of each.
BOUND = 32


@dataclass(frozen=True)
class Written:
    """A route, redirect or gone path. `who`: whose it is, such as `slice 'repairs'`; `redirect`: its number."""

    who: str
    place: Place
    text: str
    pattern: Pattern | Regex
    methods: frozenset[bytes] | None = None
    priority: int = 0
    needs: Needs = NO_NEEDS
    redirect: int | None = None

    @property
    def rank(self) -> tuple[object, ...]:
        """Two of one pattern and one rank are equal in all."""
        return -self.priority, self.methods is None, self.needs.rank

    def can_meet(self, other: "Written") -> bool:
        """Whether one request could match both, as far as its path does not decide."""
        if self.methods is not None and other.methods is not None and not self.methods & other.methods:
            return False
        mine, theirs = self.needs, other.needs
        if mine.host is not None and theirs.host is not None and mine.host != theirs.host:
            return False
        kinds = ((mine.headers, theirs.headers), (mine.query, theirs.query), (mine.cookies, theirs.cookies))
        return all(_agree(one, another) for one, another in kinds)

    @cached_property
    def bounds(self) -> tuple[bytes, bytes] | None:
        """The least and the greatest path a regex can match; None if RE2 cannot say, or it is no regex of its."""
        assert isinstance(self.pattern, Regex)
        try:
            anchored: Any = compiled(Regex(f"^(?:{self.pattern.text})$", self.pattern.folded))
            least, greatest = anchored.possiblematchrange(BOUND)
        except re2.error:
            return None
        return least, greatest

    def compiled(self, to: Pattern | None = None, status: int = 301) -> Claim:
        """The claim to look up, which leads to a redirect or, for all that matters, nowhere."""
        leads_to = Gone() if to is None else Redirect(to, status)
        return Claim(self.pattern, self.methods, leads_to, str(self.place), 0, self.priority, self.needs)


def _agree(one: Pairs, another: Pairs) -> bool:
    theirs = dict(another)
    return all(theirs.get(name, value) == value for name, value in one)


def written(spec: RoutesSpec, wanted: Callable[[str], bool] | None = None) -> Iterator[Written]:
    """Everything that competes in the one table, in the order of the file's sections; of paths only those `wanted`."""
    paths = paths_of(spec)
    for name, slice_ in spec.slices.items():
        who = f"slice '{name}'"
        for index, route in enumerate(slice_.routes):
            text = route.path
            if text is None or wanted is None or wanted(text):
                text = text if text is not None else route.regex
                if text is not None:
                    place = ("slices", name, "routes", index)
                    needs = needs_of(route) or NO_NEEDS
                    yield Written(who, place, text, pattern_of(route, paths), methods_of(route), route.priority, needs)
    for index, redirect in enumerate(spec.redirects):
        if wanted is None or wanted(redirect.from_):
            pattern = path_pattern(redirect.from_, paths)
            yield Written("a redirect", ("redirects", index), redirect.from_, pattern, redirect=index)
    for index, path in enumerate(spec.gone):
        if wanted is None or wanted(path):
            yield Written("gone", ("gone", index), path, path_pattern(path, paths))


def paths_written(spec: RoutesSpec) -> Iterator[str]:
    """The text of every path that competes there."""
    for slice_ in spec.slices.values():
        yield from (route.path for route in slice_.routes if route.path is not None)
    yield from (redirect.from_ for redirect in spec.redirects)
    yield from spec.gone
