"""What a failed attempt becomes: another address, the same backend once more, another backend, or an error page."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest

from proxy.breaker import Breaking
from proxy.retrying import FLOOR
from proxy.stages import LIVE
from proxy.standing import EXTRA, FAILED_THERE, FALLBACKS, RETRIES
from proxy.table import Claim, Fallback, Pattern, Route
from proxy.wire.lane import EJECT_AFTER
from tests.proxy.wire.stand import HOST, OK, Close, Reset, Runner, ScriptedBackend, Silence, Step, a_stand, status_of
from tests.proxy.wire.test_websocket import ASK, SWITCH

GET = b"GET /repairs/1 HTTP/1.1\r\n" + HOST + b"\r\n"
HELD = 64 * 1024
ON = frozenset({"connect", "breaker", "timeout", "reset", 502, 503, 504})
ROUTE = Route("repairs", LIVE, "b1", "b0", names_method=True, fallback=Fallback("b0", ON))
SLICE = Claim(Pattern.parse("/repairs/*"), None, ROUTE, "routes.yaml:1", series=10)
BY_LEGACY = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nlegacy"


def post(length: int = 0) -> bytes:
    return b"POST /repairs/1 HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % length + b"x" * length


# One backend.


@pytest.mark.parametrize("length", [0, 5, HELD - 500, 3 * HELD], ids=["none", "small", "held", "large"])
def test_a_dead_address_is_gone_round_for_every_request_and_body(
    run: Runner, dead_port: Callable[[], int], length: int
) -> None:
    async def main() -> None:
        living = ScriptedBackend()
        async with a_stand([dead_port(), living, dead_port()]) as stand:
            for _ in range(12):
                assert status_of(await stand.talk(post(length))) == 200
        assert len(living.requests) == 12
        assert all(request.endswith(b"\r\n\r\n" + b"x" * length) for request in living.requests)

    run(main)


def test_all_addresses_dead_is_a_502(run: Runner, dead_port: Callable[[], int]) -> None:
    async def main() -> None:
        async with a_stand([dead_port(), dead_port()]) as stand:
            for _ in range(2 * EJECT_AFTER + 1):
                assert status_of(await stand.talk(GET)) == 502
            pool = next(iter(stand.station.pools.values()))
            assert not any(lane.usable for lane in pool.lanes), "both are ejected, and asked all the same"

    run(main)


def test_an_address_that_fails_is_left_out_for_all_workers_and_then_tried_again(run: Runner) -> None:
    async def main() -> None:
        bad, good = ScriptedBackend([[Reset()]]), ScriptedBackend()
        async with a_stand([bad, good], workers=2) as stand:
            while len(bad.requests) < EJECT_AFTER:
                assert status_of(await stand.talk(GET)) == 200
            stand.stations[1].sweep()
            for _ in range(10):
                assert status_of(await stand.talk(GET, worker=0)) == 200
                assert status_of(await stand.talk(GET, worker=1)) == 200
            assert len(bad.requests) == EJECT_AFTER
            cooled = stand.station.now + 11
            lane = next(iter(stand.station.pools.values())).lanes[0]
            lane.look(int(cooled * 1000))
            assert lane.usable
            assert lane.fails == EJECT_AFTER - 1, "one more failure is enough now"

    run(main)


def test_both_addresses_get_their_share(run: Runner) -> None:
    async def main() -> None:
        one, other = ScriptedBackend(), ScriptedBackend()
        async with a_stand([one, other]) as stand:
            await asyncio.gather(*(stand.talk(GET) for _ in range(60)))
        assert min(len(one.requests), len(other.requests)) > 10

    run(main)


def test_who_is_busy_gets_less(run: Runner) -> None:
    async def main() -> None:
        done = asyncio.Event()
        slow, fast = ScriptedBackend([[done, OK]]), ScriptedBackend()
        async with a_stand([slow, fast]) as stand:
            waiting = asyncio.create_task(stand.talk(GET))
            while not slow.requests:
                await asyncio.sleep(0)  # which address is asked is chance
                if waiting.done():
                    waiting = asyncio.create_task(stand.talk(GET))
            before = len(fast.requests)
            for _ in range(20):
                assert status_of(await stand.talk(GET)) == 200
            assert len(fast.requests) == before + 20
            done.set()
            await waiting

    run(main)


REPEATED: list[tuple[str, bytes, list[list[Step]], int, int]] = [
    # law, request, what the backend does, status, requests it sees
    ("a GET that broke off is repeated", GET, [[Reset()], [OK]], 200, 2),
    ("once", GET, [[Reset()], [Close()], [OK]], 502, 2),
    ("a PUT too", GET.replace(b"GET", b"PUT"), [[Close()], [OK]], 200, 2),
    ("with its body", GET.replace(b"GET", b"PUT")[:-2] + b"Content-Length: 3\r\n\r\nabc", [[Close()], [OK]], 200, 2),
    ("a POST never", post(3), [[Reset()], [OK]], 502, 1),
    ("nor what overrides its method", GET[:-2] + b"X-HTTP-Method-Override: POST\r\n\r\n", [[Reset()], [OK]], 502, 1),
    ("in its query too", GET.replace(b"/1 ", b"/1?%5Fmethod=PUT "), [[Reset()], [OK]], 502, 1),
    ("an answer of 503 stands", GET, [[b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"], [OK]], 503, 1),
    ("a body that is no longer held cannot be", post(3 * HELD).replace(b"POST", b"PUT"), [[Reset()], [OK]], 502, 1),
    (
        "nor anything, once an interim answer went out",
        GET,
        [[b"HTTP/1.1 103 Early Hints\r\n\r\n", Reset()], [OK]],
        103,
        1,
    ),
]


@pytest.mark.parametrize(("law", "request_", "script", "status", "seen"), REPEATED, ids=[case[0] for case in REPEATED])
def test_what_is_repeated(
    run: Runner, law: str, request_: bytes, script: list[list[Step]], status: int, seen: int
) -> None:
    async def main() -> None:
        backend = ScriptedBackend(script)
        async with a_stand(backend) as stand:
            assert status_of(await stand.talk(request_)) == status, law
        assert len(backend.requests) == seen, law

    run(main)


def test_a_503_is_asked_of_the_next_address(run: Runner) -> None:
    async def main() -> None:
        starting, up = ScriptedBackend([[b"HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\nno"]]), ScriptedBackend()
        async with a_stand([starting, up]) as stand:
            for _ in range(10):
                assert status_of(await stand.talk(GET)) == 200
        assert len(up.requests) == 10

    run(main)


def test_the_budget_holds_under_a_failing_backend_over_all_workers(run: Runner) -> None:
    async def main() -> None:
        draws = Random(7)
        backend = ScriptedBackend([[Reset()] if draws.random() < 0.45 else [OK] for _ in range(400)])
        async with a_stand(backend, workers=2, budget=0.1, breaking=Breaking(1.0, 20)) as stand:
            replies = [await stand.talk(GET, worker=n % 2) for n in range(200)]
            standing = stand.station.standing(0)
            assert standing.total(EXTRA) == standing.total(RETRIES) == len(backend.requests) - 200
            assert FLOOR <= standing.total(RETRIES) <= 200 * 0.1
            assert [status_of(reply) for reply in replies].count(502) > 40, "the others get what there was"

    run(main)


# Another backend.

FALLEN: list[tuple[str, bytes, list[Step], bytes]] = [
    # law, request, what the candidate does each time, whose answer the citizen gets
    ("it breaks off", GET, [Reset()], b"legacy"),
    ("it closes", GET, [Close()], b"legacy"),
    ("it says nothing in time", GET, [Silence()], b"legacy"),
    ("it says that it cannot", GET, [b"HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\nno"], b"legacy"),
    ("it talks nonsense", GET, [b"SSH-2.0\r\n\r\n"], b"legacy"),
    ("a 500 may be a true answer", GET, [b"HTTP/1.1 500 X\r\nContent-Length: 2\r\n\r\nno"], b"no"),
    ("a 404 too", GET, [b"HTTP/1.1 404 X\r\nContent-Length: 2\r\n\r\nno"], b"no"),
    ("a write may have been acted on", post(3), [Reset()], b"</html>\n"),
    ("an idempotent one too", post(3).replace(b"POST", b"PUT"), [Reset()], b"</html>\n"),
    ("an answer that has begun goes on", GET, [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", Close()], b"half"),
]


@pytest.mark.parametrize(("law", "request_", "script", "end"), FALLEN, ids=[case[0] for case in FALLEN])
def test_when_legacy_is_asked_instead(run: Runner, law: str, request_: bytes, script: list[Step], end: bytes) -> None:
    async def main() -> None:
        legacy, candidate = ScriptedBackend([[BY_LEGACY]]), ScriptedBackend([script])
        async with a_stand(legacy, candidate, claims=[SLICE], first_byte=0.2) as stand:
            reply = await stand.talk(request_)
            assert reply.endswith(end), law
            fell = end == b"legacy"
            assert len(legacy.requests) == fell
            if fell:
                assert stand.counters.tally(11).answers[5] == 1, "every fallback counts as the candidate's error"
            assert stand.hits(10) == fell
            assert stand.station.standing(1).total(FALLBACKS) == fell

    run(main)


@pytest.mark.parametrize("length", [0, 3, 3 * HELD], ids=["none", "small", "large"])
def test_a_write_that_reached_nobody_may_go_elsewhere(run: Runner, dead_port: Callable[[], int], length: int) -> None:
    async def main() -> None:
        legacy = ScriptedBackend([[BY_LEGACY]])
        async with a_stand(legacy, dead_port(), claims=[SLICE]) as stand:
            assert (await stand.talk(post(length))).endswith(b"legacy")
        assert len(legacy.requests) == 1
        assert legacy.requests[0].endswith(b"\r\n\r\n" + b"x" * length)

    run(main)


def test_legacy_gets_what_the_citizen_asked_for_and_not_what_the_slice_would_have(
    run: Runner, dead_port: Callable[[], int]
) -> None:
    async def main() -> None:
        legacy = ScriptedBackend([[BY_LEGACY]])
        route = replace(ROUTE, rewrite=Pattern.parse("/v2/*"))
        async with a_stand(legacy, dead_port(), claims=[replace(SLICE, leads_to=route)]) as stand:
            await stand.talk(b"GET /repairs//1?a=%41 HTTP/1.1\r\n" + HOST + b"X-One: 1\r\n\r\n")
        assert legacy.requests[0].startswith(b"GET /repairs//1?a=%41 HTTP/1.1\r\n")
        assert b"X-One: 1\r\n" in legacy.requests[0]

    run(main)


def test_without_a_fallback_the_citizen_is_told(run: Runner, dead_port: Callable[[], int]) -> None:
    async def main() -> None:
        legacy = ScriptedBackend()
        claim = replace(SLICE, leads_to=replace(ROUTE, fallback=None))
        async with a_stand(legacy, dead_port(), claims=[claim]) as stand:
            assert status_of(await stand.talk(GET)) == 502
        assert not legacy.requests

    run(main)


def test_legacy_itself_has_nobody_to_fall_back_to(run: Runner, dead_port: Callable[[], int]) -> None:
    async def main() -> None:
        async with a_stand(dead_port(), dead_port(), claims=[SLICE]) as stand:
            assert status_of(await stand.talk(GET)) == 502

    run(main)


def test_the_next_request_of_the_connection_is_answered_after_a_fallback(run: Runner) -> None:
    async def main() -> None:
        legacy, candidate = ScriptedBackend([[BY_LEGACY]]), ScriptedBackend([[Close()], [Close()], [OK]])
        async with a_stand(legacy, candidate, claims=[SLICE]) as stand:
            reply = await stand.talk(GET + GET)
        assert reply.count(b"HTTP/1.1 200 OK") == 2
        assert reply.endswith(b"ok")

    run(main)


def test_an_address_that_takes_no_connection_is_gone_round_in_time(run: Runner) -> None:
    async def main() -> None:
        living = ScriptedBackend()
        with socket.socket() as deaf, socket.socket() as first, socket.socket() as second:
            deaf.bind(("127.0.0.1", 0))
            deaf.listen(0)
            for each in (first, second):  # its queue is full now: the kernel answers no one else
                each.setblocking(False)
                each.connect_ex(deaf.getsockname())
            async with a_stand([int(deaf.getsockname()[1]), living], connect=0.1) as stand:
                asked = 0
                tried = stand.counters.of_server(0)[0]
                while not tried[FAILED_THERE]:
                    assert status_of(await stand.talk(post(3))) == 200
                    asked += 1
        assert len(living.requests) == asked

    run(main)


def test_a_websocket_that_nobody_has_begun_falls_back_too(run: Runner, dead_port: Callable[[], int]) -> None:
    async def main() -> None:
        legacy = ScriptedBackend([[SWITCH, b"hello", Close()]])
        async with a_stand(legacy, dead_port(), claims=[SLICE]) as stand:
            reply = await stand.talk(ASK.replace(b"/ws", b"/repairs/ws"), eof=False)
        assert reply.startswith(b"HTTP/1.1 101 ")
        assert reply.endswith(b"hello")

    run(main)
