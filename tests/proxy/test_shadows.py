"""The keeper's half of shadowing, before real candidates: good ones, slow ones, and none."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

from proxy.copies import Cause, Outcome, abandoned, begin, end, piece, whole
from proxy.counters import Counters
from proxy.generation import Backend, Generation, Server
from proxy.paths import PathRules
from proxy.plan import Rules
from proxy.shadows import AT_ONCE, Shadows
from proxy.table import Table

REQUEST = (
    b"GET /repairs/4%2F2?q=a%20b HTTP/1.1\r\nHost: www.anytown.gov.uk\r\nCookie: a=1; b=2\r\nAccept: text/html\r\n"
    b"X-Two: 1\r\nX-Two: 2\r\nConnection: close\r\n\r\n"
)
ANSWER = b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nSet-Cookie: kept=1\r\nContent-Length: 2\r\n\r\nok"

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Scene:
    def __init__(self, counters: Counters, worker: socket.socket) -> None:
        self.counters = counters
        self.worker = worker
        self.heads: list[bytes] = []
        self.under_way = self.most = 0
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def candidate(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                self.heads.append(await reader.readuntil(b"\r\n\r\n"))
                self.under_way += 1
                self.most = max(self.most, self.under_way)
                await self.go_on.wait()
                self.under_way -= 1
                writer.write(ANSWER)
        writer.transport.abort()

    def counted(self, number: int = 3) -> dict[str, int]:
        cells = self.counters.shadowed(number)
        return {outcome.name: cells[outcome] for outcome in Outcome if cells[outcome]}

    async def until(self, **wanted: int) -> None:
        async with asyncio.timeout(20):
            while self.counted() != wanted:
                await asyncio.sleep(0.01)  # what is waited for happens over real connections


@contextlib.asynccontextmanager
async def a_scene(port: int | None = None, first_byte: float = 10.0) -> AsyncIterator[Scene]:
    worker, keeper = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    counters = Counters.create(1)
    scene = Scene(counters, worker)
    server = await asyncio.start_server(scene.candidate, "127.0.0.1", 0)
    at = Server("127.0.0.1", port or server.sockets[0].getsockname()[1])
    backend = Backend("new", (at,), b"new", number=3, connect=1.0, first_byte=first_byte)
    with worker, keeper:
        async with server, Shadows(counters, [keeper]) as shadows:
            shadows.take_in(Generation(1, Rules(Table(()), None, frozenset(), PathRules()), {"new": backend}))
            yield scene
    counters.close()


def test_the_candidate_gets_the_request_as_it_is_and_that_it_is_a_copy() -> None:
    async def main() -> None:
        async with a_scene() as scene:
            scene.worker.send(whole(3, 1, REQUEST, [b"HTTP/1.1 200 OK\r\n\r\n"]))
            await scene.until(SENT=1, ANSWERED=1)
            first, *fields = scene.heads[0].decode().split("\r\n")
            assert first == "GET /repairs/4%2F2?q=a%20b HTTP/1.1"
            assert sorted(filter(None, fields)) == [
                "Accept: text/html", "Cookie: a=1; b=2", "Fig-Shadow: 1", "Host: www.anytown.gov.uk", "X-Two: 1",
                "X-Two: 2",
            ]  # fmt: skip

    asyncio.run(main())


def test_a_redirect_is_not_followed_and_a_cookie_not_kept() -> None:
    async def main() -> None:
        async with a_scene() as scene:
            for number in range(2):
                scene.worker.send(whole(3, number, b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n", []))
            await scene.until(SENT=2, ANSWERED=2)
            assert [head.split(b"\r\n")[0] for head in scene.heads] == [b"GET /a HTTP/1.1"] * 2
            assert not any(b"kept" in head for head in scene.heads)

    asyncio.run(main())


def test_an_exchange_in_pieces_is_asked_once() -> None:
    async def main() -> None:
        async with a_scene() as scene:
            request = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
            scene.worker.send(begin(3, 1, request) + piece(3, 1, b"half") + begin(3, 2, request))
            scene.worker.send(piece(3, 1, b"half") + end(3, 1) + abandoned(3, 2, Cause.LARGE))
            await scene.until(SENT=2, ANSWERED=2)
            assert len(scene.heads) == 2

    asyncio.run(main())


def test_only_so_many_are_under_way_and_the_others_are_dropped_and_counted() -> None:
    async def main() -> None:
        async with a_scene() as scene:
            scene.go_on.clear()
            for number in range(AT_ONCE + 5):
                scene.worker.send(whole(3, number, REQUEST, []))
            await scene.until(SENT=AT_ONCE, BUSY=5)
            scene.go_on.set()
            await scene.until(SENT=AT_ONCE, BUSY=5, ANSWERED=AT_ONCE)
            assert scene.most <= AT_ONCE
            scene.worker.send(whole(3, 99, REQUEST, []))
            await scene.until(SENT=AT_ONCE + 1, BUSY=5, ANSWERED=AT_ONCE + 1)

    asyncio.run(main())


def test_a_candidate_that_is_down_or_slow_is_counted() -> None:
    async def main() -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            async with a_scene(port=taken.getsockname()[1]) as scene:
                scene.worker.send(whole(3, 1, REQUEST, []))
                await scene.until(SENT=1, FAILED=1)
        async with a_scene(first_byte=0.2) as scene:
            scene.go_on.clear()
            scene.worker.send(whole(3, 1, REQUEST, []))
            await scene.until(SENT=1, LATE=1)
            scene.go_on.set()

    asyncio.run(main())


def test_what_cannot_be_read_or_has_no_candidate_is_counted_and_the_next_is_asked() -> None:
    async def main() -> None:
        async with a_scene() as scene:
            scene.worker.send(b"no frame")
            scene.worker.send(whole(9, 1, REQUEST, []))
            scene.worker.send(whole(3, 1, b"nonsense", []) + whole(3, 2, REQUEST, []))
            await scene.until(LOST=1, SENT=1, ANSWERED=1)
            assert scene.counted(9) == {"LOST": 1}

    asyncio.run(main())
