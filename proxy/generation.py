"""A generation: everything a worker serves by.

Plain values, light to import, handed from the supervisor to each worker.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from proxy.breaker import USUAL, Breaking
from proxy.cookies import Seen
from proxy.headers import Network
from proxy.plan import Rules
from proxy.translate.place import Translation


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate towards citizens, in PEM, and the names it is presented for.

    By value: what was tried before a generation took effect is what a worker uses, whatever became of the file.
    """

    cert: bytes
    key: bytes
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Front:
    """How one listener speaks: plainly, or in TLS with these certificates; `hsts` in seconds, or None."""

    certificates: tuple[Certificate, ...] = ()
    hsts: int | None = None


@dataclass(frozen=True, slots=True)
class BackendTls:
    """How a backend is spoken to in TLS: the authority, our certificate and its key in PEM."""

    verify: bool = True
    ca: bytes | None = None
    cert: bytes | None = None
    key: bytes | None = None


@dataclass(frozen=True, slots=True)
class Server:
    """One address of a backend; `number`: its place in the map of counters."""

    host: str
    port: int
    number: int = 0


@dataclass(frozen=True, slots=True)
class Probing:
    """`health:` of a backend: what its addresses are asked, and how often, in seconds."""

    path: str
    every: float


@dataclass(frozen=True, slots=True)
class Backend:
    """Something that can answer, at one address or several. Times in seconds.

    `host_field`: its own name, for a request that came without Host; `cookies`: those it may see;
    `number`: its place in the map of counters; `budget`: the share of extra requests;
    `translation`: where it goes by another name than citizens know it by; `breaking`: how its breaker acts;
    `connections` and `queue`: how many there may be, and may wait for one, over all workers; `sandbox`: nothing that it
    writes counts.
    """

    name: str
    servers: tuple[Server, ...]
    host_field: bytes
    connect: float = 2.0
    first_byte: float = 60.0
    idle: float = 60.0
    tls: BackendTls | None = None
    cookies: Seen = None
    number: int = 0
    budget: float = 0.2
    translation: Translation | None = None
    breaking: Breaking = USUAL
    connections: int = 256
    queue: int = 100
    health: Probing | None = None
    sandbox: bool = False

    def __hash__(self) -> int:
        return hash(self.name)  # what each request looks its pool up by


@dataclass(frozen=True, slots=True)
class HeadLimits:
    """Bytes of a head and of its target, and how many fields it may have."""

    head: int = 32 * 1024
    target: int = 8 * 1024
    fields: int = 200


@dataclass(frozen=True, slots=True)
class Limits:
    """`limits:` of routes.yaml; bytes and seconds."""

    head: HeadLimits = HeadLimits()
    body: int = 1 << 30
    connections: int = 10_000
    per_address: int = 1024
    head_time: float = 10.0
    body_idle: float = 30.0
    idle: float = 75.0


@dataclass(frozen=True, slots=True)
class LogSettings:
    """`log:` of routes.yaml. `share` of the requests, 0 to 1, has a line; `file` None: on standard output."""

    share: float = 0.0
    format: Literal["json", "combined"] = "json"
    file: str | None = None


@dataclass(frozen=True, slots=True)
class Generation:
    """Everything a request is served by; a request finishes on the one it began with."""

    number: int
    rules: Rules
    backends: Mapping[str, Backend]
    trust: tuple[Network, ...] = ()
    limits: Limits = Limits()
    fronts: tuple[Front, ...] = (Front(),)
    grace: float = 30.0
    log: LogSettings = LogSettings()
