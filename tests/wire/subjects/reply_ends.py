"""Ends of replies: cut ones, those without a body, and what comes beyond the end (RFC 9112, 6.3, 8, 9.2)."""

from __future__ import annotations

from tests.wire.case import (
    BAD_GATEWAY,
    BAD_OR_CUT,
    CUT,
    EVIL_REPLY,
    HOST,
    SAFE,
    Case,
    Close,
    Passed,
    Pause,
    Reset,
    Stall,
    any_of,
    post,
    reply,
    request,
)

ASK = post(b"Content-Length: 0")
OLD = b"POST /@ID@ HTTP/1.0\r\n" + HOST + b"Content-Length: 0\r\n\r\n"
TE = b"Transfer-Encoding: chunked"
LAST = b"0\r\n\r\n"
OK = Passed(reply_body=b"ok")
HELLO = Passed(reply_body=b"hello")
CLOSES = frozenset(("junk",))


WITHOUT_BODY = [
    ("204", b"204 No Content", ASK),
    ("304", b"304 Not Modified", ASK),
    ("200 to HEAD", b"200 OK", request(method=b"HEAD")),
]

CASES = [
    # 9112, 8: a reply that is cut never looks whole.
    Case(
        "cut: less than the length",
        "RFC 9112, 8",
        (ASK,),
        BAD_OR_CUT,
        reply=(reply(b"Content-Length: 9", body=b"hello"), Pause(0.1), Close()),
    ),
    Case(
        "cut: less than the length, by a reset",
        "RFC 9112, 8",
        (ASK,),
        BAD_OR_CUT,
        reply=(reply(b"Content-Length: 9", body=b"hello"), Pause(0.1), Reset()),
    ),
    Case(
        "cut: nothing of the length",
        "RFC 9112, 8",
        (ASK,),
        BAD_OR_CUT,
        reply=(reply(b"Content-Length: 9"), Pause(0.1), Close()),
    ),
    Case(
        "cut: one byte short of a megabyte",
        "RFC 9112, 8",
        (ASK,),
        CUT,
        reply=(reply(b"Content-Length: 1048576", body=b"x" * 1_048_575), Pause(0.1), Close()),
    ),
    Case(
        "cut: no last chunk",
        "RFC 9112, 8",
        (ASK,),
        BAD_OR_CUT,
        reply=(reply(TE, body=b"5\r\nhello\r\n"), Pause(0.1), Close()),
    ),
    Case(
        "cut: no last chunk, by a reset",
        "RFC 9112, 8",
        (ASK,),
        BAD_OR_CUT,
        reply=(reply(TE, body=b"5\r\nhello\r\n"), Pause(0.1), Reset()),
    ),
    Case(
        "cut: half a chunk",
        "RFC 9112, 8",
        (ASK,),
        BAD_OR_CUT,
        reply=(reply(TE, body=b"9\r\nhello"), Pause(0.1), Close()),
    ),
    Case(
        "cut: a last chunk without its empty line",
        "RFC 9112, 8",
        (ASK,),
        BAD_OR_CUT,
        reply=(reply(TE, body=b"5\r\nhello\r\n0\r\n"), Pause(0.1), Close()),
    ),
    Case(
        "cut: until the end, ended by a reset",
        "RFC 9112, 8",
        (ASK,),
        BAD_OR_CUT,
        reply=(reply(body=b"hello"), Pause(0.2), Reset()),
    ),
    Case(
        "cut: silence before the length is full",
        "RFC 9112, 8",
        (ASK,),
        SAFE,
        CUT,
        reply=(reply(b"Content-Length: 9", body=b"hello"), Stall()),
    ),
    Case(
        "cut: silence between two chunks",
        "RFC 9112, 8",
        (ASK,),
        SAFE,
        CUT,
        reply=(reply(TE, body=b"5\r\nhello\r\n"), Stall()),
    ),
    Case(
        "cut: no last chunk, to HTTP/1.0",
        "RFC 9112, 8",
        (OLD,),
        BAD_OR_CUT,
        reply=(reply(TE, body=b"5\r\nhello\r\n"), Pause(0.2), Close()),
    ),
    Case(
        "cut: less than the length, to HTTP/1.0",
        "RFC 9112, 8",
        (OLD,),
        BAD_OR_CUT,
        reply=(reply(b"Content-Length: 9", body=b"hello"), Pause(0.2), Close()),
    ),
    Case(
        "cut: bad chunks, to HTTP/1.0",
        "RFC 9112, 8",
        (OLD,),
        BAD_OR_CUT,
        reply=(reply(TE, body=b"5\r\nhello\r\n"), Pause(0.2), b"zz\r\nEVIL\r\n", Pause(0.1), Close()),
    ),
    # 9110, 6.4.1: these have no body; bytes that stand where one would are nobody's.
    *[
        Case(
            f"{name} has no body",
            "RFC 9110, 6.4.1",
            (ask,),
            Passed(status=int(status[:3]), reply_body=b""),
            reply=(reply(status=status),),
        )
        for name, status, ask in WITHOUT_BODY
    ],
    *[
        Case(
            f"{name}, and a body all the same",
            "RFC 9112, 6.3",
            (ask,),
            Passed(status=int(status[:3]), reply_body=b""),
            reply=(reply(b"Content-Length: 4", status=status, body=b"EVIL"),),
            after=2,
        )
        for name, status, ask in WITHOUT_BODY[1:]
    ],
    *[
        Case(
            f"{name}, and a whole reply behind",
            "CWE-444",
            (ask,),
            Passed(status=int(status[:3]), reply_body=b""),
            reply=(reply(status=status, body=EVIL_REPLY),),
            after=2,
        )
        for name, status, ask in WITHOUT_BODY
    ],
    # 9110, 8.6 and 9112, 6.1: no length and no coding in a 204.
    Case(
        "204 with a length of nothing",
        "RFC 9110, 8.6",
        (ASK,),
        any_of(Passed(status=204, reply_lacks=[b"content-length"]), BAD_GATEWAY),
        reply=(reply(b"Content-Length: 0", status=b"204 No Content"),),
    ),
    Case(
        "204 with a length",
        "RFC 9110, 8.6",
        (ASK,),
        any_of(Passed(status=204, reply_lacks=[b"content-length"]), BAD_GATEWAY),
        reply=(reply(b"Content-Length: 4", status=b"204 No Content", body=b"EVIL"),),
        after=2,
    ),
    Case(
        "204 with chunks",
        "RFC 9112, 6.1",
        (ASK,),
        any_of(Passed(status=204, reply_lacks=[b"transfer-encoding"]), BAD_GATEWAY),
        reply=(reply(TE, status=b"204 No Content", body=b"4\r\nEVIL\r\n" + LAST),),
        after=2,
    ),
    Case(
        "304 keeps its length",
        "RFC 9110, 8.6",
        (ASK,),
        Passed(status=304),
        Passed(status=304, reply_has=[b"Content-Length: 9"]),
        reply=(reply(b"Content-Length: 9", b'ETag: "a"', status=b"304 Not Modified"),),
    ),
    Case(
        "205 has no body",
        "RFC 9110, 15.3.6",
        (ASK,),
        Passed(status=205, reply_body=b""),
        reply=(reply(b"Content-Length: 0", status=b"205 Reset Content"),),
    ),
    # 9112, 6.3 and 9.2: what comes beyond the end belongs to nobody, and the connection is done with.
    Case(
        "beyond the end: text",
        "RFC 9112, 9.2",
        (ASK,),
        OK,
        reply=(reply(b"Content-Length: 2", body=b"okEVIL"),),
        after=2,
    ),
    Case(
        "beyond the end: a whole reply",
        "CWE-444",
        (ASK,),
        OK,
        reply=(reply(b"Content-Length: 2", body=b"ok") + EVIL_REPLY,),
        after=2,
    ),
    Case(
        "beyond the end: a whole reply, a moment later",
        "CWE-444",
        (ASK,),
        OK,
        reply=(reply(b"Content-Length: 2", body=b"ok"), Pause(0.02), EVIL_REPLY),
        after=3,
    ),
    Case(
        "beyond the end: half a reply",
        "CWE-444",
        (ASK,),
        OK,
        reply=(reply(b"Content-Length: 2", body=b"ok") + EVIL_REPLY[:30],),
        after=2,
    ),
    Case(
        "beyond the end: behind chunks",
        "CWE-444",
        (ASK,),
        OK,
        reply=(reply(TE, body=b"2\r\nok\r\n" + LAST + EVIL_REPLY),),
        after=2,
    ),
    Case(
        "beyond the end: an interim reply",
        "CWE-444",
        (ASK,),
        OK,
        reply=(reply(b"Content-Length: 2", body=b"ok") + b"HTTP/1.1 103 EVIL\r\n\r\n",),
        after=2,
    ),
    Case(
        "beyond the end: an empty line",
        "RFC 9112, 9.2",
        (ASK,),
        OK,
        reply=(reply(b"Content-Length: 2", body=b"ok\r\n"),),
        after=2,
    ),
    Case(
        "beyond the end of an error",
        "CWE-444",
        (ASK,),
        Passed(status=404, reply_body=b"no"),
        reply=(reply(b"Content-Length: 2", status=b"404 Not Found", body=b"no") + EVIL_REPLY,),
        after=2,
    ),
]
