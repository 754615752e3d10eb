"""Every request has an id and a trace: backends are told them, pages and the log repeat the id."""

from __future__ import annotations

import asyncio
import ipaddress

from tests.proxy.wire.stand import HOST, OK, TRACED, Close, Runner, ScriptedBackend, a_stand, status_of

LOOPBACK = [ipaddress.ip_network("127.0.0.0/8")]
PARENT = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"
TOLD = b"X-Request-Id: told-1\r\ntraceparent: %b\r\ntracestate: a=1\r\n" % PARENT


def test_no_two_requests_are_called_alike(run: Runner) -> None:
    async def main() -> None:
        backend = ScriptedBackend()
        async with a_stand(backend) as stand:
            await stand.talk(b"".join(b"GET /%d HTTP/1.1\r\n%b\r\n" % (number, HOST) for number in range(50)))
        found = [TRACED.findall(request)[0] for request in backend.requests]
        assert len(found) == 50
        for part in (0, 2, 3):
            assert len({each[part] for each in found}) == 50

    run(main)


def test_a_strangers_trace_is_carried_on_and_the_id_is_ours(run: Runner) -> None:
    async def main() -> None:
        backend = ScriptedBackend()
        async with a_stand(backend) as stand:
            await stand.talk(b"GET / HTTP/1.1\r\n" + HOST + TOLD + b"\r\n")
        ((request_id, state, trace, span),) = TRACED.findall(backend.requests[0])
        assert request_id != b"told-1"
        assert (state, trace) == (b"a=1", PARENT[3:35])
        assert span not in PARENT
        assert backend.requests[0].lower().count(b"traceparent:") == 1

    run(main)


def test_a_trusted_peers_id_is_kept_to_the_backend_and_on_the_page(run: Runner) -> None:
    async def main() -> None:
        backend = ScriptedBackend(scripts=((OK,), (Close(),)))
        async with a_stand(backend, trust=LOOPBACK) as stand:
            reply = await stand.talk((b"POST / HTTP/1.1\r\n" + HOST + TOLD + b"Content-Length: 0\r\n\r\n") * 2)
            assert reply.count(b"reference <strong>told-1</strong>") == 1
            assert any(line.startswith("told-1 POST /: backend b0") for line in stand.log)
        assert [TRACED.findall(request)[0][0] for request in backend.requests] == [b"told-1"] * 2

    run(main)


def test_a_failed_backend_was_told_the_reference_on_the_page(run: Runner) -> None:
    async def main() -> None:
        backend = ScriptedBackend(scripts=((Close(),),))
        async with a_stand(backend) as stand:
            reply = await stand.talk(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 0\r\n\r\n")
        assert status_of(reply) == 502
        assert b"reference <strong>%b</strong>" % TRACED.findall(backend.requests[0])[0][0] in reply

    run(main)


def test_a_body_refused_half_way_is_called_as_its_head_was(run: Runner) -> None:
    async def main() -> None:
        backend = ScriptedBackend(reads_body=False, scripts=((asyncio.Event(),),))
        async with a_stand(backend) as stand:
            reader, writer = await asyncio.open_connection("127.0.0.1", stand.port)
            writer.write(b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n")
            await backend.got_head.wait()
            writer.write(b"no chunk\r\n")
            reply = await reader.read()
            writer.close()
        assert status_of(reply) == 400
        assert b"reference <strong>%b</strong>" % TRACED.findall(backend.requests[0])[0][0] in reply

    run(main)


def test_what_was_never_read_has_a_reference_too(run: Runner) -> None:
    async def main() -> None:
        async with a_stand(ScriptedBackend()) as stand:
            reply = await stand.talk(b"nonsense\r\n\r\n")
            reference = reply.partition(b"reference <strong>")[2].partition(b"<")[0].decode()
            assert stand.log == [f"{reference} refused with 400: a malformed request line"]

    run(main)
