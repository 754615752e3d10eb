"""Connections of citizens: kept, closed, pipelined, half closed (RFC 9112, section 9)."""

from __future__ import annotations

from tests.wire.case import (
    HOST,
    INNER,
    REFUSED,
    SAFE,
    AwaitReply,
    Case,
    Close,
    Gone,
    HalfClose,
    Passed,
    Pause,
    Reset,
    any_of,
    post,
    refused,
    reply,
    request,
)

OLD = b"GET /@ID@ HTTP/1.0\r\n" + HOST
NEXT = request(target=b"/@ID@/next")
GET = b"GET"
NO_JUNK = frozenset(("junk",))
POST_3 = post(b"Content-Length: 3", body=b"abc")
# 9.6: who closes while the other side still sends may lose its last words; a server should wait, but need not.
UNHEARD = any_of(Passed(requests=1, replies=1, closed=True), Passed(requests=1, replies=0, closed=True))

CASES = [
    # 9.3: HTTP/1.1 stays open unless told, HTTP/1.0 closes unless told.
    Case("HTTP/1.1 stays open", "RFC 9112, 9.3", (request(),), Passed(), Passed(closed=False)),
    Case("HTTP/1.1 and Connection: close", "RFC 9112, 9.6", (request(b"Connection: close"),), Passed(closed=True)),
    Case("Connection: CLOSE", "RFC 9110, 7.6.1", (request(b"Connection: CLOSE"),), Passed(closed=True)),
    Case(
        "Connection: close among others", "RFC 9112, 9.6", (request(b"Connection: x-a , close"),), Passed(closed=True)
    ),
    Case(
        "close in a second Connection",
        "RFC 9112, 9.6",
        (request(b"Connection: x-a", b"Connection: close"),),
        Passed(closed=True),
    ),
    Case(
        "both close and keep-alive", "RFC 9112, 9.3", (request(b"Connection: keep-alive, close"),), Passed(closed=True)
    ),
    Case(
        "what only contains close is no close",
        "RFC 9112, 9.3",
        (request(b"Connection: x-enclosed"),),
        Passed(),
        Passed(closed=False),
    ),
    Case("HTTP/1.0 closes", "RFC 9112, 9.3", (OLD + b"\r\n",), Passed(closed=True)),
    Case(
        "HTTP/1.0 that asks to stay",
        "RFC 9112, 9.3",
        (OLD + b"Connection: keep-alive\r\n\r\n",),
        Passed(),
        Passed(closed=False, reply_has=[b"Connection: keep-alive"]),
    ),
    Case(
        "HTTP/1.0 that asks to stay, and to close",
        "RFC 9112, 9.3",
        (OLD + b"Connection: keep-alive, close\r\n\r\n",),
        Passed(closed=True),
    ),
    # 2.3: a proxy speaks its own version on either side.
    Case(
        "to HTTP/1.0 the reply is of our own version",
        "RFC 9112, 2.3",
        (OLD + b"\r\n",),
        Passed(reply_body=b"ok"),
        reply=(reply(b"Content-Length: 2", body=b"ok"),),
    ),
    Case(
        "a reply of HTTP/1.0 to HTTP/1.1",
        "RFC 9112, 2.3",
        (request(),),
        Passed(reply_body=b"ok"),
        reply=(reply(b"Content-Length: 2", body=b"ok", version=b"1.0"), Close()),
    ),
    # 9.3.2: pipelined requests are answered in their order.
    Case(
        "two requests at once",
        "RFC 9112, 9.3.2",
        (request() + NEXT,),
        Passed(requests=2, replies=2, target=b"/@ID@"),
        methods=(GET, GET),
    ),
    Case(
        "twenty requests at once",
        "RFC 9112, 9.3.2",
        (b"".join(request(target=b"/@ID@/%d" % each) for each in range(20)),),
        Passed(requests=20, replies=20),
        methods=(GET,) * 20,
    ),
    Case(
        "the first of two is slow",
        "RFC 9112, 9.3.2",
        (request() + request(target=b"/@ID@/plain"),),
        Passed(requests=2, replies=2, reply_body=b"slow"),
        methods=(GET, GET),
        reply=(Pause(0.2), reply(b"Content-Length: 4", body=b"slow")),
    ),
    Case(
        "a POST and a GET at once",
        "RFC 9112, 9.3.2",
        (POST_3 + NEXT,),
        Passed(requests=2, replies=2, body=b"abc"),
        methods=(b"POST", GET),
    ),
    Case(
        "a chunked POST and a GET at once",
        "RFC 9112, 9.3.2",
        (post(b"Transfer-Encoding: chunked", body=b"3\r\nabc\r\n0\r\n\r\n") + NEXT,),
        Passed(requests=2, replies=2, body=b"abc"),
        methods=(b"POST", GET),
    ),
    Case(
        "a HEAD and a GET at once",
        "RFC 9112, 9.3.2",
        (request(method=b"HEAD") + request(target=b"/@ID@/plain"),),
        Passed(requests=2, replies=2),
        methods=(b"HEAD", GET),
        reply=(reply(b"Content-Length: 9"),),
    ),
    Case(
        "empty lines between two requests",
        "RFC 9112, 2.2",
        (request() + b"\r\n\r\n" + NEXT,),
        SAFE,
        Passed(requests=2, replies=2),
        methods=(GET, GET),
    ),
    Case(
        "two requests, the second in pieces",
        "RFC 9112, 9.3.2",
        (request() + NEXT[:9], Pause(), NEXT[9:]),
        Passed(requests=2, replies=2),
        methods=(GET, GET),
    ),
    Case(
        "a request after a reply",
        "RFC 9112, 9.3",
        (request(), AwaitReply(), NEXT),
        Passed(requests=2, replies=2),
        methods=(GET, GET),
    ),
    Case(
        "a refused request behind a good one",
        "RFC 9112, 9.3.2",
        (request() + b"GET /@ID@/bad HTTP/1.1\r\nX A: 1\r\n\r\n",),
        any_of(Passed(requests=1, replies=2), Passed(requests=1, replies=1), Gone()),
        Passed(requests=1, replies=2, closed=True),
        methods=(GET, GET),
    ),
    # 9.6: after close nothing that follows is read.
    Case(
        "a request behind Connection: close",
        "RFC 9112, 9.6",
        (request(b"Connection: close") + INNER,),
        UNHEARD,
        Passed(requests=1, replies=1, closed=True),
        without=NO_JUNK,
    ),
    Case(
        "a request behind HTTP/1.0",
        "RFC 9112, 9.3",
        (OLD + b"\r\n" + INNER,),
        UNHEARD,
        Passed(requests=1, replies=1, closed=True),
        without=NO_JUNK,
    ),
    Case(
        "a request behind a refused one",
        "RFC 9112, 9.6",
        (b"GET /@ID@ HTTP/1.1\r\nHost : a\r\n\r\n" + INNER,),
        REFUSED,
        refused(400),
        without=NO_JUNK,
    ),
    Case(
        "a request in the body of another stays there",
        "CWE-444",
        (post(b"Content-Length: %d" % len(INNER.replace(b"@ID@", b"c" * 19)), body=INNER) + NEXT,),
        Passed(requests=2, replies=2),
        methods=(b"POST", GET),
    ),
    # 9.5, 9.6: a citizen who has said all may still be reading.
    Case(
        "a citizen that half closes gets its reply",
        "RFC 9112, 9.6",
        (request(), HalfClose()),
        SAFE,
        Passed(closed=True),
    ),
    Case(
        "a citizen that half closes after a body gets its reply",
        "RFC 9112, 9.6",
        (POST_3, HalfClose()),
        SAFE,
        Passed(body=b"abc", closed=True),
    ),
    Case(
        "a citizen that half closes after two requests",
        "RFC 9112, 9.6",
        (request() + NEXT, HalfClose()),
        SAFE,
        Passed(requests=2, replies=2, closed=True),
        methods=(GET, GET),
    ),
    Case("a citizen that leaves in the middle of a head", "RFC 9112, 8", (request()[:-2], Pause(), Close()), Gone()),
    Case(
        "a citizen that half closes in the middle of a head",
        "RFC 9112, 8",
        (request()[:-2], Pause(), HalfClose()),
        Gone(),
    ),
    Case("a citizen that resets in the middle of a head", "RFC 9112, 8", (request()[:-2], Pause(), Reset()), Gone()),
    Case(
        "a head in pieces",
        "RFC 9112, 2.2",
        (request()[:20], Pause(), request()[20:-3], Pause(), request()[-3:]),
        Passed(),
    ),
    Case("a whole head but for its last byte, and a reset", "RFC 9112, 8", (request()[:-1], Pause(), Reset()), Gone()),
    Case(
        "a reply that says close",
        "RFC 9112, 9.6",
        (request(),),
        Passed(reply_body=b"ok"),
        reply=(reply(b"Connection: close", b"Content-Length: 2", body=b"ok"), Close()),
        after=2,
    ),
    Case(
        "a backend that closes after its reply without saying so",
        "RFC 9112, 9.5",
        (request(),),
        Passed(reply_body=b"ok"),
        reply=(reply(b"Content-Length: 2", body=b"ok"), Close()),
        after=3,
    ),
    Case(
        "a backend that resets after its reply",
        "RFC 9112, 9.5",
        (request(),),
        Passed(reply_body=b"ok"),
        reply=(reply(b"Content-Length: 2", body=b"ok"), Pause(0.2), Reset()),
        after=3,
    ),
]
