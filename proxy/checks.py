"""What must hold between the parts of routes.yaml; each check yields every problem it finds."""

from collections.abc import Callable, Iterator
from pathlib import Path

from notation.marked_yaml import Document
from notation.marked_yaml import Path as Place
from notation.problems import Problem, one_of
from notation.shape import dotted
from proxy.addresses import Address, leads_to, overlap
from proxy.conflicts import conflicts
from proxy.copyable import COPYABLE
from proxy.ignored import comparing_is_understood
from proxy.loops import redirect_loops
from proxy.model import RoutesSpec
from proxy.patterns import is_prefix, stem
from proxy.reach import unreachable
from proxy.routes import routes_can_match
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


def addresses_speak_alike(spec: RoutesSpec, document: Document, folder: Path) -> Iterator[Problem]:
    for name, backend in spec.backends.items():
        for index, url in enumerate(backend.url):
            place: Place = ("backends", name, "url", index)
            if url.scheme != backend.url[0].scheme:
                what = f"backend '{name}' has addresses of two schemes, {backend.url[0]} and {url}"
                yield Problem(document.where(place), what, "write http or https for all of them")
            elif url in backend.url[:index]:
                yield Problem(document.where(place), f"backend '{name}' has the address {url} twice", "keep one")


def health_asks_one_path(spec: RoutesSpec, document: Document, folder: Path) -> Iterator[Problem]:
    for name, backend in spec.backends.items():
        if backend.health is not None and is_prefix(backend.health.path):
            where = document.where(("backends", name, "health", "path"))
            what = f"backend '{name}' is asked for {backend.health.path}, which is no path but a prefix"
            yield Problem(where, what, "write one path, such as /healthz")


def assets_are_claimed(spec: RoutesSpec, document: Document, folder: Path) -> Iterator[Problem]:
    for name, slice_ in spec.slices.items():
        paths = [route.path for route in slice_.routes if route.path is not None]
        if len(paths) < len(slice_.routes):
            continue  # nobody can say what a regex claims
        for index, asset in enumerate(slice_.assets):
            if not any(_meet(asset, path) for path in paths):
                what = f"the asset '{asset}' of slice '{name}' is claimed by none of its routes"
                yield Problem(document.where(("slices", name, "assets", index)), what, "add it to the routes too")


def _meet(one: str, other: str) -> bool:
    """Whether a path can be meant by both."""
    return (
        stem(one) == stem(other)
        or (is_prefix(one) and stem(other).startswith(f"{stem(one)}/"))
        or (is_prefix(other) and stem(one).startswith(f"{stem(other)}/"))
    )


def ledger_holds_no_password(spec: RoutesSpec, document: Document, folder: Path) -> Iterator[Problem]:
    """As a person wrote it, before `${NAME}` was filled in."""
    if spec.ledger is None:
        return
    written = str(document.at(("ledger",)))
    user, at, _ = written.partition("://")[2].rpartition("@")
    if (at and (password := user.partition(":")[2]) and "${" not in password) or "password=" in written:
        hint = "put it in the environment and write ${NAME} in its place, behind the user's name"
        yield Problem(document.where(("ledger",)), "the ledger's URL holds a password", hint)


def named_files_are_there(spec: RoutesSpec, document: Document, folder: Path) -> Iterator[Problem]:
    named: list[tuple[Place, str]] = []
    for number, listener in enumerate(spec.listen):
        for index, certificate in enumerate(listener.tls):
            # `listen:` may be one mapping or a list of them
            listen: Place = ("listen", number) if ("listen", number) in document.marks else ("listen",)
            named.append(((*listen, "tls", index, "cert"), certificate.cert))
            named.append(((*listen, "tls", index, "key"), certificate.key))
    for name, backend in spec.backends.items():
        tls = (("ca", backend.tls.ca), ("cert", backend.tls.cert), ("key", backend.tls.key))
        named += [(("backends", name, "tls", key), file) for key, file in tls if file]
    if spec.keys:
        named.append((("keys",), spec.keys))
    for place, name in named:
        if not (folder / name).is_file():
            what = f"{dotted(place)} names the file '{name}', which is not there"
            yield Problem(document.where(place), what, "put it beside this file, or write its whole path")


def tests_expect_something(spec: RoutesSpec, document: Document, folder: Path) -> Iterator[Problem]:
    for index, test in enumerate(spec.tests):
        if test.slice is test.backend is test.outcome is test.target is None:
            hint = "write what must become of it: slice, backend, outcome or target"
            yield Problem(document.where(("tests", index)), "the test expects nothing", hint)


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


def copies_cannot_write(spec: RoutesSpec, document: Document, folder: Path) -> Iterator[Problem]:
    for name, slice_ in spec.slices.items():
        backend = spec.backends.get(slice_.backend)
        unsafe = [each for each in slice_.shadow.methods if each.encode() not in COPYABLE] if slice_.shadow else []
        if unsafe and backend is not None and not backend.sandbox:
            what = f"slice '{name}' copies {', '.join(unsafe)} to backend '{slice_.backend}', which is no sandbox"
            hint = (
                f"write sandbox: true in backend '{slice_.backend}' if nothing that it writes counts, or copy GET, HEAD"
            )
            yield Problem(document.where(("slices", name, "shadow", "methods")), what, hint)


def public_names_are_known(spec: RoutesSpec, document: Document, folder: Path) -> Iterator[Problem]:
    for name, backend in spec.backends.items() if not spec.hosts else ():
        said = [("host", backend.host)] if backend.host != "preserve" else []
        said += [("links", backend.links)] if backend.links != "keep" else []
        for key, value in said:
            what = f"backend '{name}' has {key}: {value}, but there are no hosts: whose name its own could become"
            hint = "write hosts: and the public names, such as [www.anytown.gov.uk]"
            yield Problem(document.where(("backends", name, key)), what, hint)


CHECKS: tuple[Check, ...] = (
    backends_are_declared,
    slices_have_a_legacy,
    routes_can_match,
    conflicts,
    unreachable,
    redirects_keep_their_tail,
    redirect_loops,
    addresses_are_free,
    backends_lead_elsewhere,
    addresses_speak_alike,
    health_asks_one_path,
    assets_are_claimed,
    named_files_are_there,
    ledger_holds_no_password,
    tests_expect_something,
    ladders_ascend,
    own_writes_come_back,
    copies_cannot_write,
    public_names_are_known,
    comparing_is_understood,
)
