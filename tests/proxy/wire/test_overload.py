"""Connections to a backend, and who waits for one, are limited over all workers together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from proxy.standing import CONNECTIONS, QUEUED, REFUSED
from tests.proxy.wire.stand import HOST, OK, Runner, ScriptedBackend, Stand, a_stand, status_of
from tests.proxy.wire.test_exchanges import reset

GET = b"GET /x HTTP/1.1\r\n" + HOST + b"\r\n"
POST = b"POST /x HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\n\r\nx"


async def until(true: Callable[[], bool]) -> None:
    """Wait for it, on the clock of the loop alone."""
    async with asyncio.timeout(20):
        while not true():  # there is no event of it
            await asyncio.sleep(0.005)  # one look at the clock of the loop


def total(stand: Stand, cell: int) -> int:
    return stand.station.standing(0).total(cell)


def test_beyond_connections_requests_wait_and_beyond_the_queue_they_are_refused(run: Runner) -> None:
    async def main() -> None:
        go = asyncio.Event()
        backend = ScriptedBackend([[go, OK]])
        async with a_stand(backend, workers=2, connections=4, queue=3) as stand:
            asked = [asyncio.create_task(stand.talk(GET, worker=n % 2)) for n in range(12)]
            await until(lambda: sum(task.done() for task in asked) == 5)
            assert total(stand, REFUSED) == 5
            for task in [each for each in asked if each.done()]:
                assert status_of(task.result()) == 503
                assert b"\r\nRetry-After: 30\r\n" in task.result()
            await until(lambda: len(backend.requests) == 4)
            assert (total(stand, CONNECTIONS), total(stand, QUEUED)) == (4, 3)
            go.set()
            replies = await asyncio.gather(*asked)
            assert sorted(map(status_of, replies)) == [200] * 7 + [503] * 5
            assert len(backend.requests) == 7
            assert backend.most == 4
            assert total(stand, QUEUED) == 0

    run(main)


def test_a_storm_is_served_by_few_connections(run: Runner) -> None:
    async def main() -> None:
        backend = ScriptedBackend()
        async with a_stand(backend, workers=2, connections=3, queue=100) as stand:
            replies = await asyncio.gather(*(stand.talk(POST + GET, worker=n % 2) for n in range(80)))
            assert all(reply.count(b"HTTP/1.1 200 OK") == 2 for reply in replies)
            assert backend.most <= 3
            assert len(backend.requests) == 160
            assert total(stand, QUEUED) == 0

    run(main)


def test_who_leaves_gives_the_place_in_the_queue_back(run: Runner) -> None:
    async def main() -> None:
        go = asyncio.Event()
        backend = ScriptedBackend([[go, OK], [OK]])
        async with a_stand(backend, connections=1, queue=1) as stand:
            first = asyncio.create_task(stand.talk(GET))
            await until(lambda: len(backend.requests) == 1)
            _, writer = await asyncio.open_connection("127.0.0.1", stand.port)
            writer.write(GET)
            await until(lambda: total(stand, QUEUED) == 1)
            assert status_of(await stand.talk(GET)) == 503
            reset(writer)
            await until(lambda: total(stand, QUEUED) == 0)
            last = asyncio.create_task(stand.talk(GET))
            await until(lambda: total(stand, QUEUED) == 1)
            go.set()
            assert [status_of(reply) for reply in await asyncio.gather(first, last)] == [200, 200]
            assert len(backend.requests) == 2, "who left was never asked for"

    run(main)


def test_nobody_waits_longer_than_an_answer_may_take(run: Runner) -> None:
    async def main() -> None:
        drip = asyncio.Event()
        backend = ScriptedBackend([[b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n", drip, b"x"]])
        async with a_stand(backend, connections=1, first_byte=0.2) as stand:
            first = asyncio.create_task(stand.talk(GET))
            await until(lambda: len(backend.requests) == 1)
            reply = await stand.talk(GET)
            assert status_of(reply) == 503
            assert b"\r\nRetry-After:" in reply
            assert any("no connection to it came free" in line for line in stand.log)
            drip.set()
            assert status_of(await first) == 200

    run(main)


def test_a_worker_gives_its_idle_connections_up_for_those_who_wait_at_another(run: Runner) -> None:
    async def main() -> None:
        backend = ScriptedBackend()
        async with a_stand(backend, workers=2, connections=2) as stand:
            for worker in (0, 1, 0, 1):
                replies = await asyncio.gather(*(stand.talk(GET, worker=worker) for _ in range(4)))
                assert [status_of(reply) for reply in replies] == [200] * 4
            assert backend.most <= 2

    run(main)


def test_a_busy_worker_leaves_another_its_share(run: Runner) -> None:
    async def main() -> None:
        backend = ScriptedBackend()
        async with a_stand(backend, workers=2, connections=2) as stand:
            busy = True

            async def hold() -> None:
                while busy:
                    assert status_of(await stand.talk(GET * 200)) == 200

            holding = [asyncio.create_task(hold()) for _ in range(10)]
            await until(lambda: len(backend.requests) > 50)
            assert status_of(await stand.talk(GET, worker=1)) == 200
            busy = False
            await asyncio.gather(*holding)

    run(main)


def test_a_post_at_the_limit_closes_an_idle_connection_rather_than_wait(run: Runner) -> None:
    async def main() -> None:
        backend = ScriptedBackend()
        async with a_stand(backend, connections=1) as stand:
            assert status_of(await stand.talk(GET)) == 200
            (pool,) = stand.station.pools.values()
            pool.lanes[0].idle[0].idle_since -= 5  # too long for who may not be sent twice
            assert status_of(await stand.talk(POST)) == 200
            assert backend.connections == 2
            assert total(stand, CONNECTIONS) == 1

    run(main)


def test_closed_connections_are_counted_no_more(run: Runner) -> None:
    async def main() -> None:
        backend = ScriptedBackend([[b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"]])
        async with a_stand(backend, connections=2) as stand:
            for _ in range(20):
                assert status_of(await stand.talk(GET)) == 200
            await until(lambda: total(stand, CONNECTIONS) == 0)

    run(main)
