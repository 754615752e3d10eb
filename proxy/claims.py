"""What the table is made of: a pattern of requests, and where it leads. Values only."""

from dataclasses import dataclass
from typing import Protocol

from proxy.asked import Asked
from proxy.compare.values import USUAL, Comparing
from proxy.predicates import NO_NEEDS, Needs
from proxy.stages import Stage
from proxy.visitors import Visiting


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

    @property
    def rank(self) -> tuple[int, int]:
        """Less is better: exact, then the longest prefix; a regex comes after every path of its priority."""
        return (1, -len(self.path)) if self.is_prefix else (0, 0)

    def __str__(self) -> str:
        return self.path.decode() + ("/*" if self.is_prefix else "")


@dataclass(frozen=True, slots=True)
class Regex:
    """An RE2 pattern for the whole path. `folded`: case does not count."""

    text: str
    folded: bool = False

    def replace(self, path: bytes, to: Pattern) -> bytes:
        """What a regex matches has no tail to keep."""
        return to.path

    @property
    def rank(self) -> tuple[int, int]:
        """After every path of its priority."""
        return 2, 0

    def __str__(self) -> str:
        return self.text


class Times(Protocol):
    """How long a backend may take, in seconds: until the first byte of its answer, and between two of them."""

    @property
    def first_byte(self) -> float: ...

    @property
    def idle(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Timeouts:
    """The same, for one route. 0: as its backend has it."""

    first_byte: float = 0.0
    idle: float = 0.0

    def over(self, others: Times) -> "Timeouts":
        """These, and those of `others` where there are none."""
        return Timeouts(self.first_byte or others.first_byte, self.idle or others.idle)


@dataclass(frozen=True, slots=True)
class Fallback:
    """The backend that is asked when the slice's fails, and the causes for which it is."""

    to: str
    on: frozenset[str | int]


@dataclass(frozen=True, slots=True)
class Shadowing:
    """Which exchanges of a slice are copied: a share of them (0 to 1), of these methods, up to a size of the body.

    `reverse`: at `live` too, to legacy. None of a slice of which nothing is copied, as it stands.
    """

    sample: float
    methods: frozenset[bytes]
    max_body: int
    reverse: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """A pattern of requests that belongs to a slice, and what its slice has come to. `datasets`: it answers from."""

    slice: str
    stage: Stage
    backend: str
    legacy: str
    names_method: bool
    rewrite: Pattern | None = None
    fallback: Fallback | None = None
    shadowing: Shadowing | None = None
    comparing: Comparing = USUAL
    repeatable: bool = False
    datasets: tuple[str, ...] = ()
    assets: tuple[Pattern, ...] = ()
    visiting: Visiting | None = None


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
    """One line of the table. `series`: its first row of counters.

    `at`: where it was written, such as `routes.yaml:12`, for whoever explains. A worker, which never says it, gets a
    claim without: so a line that is put in above it changes nothing.
    """

    pattern: Pattern | Regex
    methods: frozenset[bytes] | None
    leads_to: Route | Redirect | Gone
    at: str
    series: int
    priority: int = 0
    needs: Needs | None = None
    timeouts: Timeouts | None = None

    def fits(self, asked: Asked) -> bool:
        """Whether a request whose path it matches has the method and everything else it asks for."""
        return (self.methods is None or asked.method in self.methods) and (
            self.needs is None or self.needs.met_by(asked)
        )

    @property
    def visiting(self) -> Visiting | None:
        """How its slice knows its visitors, where it does."""
        return self.leads_to.visiting if isinstance(self.leads_to, Route) else None

    @property
    def destination(self) -> object:
        """What two readings of one path must agree on: the slice, the redirect or the gone."""
        return self.leads_to.slice if isinstance(self.leads_to, Route) else self.pattern

    @property
    def rank(self) -> tuple[object, ...]:
        """Less is better. Two of one rank cannot meet in one request: `fig check` sees to that."""
        return (-self.priority, self.pattern.rank, self.methods is None, (self.needs or NO_NEEDS).rank, self.at)

    def __str__(self) -> str:
        return str(self.pattern)
