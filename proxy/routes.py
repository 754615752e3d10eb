"""What must hold of one route alone, so that a request can match it and its backend can be asked."""

from collections.abc import Iterator
from pathlib import Path

import re2

from notation.marked_yaml import Document
from notation.marked_yaml import Path as Place
from notation.problems import Problem, one_of
from notation.shape import dotted
from proxy.claims import Regex
from proxy.headers import KEEP, OVERRIDE, request_kind
from proxy.model import RouteSpec, RoutesSpec
from proxy.patterns import is_prefix
from proxy.plan import HEALTH_PATH
from proxy.regexes import compiled
from proxy.written import written

# Answered with 405 before anything is matched.
NEVER_SERVED = frozenset(("CONNECT", "TRACE"))


def routes_can_match(spec: RoutesSpec, document: Document, folder: Path) -> Iterator[Problem]:
    """Each route, redirect and gone path by itself."""
    for name, slice_ in spec.slices.items():
        for index, route in enumerate(slice_.routes):
            place: Place = ("slices", name, "routes", index)
            if route.regex is not None or route.path is None:
                yield from _regex(route, document, place)
            elif route.rewrite is not None and is_prefix(route.path) != is_prefix(route.rewrite):
                kinds = [f"'{path}' is {_kind(path)}" for path in (route.path, route.rewrite)]
                what = f"path {kinds[0]}, its rewrite {kinds[1]}"
                yield Problem(document.where((*place, "rewrite")), what, "end both in /*, or neither")
            if route.host is not None or route.methods or route.headers:
                yield from _predicates(spec, route, document, place)
    yield from _texts(spec, document)


def _regex(route: RouteSpec, document: Document, place: Place) -> Iterator[Problem]:
    where = document.where(place)
    if (route.path is None) is (route.regex is None):
        has = "neither a path nor a regex" if route.path is None else "both a path and a regex"
        yield Problem(where, f"{dotted(place)} has {has}", "write one of them; /* is every path")
    if route.regex is None:
        return
    if route.priority == 0:
        yield Problem(where, f"{dotted(place)} has a regex without a priority", "write priority: 10, above 0 or below")
    if error := _error(route.regex):
        what = f"'{route.regex}' is not a regular expression: {error}"
        yield Problem(document.where((*place, "regex")), what, "write it in RE2's syntax")
    if route.rewrite is not None and is_prefix(route.rewrite):
        what = f"'{route.regex}' is a regex, its rewrite '{route.rewrite}' is a prefix"
        yield Problem(document.where((*place, "rewrite")), what, "write one path; a regex has no tail to keep")


def _kind(path: str) -> str:
    return "a prefix" if is_prefix(path) else "exact"


def _error(regex: str) -> str | None:
    try:
        compiled(Regex(regex))
    except re2.error as exc:
        return exc.args[0].decode() if isinstance(exc.args[0], bytes) else str(exc)
    return None


def _predicates(spec: RoutesSpec, route: RouteSpec, document: Document, place: Place) -> Iterator[Problem]:
    if route.host is not None and spec.hosts and route.host not in spec.hosts:
        what = f"{dotted(place)} can never match: '{route.host}' is not among the hosts"
        yield Problem(document.where((*place, "host")), what, one_of("hosts", route.host, spec.hosts))
    if route.methods and set(route.methods) <= NEVER_SERVED:
        what = f"{dotted(place)} can never match: {' and '.join(route.methods)} requests are refused"
        yield Problem(document.where((*place, "methods")), what, "name a method that is served, such as GET or POST")
    seen: dict[str, str] = {}
    for name in route.headers:
        where = document.where((*place, "headers", name))
        if (first := seen.setdefault(name.lower(), name)) != name:
            what = f"{dotted(place)} has the header '{name}' twice: '{first}' is the same in other letters"
            yield Problem(where, what, "keep one")
        if hint := _never_passes(name.lower()):
            yield Problem(where, f"{dotted(place)} can never match: '{name}' is removed before matching", hint)


def _never_passes(name: str) -> str:
    """How to ask for what a field of that name says, which the table does not see; empty where it does."""
    if name == "cookie":
        return "write cookies: {name: value}"
    if request_kind(name.encode()) in (KEEP, OVERRIDE):
        return ""
    return "write host: and the name" if name == "host" else "write another header, one that no proxy removes or sets"


def _texts(spec: RoutesSpec, document: Document) -> Iterator[Problem]:
    """Paths and expressions that no path in the form of matching can be."""
    strips = spec.paths.params == "strip"
    health = HEALTH_PATH.decode()
    for claim in written(spec, lambda text: text == health or (strips and ";" in text)):
        what = hint = ""
        is_regex = isinstance(claim.pattern, Regex)
        if is_regex and not claim.text.isascii():
            what = f"'{claim.text}' can never match: requests carry only ASCII"
            hint = "write other characters percent-encoded in UTF-8, such as %C3%A9"
        elif is_regex and claim.bounds is not None and (claim.bounds[1] < b"/" or claim.bounds[0] >= b"0"):
            what, hint = f"'{claim.text}' can never match: every path begins with /", f"write /{claim.text}"
        elif strips and ";" in claim.text:
            what = f"'{claim.text}' can never match: from ; on, parameters are cut off before matching"
            hint = "remove them, or write paths: {params: keep}"
        elif claim.text == health:
            what, hint = f"'{claim.text}' can never match: it is the proxy's own health path", "write another path"
        if what:
            place = claim.place
            key = "regex" if is_regex else "path" if claim.redirect is None else "from"
            yield Problem(document.where((*place, key)), what, hint)
