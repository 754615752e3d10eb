"""How each backend stands, for `fig status` and the admin page: plain values that can be written as JSON."""

from collections.abc import Iterable

from proxy.copies import Cause, Outcome
from proxy.counters import Counters
from proxy.generation import Backend, Server
from proxy.standing import (
    AT_ADDRESS,
    CONNECTIONS,
    DOWN,
    EJECTED,
    FALLBACKS,
    FOUND,
    IDLE,
    IDLE_AT_ADDRESS,
    NOT_COPIED,
    QUEUED,
    REFUSED,
    RETRIES,
    Standing,
    is_silent,
)
from proxy.votes import Votes


def backends(counters: Counters, served: Iterable[Backend], now: int) -> list[dict[str, object]]:
    """Each backend of the generation that is served; `now` in milliseconds of the machine's monotonic clock."""
    return [_backend(counters, each, now) for each in served]


def _backend(counters: Counters, backend: Backend, now: int) -> dict[str, object]:
    standing = Standing(counters.of_backend(backend.number), 0)
    connections = standing.total(CONNECTIONS)
    return {
        "name": backend.name,
        "breaker": Votes(standing, backend.breaking).state(now).value,
        "in_flight": max(0, connections - standing.total(IDLE)),
        "connections": connections,
        "queued": standing.total(QUEUED),
        "refused": standing.total(REFUSED),
        "retries": standing.total(RETRIES),
        "fallbacks": standing.total(FALLBACKS),
        "copies": _copies(counters, backend, standing),
        "addresses": [_address(counters, server, now) for server in backend.servers],
    }


def _copies(counters: Counters, backend: Backend, standing: Standing) -> dict[str, int]:
    """What became of the exchanges that were to be copied to it: by the keeper, and those that never reached it."""
    cells = counters.shadowed(backend.number)
    return {
        **{outcome.name.lower(): cells[outcome] for outcome in Outcome},
        **{cause.name.lower(): standing.total(NOT_COPIED[cause]) for cause in Cause},
    }


def shown(server: Server) -> str:
    """Its address for people: `10.0.0.7:9001`, `[fd00::7]:9001`."""
    return f"[{server.host}]:{server.port}" if ":" in server.host else f"{server.host}:{server.port}"


def _address(counters: Counters, server: Server, now: int) -> dict[str, object]:
    rows, found = counters.of_server(server.number), counters.found_by_keeper(server.number)
    known = found[FOUND] and not is_silent(found, now)
    return {
        "address": shown(server),
        "health": ("down" if found[DOWN] else "up") if known else "not known",
        "ejected": max(row[EJECTED] for row in rows) > now,
        "in_flight": max(0, sum(row[AT_ADDRESS] - row[IDLE_AT_ADDRESS] for row in rows)),
    }
