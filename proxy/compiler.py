"""From routes.yaml and the holds to a generation. Pure."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import TypedDict, TypeVar

from notation.problems import Where
from proxy.compare.values import USUAL, Comparing
from proxy.copyable import COPYABLE
from proxy.counters import ADDRESSES, BACKENDS, MAX_SERIES
from proxy.ends import Files, backend_of, fronts_of, limits_of
from proxy.generation import Generation
from proxy.model import RedirectSpec, RouteSpec, RoutesSpec, ShadowSpec, SliceSpec
from proxy.paths import PathRules, fold_case
from proxy.plan import FIRST_FREE_SERIES, Rules
from proxy.predicates import Needs
from proxy.sections import NO_SECTIONS, Place, Section, Sections, section
from proxy.stages import FALLS_BACK, LEGACY, Stage, effective
from proxy.table import Claim, Fallback, Gone, Pattern, Redirect, Regex, Route, Shadowing, Table, Timeouts
from proxy.visitors import BUCKETS, Visiting


class SeriesFull(Exception):
    """Reloads have used up the map of counters; a restart begins a new one."""


class Given(TypedDict):
    """Numbers of a SeriesBook, each after what it belongs to."""

    series: list[tuple[str, str, int]]
    backends: list[tuple[str, int]]
    servers: list[tuple[str, str, int]]


class SeriesBook:
    """Which counters belong to what. Numbers are given once and kept, so that a reload loses no count."""

    def __init__(self, given: Given | None = None) -> None:
        given = given or {"series": [], "backends": [], "servers": []}
        self._numbers = {(slice_name, label): number for slice_name, label, number in given["series"]}
        self._next = max((number + 2 for number in self._numbers.values()), default=FIRST_FREE_SERIES)
        self._backends = dict(given["backends"])
        self._servers = {(backend, url): number for backend, url, number in given["servers"]}

    @property
    def given(self) -> Given:
        """Every number given so far, for the supervisor after us; can be written as JSON."""
        return {
            "series": [(slice_name, label, number) for (slice_name, label), number in self._numbers.items()],
            "backends": list(self._backends.items()),
            "servers": [(backend, url, number) for (backend, url), number in self._servers.items()],
        }

    def named_since(self, count: int) -> list[tuple[str, str, int]]:
        """Slice, label and first series of all but the first `count` that were numbered."""
        new = islice(self._numbers.items(), count, None)
        return [(slice_name, label, number) for (slice_name, label), number in new]

    def number(self, slice_name: str, label: str) -> int:
        """The first of two series in a row: what legacy or the proxy answered, and what the slice answered."""
        key = (slice_name, label)
        if key not in self._numbers:
            if self._next + 2 > MAX_SERIES:
                raise SeriesFull("all series of counters are in use")
            self._numbers[key] = self._next
            self._next += 2
        return self._numbers[key]

    def of_backend(self, name: str) -> int:
        """The place of a backend. Raises SeriesFull."""
        return _placed(self._backends, name, BACKENDS)

    def of_server(self, backend: str, url: str) -> int:
        """The place of one address of a backend. Raises SeriesFull."""
        return _placed(self._servers, (backend, url), ADDRESSES)

    @property
    def backends(self) -> Collection[int]:
        """The place of each backend there ever was."""
        return self._backends.values()

    @property
    def servers(self) -> Collection[int]:
        """The place of each address there ever was."""
        return self._servers.values()

    def spans(self) -> dict[str, list[tuple[int, int]]]:
        """By slice, its series from the first of a pair to behind the last: few, as those of one slice lie together."""
        found: dict[str, list[tuple[int, int]]] = {}
        for (slice_name, _), number in self._numbers.items():
            spans = found.setdefault(slice_name, [])
            if spans and spans[-1][1] == number:
                spans[-1] = (spans[-1][0], number + 2)
            else:
                spans.append((number, number + 2))
        return found


K = TypeVar("K")


def _placed(places: dict[K, int], key: K, room: int) -> int:
    number = places.setdefault(key, len(places))
    if number >= room:
        raise SeriesFull("all places of backends in the map of counters are in use")
    return number


@dataclass(frozen=True, slots=True)
class Held:
    """What run-time says above the file: everything to legacy, or a slice no further than a stage."""

    bypass: bool = False
    stages: Mapping[str, Stage] | None = None

    def stage(self, name: str, spec: SliceSpec) -> Stage:
        """The stage the slice is really at."""
        if self.bypass:
            return LEGACY
        return effective(spec.stage, (self.stages or {}).get(name))


NO_FILES: Files = {}
WhereIs = Callable[[Place], Where]


def make_generation(
    number: int, spec: RoutesSpec, held: Held, book: SeriesBook, files: Files = NO_FILES, before: Sections = NO_SECTIONS
) -> tuple[Generation, Sections]:
    """The generation with an empty table, and the claims to fill it with.

    What is as it was in `before`, which the same book numbered, is not compiled again: its claims are the same objects.
    """
    backends = {name: backend_of(name, spec, files, book) for name in spec.backends}
    rules = _rules(spec, Table())
    sections = dict(_sections(spec, held, book, before))
    limits, fronts = limits_of(spec.limits), fronts_of(spec, files)
    return Generation(number, rules, backends, tuple(spec.trust), limits, fronts), sections


def rules_of(spec: RoutesSpec, where: WhereIs, held: Held) -> Rules:
    """What plans are made from, with the table filled: for whoever asks, and does not serve."""
    table = Table()
    for place, made in _sections(spec, held, SeriesBook(), NO_SECTIONS):
        for index, claim in enumerate(made.claims):
            table.add(replace(claim, at=str(where((*place, index)))))
    return _rules(spec, table)


def _rules(spec: RoutesSpec, table: Table) -> Rules:
    return Rules(table, spec.default, frozenset(host.encode() for host in spec.hosts), paths_of(spec))


def _sections(spec: RoutesSpec, held: Held, book: SeriesBook, before: Sections) -> Iterator[tuple[Place, Section]]:
    paths = paths_of(spec)
    for name, slice_spec in spec.slices.items():
        stage = held.stage(name, slice_spec)
        legacy = spec.legacy_of(name)
        sides = slice_spec.backend, legacy
        shadowing = _shadowing(slice_spec, stage, sandbox=spec.backends[slice_spec.backend].sandbox)
        fallback = _fallback(slice_spec, stage, legacy)
        shared = stage.name in FALLS_BACK  # both sides answer citizens, or may
        assets = tuple(path_pattern(path, paths) for path in slice_spec.assets) if shared else ()
        plain = Route(
            name,
            stage,
            *sides,
            False,
            fallback=fallback,
            shadowing=shadowing,
            comparing=_comparing(slice_spec, spec.hosts),
            repeatable=slice_spec.repeatable,
            datasets=tuple(slice_spec.gates.datasets) if slice_spec.gates else (),
            assets=assets,
            visiting=_visiting(name, slice_spec, stage),
        )
        place = ("slices", name, "routes")
        make = partial(_of_route, plain, paths, book)
        yield place, section(before.get(place), (plain, paths), slice_spec.routes, make)
    if held.bypass:
        return
    for key, items, of in (("redirects", spec.redirects, _of_redirect), ("gone", spec.gone, _of_gone)):
        yield (key,), section(before.get((key,)), paths, items, partial(of, paths, book))


def _of_route(plain: Route, paths: PathRules, book: SeriesBook, route: RouteSpec) -> Claim:
    methods, needs = methods_of(route), needs_of(route)
    leads_to = plain
    if methods or route.rewrite:
        rewrite = Pattern.parse(route.rewrite) if route.rewrite else None
        leads_to = replace(plain, names_method=methods is not None, rewrite=rewrite)
    series = book.number(plain.slice, _label(route, needs))
    return Claim(pattern_of(route, paths), methods, leads_to, "", series, route.priority, needs, _timeouts(route))


def _of_redirect(paths: PathRules, book: SeriesBook, redirect: RedirectSpec) -> Claim:
    leads_to = Redirect(Pattern.parse(redirect.to), redirect.status)
    series = book.number("", f"redirect {redirect.from_}")
    return Claim(path_pattern(redirect.from_, paths), None, leads_to, "", series)


def _of_gone(paths: PathRules, book: SeriesBook, path: str) -> Claim:
    return Claim(path_pattern(path, paths), None, Gone(), "", book.number("", f"gone {path}"))


def _fallback(spec: SliceSpec, stage: Stage, legacy: str) -> Fallback | None:
    """Who is asked when the slice fails: nobody once legacy is retired."""
    if spec.fallback is None or stage.name not in FALLS_BACK:
        return None
    return Fallback(spec.fallback.to or legacy, frozenset(spec.fallback.on))


def _shadowing(spec: SliceSpec, stage: Stage, *, sandbox: bool) -> Shadowing | None:
    """What is copied: of safe requests alone, but to a candidate of which nothing that it writes counts."""
    shadow = spec.shadow or (ShadowSpec() if stage.name == "shadow" else None)
    if shadow is None or not (stage.name in ("shadow", "canary") or (stage.name == "live" and shadow.reverse)):
        return None
    methods = frozenset(method.encode() for method in shadow.methods)
    if not (sandbox and stage.name == "shadow"):
        methods &= COPYABLE
    return Shadowing(shadow.sample / 100, methods, shadow.max_body, shadow.reverse)


def _visiting(name: str, spec: SliceSpec, stage: Stage) -> Visiting | None:
    """How a slice knows its visitors, where that decides who answers them."""
    if stage.name not in FALLS_BACK:
        return None
    share = round(stage.percent * BUCKETS / 100) if stage.percent is not None else None
    sticky = spec.sticky.cookie.encode() if spec.sticky is not None else None
    return Visiting(name.encode(), share, sticky, has_datasets=spec.gates is not None and bool(spec.gates.datasets))


def _comparing(spec: SliceSpec, hosts: tuple[str, ...]) -> Comparing:
    """How the answers of a slice are compared."""
    compare = spec.compare
    if compare is None:
        return replace(USUAL, hosts=hosts)
    return Comparing(compare.ignore, compare.noise / 100, compare.keep_values, tuple(compare.keys.items()), hosts)


def _timeouts(route: RouteSpec) -> Timeouts | None:
    if route.timeouts is None:
        return None
    return Timeouts(route.timeouts.first_byte or 0.0, route.timeouts.idle or 0.0)


def paths_of(spec: RoutesSpec) -> PathRules:
    """How this file says that paths are read."""
    return PathRules(case_sensitive=spec.paths.case == "sensitive", strip_params=spec.paths.params == "strip")


def pattern_of(route: RouteSpec, paths: PathRules) -> Pattern | Regex:
    """The paths a route claims."""
    if route.path is not None:
        return path_pattern(route.path, paths)
    assert route.regex is not None
    return Regex(route.regex, not paths.case_sensitive)


def path_pattern(text: str, paths: PathRules) -> Pattern:
    """The paths a redirect or a gone claims; in lower case where case does not count."""
    pattern = Pattern.parse(text)
    return pattern if paths.case_sensitive else Pattern(fold_case(pattern.path), pattern.is_prefix)


def methods_of(route: RouteSpec) -> frozenset[bytes] | None:
    """The methods a route names."""
    return frozenset(method.encode() for method in route.methods) if route.methods else None


def needs_of(route: RouteSpec) -> Needs | None:
    """What a route asks for beside path and method; None if it is nothing."""
    if route.host is None and not route.headers and not route.query and not route.cookies:
        return None
    return Needs(
        route.host.encode() if route.host else None,
        tuple(sorted((name.lower().encode(), value.encode()) for name, value in route.headers.items())),
        tuple(sorted((name.encode(), value.encode()) for name, value in route.query.items())),
        tuple(sorted((name.encode(), value.encode()) for name, value in route.cookies.items())),
    )


def _label(route: RouteSpec, needs: Needs | None) -> str:
    """How a route is called where it is counted: `GET,POST /housing/report host a.gov.uk`."""
    label = route.path or route.regex or ""
    if route.methods:
        label = f"{','.join(sorted(route.methods))} {label}"
    if route.priority:
        label += f" priority {route.priority}"
    return f"{label} {needs}" if needs else label
