"""Both ends of the proxy as workers need them: how listeners and backends are spoken to, and the limits. Pure."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from notation.units import percent
from proxy.breaker import Breaking
from proxy.cookies import Seen
from proxy.generation import Backend, BackendTls, Certificate, Front, HeadLimits, Limits, LogSettings, Probing, Server
from proxy.model import BackendSpec, LimitsSpec, LogSpec, RoutesSpec
from proxy.translate.place import Place, Translation, ports_of


class Places(Protocol):
    """Where backends and their addresses are counted."""

    def of_backend(self, name: str) -> int:
        """The place of a backend."""

    def of_server(self, backend: str, url: str) -> int:
        """The place of one of its addresses."""


Files = Mapping[str, bytes]  # what stands in the files that routes.yaml names, by the name it gives them


def named_files(spec: RoutesSpec) -> set[str]:
    """Every certificate, key and authority that the file names."""
    towards_citizens = {name for listener in spec.listen for each in listener.tls for name in (each.cert, each.key)}
    tls = [backend.tls for backend in spec.backends.values()]
    return towards_citizens | {name for each in tls for name in (each.ca, each.cert, each.key) if name}


def limits_of(limits: LimitsSpec) -> Limits:
    """The limits of one citizen's connection."""
    return Limits(
        HeadLimits(limits.head, limits.target, limits.fields),
        body=limits.body,
        connections=limits.connections,
        per_address=limits.per_address,
        head_time=limits.head_time,
        body_idle=limits.body_idle,
        idle=limits.idle,
    )


def log_of(log: LogSpec, folder: Path) -> LogSettings:
    """What the access log tells of, and where it is; `folder`: that of routes.yaml."""
    sampled = {"off": 0.0, "all": 100.0}.get(log.access, percent(log.access.removeprefix("sampled ")))
    return LogSettings((sampled or 0.0) / 100, log.format, str(folder / log.file) if log.file is not None else None)


def fronts_of(spec: RoutesSpec, files: Files) -> tuple[Front, ...]:
    """How each listener speaks, in the order of `listen:`."""
    return tuple(
        Front(
            tuple(
                Certificate(files.get(each.cert, b""), files.get(each.key, b""), each.names) for each in listener.tls
            ),
            int(listener.hsts) if listener.hsts else None,
        )
        for listener in spec.listen
    )


def seen_cookies(name: str, spec: RoutesSpec) -> Seen:
    """The cookies that a backend may see. A slice's service sees those it is said to, and no others."""
    backend = spec.backends[name]
    if "cookies" not in backend.model_fields_set and all(each.backend != name for each in spec.slices.values()):
        return "all but ours" if any(each.stage.name == "canary" for each in spec.slices.values()) else None
    return frozenset(cookie.encode() for cookie in backend.cookies)


def backend_of(name: str, whole: RoutesSpec, files: Files, places: Places) -> Backend:
    """One backend, whose addresses speak alike."""
    spec = whole.backends[name]
    return Backend(
        name,
        tuple(Server(url.host, url.port, places.of_server(name, str(url))) for url in spec.url),
        spec.url[0].authority.encode(),
        spec.timeouts.connect,
        spec.timeouts.first_byte,
        spec.timeouts.idle,
        tls_of(spec, files),
        seen_cookies(name, whole),
        places.of_backend(name),
        spec.retries.budget / 100,
        translation_of(name, whole),
        Breaking(spec.breaker.errors / 100, spec.breaker.of, spec.breaker.cool),
        spec.connections,
        spec.queue,
        Probing(spec.health.path, spec.health.every) if spec.health is not None else None,
        spec.sandbox,
    )


def translation_of(name: str, whole: RoutesSpec) -> Translation | None:
    """How a backend is spoken to that goes by another name, or is asked for other paths, than citizens know.

    None for every other. Its own addresses are those of `url:`, and the name that `host:` gives it. Of several
    addresses the first names it.
    """
    spec = whole.backends[name]
    if spec.host == "preserve" and spec.links == "keep":
        routes = (route for each in whole.slices.values() if each.backend == name for route in each.routes)
        return Translation(None, ()) if any(route.rewrite for route in routes) else None
    own: dict[bytes, frozenset[int]] = {}
    for url in spec.url:
        host = url.written_host.encode()
        own[host] = own.get(host, frozenset()) | ports_of(url.port)
    first = spec.url[0]
    called = None
    if spec.host == "backend":
        called = Place.at(first.scheme.encode(), first.written_host.encode(), first.port)
    elif spec.host != "preserve":
        called = Place(first.scheme.encode(), spec.host.encode())
        own[called.host] = own.get(called.host, frozenset()) | ports_of(0) | ports_of(first.port)
    return Translation(called, tuple(own.items()), spec.links == "rewrite")


def tls_of(spec: BackendSpec, files: Files) -> BackendTls | None:
    """How a backend is spoken to in TLS; None where it is not."""
    if spec.url[0].scheme != "https":
        return None
    tls = spec.tls
    ca, cert, key = (files.get(name, b"") if name else None for name in (tls.ca, tls.cert, tls.key))
    return BackendTls(tls.verify, ca, cert, key)
