"""The table: which claim a request falls to. Pure; built once a generation, read by every request.

    table = Table(); table.add(Claim(Pattern.parse("/repairs/*"), None, Route("repairs", …), "routes.yaml:12", 4))
    table.find(b"/repairs/42", b"GET") -> that Claim

Matching follows the Kubernetes Gateway API's HTTPRoute: an exact path beats every prefix, a longer prefix a shorter
one, a claim that names the method one that does not. Paths are a tree of segments, so a match costs by the depth of
the path, however many claims there are.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from proxy.paths import Readings
from proxy.stages import Stage


@dataclass(frozen=True, slots=True)
class Pattern:
    """A path as routes.yaml writes it: exact (`/search`) or, ending in `/*`, a prefix by path segment."""

    path: bytes
    is_prefix: bool

    @classmethod
    def parse(cls, text: str) -> "Pattern":
        """
        >>> Pattern.parse("/repairs/*")
        Pattern(path=b'/repairs', is_prefix=True)
        """
        if text.endswith("/*"):
            return cls(text[:-2].encode(), is_prefix=True)
        return cls(text.encode(), is_prefix=False)

    def replace(self, path: bytes, to: "Pattern") -> bytes:
        """`path`, which this pattern matches, as `to` writes it.

        `/jobs/7` of `/jobs/*` becomes `/v2/jobs/7` for `/v2/jobs/*`.
        """
        if not (self.is_prefix and to.is_prefix):
            return to.path
        return (to.path + path[len(self.path) :]) or b"/"

    def __str__(self) -> str:
        return self.path.decode() + ("/*" if self.is_prefix else "")


@dataclass(frozen=True, slots=True)
class Route:
    """A pattern of requests that belongs to a slice, and what its slice has come to."""

    slice: str
    stage: Stage
    backend: str
    legacy: str
    names_method: bool
    rewrite: Pattern | None = None


@dataclass(frozen=True, slots=True)
class Redirect:
    """Answered by the proxy: `status` with a Location; `to` is a pattern that may begin with a scheme and a host."""

    to: Pattern
    status: int


@dataclass(frozen=True, slots=True)
class Gone:
    """Answered by the proxy: 410."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One line of the table. `series`: its first row of counters; `at`.

    Where it was written, such as `routes.yaml:12`.
    """

    pattern: Pattern
    methods: frozenset[bytes] | None
    leads_to: Route | Redirect | Gone
    at: str
    series: int

    @property
    def destination(self) -> object:
        """What two readings of one path must agree on: the slice, the redirect or the gone."""
        return self.leads_to.slice if isinstance(self.leads_to, Route) else self.at


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """The readings of one path do not all lead to the same place: refused with 400."""

    readings: tuple[bytes, bytes]


class _Node:
    __slots__ = ("children", "exact", "prefix")

    def __init__(self) -> None:
        self.children: dict[bytes, _Node] = {}
        self.exact: tuple[Claim, ...] = ()
        self.prefix: tuple[Claim, ...] = ()


class Table:
    """Claims by path. Grows by `add`, so that a worker can take in a new one between requests; then it is only read."""

    __slots__ = ("_depth", "_root")

    def __init__(self, claims: Iterable[Claim] = ()) -> None:
        self._root = _Node()
        self._depth = 0
        for claim in claims:
            self.add(claim)

    def add(self, claim: Claim) -> None:
        """Put `claim` in its place; the order of adding does not change a match."""
        node = self._root
        segments = claim.pattern.path.split(b"/")[1:]
        self._depth = max(self._depth, len(segments))
        for segment in segments:
            node = node.children.setdefault(segment, _Node())
        if claim.pattern.is_prefix:
            node.prefix = _ranked((*node.prefix, claim))
        else:
            node.exact = _ranked((*node.exact, claim))

    def find(self, path: bytes, method: bytes) -> Claim | None:
        """The claim that `path` (one reading of it) falls to, or None for the default."""
        node = self._root
        prefixes = [node.prefix] if node.prefix else []
        # The bound keeps a path of thousands of segments as cheap as the table is deep.
        for segment in path.split(b"/", self._depth + 1)[1:]:
            child = node.children.get(segment)
            if child is None:
                break
            node = child
            if node.prefix:
                prefixes.append(node.prefix)
        else:
            for claim in node.exact:
                if claim.methods is None or method in claim.methods:
                    return claim
        for claims in reversed(prefixes):
            for claim in claims:
                if claim.methods is None or method in claim.methods:
                    return claim
        return None

    def match(self, readings: Readings, method: bytes) -> Claim | Ambiguous | None:
        """The claim of the canonical reading, if every other reading leads to the same place."""
        claim = self.find(readings.canonical, method)
        for other in readings.others:
            rival = self.find(other, method)
            if (claim and claim.destination) != (rival and rival.destination):
                return Ambiguous((readings.canonical, other))
        return claim

    def __iter__(self) -> Iterator[Claim]:
        """Every claim in match order: exact before prefix, longer before shorter."""
        found = list(_walk(self._root))
        return iter(
            sorted(found, key=lambda c: (c.pattern.is_prefix, -len(c.pattern.path), c.pattern.path, c.methods is None))
        )


def _ranked(claims: tuple[Claim, ...]) -> tuple[Claim, ...]:
    return tuple(sorted(claims, key=lambda claim: (claim.methods is None, sorted(claim.methods or ()))))


def _walk(node: _Node) -> Iterator[Claim]:
    yield from node.exact
    yield from node.prefix
    for child in node.children.values():
        yield from _walk(child)
