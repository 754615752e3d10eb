"""What must hold between the parts of routes.yaml; each check yields every problem it finds."""

from collections.abc import Callable, Iterator
from pathlib import Path

import re2

from notation.marked_yaml import Document
from notation.marked_yaml import Path as Place
from notation.problems import Problem, one_of
from notation.shape import dotted
from proxy.addresses import Address, leads_to, overlap
from proxy.conflicts import conflicts, redirect_loops
from proxy.model import RouteSpec, RoutesSpec
from proxy.patterns import is_prefix
from proxy.stages import SHADOW

Check = Callable[[RoutesSpec, Document, Path], Iterator[Problem]]


def backends_are_declared(spec: RoutesSpec, document: Document, folder: Path) -> Iterator[Problem]:
    def missing(place: Place, subject: str, name: str | None) -> Iterator[Problem]:
        if name is not None and name not in spec.backends:
            hint = one_of("declared backends", name, spec.backends)
            yield Problem(document.where(place), f"{subject} '{name}', which is not declared", hint)

    yield from missing(("default",), "the default is backend", spec.default)
    for name, slice_ in spec.slices.items():
        place = ("slices", name)
        yield from missing((*place, "backend"), f"slice '{name}' sends to backend", slice_.backend)
        yield from missing((*place, "legacy"), f"slice '{name}' grows round backend", slice_.legacy)
        if slice_.fallback and "fallback" in slice_.model_fields_set:
            yield from missing((*place, "fallback", "to"), f"slice '{name}' falls back to backend", slice_.fallback.to)
    for index, test in enumerate(spec.tests):
        yield from missing(("tests", index, "backend"), "the test expects backend", test.backend)
        if test.slice is not None and test.slice not in spec.slices:
            what = f"the test expects slice '{test.slice}', which is not declared"
            hint = one_of("declared slices", test.slice, spec.slices)
            yield Problem(document.where(("tests", index, "slice")), what, hint)


def slices_have_a_legacy(spec: RoutesSpec, document: Document, folder: Path) -> Iterator[Problem]:
    for name, slice_ in spec.slices.items():
        where = document.where(("slices", name))
        if (slice_.legacy or spec.default) is None:
            hint = "write legacy: and its backend in the slice, or default: for the whole file"
            yield Problem(where, f"slice '{name}' has no legacy to grow round", hint)
        elif slice_.backend == (slice_.legacy or spec.default):
            what = f"slice '{name}' has backend '{slice_.backend}' as its service and as its legacy"
            yield Problem(
                document.where(("slices", name, "backend")), what, "declare its service as a backend of its own"
            )


def routes_can_match(spec: RoutesSpec, document: Document, folder: Path) -> Iterator[Problem]:
    for name, slice_ in spec.slices.items():
        for index, route in enumerate(slice_.routes):
            place: Place = ("slices", name, "routes", index)
            yield from _route(spec, route, document, place)
    for place, path in _paths(spec):
        if spec.paths.params == "strip" and ";" in path:
            what = f"'{path}' can never match: from ; on, parameters are cut off before matching"
            yield Problem(document.where(place), what, "remove them, or write paths: {params: keep}")


def _route(spec: RoutesSpec, route: RouteSpec, document: Document, place: Place) -> Iterator[Problem]:
    where = document.where(place)
    if (route.path is None) is (route.regex is None):
        has = "neither a path nor a regex" if route.path is None else "both a path and a regex"
        yield Problem(where, f"{dotted(place)} has {has}", "write one of them; /* is every path")
    if route.regex is not None:
        if route.priority == 0:
            yield Problem(
                where, f"{dotted(place)} has a regex without a priority", "write priority: 10, above 0 or below"
            )
        if error := _regex_error(route.regex):
            what = f"'{route.regex}' is not a regular expression: {error}"
            yield Problem(document.where((*place, "regex")), what, "write it in RE2's syntax")
    elif route.path is not None and route.rewrite is not None and is_prefix(route.path) != is_prefix(route.rewrite):
        what = f"path '{route.path}' is {_kind(route.path)}, its rewrite '{route.rewrite}' is {_kind(route.rewrite)}"
        yield Problem(document.where((*place, "rewrite")), what, "end both in /*, or neither")
    if route.host is not None and spec.hosts and route.host not in spec.hosts:
        what = f"{dotted(place)} can never match: '{route.host}' is not among the hosts"
        yield Problem(document.where((*place, "host")), what, one_of("hosts", route.host, spec.hosts))


def _kind(path: str) -> str:
    return "a prefix" if is_prefix(path) else "exact"


def _regex_error(regex: str) -> str | None:
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(regex, options)
    except re2.error as exc:
        return exc.args[0].decode() if isinstance(exc.args[0], bytes) else str(exc)
    return None


def _paths(spec: RoutesSpec) -> Iterator[tuple[Place, str]]:
    for name, slice_ in spec.slices.items():
        for index, route in enumerate(slice_.routes):
            if route.path is not None:
                yield ("slices", name, "routes", index, "path"), route.path
    for index, redirect in enumerate(spec.redirects):
        yield ("redirects", index, "from"), redirect.from_
    for index, path in enumerate(spec.gone):
        yield ("gone", index), path


def redirects_keep_their_tail(spec: RoutesSpec, document: Document, folder: Path) -> Iterator[Problem]:
    for index, redirect in enumerate(spec.redirects):
        if is_prefix(redirect.to) and not is_prefix(redirect.from_):
            what = f"redirect from '{redirect.from_}' is exact, but leads to the prefix '{redirect.to}'"
            hint = f"write from: {redirect.from_.rstrip('/')}/*, or to: without /*"
            yield Problem(document.where(("redirects", index, "to")), what, hint)


def addresses_are_free(spec: RoutesSpec, document: Document, folder: Path) -> Iterator[Problem]:
    taken: list[tuple[Address, int]] = []
    for index, listener in enumerate(spec.listen):
        where = document.where(("listen", index, "address"))
        for other, line in taken:
            if overlap(listener.address, other):
                same = "is listened on twice" if listener.address == other else f"and {other} overlap"
                yield Problem(where, f"{listener.address} {same}", f"the other is on line {line}; keep one")
        taken.append((listener.address, where.line))
    for other, line in taken:
        if spec.admin and overlap(spec.admin, other):
            what = f"the admin pages and citizens would share {spec.admin}"
            hint = f"{other} is on line {line}; give admin a port of its own, such as 127.0.0.1:9901"
            yield Problem(document.where(("admin",)), what, hint)


def backends_lead_elsewhere(spec: RoutesSpec, document: Document, folder: Path) -> Iterator[Problem]:
    ours = [(listener.address, "the proxy itself listens") for listener in spec.listen]
    if spec.admin:
        ours.append((spec.admin, "the proxy's admin pages are"))
    for name, backend in spec.backends.items():
        for index, url in enumerate(backend.url):
            for address, what_is_there in ours:
                if leads_to(url, address):
                    what = f"backend '{name}' leads to {address}, where {what_is_there}"
                    yield Problem(document.where(("backends", name, "url", index)), what, "write the server's own port")


def named_files_are_there(spec: RoutesSpec, document: Document, folder: Path) -> Iterator[Problem]:
    named: list[tuple[Place, str]] = []
    for number, listener in enumerate(spec.listen):
        for index, certificate in enumerate(listener.tls):
            # `listen:` may be one mapping or a list of them
            listen: Place = ("listen", number) if ("listen", number) in document.marks else ("listen",)
            named.append(((*listen, "tls", index, "cert"), certificate.cert))
            named.append(((*listen, "tls", index, "key"), certificate.key))
    named += [
        (("backends", name, "tls", "ca"), backend.tls.ca) for name, backend in spec.backends.items() if backend.tls.ca
    ]
    if spec.keys:
        named.append((("keys",), spec.keys))
    for place, name in named:
        if not (folder / name).is_file():
            what = f"{dotted(place)} names the file '{name}', which is not there"
            yield Problem(document.where(place), what, "put it beside this file, or write its whole path")


def ladders_ascend(spec: RoutesSpec, document: Document, folder: Path) -> Iterator[Problem]:
    for name, slice_ in spec.slices.items():
        for index in range(1, len(slice_.ladder)):
            lower, upper = slice_.ladder[index - 1 : index + 1]
            if not lower < upper:
                what = f"the ladder of slice '{name}' goes from {lower} to {upper}, which is not up"
                hint = "order: legacy, shadow, canary 1%, canary 10%, live, retired"
                yield Problem(document.where(("slices", name, "ladder", index)), what, hint)


def own_writes_come_back(spec: RoutesSpec, document: Document, folder: Path) -> Iterator[Problem]:
    for name, slice_ in spec.slices.items():
        if slice_.writes == "own" and slice_.stage > SHADOW:
            what = f"slice '{name}' keeps its own writes at stage {slice_.stage}: rolling back would lose them"
            hint = "keep it at legacy or shadow until it can write back, or write writes: legacy"
            yield Problem(document.where(("slices", name, "writes")), what, hint)


CHECKS: tuple[Check, ...] = (
    backends_are_declared,
    slices_have_a_legacy,
    routes_can_match,
    conflicts,
    redirects_keep_their_tail,
    redirect_loops,
    addresses_are_free,
    backends_lead_elsewhere,
    named_files_are_there,
    ladders_ascend,
    own_writes_come_back,
)
