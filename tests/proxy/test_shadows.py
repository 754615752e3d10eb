"""The keeper's half of shadowing, before real candidates: good ones, slow ones, and none."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

from proxy import pacing
from proxy.asking import Asking
from proxy.claims import Claim, Pattern, Route, Shadowing
from proxy.compare.values import Reply
from proxy.copies import ABANDONED, BEGIN, END, PIECE, WHOLE, Cause, Outcome, frames, pack
from proxy.counters import Counters
from proxy.exchanged import Exchanged, Failure
from proxy.generation import Backend, Generation, Server
from proxy.intake import Served
from proxy.paths import PathRules
from proxy.plan import Rules
from proxy.shadows import AT_ONCE, Shadows
from proxy.stages import LIVE, SHADOW, Stage
from proxy.table import Table
from proxy.trace import opening
from proxy.waiting import PATIENCE, WAITING, WAITING_BYTES, Waiting

TRACE = opening(b"5f0c", b"0123456789abcdef") % (1, 2, 2)
REQUEST = (
    b"GET /repairs/4%2F2?q=a%20b HTTP/1.1\r\nHost: www.anytown.gov.uk\r\nCookie: a=1; b=2\r\nAccept: text/html\r\n"
    b"X-Two: 1\r\nx-two: 2\r\nFig-Shadow: no\r\nX-Forwarded-For: 203.0.113.9\r\nConnection: close\r\n\r\n"
)
PLAIN = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
ANSWER = b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nSet-Cookie: kept=1\r\nContent-Length: 2\r\n\r\nok"
REPLY = b"HTTP/1.1 200 OK\r\nX-Old: 1\r\n\r\nold"
METHODS = frozenset((b"GET", b"HEAD"))

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def told(request: bytes, reply: bytes = REPLY) -> bytes:
    return b"http 192.0.2.7\r\n" + TRACE + b"\r\n" + request + reply


def whole(request: bytes, series: int = 4, place: int = 3, body: int = 0, by_slice: bool = False) -> bytes:
    data = told(request)
    return pack(len(data), WHOLE, by_slice, place, 0, series, body, 1500) + data


class Scene:
    """A worker's end of the socket, a candidate, and what came of both."""

    def __init__(self, counters: Counters, worker: socket.socket) -> None:
        self.counters = counters
        self.worker = worker
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []
        self.under_way = self.most = 0
        self.answer = ANSWER
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.answers: list[tuple[Exchanged, Reply | Failure]] = []
        self.lost: list[tuple[int, Outcome]] = []

    async def begins(self, _: Exchanged) -> bool:
        return False

    def answered(self, exchanged: Exchanged, answer: Reply | Failure, *, again: bool) -> None:
        assert not again
        self.answers.append((exchanged, answer))

    def missed(self, series: int, outcome: Outcome) -> None:
        self.lost.append((series, outcome))

    async def candidate(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.heads.append(head)
                length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
                if b"Transfer-Encoding" in head:
                    self.bodies.append(await reader.readuntil(b"0\r\n\r\n"))
                else:
                    self.bodies.append(await reader.readexactly(int(length or b"0")))
                self.under_way += 1
                self.most = max(self.most, self.under_way)
                await self.go_on.wait()
                self.under_way -= 1
                writer.write(self.answer)
        writer.transport.abort()

    def counted(self, number: int = 3) -> dict[str, int]:
        cells = self.counters.shadowed(number)
        return {outcome.name: cells[outcome] for outcome in Outcome if cells[outcome]}

    async def until(self, **wanted: int) -> None:
        async with asyncio.timeout(20):
            while self.counted() != wanted:
                await asyncio.sleep(0.01)  # what is waited for happens over real connections


@contextlib.asynccontextmanager
async def a_scene(
    port: int | None = None,
    first_byte: float = 10.0,
    stage: Stage = SHADOW,
    sandbox: bool = False,
    rewrite: str | None = None,
    cookies: frozenset[bytes] | None = frozenset((b"b",)),
) -> AsyncIterator[Scene]:
    worker, keeper = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    counters = Counters.create(1)
    scene = Scene(counters, worker)
    server = await asyncio.start_server(scene.candidate, "127.0.0.1", 0)
    at = Server("127.0.0.1", port or server.sockets[0].getsockname()[1])
    new = Backend("new", (at,), b"new", 1.0, first_byte, first_byte, cookies=cookies, number=3, sandbox=sandbox)
    old = Backend("old", (at,), b"old", number=2)
    methods = METHODS | ({b"POST"} if sandbox else set())
    to = Pattern.parse(rewrite) if rewrite else None
    route = Route("repairs", stage, "new", "old", False, to, shadowing=Shadowing(1.0, methods, 1000, reverse=True))
    claims = {4: Claim(Pattern.parse("/repairs/*" if rewrite else "/*"), None, route, "", 4)}
    generation = Generation(1, Rules(Table(), None, frozenset(), PathRules()), {"new": new, "old": old})
    with worker, keeper:
        async with server, Asking() as asking, Shadows(counters, [keeper], asking, scene) as shadows:
            asking.take_in(generation)
            shadows.take_in(Served(generation, claims))
            yield scene
    counters.close()


def test_the_candidate_gets_the_request_as_it_would_at_live_and_that_it_is_a_copy() -> None:
    async def main() -> None:
        async with a_scene(rewrite="/api/v2/*") as scene:
            scene.worker.send(whole(REQUEST))
            await scene.until(SENT=1, ANSWERED=1)
            assert scene.heads[0] == (
                b"GET /api/v2/4%2F2?q=a%20b HTTP/1.1\r\nHost: www.anytown.gov.uk\r\nCookie: b=2\r\n"
                b"Accept: text/html\r\nX-Two: 1\r\nX-Two: 2\r\nVia: 1.1 stranglerfig\r\nX-Forwarded-For: 192.0.2.7\r\n"
                b"X-Forwarded-Proto: http\r\nX-Forwarded-Host: www.anytown.gov.uk\r\n"
                b'Forwarded: for=192.0.2.7;host="www.anytown.gov.uk";proto=http\r\n' + TRACE + b"Fig-Shadow: 1\r\n\r\n"
            )

    asyncio.run(main())


def test_both_answers_are_handed_on() -> None:
    async def main() -> None:
        async with a_scene() as scene:
            scene.worker.send(whole(PLAIN))
            await scene.until(SENT=1, ANSWERED=1)
            ((exchanged, answer),) = scene.answers
            assert (exchanged.claim.series, exchanged.answered_by, exchanged.micros) == (4, "legacy", 1500)
            assert (exchanged.peer, exchanged.reference, exchanged.head) == ("192.0.2.7", "5f0c-1", PLAIN)
            assert exchanged.reply == Reply(200, ((b"x-old", b"1"),), b"old")
            assert answer == Reply(302, ((b"location", b"/elsewhere"), (b"set-cookie", b"kept=1")), b"ok")

    asyncio.run(main())


def test_a_redirect_is_not_followed_and_a_cookie_not_kept() -> None:
    async def main() -> None:
        async with a_scene() as scene:
            for _ in range(2):
                scene.worker.send(whole(PLAIN))
            await scene.until(SENT=2, ANSWERED=2)
            assert [head.split(b"\r\n")[0] for head in scene.heads] == [b"GET /a HTTP/1.1"] * 2
            assert not any(b"kept" in head for head in scene.heads)

    asyncio.run(main())


def test_an_exchange_in_pieces_is_asked_once_it_is_whole_and_one_that_is_given_up_never() -> None:
    def a_frame(kind: int, number: int, data: bytes = b"", body: int = 0) -> bytes:
        return pack(len(data), kind, False, 3, number, 4, body, 9) + data

    async def main() -> None:
        async with a_scene() as scene:
            data = told(PLAIN)
            scene.worker.send(a_frame(BEGIN, 1, data[:150]) + a_frame(BEGIN, 2, data))
            scene.worker.send(a_frame(PIECE, 1, data[150:]) + a_frame(PIECE, 1, b"er"))
            scene.worker.send(a_frame(ABANDONED, 2, body=Cause.LARGE) + a_frame(END, 1))
            await scene.until(SENT=1, ANSWERED=1)
            assert len(scene.heads) == 1
            assert scene.answers[0][0].reply.body == b"older"
            assert scene.lost == []  # the worker counts it

    asyncio.run(main())


def test_only_so_many_are_under_way_a_few_more_wait_and_the_others_are_dropped_and_counted() -> None:
    async def main() -> None:
        async with a_scene() as scene:
            scene.go_on.clear()
            for _ in range(AT_ONCE + WAITING + 5):
                scene.worker.send(whole(PLAIN))
            await scene.until(SENT=AT_ONCE, BUSY=5)
            scene.go_on.set()
            await scene.until(SENT=AT_ONCE + WAITING, BUSY=5, ANSWERED=AT_ONCE + WAITING)
            assert scene.most <= AT_ONCE
            assert scene.lost == [(4, Outcome.BUSY)] * 5
            scene.worker.send(whole(PLAIN))
            await scene.until(SENT=AT_ONCE + WAITING + 1, BUSY=5, ANSWERED=AT_ONCE + WAITING + 1)

    asyncio.run(main())


def test_who_has_waited_for_too_long_is_not_asked_any_more() -> None:
    async def main() -> None:
        async with a_scene() as scene:
            scene.go_on.clear()
            for _ in range(AT_ONCE + 3):
                scene.worker.send(whole(PLAIN))
            await scene.until(SENT=AT_ONCE, BUSY=3)  # nobody is done: it is time that ends their wait
            scene.go_on.set()
            await scene.until(SENT=AT_ONCE, ANSWERED=AT_ONCE, BUSY=3)

    asyncio.run(main())


def test_what_waits_is_bounded_in_bytes_and_goes_in_its_order() -> None:
    waiting = Waiting()
    message = whole(b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n")
    (frame,) = frames(message)
    room = WAITING_BYTES // len(frame.data)
    assert [waiting.put(f"b{at % 3}", frame, at) for at in range(room + 1)] == [True] * room + [False]
    assert [waiting.next("b1") for _ in range(3)] == [frame] * 3
    assert waiting.put("b9", frame, room) is True
    assert len(list(waiting.tired(10.0 + PATIENCE))) == 8  # of those since 0 to 10, three have gone
    assert list(waiting.tired(10.0 + PATIENCE)) == []


def test_a_candidate_that_is_down_or_slow_or_talks_nonsense_is_counted() -> None:
    async def main() -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            async with a_scene(port=taken.getsockname()[1]) as scene:
                scene.worker.send(whole(PLAIN))
                await scene.until(SENT=1, FAILED=1)
                assert [answer for _, answer in scene.answers] == [Failure.FAILED]
        async with a_scene(first_byte=0.2) as scene:
            scene.go_on.clear()
            scene.worker.send(whole(PLAIN))
            await scene.until(SENT=1, LATE=1)
            scene.go_on.set()
        for answer in (
            b"\x16\x03\x01 nonsense\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcde",
        ):
            async with a_scene() as scene:
                scene.answer = answer
                scene.worker.send(whole(PLAIN))
                await scene.until(SENT=1, FAILED=1)

    asyncio.run(main())


def test_of_an_answer_that_is_too_large_no_more_is_read() -> None:
    async def main() -> None:
        async with a_scene() as scene:
            scene.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2147483648\r\n\r\n" + b"x" * 5000
            scene.worker.send(whole(PLAIN))
            await scene.until(SENT=1, OVER=1)
            assert [answer for _, answer in scene.answers] == [Failure.LARGE]

    asyncio.run(main())


def test_what_cannot_be_read_or_has_no_route_is_counted_and_the_next_is_asked() -> None:
    async def main() -> None:
        async with a_scene() as scene:
            scene.worker.send(b"no frame")
            scene.worker.send(whole(PLAIN, series=6, place=9))
            nonsense = pack(8, WHOLE, False, 3, 0, 4, 0, 0) + b"nonsense"
            scene.worker.send(nonsense + whole(PLAIN))
            await scene.until(LOST=1, SENT=1, ANSWERED=1)
            assert scene.counted(9) == {"LOST": 1}
            assert scene.lost == [(6, Outcome.LOST), (4, Outcome.LOST)]

    asyncio.run(main())


def test_what_might_act_is_never_asked() -> None:
    async def main() -> None:
        async with a_scene() as scene:
            for request in (
                b"GET /logout HTTP/1.1\r\nHost: a\r\n\r\n",
                b"GET /a?_method=PUT HTTP/1.1\r\nHost: a\r\n\r\n",
                b"GET /a HTTP/1.1\r\nHost: a\r\nX-HTTP-Method-Override: PUT\r\n\r\n",
                b"POST /a HTTP/1.1\r\nHost: a\r\n\r\n",
                b"GET /a HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
            ):
                scene.worker.send(whole(request))
            await scene.until(WITHHELD=5)
            assert scene.heads == []

    asyncio.run(main())


def test_an_answer_in_full_is_asked_for_where_one_was_given_and_nothing_where_the_citizen_had_it() -> None:
    async def main() -> None:
        async with a_scene() as scene:
            asked = b'GET /a HTTP/1.1\r\nHost: a\r\nIf-None-Match: "1"\r\nIf-Modified-Since: %b\r\n\r\n'
            request = asked % b"Wed, 25 Nov 2026 12:00:00 GMT"
            scene.worker.send(whole(request))
            await scene.until(SENT=1, ANSWERED=1)
            assert b"If-" not in scene.heads[0]
            assert b'If-None-Match: "1"' in scene.answers[0][0].head
            data = told(request, b'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\n\r\n')
            scene.worker.send(pack(len(data), WHOLE, False, 3, 0, 4, 0, 1500) + data)
            await scene.until(SENT=1, ANSWERED=1, WITHHELD=1)

    asyncio.run(main())


POST = b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n"


def test_a_sandbox_gets_unsafe_requests_with_their_bodies() -> None:
    async def main() -> None:
        async with a_scene(sandbox=True) as scene:
            scene.worker.send(whole(POST + b"Content-Length: 5\r\n\r\nhello", body=5))
            await scene.until(SENT=1, ANSWERED=1)
            assert scene.heads[0].startswith(POST + b"Content-Length: 5\r\nVia: ")
            assert scene.bodies == [b"hello"]
            chunks = b"5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n"
            scene.worker.send(whole(POST + b"Transfer-Encoding: chunked\r\n\r\n" + chunks, body=len(chunks)))
            await scene.until(SENT=2, ANSWERED=2)
            assert b"Transfer-Encoding: chunked\r\n" in scene.heads[1]
            assert b"hello!" in scene.bodies[1].replace(b"\r\n", b"")
            # Half a body is none.
            scene.worker.send(whole(POST + b"Content-Length: 5\r\n\r\nhell", body=4))
            scene.worker.send(whole(POST + b"Transfer-Encoding: chunked\r\n\r\n" + chunks[:-1], body=len(chunks) - 1))
            await scene.until(SENT=2, ANSWERED=2, WITHHELD=2)

    asyncio.run(main())


def test_in_a_canary_the_side_is_asked_that_did_not_answer() -> None:
    async def main() -> None:
        async with a_scene(stage=Stage("canary", 10.0)) as scene:
            scene.worker.send(whole(PLAIN) + whole(PLAIN, by_slice=True, place=2))
            await scene.until(SENT=1, ANSWERED=1)
            async with asyncio.timeout(20):
                while scene.counted(2) != {"SENT": 1, "ANSWERED": 1}:
                    await asyncio.sleep(0.01)  # what is waited for happens over real connections
            assert {exchanged.answered_by for exchanged, _ in scene.answers} == {"legacy", "slice"}

    asyncio.run(main())


def test_at_live_legacy_is_asked_at_its_own_pace_and_nothing_of_a_session() -> None:
    async def main() -> None:
        async with a_scene(stage=LIVE) as scene:
            session = b"GET /a HTTP/1.1\r\nHost: a\r\nCookie: JSESSIONID=1\r\n\r\n"
            scene.worker.send(whole(session, by_slice=True))
            for _ in range(5):
                scene.worker.send(whole(PLAIN, by_slice=True))
            scene.worker.send(whole(PLAIN))  # legacy has answered: nobody is asked
            await scene.until(WITHHELD=1, SENT=1, ANSWERED=1, PACED=4, LOST=1)
            ((exchanged, _),) = scene.answers
            assert exchanged.answered_by == "slice"
            assert scene.heads[0].startswith(b"GET /a HTTP/1.1\r\nHost: a\r\n")
            await asyncio.sleep(pacing.GAP)  # it is time that is asked for
            scene.worker.send(whole(PLAIN, by_slice=True))
            await scene.until(WITHHELD=1, SENT=2, ANSWERED=2, PACED=4, LOST=1)

    asyncio.run(main())
