"""Requests as raw bytes: what is passed on, to the byte, and what is refused.

Whole, byte by byte, and with a request behind.
"""

from __future__ import annotations

import pytest

from proxy.plan import REFUSED_SERIES
from tests.proxy.wire.stand import HOST, Runner, ScriptedBackend, a_stand, status_of, untraced

OURS = (
    b"Via: 1.1 stranglerfig\r\nX-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\n"
    b'X-Forwarded-Host: www.anytown.gov.uk\r\nForwarded: for=127.0.0.1;host="www.anytown.gov.uk";proto=http\r\n\r\n'
)

PASSED = [  # law, request, what the backend gets
    ("a plain GET", b"GET / HTTP/1.1\r\n" + HOST + b"\r\n", b"GET / HTTP/1.1\r\n" + HOST + OURS),
    (
        "9112 2.2: an empty line before the request line is skipped",
        b"\r\nGET / HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + OURS,
    ),
    (
        "9112 3.2.2: absolute form becomes origin form",
        b"GET http://www.anytown.gov.uk/a?b HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET /a?b HTTP/1.1\r\n" + HOST + OURS,
    ),
    (
        "the raw target reaches legacy",
        b"GET /a%7Eb/?x=%2f;y HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET /a%7Eb/?x=%2f;y HTTP/1.1\r\n" + HOST + OURS,
    ),
    (
        "9110 7.6.1: hop-by-hop fields end here, by name and by nomination",
        b"GET / HTTP/1.1\r\n" + HOST + b"Connection: x-one, Keep-Alive\r\nX-One: 1\r\nX-Two: 2\r\nKeep-Alive: 5\r\n"
        b"TE: trailers\r\nUpgrade: foo\r\nProxy-Authorization: b\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"X-Two: 2\r\n" + OURS,
    ),
    (
        "a stranger's word about itself ends here",
        b"GET / HTTP/1.1\r\n" + HOST + b"X-Forwarded-For: 1.2.3.4\r\nForwarded: for=1.2.3.4\r\nX-Real-IP: 1.2.3.4\r\n"
        b"X-Original-URL: /admin\r\nX-Rewrite-Url: /admin\r\nProxy: http://x\r\nFig-Shadow: 1\r\nx_forwarded_for: 1\r\n"
        b"X-Forwarded-Prefix: /a\r\nTrue-Client-IP: 1.2.3.4\r\nX-Client-Ip: 1.2.3.4\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + OURS,
    ),
    (
        "repeated fields keep their order, and values their bytes",
        b"GET / HTTP/1.1\r\n" + HOST + b"Accept: a\r\nX-B: caf\xe9 \t x  \r\nAccept: b\r\nX-Empty:\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"Accept: a\r\nX-B: caf\xe9 \t x\r\nAccept: b\r\nX-Empty: \r\n" + OURS,
    ),
    (
        "a body with a length",
        b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\n\r\nhello",
        b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\n" + OURS + b"hello",
    ),
    (
        "a body of no bytes",
        b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 0\r\n\r\n",
        b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 0\r\n" + OURS,
    ),
    (
        "9110 9.3.1: a GET may have a body",
        b"GET / HTTP/1.1\r\n" + HOST + b"Content-Length: 2\r\n\r\nhi",
        b"GET / HTTP/1.1\r\n" + HOST + b"Content-Length: 2\r\n" + OURS + b"hi",
    ),
]

REFUSED = [  # law, request, status
    (
        "9112 6.1: Content-Length with Transfer-Encoding",
        b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc",
        400,
    ),
    ("9112 6.3: two lengths", b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400),
    ("9112 6.3: the same length twice", b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400),
    ("a length as a list", b"Content-Length: 3, 3\r\n\r\nabc", 400),
    ("a signed length", b"Content-Length: +3\r\n\r\nabc", 400),
    ("a negative length", b"Content-Length: -1\r\n\r\n", 400),
    ("a length in hexadecimal", b"Content-Length: 0x3\r\n\r\nabc", 400),
    ("an empty length", b"Content-Length:\r\n\r\n", 400),
    ("a length of twenty digits", b"Content-Length: 99999999999999999999\r\n\r\n", 400),
    ("9112 6.1: a coding other than chunked", b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400),
    ("chunked twice", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("identity", b"Transfer-Encoding: identity\r\n\r\n", 400),
    ("chunked with a vertical tab", b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", 400),
    ("9112 5.1: a blank before the colon", b"X-A : 1\r\n\r\n", 400),
    ("9112 5.2: a folded line", b"X-A: 1\r\n 2\r\n\r\n", 400),
    ("a line without a colon", b"X-A\r\n\r\n", 400),
    ("an empty name", b": 1\r\n\r\n", 400),
    ("a NUL in a value", b"X-A: a\x00b\r\n\r\n", 400),
    ("a control byte in a value", b"X-A: a\x01b\r\n\r\n", 400),
    ("9112 2.2: a bare CR in a value", b"X-A: a\rb\r\n\r\n", 400),
    ("9112 2.2: a bare LF between lines", b"X-A: a\nX-B: b\r\n\r\n", 400),
    ("a bracket in a name", b"X(A: 1\r\n\r\n", 400),
    ("a name beyond ASCII", b"X-\xc3\xa9: 1\r\n\r\n", 400),
    ("9112 3.2: two Hosts", b"Host: other\r\n\r\n", 400),
    ("Connection nominates Host", b"Connection: host\r\n\r\n", 400),
    ("Connection nominates Cookie, in any spelling", b"Connection: close , COOKIE\r\n\r\n", 400),
]

LINES = [  # law, whole head, status
    ("no Host in 1.1", b"GET / HTTP/1.1\r\n\r\n", 400),
    ("a malformed Host", b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
    ("a Host with userinfo", b"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400),
    ("a Host with a path", b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
    ("a Host that disagrees with the target", b"GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n", 400),
    ("two blanks in the request line", b"GET  / HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("a tab in the request line", b"GET\t/ HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("a blank at its end", b"GET / HTTP/1.1 \r\n" + HOST + b"\r\n", 400),
    ("a blank in the target", b"GET /a b HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("HTTP/0.9", b"GET /\r\n\r\n", 400),
    ("a lower-case version", b"GET / http/1.1\r\n" + HOST + b"\r\n", 400),
    ("HTTP/2.0", b"GET / HTTP/2.0\r\n" + HOST + b"\r\n", 505),
    ("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    ("HTTP/1.10", b"GET / HTTP/1.10\r\n" + HOST + b"\r\n", 400),
    ("a fragment", b"GET /a#b HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("a backslash", b"GET /a\\b HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("a NUL, encoded", b"GET /a%00b HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("a broken escape", b"GET /a%2 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("a relative target", b"GET a HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("a target of another scheme", b"GET ftp://a/ HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("a line that ends in a bare LF", b"GET / HTTP/1.1\n" + HOST + b"\r\n", 400),
    ("CONNECT", b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 405),
    ("TRACE", b"TRACE / HTTP/1.1\r\n" + HOST + b"\r\n", 405),
    ("9112 6.1: Transfer-Encoding in 1.0", b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("a colon instead of a method", b": / HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("TLS spoken to a plain port", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
]

CHUNKS = [  # law, chunked body, whether it passes
    ("one chunk", b"5\r\nhello\r\n0\r\n\r\n", True),
    ("sizes in any case, with leading zeros", b"00a\r\nhellohello\r\n0A\r\nhellohello\r\n000\r\n\r\n", True),
    ("an extension is dropped", b'5;a=b;c="d e"\r\nhello\r\n0;x\r\n\r\n', True),
    ("trailers are dropped", b"5\r\nhello\r\n0\r\nX-T: 1\r\nExpires: 0\r\n\r\n", True),
    ("no size", b"\r\nhello\r\n0\r\n\r\n", False),
    ("a size that is no number", b"x\r\nhello\r\n0\r\n\r\n", False),
    ("a size with 0x", b"0x5\r\nhello\r\n0\r\n\r\n", False),
    ("a signed size", b"+5\r\nhello\r\n0\r\n\r\n", False),
    ("a blank after the size", b"5 \r\nhello\r\n0\r\n\r\n", False),
    ("a size of seventeen digits", b"10000000000000005\r\nhello\r\n0\r\n\r\n", False),
    ("data longer than its chunk", b"5\r\nhello!\r\n0\r\n\r\n", False),
    ("data shorter than its chunk", b"5\r\nhell\r\n0\r\n\r\n", False),
    ("a bare LF after the size", b"5\nhello\r\n0\r\n\r\n", False),
    ("a bare LF after the data", b"5\r\nhello\n0\r\n\r\n", False),
    ("a bare LF in an extension", b"5;a\nb\r\nhello\r\n0\r\n\r\n", False),
    ("a bare CR after the size", b"5\rhello\r\n0\r\n\r\n", False),
    ("a malformed trailer", b"5\r\nhello\r\n0\r\nX T: 1\r\n\r\n", False),
    ("a folded trailer", b"5\r\nhello\r\n0\r\nX-T: 1\r\n 2\r\n\r\n", False),
]


def ids(cases: list[tuple[str, bytes, object]]) -> list[str]:
    return [case[0] for case in cases]


@pytest.mark.parametrize("piece", [0, 1], ids=["whole", "byte by byte"])
@pytest.mark.parametrize(("law", "request_bytes", "got"), PASSED, ids=ids(PASSED))
def test_passed_to_the_byte(run: Runner, law: str, request_bytes: bytes, got: bytes, piece: int) -> None:
    async def main() -> None:
        backend = ScriptedBackend()
        async with a_stand(backend) as stand:
            reply = await stand.talk(request_bytes, piece=piece)
        assert status_of(reply) == 200
        assert [untraced(each) for each in backend.requests] == [got]

    run(main)


@pytest.mark.parametrize("piece", [0, 1], ids=["whole", "byte by byte"])
@pytest.mark.parametrize(
    ("law", "head", "status"),
    [(law, b"POST / HTTP/1.1\r\n" + HOST + rest, status) for law, rest, status in REFUSED] + LINES,
    ids=ids(REFUSED) + ids(LINES),
)
def test_refused_and_closed(run: Runner, law: str, head: bytes, status: int, piece: int) -> None:
    async def main() -> None:
        backend = ScriptedBackend()
        async with a_stand(backend) as stand:
            smuggled = b"GET /smuggled HTTP/1.1\r\n" + HOST + b"\r\n"
            reply = await stand.talk(head + smuggled, piece=piece)
            assert status_of(reply) == status, reply[:300]
            assert b"\r\nConnection: close\r\n" in reply
            assert reply.count(b"HTTP/1.1 ") == 1, "nothing after it is answered"
            assert backend.requests == [], "nothing of it is passed on"
            assert stand.hits(REFUSED_SERIES) == 1

    run(main)


@pytest.mark.parametrize("piece", [0, 1], ids=["whole", "byte by byte"])
@pytest.mark.parametrize(("law", "body", "passes"), CHUNKS, ids=ids(CHUNKS))
def test_chunked_bodies_are_framed_anew(run: Runner, law: str, body: bytes, passes: bool, piece: int) -> None:
    async def main() -> None:
        backend = ScriptedBackend()
        async with a_stand(backend) as stand:
            head = b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
            reply = await stand.talk(head + body + b"GET /next HTTP/1.1\r\n" + HOST + b"\r\n", piece=piece)
            if passes:
                assert reply.count(b"HTTP/1.1 200 OK") == 2
                first = backend.requests[0]
                assert b"\r\nTransfer-Encoding: chunked\r\n" in first
                assert b";" not in first.partition(b"\r\n\r\n")[2]
                assert b"X-T" not in first
                assert backend.requests[1].startswith(b"GET /next HTTP/1.1\r\n")
            else:
                assert status_of(reply) == 400
                assert not any(b"/next" in request for request in backend.requests)

    run(main)
