"""Heads of replies: a status line and fields in order, or a clean 502 (RFC 9112, sections 4 and 5)."""

from __future__ import annotations

from tests.wire.case import (
    BAD_GATEWAY,
    BAD_OR_CUT,
    SAFE,
    BadGateway,
    Case,
    Close,
    Passed,
    Pause,
    Reset,
    Stall,
    post,
    reply,
    request,
)

# A POST is not asked again, so that what comes back is what the proxy made of this one reply.
ASK = post(b"Content-Length: 0")
EVIL_BODY = b"Content-Length: 4\r\n\r\nEVIL"

# No status line (9112, 4): what follows is not a reply.
NO_STATUS_LINE = [
    ("HTTP/0.9: a body at once", b"<html>EVIL</html>"),
    ("a line of text", b"EVIL\r\n\r\n"),
    ("the greeting of SSH", b"SSH-2.0-OpenSSH_EVIL\r\n"),
    ("an alert of TLS", b"\x15\x03\x01\x00\x02\x02\x0aEVIL"),
    ("a frame of HTTP/2", b"\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64EVIL"),
    ("a request", b"GET /EVIL HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("a status of two digits", b"HTTP/1.1 20 OK\r\n" + EVIL_BODY),
    ("a status that is no number", b"HTTP/1.1 abc OK\r\n" + EVIL_BODY),
    ("no status", b"HTTP/1.1\r\n" + EVIL_BODY),
    ("a status in hexadecimal", b"HTTP/1.1 0xc OK\r\n" + EVIL_BODY),
    ("a NUL in the version", b"HTTP/1\x00.1 200 OK\r\n" + EVIL_BODY),
    ("another protocol", b"RTSP/1.0 200 OK\r\n" + EVIL_BODY),
]
# A lenient reader makes something of these; ours does not.
ODD_STATUS_LINES = [
    ("a status of four digits", b"HTTP/1.1 2000 OK\r\n"),
    ("a status below 100", b"HTTP/1.1 099 OK\r\n"),
    ("a status of nought", b"HTTP/1.1 000 OK\r\n"),
    ("a negative status", b"HTTP/1.1 -200 OK\r\n"),
    ("HTTP/2.0 on a line", b"HTTP/2.0 200 OK\r\n"),
    ("HTTP/1.10", b"HTTP/1.10 200 OK\r\n"),
    ("a lower-case version", b"http/1.1 200 OK\r\n"),
    ("Shoutcast", b"ICY 200 OK\r\n"),
    ("two blanks before the status", b"HTTP/1.1  200 OK\r\n"),
    ("a tab before the status", b"HTTP/1.1\t200 OK\r\n"),
    ("a blank before the status line", b" HTTP/1.1 200 OK\r\n"),
    ("an empty line before the status line", b"\r\nHTTP/1.1 200 OK\r\n"),
    ("a NUL in the reason", b"HTTP/1.1 200 O\x00K\r\n"),
    ("a bare CR in the reason", b"HTTP/1.1 200 O\rK\r\n"),
    ("an escape byte in the reason", b"HTTP/1.1 200 O\x1b[1mK\r\n"),
    ("a status line that ends in a bare LF", b"HTTP/1.1 200 OK\n"),
    ("a letter behind the status", b"HTTP/1.1 200x OK\r\n"),
]
ODD_FIELDS = [
    # 9112, 5.1: a proxy MUST remove such a blank; the reader of what the citizen got sees to it.
    ("a blank before a colon", "RFC 9112, 5.1", b"X-A : 1\r\n"),
    # 9112, 5.2: a proxy MUST replace the fold, or answer 502.
    ("a folded value", "RFC 9112, 5.2", b"X-A: 1\r\n 2\r\n"),
    ("a fold at once after the status line", "RFC 9112, 2.2", b" X-A: 1\r\n"),
    ("a NUL in a value", "RFC 9110, 5.5", b"X-A: a\x00b\r\n"),
    ("a bare CR in a value", "RFC 9110, 5.5", b"X-A: a\rb\r\n"),
    ("a bare CR that hides a field", "CWE-113", b"X-A: a\rSet-Cookie: a=b\r\n"),
    ("a bare LF between two fields", "RFC 9112, 2.2", b"X-A: a\nX-B: b\r\n"),
    ("an escape byte in a value", "RFC 9110, 5.5", b"X-A: a\x1bb\r\n"),
    ("a DEL in a value", "RFC 9110, 5.5", b"X-A: a\x7fb\r\n"),
    ("a line without a colon", "RFC 9112, 5", b"X-A\r\n"),
    ("an empty name", "RFC 9112, 5", b": 1\r\n"),
    ("a blank in a name", "RFC 9110, 5.6.2", b"X A: 1\r\n"),
    ("a NUL in a name", "RFC 9110, 5.6.2", b"X\x00A: 1\r\n"),
    ("bytes beyond ASCII in a name", "RFC 9110, 5.6.2", b"X-\xc3\xa9: 1\r\n"),
]

CASES = [
    *[
        Case(f"a reply: {name}", "RFC 9112, 4", (ASK,), BAD_GATEWAY, reply=(head, Close()))
        for name, head in NO_STATUS_LINE
    ],
    *[
        Case(
            f"a reply: {name}",
            "RFC 9112, 4",
            (ASK,),
            SAFE,
            BAD_GATEWAY,
            reply=(line + b"Content-Length: 2\r\n\r\nok", Close()),
        )
        for name, line in ODD_STATUS_LINES
    ],
    *[
        Case(
            f"a reply: {name}",
            rfc,
            (ASK,),
            SAFE,
            BAD_GATEWAY,
            reply=(b"HTTP/1.1 200 OK\r\n" + field + b"Content-Length: 2\r\n\r\nok", Close()),
        )
        for name, rfc, field in ODD_FIELDS
    ],
    Case(
        "a reply: a head that ends in bare LFs",
        "RFC 9112, 2.2",
        (ASK,),
        SAFE,
        BAD_GATEWAY,
        reply=(b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", Close()),
    ),
    Case(
        "a reply: a head of 100,000 bytes",
        "RFC 9112, 5",
        (ASK,),
        SAFE,
        BAD_GATEWAY,
        reply=(
            reply(*[b"X-%d: " % each + b"a" * 1000 for each in range(100)], b"Content-Length: 2", body=b"ok"),
            Close(),
        ),
    ),
    Case(
        "a reply: a head without end",
        "CWE-400",
        (ASK,),
        BAD_OR_CUT,
        BAD_GATEWAY,
        reply=(
            b"HTTP/1.1 200 OK\r\n" + b"X-A: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n" * 30_000,
            Close(),
        ),
    ),
    Case(
        "a reply: a status line without end",
        "CWE-400",
        (ASK,),
        BAD_GATEWAY,
        reply=(b"HTTP/1.1 200 " + b"a" * 1_000_000, Close()),
    ),
    Case(
        "a reply: no reason",
        "RFC 9112, 4",
        (ASK,),
        Passed(reply_body=b"ok"),
        reply=(b"HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok",),
    ),
    Case(
        "a reply: no reason and no blank",
        "RFC 9112, 4",
        (ASK,),
        Passed(reply_body=b"ok"),
        reply=(b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok",),
    ),
    Case(
        "a reply: bytes beyond ASCII in the reason",
        "RFC 9112, 4",
        (ASK,),
        Passed(reply_body=b"ok"),
        reply=(b"HTTP/1.1 200 Tr\xc3\xa8s bien\r\nContent-Length: 2\r\n\r\nok",),
    ),
    Case(
        "a reply: a status nobody knows",
        "RFC 9110, 15",
        (ASK,),
        Passed(status=299, reply_body=b"ok"),
        reply=(reply(b"Content-Length: 2", status=b"299 Odd", body=b"ok"),),
    ),
    Case(
        "a reply: a refusal nobody knows",
        "RFC 9110, 15",
        (ASK,),
        Passed(status=499, reply_body=b"ok"),
        reply=(reply(b"Content-Length: 2", status=b"499 Odd", body=b"ok"),),
    ),
    Case(
        "a reply: an error of the backend's own",
        "RFC 9110, 15.6",
        (ASK,),
        Passed(status=500, reply_body=b"ok"),
        reply=(reply(b"Content-Length: 2", status=b"500 Oh", body=b"ok"),),
    ),
    Case(
        "a reply: a 502 of the backend's own",
        "RFC 9110, 15.6.3",
        (ASK,),
        Passed(status=502, reply_body=b"ok"),
        reply=(reply(b"Content-Length: 2", status=b"502 Oh", body=b"ok"),),
    ),
    Case(
        "a reply: a head in pieces",
        "RFC 9112, 2.2",
        (ASK,),
        Passed(reply_body=b"ok"),
        reply=(b"HTT", Pause(), b"P/1.1 200 O", Pause(), b"K\r\nContent-Length: 2\r", Pause(), b"\n\r\nok"),
    ),
    # 9110, 15.6.3 and 15.6.5: no reply at all.
    Case("no reply: closed at once", "RFC 9110, 15.6.3", (ASK,), BAD_GATEWAY, reply=(Close(),)),
    Case("no reply: reset at once", "RFC 9110, 15.6.3", (ASK,), BAD_GATEWAY, reply=(Reset(),)),
    Case(
        "no reply: closed in the middle of the head",
        "RFC 9112, 8",
        (ASK,),
        BAD_GATEWAY,
        reply=(b"HTTP/1.1 200 OK\r\nContent-", Close()),
    ),
    Case(
        "no reply: closed before the empty line",
        "RFC 9112, 8",
        (ASK,),
        BAD_GATEWAY,
        reply=(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n", Close()),
    ),
    Case(
        "no reply: reset in the middle of the head",
        "RFC 9112, 8",
        (ASK,),
        BAD_GATEWAY,
        reply=(b"HTTP/1.1 200 OK\r\nContent-", Pause(), Reset()),
    ),
    Case("no reply: silence", "RFC 9110, 15.6.5", (ASK,), BAD_GATEWAY, BadGateway(frozenset((504,))), reply=(Stall(),)),
    Case(
        "no reply: silence in the middle of the head",
        "RFC 9110, 15.6.5",
        (ASK,),
        BAD_GATEWAY,
        BadGateway(frozenset((504,))),
        reply=(b"HTTP/1.1 200 OK\r\nContent-", Stall()),
    ),
    Case(
        "no reply to HEAD: the 502 has no body",
        "RFC 9110, 9.3.2",
        (request(method=b"HEAD"),),
        BAD_GATEWAY,
        reply=(b"EVIL\r\n\r\n", Close()),
    ),
    Case(
        "no reply: the connection goes on after a 502",
        "RFC 9112, 9.3",
        (ASK + request(target=b"/@ID@/plain"),),
        SAFE,
        Passed(requests=2, replies=2, status=502),
        methods=(b"POST", b"GET"),
        reply=(b"EVIL\r\n\r\n", Close()),
    ),
]
