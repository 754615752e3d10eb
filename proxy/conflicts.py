"""Claims of the one table that cannot stand together: two that are equal in all, and redirects that never arrive."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from urllib.parse import urlsplit

from notation.marked_yaml import Document
from notation.marked_yaml import Path as Place
from notation.problems import Problem
from proxy.model import RedirectSpec, RoutesSpec
from proxy.patterns import canonical, is_prefix, stem

Pairs = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Claim:
    """A route, redirect or gone path, with all that its rank is made of."""

    said: str
    place: Place
    path: str  # or a regex
    is_regex: bool = False
    priority: int = 0
    host: str | None = None
    methods: frozenset[str] | None = None
    predicates: tuple[Pairs, Pairs, Pairs] = field(default=({}, {}, {}))  # headers, query, cookies
    redirect: int | None = None

    @property
    def rank(self) -> object:
        """What the table orders claims by; claims of one path and rank are equal in all."""
        return self.priority, self.is_regex, self.methods is not None, tuple(map(len, self.predicates))

    def can_meet(self, other: "Claim") -> bool:
        """Whether one request could match both (their paths being the same)."""
        if self.methods is not None and other.methods is not None and not self.methods & other.methods:
            return False
        if self.host and other.host and self.host != other.host:
            return False
        both = zip(self.predicates, other.predicates, strict=True)
        return all(mine[name] == theirs[name] for mine, theirs in both for name in mine.keys() & theirs.keys())


def conflicts(spec: RoutesSpec, document: Document, folder: Path) -> Iterator[Problem]:
    """Two claims that are equal in all and could match one request, so that only their order could decide."""
    by_path: dict[str, list[Claim]] = {}
    for claim in claims(spec):
        by_path.setdefault(_folded(claim.path, spec), []).append(claim)
    for rivals in by_path.values():
        for first, second in combinations(rivals, 2):
            if first.rank == second.rank and first.can_meet(second):
                line = document.where(first.place).line
                what = f"'{second.path}' is claimed by {second.said} here and by {first.said} on line {line}"
                hint = "keep one, or let one say more: methods, another path, a priority"
                yield Problem(document.where(second.place), what, hint)


def redirect_loops(spec: RoutesSpec, document: Document, folder: Path) -> Iterator[Problem]:
    """Redirects that lead to themselves, at once or by way of others."""
    plain = {_folded(c.path, spec): c for c in claims(spec) if not c.is_regex and c.methods is None and not c.host
             and not any(c.predicates)}  # fmt: skip
    reported: set[int] = set()
    for start in range(len(spec.redirects)):
        trail: list[int] = []
        step: int | None = start
        while step is not None and step not in trail:
            trail.append(step)
            step = _next(spec, plain, spec.redirects[step])
        if step is None or step != start or start in reported:
            continue
        reported.update(trail)
        way = " -> ".join(spec.redirects[index].from_ for index in (*trail, start))
        what = f"redirect from '{spec.redirects[start].from_}' leads back to itself: {way}"
        yield Problem(document.where(("redirects", start)), what, "let it lead to a path that no redirect claims")


def claims(spec: RoutesSpec) -> Iterator[Claim]:
    """Everything that competes in the one table, in the order of the file's sections."""
    for name, slice_ in spec.slices.items():
        for index, route in enumerate(slice_.routes):
            yield Claim(
                f"slice '{name}'",
                ("slices", name, "routes", index),
                route.path or route.regex or "",
                route.regex is not None,
                route.priority,
                route.host,
                frozenset(route.methods) if route.methods else None,
                ({key.lower(): value for key, value in route.headers.items()}, route.query, route.cookies),
            )
    for index, redirect in enumerate(spec.redirects):
        yield Claim("a redirect", ("redirects", index), redirect.from_, redirect=index)
    for index, path in enumerate(spec.gone):
        yield Claim("gone", ("gone", index), path)


def _folded(path: str, spec: RoutesSpec) -> str:
    return path.lower() if spec.paths.case == "insensitive" else path


def _next(spec: RoutesSpec, plain: Mapping[str, Claim], redirect: RedirectSpec) -> int | None:
    """The redirect that answers where this one leads, if one does."""
    to = redirect.to
    if not to.startswith("/"):
        parts = urlsplit(to)
        if parts.hostname not in spec.hosts:
            return None
        to = parts.path or "/"
    to = to.partition("?")[0].partition("#")[0]
    body = _folded(canonical(stem(to)) if stem(to) else "", spec)
    if not is_prefix(to) and body in plain:
        return plain[body].redirect
    while True:
        if claim := plain.get(f"{body}/*"):
            return claim.redirect
        if not body:
            return None
        body = body.rpartition("/")[0]
