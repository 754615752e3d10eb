"""A generation: everything a worker serves by.

Plain values, light to import, handed from the supervisor to each worker.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from proxy.headers import Network
from proxy.plan import Rules


@dataclass(frozen=True, slots=True)
class Backend:
    """A server that can answer. Times in seconds; `host_field`.

    Its own address, for a request that came without Host.
    """

    name: str
    host: str
    port: int
    host_field: bytes
    connect: float = 2.0
    first_byte: float = 60.0
    idle: float = 60.0


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
    head_time: float = 10.0
    body_idle: float = 30.0
    idle: float = 75.0


@dataclass(frozen=True, slots=True)
class Generation:
    """Everything a request is served by; a request finishes on the one it began with."""

    number: int
    rules: Rules
    backends: Mapping[str, Backend]
    trust: tuple[Network, ...] = ()
    limits: Limits = Limits()
