"""Redirects that never arrive: followed through the very table that serves, as a browser would follow them. Pure."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import re2

from notation.marked_yaml import Document
from notation.problems import Problem
from proxy.asked import Asked
from proxy.claims import Claim, Pattern, Redirect, Regex
from proxy.compiler import paths_of
from proxy.model import RedirectSpec, RoutesSpec
from proxy.paths import BadPath, PathRules, read_path
from proxy.regexes import compiled
from proxy.table import Table
from proxy.written import written

# Browsers give up at 20; a chain that is longer, but ends, is no loop.
HOPS = 100
# What stands for the tail of a prefix: no file names such a segment.
TAIL = b"/~"
HINT = "let it lead to a path that no redirect claims"


def redirect_loops(spec: RoutesSpec, document: Document, folder: Path) -> Iterator[Problem]:
    """Redirects that lead to themselves, at once or by way of others."""
    # A route or a gone path can only end a way: where redirects alone make no loop, there is none.
    alone = spec.model_copy(update={"slices": {}, "gone": ()})
    if not spec.redirects or not any(True for _ in _cycles(alone)):
        return
    reported: set[int] = set()
    for start, cycle in _cycles(spec):
        if not reported & set(cycle):
            reported.update(cycle)
            cycle = cycle[cycle.index(start) :] + cycle[: cycle.index(start)]
            way = " -> ".join(spec.redirects[index].from_ for index in (*cycle, start))
            what = f"redirect from '{spec.redirects[start].from_}' leads back to itself: {way}"
            yield Problem(document.where(("redirects", start)), what, HINT)


def _cycles(spec: RoutesSpec) -> Iterator[tuple[int, list[int]]]:
    """Each redirect that comes back to itself, and all those on its way round."""
    table, numbers = _table(spec)
    paths = paths_of(spec)
    for start, redirect in enumerate(spec.redirects):
        for tail in (b"", TAIL) if redirect.from_.endswith("/*") else (b"",):
            cycle = _cycle(table, numbers, spec, paths, _first(redirect, tail))
            if start in cycle:
                yield start, cycle


def _table(spec: RoutesSpec) -> tuple[Table, dict[str, int]]:
    """The table, and the number of each redirect by its claim's place."""
    table = Table()
    numbers: dict[str, int] = {}
    for one in written(spec):
        redirect = None if one.redirect is None else spec.redirects[one.redirect]
        claim = one.compiled(Pattern.parse(redirect.to), redirect.status) if redirect else one.compiled()
        if one.redirect is not None:
            numbers[claim.at] = one.redirect
        try:
            if isinstance(claim.pattern, Regex):
                compiled(claim.pattern)  # the table does so later, when it is asked
        except re2.error:
            continue  # told elsewhere
        table.add(claim)
    return table, numbers


def _first(redirect: RedirectSpec, tail: bytes) -> Asked:
    path = Pattern.parse(redirect.from_).path + tail
    return Asked(b"GET", path or b"/", None, b"")


def _cycle(table: Table, numbers: dict[str, int], spec: RoutesSpec, paths: PathRules, asked: Asked) -> list[int]:
    """The redirects that answer one another for ever, once round; empty if the way ends."""
    trail: list[int] = []
    for _ in range(HOPS):
        readings = read_path(asked.path, paths)
        if isinstance(readings, BadPath):
            return []
        claim = table.match(readings if paths.case_sensitive else readings.folded(), asked)
        if not isinstance(claim, Claim) or not isinstance(claim.leads_to, Redirect):
            return []
        trail.append(numbers[claim.at])
        following = _follow(claim, claim.leads_to, readings.canonical, asked.host, spec)
        if following is None:
            return []
        asked = following
    before = trail[-2::-1]
    return trail[-before.index(trail[-1]) - 1 :] if trail[-1] in before else []


def _follow(claim: Claim, leads_to: Redirect, path: bytes, host: bytes, spec: RoutesSpec) -> Asked | None:
    """The request a browser makes next; None where it leaves this proxy."""
    location = claim.pattern.replace(path, leads_to.to)
    if not location.startswith(b"/"):
        parts = urlsplit(location.decode("latin-1"))
        if parts.hostname not in spec.hosts:
            return None
        host = parts.hostname.encode()
        location = (parts.path or "/").encode("latin-1") + (f"?{parts.query}".encode() if parts.query else b"")
    to, mark, query = location.partition(b"#")[0].partition(b"?")
    return Asked(b"GET", to, query if mark else None, host)
