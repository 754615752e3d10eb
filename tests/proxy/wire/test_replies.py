"""Replies of backends as raw bytes: what the citizen gets, to the byte, and what never reaches one."""

from __future__ import annotations

import asyncio

import pytest

from proxy.plan import DEFAULT_SERIES
from tests.proxy.wire.stand import (
    HOST,
    OK,
    Close,
    Reset,
    Runner,
    ScriptedBackend,
    Step,
    a_stand,
    status_of,
)

GET = b"GET /x HTTP/1.1\r\n" + HOST + b"\r\n"
VIA = b"Via: 1.1 stranglerfig\r\n"
LAST = VIA + b"Connection: close\r\n\r\n"  # the request was the last: the citizen had half closed

PASSED: list[tuple[str, bytes, list[Step], bytes]] = [  # law, request, script, what the citizen gets
    (
        "a length",
        GET,
        [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"],
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + LAST + b"ok",
    ),
    (
        "chunks are framed anew, without extensions and trailers",
        GET,
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n2;x=1\r\nok\r\n0\r\nX-T: 1\r\n\r\n"],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" + LAST + b"2\r\nok\r\n0\r\n\r\n",
    ),
    (
        "9112 6.3: a body that ends with the connection is chunked for 1.1",
        GET,
        [b"HTTP/1.1 200 OK\r\n\r\nok", Close()],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" + LAST + b"2\r\nok\r\n0\r\n\r\n",
    ),
    (
        "9112 6.1: never chunked to 1.0",
        b"GET /x HTTP/1.0\r\n\r\n",
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"],
        b"HTTP/1.1 200 OK\r\n" + LAST + b"ok",
    ),
    (
        "9110 9.3.2: HEAD keeps the length and has no body",
        b"HEAD /x HTTP/1.1\r\n" + HOST + b"\r\n",
        [b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"],
        b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n" + LAST,
    ),
    (
        "9110 15.3.5: 204 has neither body nor length",
        GET,
        [b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\nX-A: 1\r\n\r\n"],
        b"HTTP/1.1 204 No Content\r\nX-A: 1\r\n" + LAST,
    ),
    (
        "9110 15.4.5: 304 may say how long the body would be",
        GET,
        [b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 9\r\n\r\n'],
        b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 9\r\n' + LAST,
    ),
    (
        "Set-Cookie many and in order; the hop's own fields end here",
        GET,
        [
            (
                b"HTTP/1.1 200 Fine, thanks\r\nSet-Cookie: a=1\r\nX-No: 1\r\nSet-Cookie: b=2\r\n"
                b"Keep-Alive: timeout=5\r\nConnection: keep-alive, x-NO\r\n"
                b"Proxy-Authenticate: b\r\nContent-Length: 0\r\n\r\n"
            )
        ],
        b"HTTP/1.1 200 Fine, thanks\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 0\r\n" + LAST,
    ),
    (
        "9110 15.2: an early hint reaches 1.1",
        GET,
        [b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"],
        b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + LAST,
    ),
    (
        "and not 1.0",
        b"GET /x HTTP/1.0\r\n\r\n",
        [b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"],
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + LAST,
    ),
    (
        "a 100 that nobody asked for ends here",
        GET,
        [b"HTTP/1.1 100 Continue\r\n\r\n" + b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"],
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + LAST,
    ),
    (
        "bytes beyond the end are not the citizen's",
        GET,
        [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\nevil"],
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + LAST + b"ok",
    ),
    (
        "a body after HEAD is not the citizen's",
        b"HEAD /x HTTP/1.1\r\n" + HOST + b"\r\n",
        [b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"],
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n" + LAST,
    ),
    (
        "HTTP/1.0 backends, and a status line without a reason",
        GET,
        [b"HTTP/1.0 200\r\n\r\nok", Close()],
        b"HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n" + LAST + b"2\r\nok\r\n0\r\n\r\n",
    ),
]

BAD: list[tuple[str, list[Step]]] = [  # law, script: the citizen gets a clean 502
    ("no status line", [b"hello\r\n\r\n"]),
    ("HTTP/0.9", [b"<html>hello</html>", Close()]),
    ("HTTP/2", [b"HTTP/2 200 OK\r\n\r\n"]),
    ("a status of two digits", [b"HTTP/1.1 20 OK\r\n\r\n"]),
    ("a status of zero", [b"HTTP/1.1 000 OK\r\n\r\n"]),
    ("a NUL in a field", [b"HTTP/1.1 200 OK\r\nX: a\x00\r\n\r\n"]),
    ("a bare LF in the head", [b"HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n"]),
    ("a folded field", [b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n"]),
    ("a blank before the colon", [b"HTTP/1.1 200 OK\r\nX : a\r\n\r\n"]),
    ("two lengths", [b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"]),
    ("a malformed length", [b"HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\na"]),
    (
        "a length with chunks",
        [b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
    ),
    ("a coding we cannot read", [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"]),
    ("an unasked 101", [b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"]),
    ("interim replies without end", [b"HTTP/1.1 102 Processing\r\n\r\n" * 40]),
    ("a head without end", [b"HTTP/1.1 200 OK\r\n" + b"X: " + b"a" * 70_000]),
    ("a close instead of a reply", [Close()]),
    ("a reset instead of a reply", [Reset()]),
    ("a close inside the head", [b"HTTP/1.1 200 OK\r\nContent-", Close()]),
    ("a broken chunk at once", [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"]),
]

CUT: list[tuple[str, bytes, list[Step]]] = [  # law, request, script: the answer began, and is seen not to end
    ("a length not reached", GET, [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", Close()]),
    ("a length not reached, by a reset", GET, [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", Reset()]),
    ("chunks without the last", GET, [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", Close()]),
    ("a broken chunk later", GET, [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", b"zz\r\n"]),
    ("a body until the end, ended by a reset", GET, [b"HTTP/1.1 200 OK\r\n\r\nok", Reset()]),
    (
        "chunks without the last, for 1.0",
        b"GET /x HTTP/1.0\r\n\r\n",
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", Close()],
    ),
]


@pytest.mark.parametrize(("law", "request_bytes", "script", "got"), PASSED, ids=[case[0] for case in PASSED])
def test_passed_to_the_byte(run: Runner, law: str, request_bytes: bytes, script: list[Step], got: bytes) -> None:
    async def main() -> None:
        async with a_stand(ScriptedBackend([script])) as stand:
            assert await stand.talk(request_bytes) == got

    run(main)


@pytest.mark.parametrize(
    ("law", "request_bytes", "script", "got"),
    [case for case in PASSED if len(case[2]) == 1 or isinstance(case[2][1], Close)],
    ids=[case[0] for case in PASSED if len(case[2]) == 1 or isinstance(case[2][1], Close)],
)
def test_how_a_reply_is_cut_does_not_matter(
    run: Runner, law: str, request_bytes: bytes, script: list[Step], got: bytes
) -> None:
    async def main() -> None:
        whole = script[0]
        assert isinstance(whole, bytes)
        drip: list[Step] = [whole[at : at + 1] for at in range(len(whole))]
        async with a_stand(ScriptedBackend([drip + script[1:]])) as stand:
            reply = await stand.talk(request_bytes)
            assert unchunked(reply) == unchunked(got)

    run(main)


def unchunked(reply: bytes) -> bytes:
    """A reply with its chunks joined: how many there are is the framing's affair."""
    head, end, body = reply.rpartition(b"\r\n\r\n" if b"chunked" not in reply else b"close\r\n\r\n")
    if b"chunked" not in head:
        return reply
    content = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        content, body = content + body[: int(size, 16)], body[int(size, 16) + 2 :]
    return head + end + content


@pytest.mark.parametrize(("law", "script"), BAD, ids=[case[0] for case in BAD])
def test_a_bad_reply_is_a_clean_502_and_its_connection_is_not_used_again(
    run: Runner, law: str, script: list[Step]
) -> None:
    async def main() -> None:
        backend = ScriptedBackend([script, [OK]])
        async with a_stand(backend) as stand:
            reply = await stand.talk(b"POST /x HTTP/1.1\r\n" + HOST + b"Content-Length: 0\r\n\r\n" + GET)
        first, _, rest = reply[reply.index(b"HTTP/1.1 502") :].partition(b"</html>")
        assert b"internal" not in first
        assert b"127.0.0.1" not in first
        assert b"stranglerfig" not in first
        assert rest.strip().startswith(b"HTTP/1.1 200 OK"), "the citizen's connection goes on"
        assert backend.connections == 2, "the backend's does not"

    run(main)


@pytest.mark.parametrize(("law", "request_bytes", "script"), CUT, ids=[case[0] for case in CUT])
def test_a_truncated_reply_never_looks_complete(
    run: Runner, law: str, request_bytes: bytes, script: list[Step]
) -> None:
    async def main() -> None:
        seen = asyncio.Event()
        async with a_stand(ScriptedBackend([[script[0], seen, *script[1:]]])) as stand:
            reader, writer = await asyncio.open_connection("127.0.0.1", stand.port)
            writer.write(request_bytes)
            got = b""
            while not got.rstrip().endswith(b"ok"):
                got += await reader.read(4096)
            seen.set()
            cut = False
            try:
                while piece := await reader.read(4096):
                    got += piece
            except ConnectionError:
                cut = True
            writer.close()
            assert status_of(got) == 200
            if b"Content-Length: 9" in got or b"chunked" in got:
                assert not got.endswith(b"0\r\n\r\n")
            else:
                assert cut, "without a length, only a reset tells"
            assert stand.counters.tally(DEFAULT_SERIES).cut == 1

    run(main)


def test_nothing_a_backend_sends_unasked_reaches_the_next_citizen(run: Runner) -> None:
    async def main() -> None:
        late = asyncio.Event()
        backend = ScriptedBackend([[OK, late, b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"], [OK]])
        async with a_stand(backend) as stand:
            assert (await stand.talk(GET)).endswith(b"ok")
            late.set()
            while stand.station.open:
                await asyncio.sleep(0)
            for _ in range(3):
                assert (await stand.talk(GET)).endswith(b"ok")

    run(main)
