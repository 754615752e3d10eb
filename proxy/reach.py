"""Claims that no request can reach, because claims of a higher priority take them all. Pure.

Only a higher priority can do that: of two claims of one priority, the one that goes first asks for more.
"""

from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path

import re2

from notation.marked_yaml import Document
from notation.problems import Problem
from proxy.claims import Pattern, Regex
from proxy.model import RoutesSpec
from proxy.regexes import compiled
from proxy.written import Written, written

HINT = "remove it, or give it a higher priority"


def unreachable(spec: RoutesSpec, document: Document, folder: Path) -> Iterator[Problem]:
    """Every claim that others always go before, with the lines of those."""
    priorities = {route.priority for slice_ in spec.slices.values() for route in slice_.routes}
    if not priorities - {0}:
        return
    least = min(priorities | ({0} if spec.redirects or spec.gone else set()))
    higher = Higher(claim for claim in written(spec, _texts_above(spec, least).__contains__) if claim.priority > least)
    hosts = [host.encode() for host in spec.hosts]
    for claim in written(spec, higher.may_be_over):
        above = [one for one in higher.over(claim) if one.priority > claim.priority and _asks_no_more(one, claim)]
        if above and _take_all(above, claim, hosts):
            lines = sorted({document.where(one.place).line for one in above})
            named = f"line {lines[0]}" if len(lines) == 1 else f"lines {', '.join(map(str, lines))}"
            what = f"'{claim.text}' of {claim.who} can never match: what it claims is taken by {named}"
            yield Problem(document.where(claim.place), what, HINT)


def _texts_above(spec: RoutesSpec, least: int) -> set[str]:
    """The paths of claims above that priority, as they are written."""
    routes = (route for slice_ in spec.slices.values() for route in slice_.routes)
    above = {route.path for route in routes if route.priority > least and route.path is not None}
    return above.union((redirect.from_ for redirect in spec.redirects), spec.gone) if least < 0 else above


class Higher:
    """Claims that could stand over others, by the paths they take."""

    def __init__(self, claims: Iterable[Written]) -> None:
        self._by_path: dict[tuple[bytes, bool], list[Written]] = {}
        self._regexes: list[Written] = []
        for claim in claims:
            if isinstance(claim.pattern, Pattern):
                self._by_path.setdefault((claim.pattern.path, claim.pattern.is_prefix), []).append(claim)
            elif claim.bounds is not None:
                self._regexes.append(claim)
        self._firsts = {path.lower().split(b"/", 2)[1].decode() for path, _ in self._by_path if path}
        self._is_over_prefixes = (b"", True) in self._by_path or any(_beginning(each.pattern) for each in self._regexes)

    def may_be_over(self, text: str) -> bool:
        """False only of a path, as it is written, that none of these can take: a change of 10,000 routes would cost
        40 ms more if each were looked at closely."""
        if self._is_over_prefixes or (self._regexes and not text.endswith("/*")):
            return True
        return text.split("/", 2)[1].lower() in self._firsts

    def over(self, claim: Written) -> Iterator[Written]:
        """Those that match every path that `claim` matches."""
        if isinstance(claim.pattern, Regex):
            yield from self._over_regex(claim)
            return
        path = claim.pattern.path
        if not claim.pattern.is_prefix:
            yield from self._by_path.get((path, False), ())
        while True:
            yield from self._by_path.get((path, True), ())
            if not path:
                break
            path = path[: path.rfind(b"/")]
        for regex in self._regexes:
            if _regex_takes(regex, claim.pattern):
                yield regex

    def _over_regex(self, claim: Written) -> Iterator[Written]:
        if claim.bounds is None:
            return
        # All that lies between two texts with one beginning has that beginning too.
        common = _common(*claim.bounds)
        path: bytes | None = common[: max(common.rfind(b"/"), 0)]
        while path is not None:
            yield from self._by_path.get((path, True), ())
            path = path[: path.rfind(b"/")] if path else None
        for regex in self._regexes:
            beginning = _beginning(regex.pattern)
            if regex.pattern == claim.pattern or (beginning is not None and common.startswith(beginning)):
                yield regex


def _regex_takes(regex: Written, pattern: Pattern) -> bool:
    assert isinstance(regex.pattern, Regex)
    if not pattern.is_prefix:
        try:
            return compiled(regex.pattern).fullmatch(pattern.path) is not None
        except re2.error:
            return False
    beginning = _beginning(regex.pattern)
    return beginning is not None and pattern.path.startswith(beginning)


def _beginning(pattern: Pattern | Regex) -> bytes | None:
    """`/a/` of `/a/.*`: the regex is every path that begins so. None of any other."""
    assert isinstance(pattern, Regex)
    literal = pattern.text.removesuffix(".*")
    if literal == pattern.text or any(character in literal for character in "\\.+*?()|[]{}^$"):
        return None
    return (literal.lower() if pattern.folded else literal).encode()


def _common(least: bytes, greatest: bytes) -> bytes:
    length = next((i for i, pair in enumerate(zip(least, greatest, strict=False)) if pair[0] != pair[1]), None)
    return least[: min(len(least), len(greatest)) if length is None else length]


def _asks_no_more(one: Written, claim: Written) -> bool:
    """Whether whoever meets the headers, query and cookies of `claim` meets those of `one`; hosts, methods: later."""
    mine, theirs = one.needs, claim.needs
    kinds = ((mine.headers, theirs.headers), (mine.query, theirs.query), (mine.cookies, theirs.cookies))
    return all(set(asked) <= set(given) for asked, given in kinds)


def _take_all(above: list[Written], claim: Written, hosts: list[bytes]) -> bool:
    """Whether each host and method the claim can be asked for is taken by one of those above it."""
    under: Iterable[bytes | None] = (claim.needs.host,) if claim.needs.host else hosts or (None,)
    asked = claim.methods or (None,)
    return all(
        any(one.needs.host in (None, host) and (one.methods is None or method in one.methods) for one in above)
        for host, method in product(under, asked)
    )
