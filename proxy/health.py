"""Whether each address of a backend is up: asked by the keeper, told to the workers in the shared map.

An address is down if it does not answer `health.path` with a status under 400 within `health.every`. A worker believes
that for three silent intervals: without a keeper every address is usable again.
"""

import asyncio
import ssl
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic
from types import TracebackType
from typing import Self

import aiohttp

from proxy.counters import Counters
from proxy.generation import Backend, BackendTls, Generation
from proxy.standing import DOWN, EVERY, FOUND
from proxy.wire.tls import client_context


@dataclass(frozen=True, slots=True)
class Probe:
    """One address to ask. `number`: its place in the map of counters; `every` in seconds."""

    backend: str
    number: int
    url: str
    every: float
    tls: BackendTls | None = None


def probes_of(backend: Backend) -> Iterator[Probe]:
    """Every address of a backend, if it is to be asked."""
    if backend.health is None:
        return
    for server in backend.servers:
        host = f"[{server.host}]" if ":" in server.host else server.host
        url = f"{'https' if backend.tls else 'http'}://{host}:{server.port}{backend.health.path}"
        yield Probe(backend.name, server.number, url, backend.health.every, backend.tls)


class Health:
    """Asks every address in its turn."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._asking: dict[Probe, asyncio.Task[None]] = {}

    async def __aenter__(self) -> Self:
        jar, connector = aiohttp.DummyCookieJar(), aiohttp.TCPConnector(force_close=True, limit=0)
        headers = {"User-Agent": "stranglerfig-health"}
        self._session = aiohttp.ClientSession(cookie_jar=jar, connector=connector, headers=headers)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._asking.values():
            task.cancel()
        await asyncio.gather(*self._asking.values(), return_exceptions=True)
        await self._session.close()

    def take_in(self, generation: Generation) -> None:
        """Ask whom this generation says, from now on."""
        wanted = {probe for backend in generation.backends.values() for probe in probes_of(backend)}
        for gone in self._asking.keys() - wanted:
            self._asking.pop(gone).cancel()
        for probe in wanted - self._asking.keys():
            self._asking[probe] = asyncio.create_task(self._ask(probe))

    async def _ask(self, probe: Probe) -> None:
        cells = self._counters.found_by_keeper(probe.number)
        context = client_context(probe.tls) if probe.tls is not None else True
        while True:
            began = monotonic()
            why = await self._fault(probe, context)
            if bool(why) != bool(cells[DOWN]):
                state = f"is down: {why}" if why else "is up again"
                print(f"keeper: backend {probe.backend}: {probe.url} {state}", file=sys.stderr, flush=True)  # noqa: T201
            cells[EVERY] = int(probe.every * 1000)
            cells[DOWN] = int(bool(why))
            cells[FOUND] = int(monotonic() * 1000)  # the workers' clock: one of the whole machine
            await asyncio.sleep(began + probe.every - monotonic())

    async def _fault(self, probe: Probe, context: ssl.SSLContext | bool) -> str:
        """Why an address is not to be asked; empty if it may."""
        try:
            timeout = aiohttp.ClientTimeout(total=probe.every)
            async with self._session.get(probe.url, timeout=timeout, allow_redirects=False, ssl=context) as reply:
                return "" if reply.status < 400 else f"it answered with {reply.status}"
        except TimeoutError:
            return f"it did not answer within {probe.every:g} s"
        except (aiohttp.ClientError, OSError) as error:
            return str(error) or type(error).__name__
