"""From routes.yaml and the holds to a generation. Pure."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from notation.problems import Where
from proxy.counters import MAX_SERIES
from proxy.generation import Backend, Generation, HeadLimits, Limits
from proxy.model import RouteSpec, RoutesSpec, SliceSpec
from proxy.paths import PathRules, fold_case
from proxy.plan import FIRST_FREE_SERIES, Rules
from proxy.stages import LEGACY, Stage, effective
from proxy.table import Claim, Gone, Pattern, Redirect, Route, Table


class SeriesFull(Exception):
    """Reloads have used up the map of counters; a restart begins a new one."""


class SeriesBook:
    """Which series of counters belongs to what. Numbers are given once and kept, so that a reload loses no count."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, str], int] = {}
        self._next = FIRST_FREE_SERIES

    def number(self, slice_name: str, label: str) -> int:
        """The first of two series in a row: what legacy or the proxy answered, and what the slice answered."""
        key = (slice_name, label)
        if key not in self._numbers:
            if self._next + 2 > MAX_SERIES:
                raise SeriesFull("all series of counters are in use")
            self._numbers[key] = self._next
            self._next += 2
        return self._numbers[key]

    def of_slice(self, slice_name: str) -> Iterator[int]:
        """The first series of each claim a slice has ever had."""
        return (number for (name, _), number in self._numbers.items() if name == slice_name)


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


WhereIs = Callable[[tuple[str | int, ...]], Where]


def make_generation(
    number: int, spec: RoutesSpec, where: WhereIs, held: Held, book: SeriesBook
) -> tuple[Generation, tuple[Claim, ...]]:
    """The generation with an empty table, and the claims to fill it with, in no particular order."""
    paths = PathRules(case_sensitive=spec.paths.case == "sensitive", strip_params=spec.paths.params == "strip")
    backends = {
        name: Backend(
            name,
            backend.url[0].host,
            backend.url[0].port,
            backend.url[0].authority.encode(),
            backend.timeouts.connect,
            backend.timeouts.first_byte,
            backend.timeouts.idle,
        )
        for name, backend in spec.backends.items()
    }
    limits = Limits(
        HeadLimits(spec.limits.head, spec.limits.target, spec.limits.fields),
        spec.limits.body,
        spec.limits.head_time,
        spec.limits.body_idle,
        spec.limits.idle,
    )
    rules = Rules(Table(), spec.default, frozenset(host.encode() for host in spec.hosts), paths)
    claims = tuple(_claims(spec, where, held, book, paths))
    return Generation(number, rules, backends, tuple(spec.trust), limits), claims


def _claims(spec: RoutesSpec, where: WhereIs, held: Held, book: SeriesBook, paths: PathRules) -> Iterator[Claim]:
    for name, slice_spec in spec.slices.items():
        stage = held.stage(name, slice_spec)
        legacy = spec.legacy_of(name)
        for index, route in enumerate(slice_spec.routes):
            assert route.path is not None
            methods = frozenset(method.encode() for method in route.methods) if route.methods else None
            rewrite = Pattern.parse(route.rewrite) if route.rewrite else None
            leads_to = Route(name, stage, slice_spec.backend, legacy, methods is not None, rewrite)
            at = str(where(("slices", name, "routes", index)))
            yield Claim(_pattern(route.path, paths), methods, leads_to, at, book.number(name, label_of(route)))
    if held.bypass:
        return
    for index, redirect in enumerate(spec.redirects):
        leads = Redirect(Pattern.parse(redirect.to), redirect.status)
        at = str(where(("redirects", index)))
        yield Claim(_pattern(redirect.from_, paths), None, leads, at, book.number("", f"redirect {redirect.from_}"))
    for index, path in enumerate(spec.gone):
        yield Claim(_pattern(path, paths), None, Gone(), str(where(("gone", index))), book.number("", f"gone {path}"))


def _pattern(text: str, paths: PathRules) -> Pattern:
    pattern = Pattern.parse(text)
    return pattern if paths.case_sensitive else Pattern(fold_case(pattern.path), pattern.is_prefix)


def label_of(route: RouteSpec) -> str:
    """How a route is called where it is counted: `GET,POST /housing/report`."""
    methods = ",".join(sorted(route.methods or ()))
    return f"{methods} {route.path}".strip()
