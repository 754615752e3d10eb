"""Bodies of replies: how long they are, and what no reader agrees on (RFC 9112, sections 6 and 7)."""

from __future__ import annotations

from tests.wire.case import (
    BAD_GATEWAY,
    BAD_OR_CUT,
    EVIL_REPLY,
    HOST,
    SAFE,
    Case,
    Close,
    Passed,
    Pause,
    any_of,
    post,
    reply,
)

ASK = post(b"Content-Length: 0")
OLD = b"POST /@ID@ HTTP/1.0\r\n" + HOST + b"Content-Length: 0\r\n\r\n"
TE = b"Transfer-Encoding: chunked"
LAST = b"0\r\n\r\n"
OK = Passed(reply_body=b"ok")
HELLO = Passed(reply_body=b"hello")
CLOSES = frozenset(("junk",))


# 9112, 6.3: a proxy MUST close the connection to the server, discard the reply and send 502.
BAD_LENGTHS = [
    ("two lengths", b"Content-Length: 2\r\nContent-Length: 3"),
    ("two lengths in one field", b"Content-Length: 2, 3"),
    ("a length with a plus", b"Content-Length: +2"),
    ("a negative length", b"Content-Length: -2"),
    ("a length in hexadecimal", b"Content-Length: 0x2"),
    ("a length with a letter", b"Content-Length: 2a"),
    ("a length with a point", b"Content-Length: 2.0"),
    ("two numbers in a length", b"Content-Length: 2 2"),
    ("an empty length", b"Content-Length:"),
    ("a length of twenty digits", b"Content-Length: 99999999999999999999"),
    ("a length that is 2 in 64 bits", b"Content-Length: 18446744073709551618"),
    ("a length with a vertical tab", b"Content-Length: \x0b2"),
    ("a length with a NUL", b"Content-Length: 2\x00"),
]
BAD_CODINGS = [
    ("chunked, then gzip", b"Transfer-Encoding: chunked, gzip"),
    ("a coding nobody knows", b"Transfer-Encoding: xchunked"),
    ("chunked twice", b"Transfer-Encoding: chunked, chunked"),
    ("chunked twice in two fields", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
    ("chunked with a vertical tab", b"Transfer-Encoding: \x0bchunked"),
    ("chunked with a NUL", b"Transfer-Encoding: chunked\x00"),
    ("a blank before the colon of a coding", b"Transfer-Encoding : chunked"),
    ("chunked and identity", b"Transfer-Encoding: identity, chunked"),
    ("chunked on a folded line", b"Transfer-Encoding:\r\n chunked"),
]
BAD_CHUNKS = [
    ("no size", b"\r\nhello\r\n" + LAST),
    ("a size that is no number", b"zz\r\nhello\r\n" + LAST),
    ("a size with 0x", b"0x5\r\nhello\r\n" + LAST),
    ("a negative size", b"-5\r\nhello\r\n" + LAST),
    ("a size of seventeen digits", b"10000000000000005\r\nhello\r\n" + LAST),
    ("data longer than its chunk", b"5\r\nhelloEVIL\r\n" + LAST),
    ("data shorter than its chunk", b"9\r\nhello\r\n" + LAST),
    ("a bad size behind a good chunk", b"5\r\nhello\r\nzz\r\nEVIL\r\n" + LAST),
    ("a bare CR after the size", b"5\rhello\r\n" + LAST),
]
LENIENT_CHUNKS = [
    ("a bare LF after the size", b"5\nhello\r\n" + LAST),
    ("a bare LF after the data", b"5\r\nhello\n" + LAST),
    ("a blank after the size", b"5 \r\nhello\r\n" + LAST),
    ("a malformed trailer", b"5\r\nhello\r\n0\r\nX T: 1\r\n\r\n"),
    ("a folded trailer", b"5\r\nhello\r\n0\r\nX-T: 1\r\n 2\r\n\r\n"),
    ("a trailer with a NUL", b"5\r\nhello\r\n0\r\nX-T: a\x00b\r\n\r\n"),
]

CASES = [
    Case("a body: a length", "RFC 9112, 6.2", (ASK,), OK, reply=(reply(b"Content-Length: 2", body=b"ok"),)),
    Case("a body: nothing", "RFC 9112, 6.2", (ASK,), Passed(reply_body=b""), reply=(reply(b"Content-Length: 0"),)),
    Case("a body: chunks", "RFC 9112, 7.1", (ASK,), HELLO, reply=(reply(TE, body=b"2\r\nhe\r\n3\r\nllo\r\n" + LAST),)),
    Case(
        "a body: chunks with extensions and trailers",
        "RFC 9112, 7.1",
        (ASK,),
        HELLO,
        reply=(reply(TE, body=b"5;a=b\r\nhello\r\n0;c\r\nX-T: 1\r\n\r\n"),),
    ),
    Case(
        "a body: chunks in capitals",
        "RFC 9112, 7",
        (ASK,),
        HELLO,
        reply=(reply(b"TRANSFER-ENCODING: CHUNKED", body=b"5\r\nhello\r\n" + LAST),),
    ),
    Case("a body: until the end", "RFC 9112, 6.3", (ASK,), HELLO, reply=(reply(body=b"hello"), Close())),
    Case(
        "a body: until the end, of HTTP/1.0",
        "RFC 9112, 6.3",
        (ASK,),
        HELLO,
        reply=(reply(body=b"hello", version=b"1.0"), Close()),
    ),
    Case("a body: nothing until the end", "RFC 9112, 6.3", (ASK,), Passed(reply_body=b""), reply=(reply(), Close())),
    Case(
        "a body: every byte",
        "RFC 9110, 6.4",
        (ASK,),
        Passed(reply_body=bytes(range(256))),
        reply=(reply(b"Content-Length: 256", body=bytes(range(256))),),
    ),
    Case(
        "a body: a megabyte",
        "RFC 9112, 6.2",
        (ASK,),
        Passed(reply_body=b"0123456789abcdef" * 65536),
        reply=(reply(b"Content-Length: 1048576", body=b"0123456789abcdef" * 65536),),
    ),
    Case(
        "a body: a megabyte in chunks",
        "RFC 9112, 7.1",
        (ASK,),
        Passed(reply_body=b"x" * 1_000_000),
        reply=(reply(TE), *[b"2710\r\n" + b"x" * 10_000 + b"\r\n"] * 100, LAST),
    ),
    Case(
        "a body: in pieces",
        "RFC 9112, 6.2",
        (ASK,),
        HELLO,
        reply=(reply(b"Content-Length: 5", body=b"he"), Pause(), b"l", Pause(), b"lo"),
    ),
    Case(
        "a body: an error's",
        "RFC 9110, 15.5.5",
        (ASK,),
        Passed(status=404, reply_body=b"no"),
        reply=(reply(b"Content-Length: 2", status=b"404 Not Found", body=b"no"),),
    ),
    # 9112, 6.1: never chunked to HTTP/1.0.
    Case(
        "to HTTP/1.0: chunks",
        "RFC 9112, 6.1",
        (OLD,),
        Passed(reply_body=b"hello", closed=True),
        reply=(reply(TE, body=b"5\r\nhello\r\n" + LAST),),
    ),
    Case(
        "to HTTP/1.0: until the end",
        "RFC 9112, 6.3",
        (OLD,),
        Passed(reply_body=b"hello", closed=True),
        reply=(reply(body=b"hello"), Close()),
    ),
    Case(
        "to HTTP/1.0 that asks to stay: chunks",
        "RFC 9112, 6.1",
        (OLD[:-2] + b"Connection: keep-alive\r\n\r\n",),
        HELLO,
        reply=(reply(TE, body=b"5\r\nhello\r\n" + LAST),),
    ),
    *[
        Case(f"a body: {name}", "RFC 9112, 6.3", (ASK,), BAD_GATEWAY, reply=(reply(line, body=b"ok"), Close()))
        for name, line in BAD_LENGTHS
    ],
    Case(
        "a body: the same length twice",
        "RFC 9110, 8.6",
        (ASK,),
        any_of(OK, BAD_GATEWAY),
        BAD_GATEWAY,
        reply=(reply(b"Content-Length: 2", b"Content-Length: 2", body=b"ok"), Close()),
    ),
    Case(
        "a body: the same length as a list",
        "RFC 9110, 8.6",
        (ASK,),
        any_of(OK, BAD_GATEWAY),
        BAD_GATEWAY,
        reply=(reply(b"Content-Length: 2, 2", body=b"ok"), Close()),
    ),
    *[
        Case(
            f"a body: {name}",
            "RFC 9112, 6.3",
            (ASK,),
            SAFE,
            BAD_GATEWAY,
            reply=(reply(line, body=b"2\r\nok\r\n" + LAST), Close()),
        )
        for name, line in BAD_CODINGS
    ],
    # 9112, 6.3: the length is removed and the chunks count, or it is an error.
    Case(
        "a body: both a length and chunks",
        "RFC 9112, 6.3",
        (ASK,),
        any_of(OK, BAD_GATEWAY),
        BAD_GATEWAY,
        reply=(reply(b"Content-Length: 4", TE, body=b"2\r\nok\r\n" + LAST), Close()),
    ),
    Case(
        "a body: both, and bytes that one of them leaves",
        "CWE-444",
        (ASK,),
        any_of(OK, BAD_GATEWAY),
        BAD_GATEWAY,
        reply=(reply(b"Content-Length: 100", TE, body=b"2\r\nok\r\n" + LAST + EVIL_REPLY),),
        after=2,
    ),
    Case(
        "a body: chunks in HTTP/1.0",
        "RFC 9112, 6.1",
        (ASK,),
        SAFE,
        BAD_GATEWAY,
        reply=(reply(TE, body=b"2\r\nok\r\n" + LAST, version=b"1.0"), Close()),
    ),
    # 9112, 7.1: an error in the chunks: nothing more can be believed, and the citizen sees that it is not whole.
    *[
        Case(
            f"a body: chunks with {name}",
            "RFC 9112, 7.1",
            (ASK,),
            BAD_OR_CUT,
            reply=(reply(TE, body=body), Pause(0.1), Close()),
        )
        for name, body in BAD_CHUNKS
    ],
    *[
        Case(
            f"a body: chunks with {name}",
            "RFC 9112, 7.1",
            (ASK,),
            any_of(HELLO, BAD_OR_CUT),
            BAD_OR_CUT,
            reply=(reply(TE, body=body), Pause(0.1), Close()),
        )
        for name, body in LENIENT_CHUNKS
    ],
    Case(
        "a body: trailers of 100,000 bytes",
        "RFC 9112, 7.1.2",
        (ASK,),
        any_of(HELLO, BAD_OR_CUT),
        BAD_OR_CUT,
        reply=(
            reply(
                TE,
                body=b"5\r\nhello\r\n0\r\n"
                + b"X-T: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n" * 2000
                + b"\r\n",
            ),
            Close(),
        ),
    ),
]
