"""Whole conversations: pipelining, continue, early answers, slow sides, kept connections, timeouts and limits."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct

import pytest

from proxy.counters import CONNECTIONS
from proxy.generation import HeadLimits, Limits
from proxy.plan import DEFAULT_SERIES
from tests.proxy.wire.stand import (
    HOST,
    OK,
    Close,
    Reset,
    Runner,
    ScriptedBackend,
    Silence,
    a_stand,
    read_all,
    status_of,
)

GET = b"GET /x HTTP/1.1\r\n" + HOST + b"\r\n"


def reset(writer: asyncio.StreamWriter) -> None:
    """Leave at once, so that it shows: a mere end of sending may be a half-closed connection that still reads."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def test_pipelined_requests_are_answered_in_order_on_one_connection(run: Runner) -> None:
    async def main() -> None:
        scripts = [[b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n%03d" % n] for n in range(200)]
        backend = ScriptedBackend(scripts)
        async with a_stand(backend) as stand:
            reply = await stand.talk(b"".join(b"GET /%d HTTP/1.1\r\n%b\r\n" % (n, HOST) for n in range(200)))
        assert reply.count(b"HTTP/1.1 200 OK") == 200
        bodies = [part.partition(b"\r\n\r\n")[2][:3] for part in reply.split(b"HTTP/1.1 200 OK")[1:]]
        assert bodies == [b"%03d" % n for n in range(200)]
        assert [request.split(b" ")[1] for request in backend.requests] == [b"/%d" % n for n in range(200)]
        assert backend.connections == 1

    run(main)


def test_a_request_after_a_body_on_the_same_connection(run: Runner) -> None:
    async def main() -> None:
        backend = ScriptedBackend()
        post = b"POST /p HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\n\r\nhello"
        async with a_stand(backend) as stand:
            reply = await stand.talk(post + GET + post + GET)
        assert reply.count(b"HTTP/1.1 200 OK") == 4
        assert [request.split(b" ")[0] for request in backend.requests] == [b"POST", b"GET"] * 2

    run(main)


def test_who_waits_for_continue_gets_it_from_the_backend(run: Runner) -> None:
    async def main() -> None:
        backend = ScriptedBackend([[b"HTTP/1.1 100 Continue\r\n\r\n"]], reads_body=False)
        async with a_stand(backend) as stand:
            reader, writer = await asyncio.open_connection("127.0.0.1", stand.port)
            writer.write(b"POST / HTTP/1.1\r\n" + HOST + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            assert b"\r\nExpect: 100-continue\r\n" in backend.requests[0]
            writer.close()

    run(main)


def test_an_answer_before_the_body_ends_reaches_the_citizen_and_ends_the_connection(run: Runner) -> None:
    async def main() -> None:
        refusal = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig"
        backend = ScriptedBackend([[refusal]], reads_body=False)
        async with a_stand(backend) as stand:
            reader, writer = await asyncio.open_connection("127.0.0.1", stand.port)
            writer.write(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 1000000\r\n\r\n" + b"x" * 1000)
            reply = await read_all(reader)
            assert reply.startswith(b"HTTP/1.1 413 Content Too Large\r\n")
            assert b"\r\nConnection: close\r\n" in reply
            assert reply.endswith(b"big")
            writer.close()

    run(main)


def test_both_directions_flow_at_once(run: Runner) -> None:
    async def main() -> None:
        begun = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab"
        sent = asyncio.Event()
        backend = ScriptedBackend([[begun, sent, b"cd"]], reads_body=False)
        async with a_stand(backend) as stand:
            reader, writer = await asyncio.open_connection("127.0.0.1", stand.port)
            writer.write(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 4\r\n\r\n12")
            assert (await reader.readuntil(b"ab")).endswith(b"ab")
            writer.write(b"34")
            sent.set()
            assert await read_all(reader) == b"cd"
            writer.close()

    run(main)


def test_large_bodies_pass_whole_in_both_directions(run: Runner) -> None:
    async def main() -> None:
        body = bytes(range(256)) * 40_000  # 10 MB
        backend = ScriptedBackend([[b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body), body]])
        async with a_stand(backend) as stand:
            reply = await stand.talk(b"PUT / HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        assert reply.partition(b"\r\n\r\n")[2] == body
        assert backend.requests[0].partition(b"\r\n\r\n")[2] == body

    run(main)


def test_a_citizen_who_does_not_read_stops_the_backend_and_not_the_memory(run: Runner) -> None:
    async def main() -> None:
        block = b"x" * (1 << 20)
        written = 0

        class Endless(ScriptedBackend):
            async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                nonlocal written
                task = asyncio.current_task()
                assert task is not None
                self._open[task] = writer
                await reader.readuntil(b"\r\n\r\n")
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (200 * len(block)))
                with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                    for _ in range(200):
                        writer.write(block)
                        await writer.drain()
                        written += len(block)

        async with a_stand(Endless()) as stand:
            reader, writer = await asyncio.open_connection("127.0.0.1", stand.port, limit=1024)
            writer.write(GET)
            await reader.readuntil(b"\r\n\r\n")
            before = -1
            while before != written:  # until nothing moves any more
                before = written
                for _ in range(2000):
                    await asyncio.sleep(0)
            assert written < 40 * len(block), "kernel buffers apart, nothing piles up"
            reset(writer)

    run(main)


@pytest.mark.parametrize("method", [b"GET", b"PUT", b"DELETE"])
def test_a_kept_connection_that_closed_as_it_was_used_is_tried_anew_for_idempotent_requests(
    run: Runner, method: bytes
) -> None:
    async def main() -> None:
        backend = ScriptedBackend([[OK], [Reset()], [OK]])
        again = method + b" /x HTTP/1.1\r\n" + HOST + b"\r\n"
        async with a_stand(backend) as stand:
            assert (await stand.talk(GET)).endswith(b"ok")
            assert (await stand.talk(again)).endswith(b"ok")
        assert len(backend.requests) == 3

    run(main)


def test_and_never_for_post(run: Runner) -> None:
    async def main() -> None:
        backend = ScriptedBackend([[OK], [Reset()], [OK]])
        async with a_stand(backend) as stand:
            await stand.talk(GET)
            assert status_of(await stand.talk(b"POST /x HTTP/1.1\r\n" + HOST + b"Content-Length: 0\r\n\r\n")) == 502
        assert len(backend.requests) == 2

    run(main)


def test_nor_on_a_connection_that_was_never_used(run: Runner) -> None:
    async def main() -> None:
        backend = ScriptedBackend([[Reset()], [OK]])
        async with a_stand(backend) as stand:
            assert status_of(await stand.talk(b"POST /x HTTP/1.1\r\n" + HOST + b"Content-Length: 0\r\n\r\n")) == 502
        assert len(backend.requests) == 1

    run(main)


def test_a_backend_that_is_not_there_is_a_502_with_a_reference_and_no_name(run: Runner) -> None:
    async def main() -> None:
        async with a_stand(ScriptedBackend([[Close()]])) as stand:
            reply = await stand.talk(GET)
            assert status_of(reply) == 502
            reference = reply.partition(b"reference <strong>")[2].partition(b"<")[0].decode()
            assert reference
            assert any(line.startswith(reference) and "backend b0" in line for line in stand.log)

    run(main)


def test_a_backend_that_does_not_answer_is_a_504(run: Runner) -> None:
    async def main() -> None:
        async with a_stand(ScriptedBackend([[Silence()]]), first_byte=0.1) as stand:
            assert status_of(await stand.talk(GET)) == 504

    run(main)


def test_a_reply_that_stalls_is_cut(run: Runner) -> None:
    async def main() -> None:
        half = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"
        async with a_stand(ScriptedBackend([[half, Silence()]]), idle=0.1) as stand:
            assert (await stand.talk(GET, eof=False)).endswith(b"\r\n\r\nhalf")
            assert stand.counters.tally(DEFAULT_SERIES).cut == 1

    run(main)


LIMITS = Limits(HeadLimits(head=1024, target=128, fields=10), body=100, head_time=0.2, body_idle=0.2, idle=0.4)
OVER = [  # law, request, status
    ("a target", b"GET /" + b"a" * 128 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414),
    ("a request line without end", b"GET /" + b"a" * 500, 414),
    ("a head", b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 1024 + b"\r\n\r\n", 431),
    ("a head without end", b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 1100, 431),
    ("the fields", b"GET / HTTP/1.1\r\n" + HOST + b"X: 1\r\n" * 10 + b"\r\n", 431),
    ("a body by its length", b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 101\r\n\r\n", 413),
    (
        "a body in chunks",
        b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n65\r\n" + b"a" * 101 + b"\r\n",
        413,
    ),
    ("a slow head", b"GET / HTTP/1.1\r\nHos", 408),
    ("a stalled body", b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 10\r\n\r\nabc", 408),
    ("silence", b"", 0),
    ("silence after an answer", GET, 200),
]


@pytest.mark.parametrize(("law", "data", "status"), OVER, ids=[case[0] for case in OVER])
def test_what_goes_over_a_limit_is_refused_and_closed(run: Runner, law: str, data: bytes, status: int) -> None:
    async def main() -> None:
        async with a_stand(ScriptedBackend(), limits=LIMITS) as stand:
            reply = await stand.talk(data, eof=False)
            assert status_of(reply) == status
            while stand.station.counters.cells[CONNECTIONS]:
                await asyncio.sleep(0)

    run(main)


def test_a_citizen_who_leaves_ends_the_backends_work(run: Runner) -> None:
    async def main() -> None:
        backend = ScriptedBackend([[Silence()]])
        async with a_stand(backend) as stand:
            _, writer = await asyncio.open_connection("127.0.0.1", stand.port)
            writer.write(GET)
            await backend.got_head.wait()
            reset(writer)
            while stand.station.open:
                await asyncio.sleep(0)
            assert stand.counters.tally(DEFAULT_SERIES).cut == 1
            assert stand.station.in_flight == 0

    run(main)


def test_http_1_0_stays_open_only_if_it_asks(run: Runner) -> None:
    async def main() -> None:
        async with a_stand(ScriptedBackend()) as stand:
            once = await stand.talk(b"GET / HTTP/1.0\r\n\r\nGET / HTTP/1.0\r\n\r\n", eof=False)
            assert once.count(b"HTTP/1.1 200 OK") == 1
            kept = b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
            twice = await stand.talk(kept + b"GET / HTTP/1.0\r\n\r\n", eof=False)
            assert twice.count(b"HTTP/1.1 200 OK") == 2
            assert b"\r\nConnection: keep-alive\r\n" in twice

    run(main)


def test_every_answer_is_counted_once(run: Runner) -> None:
    async def main() -> None:
        async with a_stand(ScriptedBackend()) as stand:
            await stand.talk(GET * 7)
            tally = stand.counters.tally(DEFAULT_SERIES)
            assert tally.answers[2] == 7
            assert sum(tally.histogram) == 7
            assert tally.hits == 7

    run(main)
