"""Citizens and backends that do not keep up, leave early, or push: nothing hangs, piles up or is counted twice."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from dataclasses import replace

import pytest

from proxy.counters import CONNECTIONS
from proxy.generation import Limits
from proxy.plan import DEFAULT_SERIES, REFUSED_SERIES
from tests.proxy.wire.stand import (
    HOST,
    OK,
    Runner,
    ScriptedBackend,
    Silence,
    a_stand,
    close,
    read_all,
    status_of,
)
from tests.proxy.wire.test_forms import FORM, NAMED

GET = b"GET /x HTTP/1.1\r\n" + HOST + b"\r\n"
HEALTH = b"GET /.fig/health HTTP/1.1\r\n" + HOST + b"\r\n"
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


def upload(size: int) -> bytes:
    return b"POST /x HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % size + b"x" * size


def test_an_upload_passes_on_a_kept_connection_too(run: Runner) -> None:
    async def main() -> None:
        backend = ScriptedBackend()
        async with a_stand(backend, first_byte=2.0) as stand:
            for _ in range(3):
                assert (await stand.talk(upload(200_000))).endswith(b"ok")
        assert backend.connections == 1
        assert [len(request.partition(b"\r\n\r\n")[2]) for request in backend.requests] == [200_000] * 3

    run(main)


def test_who_resets_before_being_accepted_leaves_nothing_behind(run: Runner) -> None:
    async def main() -> None:
        async with a_stand(ScriptedBackend()) as stand:
            for _ in range(50):
                one = socket.create_connection(("127.0.0.1", stand.port))
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                one.close()  # the loop has not accepted it yet: this test has not let it
            assert (await stand.talk(GET)).endswith(b"ok")
            while stand.station.counters.cells[CONNECTIONS]:
                await asyncio.sleep(0)

    run(main)


def test_answers_do_not_pile_up_for_who_pipelines_and_does_not_read(run: Runner) -> None:
    async def main() -> None:
        body = b"x" * 200_000
        backend = ScriptedBackend([[b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + body]])
        async with a_stand(backend) as stand:
            reader, writer = await asyncio.open_connection("127.0.0.1", stand.port, limit=1024)
            writer.write(GET * 300)
            await reader.readuntil(b"\r\n\r\n")
            before = -1
            while before != len(backend.requests):
                before = len(backend.requests)
                for _ in range(3000):
                    await asyncio.sleep(0)
            assert before < 100, "the kernel's buffers hold a few; the rest waits to be asked for"
            got = 0
            while got < 300 * 200_000:
                got += len(await reader.read(1 << 20))
            assert len(backend.requests) == 300
            await close(writer)

    run(main)


def test_pipelined_answers_of_the_proxys_own_come_all(run: Runner) -> None:
    async def main() -> None:
        async with a_stand(ScriptedBackend()) as stand:
            reply = await stand.talk(HEALTH * 5000 + GET)
            assert reply.count(b"HTTP/1.1 200 OK") == 5001
            assert reply.endswith(b"ok")

    run(main)


def test_a_mebibyte_of_empty_lines_is_skipped_at_once(run: Runner) -> None:
    async def main() -> None:
        async with a_stand(ScriptedBackend()) as stand:
            assert (await stand.talk(b"\r\n" * 500_000 + GET)).endswith(b"ok")

    run(main)


def test_the_backends_time_begins_when_the_request_has_ended(run: Runner) -> None:
    async def main() -> None:
        async with a_stand(ScriptedBackend(), first_byte=0.3) as stand:
            reader, writer = await asyncio.open_connection("127.0.0.1", stand.port)
            writer.write(upload(10)[:-5])
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):  # a slow citizen, well within body_idle
                    await reader.read()
            writer.write(b"x" * 5)
            assert status_of(await reader.readuntil(b"ok")) == 200
            await close(writer)

    run(main)


def test_a_websocket_that_met_pressure_once_lives_on(run: Runner) -> None:
    async def main() -> None:
        class Flood(ScriptedBackend):
            async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                task = asyncio.current_task()
                assert task is not None
                self._open[task] = writer
                with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                    await reader.readuntil(b"\r\n\r\n")
                    writer.write(SWITCH + b"z" * 8_000_000)
                    while data := await reader.read(100):
                        writer.write(data)
                writer.transport.abort()

        async with a_stand(Flood(), limits=Limits(idle=0.3)) as stand:
            reader, writer = await asyncio.open_connection("127.0.0.1", stand.port)
            writer.write(b"GET /ws HTTP/1.1\r\n" + HOST + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
            await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(8_000_000)
            for _ in range(4):
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.3):
                        assert await reader.read(10) != b"", "it was ended"
                writer.write(b"ping")
                assert await reader.readexactly(4) == b"ping"
            await close(writer)

    run(main)


def test_an_answer_that_is_never_read_to_its_end_is_given_up(run: Runner) -> None:
    async def main() -> None:
        big = b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n" + b"x" * 9_000_000
        async with a_stand(ScriptedBackend([[big]]), limits=Limits(idle=0.3)) as stand:
            reader, writer = await asyncio.open_connection("127.0.0.1", stand.port, limit=1024)
            writer.write(b"GET /x HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
            await reader.readuntil(b"\r\n\r\n")
            while stand.station.counters.cells[CONNECTIONS]:
                await asyncio.sleep(0.01)
            writer.transport.abort()

    run(main)


def test_a_held_form_finishes_on_the_table_it_began_with(run: Runner) -> None:
    async def main() -> None:
        legacy, repairs = ScriptedBackend(), ScriptedBackend()
        async with a_stand(legacy, repairs, claims=[NAMED]) as stand:
            reader, writer = await asyncio.open_connection("127.0.0.1", stand.port)
            writer.write(b"POST /report HTTP/1.1\r\n" + HOST + FORM + b"Content-Length: 7\r\n\r\na=1")
            while stand.station.counters.cells[CONNECTIONS] == 0:
                await asyncio.sleep(0)
            for _ in range(50):
                await asyncio.sleep(0)
            now = stand.station.generation
            stand.station.generation = replace(now, number=2, backends={"b0": now.backends["b0"]})
            writer.write(b"&b=2")
            assert status_of(await reader.readuntil(b"ok")) == 200
            assert len(repairs.requests) == 1
            await close(writer)

    run(main)


def test_a_request_refused_in_its_body_is_counted_once(run: Runner) -> None:
    async def main() -> None:
        async with a_stand(ScriptedBackend([[Silence()]], reads_body=False)) as stand:
            bad = b"POST /x HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n"
            assert status_of(await stand.talk(bad)) == 400
            assert (stand.hits(REFUSED_SERIES), stand.hits(DEFAULT_SERIES)) == (1, 0)
            assert stand.station.in_flight == 0

    run(main)


@pytest.mark.parametrize(
    ("fields", "status"),
    [(b"Host: other.gov.uk\r\n", 421), (HOST, 204)],
    ids=["a foreign host is refused", "our own is answered"],
)
def test_the_last_hop_does_not_hide_a_refusal(run: Runner, fields: bytes, status: int) -> None:
    async def main() -> None:
        async with a_stand(ScriptedBackend(), hosts=[b"www.anytown.gov.uk"]) as stand:
            asked = b"OPTIONS /a HTTP/1.1\r\n" + fields + b"Max-Forwards: 0\r\nConnection: close\r\n\r\n"
            assert status_of(await stand.talk(asked)) == status

    run(main)


def test_a_date_is_added_where_there_is_none_and_only_there(run: Runner) -> None:
    async def main() -> None:
        dated = b"HTTP/1.1 200 OK\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\nContent-Length: 2\r\n\r\nok"
        async with a_stand(ScriptedBackend([[OK], [dated]])) as stand:
            stand.station.each_second()
            first, second = await stand.talk(GET), await stand.talk(GET)
            own = await stand.talk(HEALTH)
        assert first.count(b"\r\nDate: ") == own.count(b"\r\nDate: ") == second.count(b"\r\nDate: ") == 1
        assert b"\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\n" in second

    run(main)


@pytest.mark.parametrize("value", [b"not-close", b"closed, x-a", b"xclose"])
def test_what_only_contains_close_is_no_close(run: Runner, value: bytes) -> None:
    async def main() -> None:
        async with a_stand(ScriptedBackend()) as stand:
            reader, writer = await asyncio.open_connection("127.0.0.1", stand.port)
            writer.write(b"GET / HTTP/1.1\r\n" + HOST + b"Connection: " + value + b"\r\n\r\n" + GET)
            writer.write_eof()
            assert (await read_all(reader)).count(b"HTTP/1.1 200 OK") == 2
            await close(writer)

    run(main)
