"""The keeper's probes, over real sockets, and what they write for the workers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from time import monotonic

import pytest

from proxy.counters import Counters
from proxy.generation import Backend, BackendTls, Generation, Probing
from proxy.generation import Server as Address
from proxy.health import Health, Probe, probes_of
from proxy.paths import PathRules
from proxy.plan import Rules
from proxy.standing import FOUND, is_down
from proxy.table import Table

EVERY = 0.05


class Server:
    """Answers with `reply`; nothing while it is empty. `asked`: what it was sent."""

    def __init__(self, status: int) -> None:
        self.status = status
        self.asked: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            self.asked.append(await reader.readuntil(b"\r\n\r\n"))
            if self.status:
                writer.write(b"HTTP/1.1 %d X\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n" % self.status)
            await reader.read()
        writer.close()


@contextlib.asynccontextmanager
async def probed(server: Server, every: float = EVERY) -> AsyncIterator[tuple[Callable[[], bool], Counters]]:
    """A keeper's probes of one server; whether a worker would take it to be down."""
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    counters = Counters.create(1)
    async with Health(counters) as health:
        health.take_in(serving(at(listener.sockets[0].getsockname()[1], every)))
        yield lambda: is_down(counters.found_by_keeper(3), int(monotonic() * 1000)), counters
    listener.close()


def at(port: int, every: float) -> Backend:
    return Backend("b", (Address("127.0.0.1", port, 3),), b"b", health=Probing("/healthz?deep=1", every))


def serving(backend: Backend) -> Generation:
    return Generation(1, Rules(Table(), "b", frozenset(), PathRules()), {"b": backend})


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():  # another process would write it: there is no event
            await asyncio.sleep(0.005)  # what is waited for happens over real connections


@pytest.mark.parametrize(("status", "down"), [(200, False), (204, False), (302, False), (404, True), (503, True)])
def test_what_an_answer_says(status: int, down: bool) -> None:
    async def main() -> None:
        server = Server(status)
        async with probed(server, 10.0) as (is_now_down, counters):
            await until(lambda: counters.found_by_keeper(3)[FOUND] > 0)
            assert is_now_down() is down
            assert server.asked[0].startswith(b"GET /healthz?deep=1 HTTP/1.1\r\nHost: 127.0.0.1:")
            assert len(server.asked) == 1, "a redirect is an answer, and not followed"

    asyncio.run(main())


def test_silence_is_down_and_an_answer_is_up_again(capsys: pytest.CaptureFixture[str]) -> None:
    async def main() -> None:
        server = Server(0)
        async with probed(server) as (is_now_down, _):
            await until(is_now_down)
            server.status = 200
            await until(lambda: not is_now_down() and server.asked != [])

    asyncio.run(main())
    said = capsys.readouterr().err
    assert "is down: it did not answer within 0.05 s" in said
    assert "is up again" in said
    assert said.count("is down") <= said.count("is up again"), "each change is said once"


def test_who_cannot_be_reached_is_down(dead_port: Callable[[], int]) -> None:
    async def main() -> None:
        counters = Counters.create(1)
        async with Health(counters) as health:
            health.take_in(serving(at(dead_port(), EVERY)))
            await until(lambda: is_down(counters.found_by_keeper(3), int(monotonic() * 1000)))

    asyncio.run(main())


def test_without_a_keeper_its_word_lapses() -> None:
    async def main() -> None:
        async with probed(Server(500)) as (is_now_down, _):
            await until(is_now_down)
        await until(lambda: not is_now_down())

    asyncio.run(main())


def test_it_probes_whom_the_generation_says() -> None:
    tls = BackendTls(verify=False)
    plain = Backend("a", (Address("10.0.0.1", 80, 1), Address("::1", 81, 2)), b"a", health=Probing("/up", 5.0))
    assert list(probes_of(plain)) == [
        Probe("a", 1, "http://10.0.0.1:80/up", 5.0),
        Probe("a", 2, "http://[::1]:81/up", 5.0),
    ]
    assert next(probes_of(replace(plain, tls=tls))).url == "https://10.0.0.1:80/up"
    assert not list(probes_of(replace(plain, health=None)))


def test_who_is_no_longer_to_be_asked_is_not() -> None:
    async def main() -> None:
        server = Server(200)
        listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        backend = at(listener.sockets[0].getsockname()[1], EVERY)
        async with Health(Counters.create(1)) as health:
            health.take_in(serving(backend))
            await until(lambda: len(server.asked) > 2)
            health.take_in(serving(replace(backend, health=None)))
            await asyncio.sleep(0)  # the probe that was cancelled ends
            before = len(server.asked)
            health.take_in(serving(replace(backend, health=Probing("/other", EVERY))))
            await until(lambda: any(request.startswith(b"GET /other ") for request in server.asked))
            assert all(not request.startswith(b"GET /healthz") for request in server.asked[before + 1 :])
        listener.close()

    asyncio.run(main())
