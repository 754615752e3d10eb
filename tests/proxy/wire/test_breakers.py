"""A backend that fails is left alone by every worker, and found again."""

from __future__ import annotations

import asyncio
import time

from proxy.breaker import Breaking
from proxy.standing import DOWN, EVERY, FOUND
from tests.proxy.wire.stand import HOST, OK, Reset, Runner, ScriptedBackend, Stand, Step, a_stand, close, status_of
from tests.proxy.wire.test_attempts import BY_LEGACY, GET, SLICE, post

UNAVAILABLE: list[Step] = [b"HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\nno"]


def look(stand: Stand) -> None:
    """Each worker sees what the others have written, as it does four times a second."""
    for station in stand.stations:
        station.now = time.monotonic()
        for pool in station.pools.values():
            pool.look()


def test_it_opens_at_low_traffic_over_two_workers(run: Runner) -> None:
    async def main() -> None:
        backend = ScriptedBackend([UNAVAILABLE])
        async with a_stand(backend, workers=2) as stand:
            for n in range(10):
                assert b"\r\nRetry-After:" not in await stand.talk(GET, worker=n % 2)
            look(stand)
            for n in range(10):
                reply = await stand.talk(GET, worker=n % 2)
                assert status_of(reply) == 503
                assert b"\r\nRetry-After: 30\r\n" in reply
            assert len(backend.requests) == 10
            assert [line for line in stand.log if "10 of its last 20 requests failed" in line]

    run(main)


def test_a_storm_of_503_reaches_the_backend_no_more(run: Runner) -> None:
    async def main() -> None:
        backend = ScriptedBackend([UNAVAILABLE])
        async with a_stand(backend) as stand:
            replies = await asyncio.gather(*(stand.talk(GET * 5) for _ in range(40)))
            assert all(reply.count(b"HTTP/1.1 503") == 5 for reply in replies)
            assert len(backend.requests) <= 10 + 40, "those that were under way as it opened"

    run(main)


def test_reading_goes_to_legacy_meanwhile_and_writing_waits(run: Runner) -> None:
    async def main() -> None:
        legacy, candidate = ScriptedBackend([[BY_LEGACY]]), ScriptedBackend([UNAVAILABLE])
        async with a_stand(legacy, candidate, claims=[SLICE]) as stand:
            for _ in range(20):
                assert (await stand.talk(GET)).endswith(b"legacy")
            assert len(candidate.requests) == 10
            reply = await stand.talk(post(3))
            assert status_of(reply) == 503
            assert b"\r\nRetry-After: 30\r\n" in reply
            assert len(candidate.requests) == 10
            assert len(legacy.requests) == 20
            assert stand.counters.tally(11).answers[5] == 21, "every fallback counts as the candidate's error"

    run(main)


def test_one_request_finds_out_when_it_has_cooled_and_the_rest_follow(run: Runner) -> None:
    async def main() -> None:
        answered = asyncio.Event()
        backend = ScriptedBackend([UNAVAILABLE] * 10 + [[answered, OK], [OK]])
        async with a_stand(backend, workers=2, breaking=Breaking(0.5, 20, 0.3)) as stand:
            for n in range(10):
                await stand.talk(GET, worker=n % 2)
            tried = []
            while len(backend.requests) < 11:
                look(stand)
                tried.append(asyncio.create_task(stand.talk(GET)))
                await asyncio.sleep(0)  # each try begins before it is waited for
                await asyncio.wait(tried, timeout=0.01)
            assert status_of(await stand.talk(GET, worker=1)) == 503, "one at a time"
            answered.set()
            assert [status_of(reply) for reply in await asyncio.gather(*tried)].count(200) == 1
            look(stand)
            for n in range(10):
                assert status_of(await stand.talk(GET, worker=n % 2)) == 200

    run(main)


def test_who_leaves_lets_another_find_out(run: Runner) -> None:
    async def main() -> None:
        never = asyncio.Event()
        backend = ScriptedBackend([UNAVAILABLE] * 10 + [[never], [OK]])
        async with a_stand(backend, breaking=Breaking(0.5, 20, 0.2)) as stand:
            for _ in range(10):
                await stand.talk(GET)
            _, writer = await asyncio.open_connection("127.0.0.1", stand.port)
            while len(backend.requests) < 11:
                look(stand)
                writer.write(GET)
                await asyncio.sleep(0.01)  # the breaker cools by the clock
            writer.transport.abort()
            while status_of(await stand.talk(GET)) != 200:
                look(stand)

    run(main)


def test_a_post_is_never_sent_twice_whatever_happens(run: Runner) -> None:
    async def main() -> None:
        scripts: list[list[Step]] = [[Reset()], UNAVAILABLE, [b"HTTP/1.1 2", Reset()], [OK]] * 20
        one, other = ScriptedBackend(scripts), ScriptedBackend(scripts)
        legacy = ScriptedBackend([[BY_LEGACY]])
        async with a_stand(legacy, [one, other], claims=[SLICE], breaking=Breaking(1.0, 100, 10.0)) as stand:
            for n in range(60):
                body = b"n=%d" % n
                head = b"POST /repairs/1 HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % len(body)
                await stand.talk(head + body)
        bodies = [request.rpartition(b"\r\n\r\n")[2] for each in (one, other, legacy) for request in each.requests]
        assert sorted(bodies) == sorted(b"n=%d" % n for n in range(60))

    run(main)


def found_down(stand: Stand, *numbers: int) -> None:
    """As the keeper would write it."""
    for number in numbers:
        cells = stand.counters.found_by_keeper(number)
        cells[EVERY], cells[DOWN], cells[FOUND] = 60_000, 1, int(time.monotonic() * 1000)
    look(stand)


def test_an_address_that_the_keeper_finds_down_is_not_asked(run: Runner) -> None:
    async def main() -> None:
        down, up = ScriptedBackend(), ScriptedBackend()
        async with a_stand([down, up], workers=2) as stand:
            for worker in range(2):
                await stand.talk(GET, worker=worker)
            before = len(down.requests)
            found_down(stand, 0)
            for n in range(20):
                assert status_of(await stand.talk(GET, worker=n % 2)) == 200
            assert len(down.requests) == before

    run(main)


def test_a_slice_that_is_down_is_read_from_legacy_and_its_writes_are_tried(run: Runner) -> None:
    async def main() -> None:
        legacy, candidate = ScriptedBackend([[BY_LEGACY]]), ScriptedBackend()
        async with a_stand(legacy, candidate, claims=[SLICE]) as stand:
            await stand.talk(GET)
            found_down(stand, 1)
            assert (await stand.talk(GET)).endswith(b"legacy")
            assert len(candidate.requests) == 1
            assert (await stand.talk(post(3))).endswith(b"ok"), "nobody knows better than trying"

    run(main)


def test_where_all_are_down_all_are_asked_if_nobody_else_can_be(run: Runner) -> None:
    async def main() -> None:
        one, other = ScriptedBackend(), ScriptedBackend()
        async with a_stand([one, other]) as stand:
            await stand.talk(GET)
            found_down(stand, 0, 1)
            for _ in range(20):
                assert status_of(await stand.talk(GET)) == 200
            assert one.requests
            assert other.requests

    run(main)


def test_a_body_that_is_still_coming_does_not_keep_the_refusal_waiting(run: Runner) -> None:
    async def main() -> None:
        backend = ScriptedBackend([UNAVAILABLE])
        async with a_stand(backend) as stand:
            for _ in range(10):
                await stand.talk(GET)
            large = post(1 << 20)
            assert status_of(await stand.talk(large)) == 503
            reader, writer = await asyncio.open_connection("127.0.0.1", stand.port)
            writer.write(large[:100])
            assert status_of(await reader.readuntil(b"\r\n\r\n")) == 503
            await close(writer)
            assert len(backend.requests) == 10
            assert stand.station.in_flight == 0

    run(main)
