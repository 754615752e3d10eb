"""Upgrade: WebSocket passes, everything else stays HTTP/1.1 (RFC 9110, section 7.8; RFC 6455)."""

from __future__ import annotations

from tests.wire.case import (
    BAD_GATEWAY,
    CUT,
    HOST,
    SAFE,
    AwaitReply,
    Case,
    Close,
    Echo,
    Passed,
    Pause,
    Switched,
    answered,
    any_of,
    post,
    reply,
    request,
)

ASKS = (
    b"Connection: Upgrade",
    b"Upgrade: websocket",
    b"Sec-WebSocket-Version: 13",
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)
ACCEPTS = (b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
SWITCH = b"101 Switching Protocols"
SWITCHES = reply(*ACCEPTS, status=SWITCH)
OK = reply(b"Content-Length: 2", body=b"ok")
# A whole frame: a masked text of two letters.
FRAME = b"\x81\x82\x01\x02\x03\x04ij"
H2C = (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA")
# 15.2.2: who was not asked to switch does not switch.
NOT_SWITCHED = any_of(BAD_GATEWAY, CUT)
QUIET = frozenset(("junk",))

CASES = [
    Case(
        "WebSocket: the handshake and a frame each way",
        "RFC 6455, 4",
        (request(*ASKS), AwaitReply(), FRAME),
        Switched(through=FRAME, reply_has=[b"Upgrade: websocket", ACCEPTS[2]]),
        reply=(SWITCHES, Echo()),
    ),
    Case(
        "WebSocket: in capitals",
        "RFC 6455, 4.2.1",
        (request(b"connection: UPGRADE", b"upgrade: WebSocket", *ASKS[2:]), AwaitReply(), FRAME),
        Switched(through=FRAME),
        reply=(SWITCHES, Echo()),
    ),
    Case(
        "WebSocket: Connection says more",
        "RFC 6455, 4.2.1",
        (request(b"Connection: keep-alive, Upgrade", *ASKS[1:]), AwaitReply(), FRAME),
        Switched(through=FRAME),
        reply=(SWITCHES, Echo()),
    ),
    Case(
        "WebSocket: a frame comes with the 101",
        "RFC 6455, 4",
        (request(*ASKS), AwaitReply(b"hi")),
        Switched(through=b"\x81\x02hi"),
        reply=(SWITCHES + b"\x81\x02hi", Echo()),
    ),
    Case(
        "WebSocket: a citizen that does not wait for the 101",
        "RFC 6455, 4.1",
        (request(*ASKS) + FRAME, AwaitReply(b"ij")),
        any_of(Switched(through=FRAME), SAFE),
        reply=(SWITCHES, Echo()),
    ),
    Case(
        "WebSocket: 100,000 bytes each way",
        "RFC 6455, 5",
        (request(*ASKS), AwaitReply(), b"x" * 99_997 + b"end", AwaitReply(b"end")),
        Switched(through=b"x" * 99_997 + b"end"),
        reply=(SWITCHES, Echo()),
    ),
    Case(
        "WebSocket: protocol and extensions pass",
        "RFC 6455, 4",
        (request(*ASKS, b"Sec-WebSocket-Protocol: a, b", b"Sec-WebSocket-Extensions: x"), AwaitReply()),
        Switched(reply_has=[b"Sec-WebSocket-Protocol: b"]),
        reply=(reply(*ACCEPTS, b"Sec-WebSocket-Protocol: b", status=SWITCH), Echo()),
    ),
    Case(
        "WebSocket: the fields of the handshake reach the backend",
        "RFC 6455, 4.2.1",
        (request(*ASKS),),
        Passed(has=[ASKS[2], ASKS[3], b"Upgrade: websocket"]),
        reply=(OK,),
    ),
    Case("WebSocket: declined with 200", "RFC 9110, 7.8", (request(*ASKS),), Passed(reply_body=b"ok"), reply=(OK,)),
    Case(
        "WebSocket: declined with 400, then another request",
        "RFC 9110, 7.8",
        (request(*ASKS), AwaitReply(), request(target=b"/@ID@/plain")),
        any_of(Passed(requests=2, replies=2, status=400), Passed(requests=1, replies=1, status=400, closed=True)),
        methods=(b"GET", b"GET"),
        reply=(reply(b"Content-Length: 0", status=b"400 Bad Request"),),
    ),
    Case(
        "WebSocket: 426 with the version wanted",
        "RFC 6455, 4.4",
        (request(*ASKS),),
        Passed(status=426, reply_has=[b"Sec-WebSocket-Version: 13"]),
        reply=(reply(b"Sec-WebSocket-Version: 13", b"Content-Length: 0", status=b"426 Upgrade Required"),),
    ),
    Case(
        "WebSocket: declined, and bytes that came too early are no request",
        "CWE-444",
        (request(*ASKS) + b"GET /@ID@/smuggled HTTP/1.1\r\nHost : a\r\n\r\n",),
        SAFE,
        methods=(b"GET", b"NONE"),
        reply=(reply(b"Content-Length: 0", status=b"400 Bad Request"),),
        without=QUIET,
    ),
    # 7.8: Upgrade in HTTP/1.0 MUST be ignored.
    Case(
        "WebSocket: asked for in HTTP/1.0",
        "RFC 9110, 7.8",
        (b"GET /@ID@ HTTP/1.0\r\n" + HOST + b"".join(each + b"\r\n" for each in ASKS) + b"\r\n",),
        any_of(Passed(lacks=[b"upgrade"]), answered(400, 426)),
        reply=(OK,),
    ),
    Case(
        "WebSocket: Upgrade that Connection does not name",
        "RFC 9110, 7.8",
        (request(*ASKS[1:]),),
        SAFE,
        Passed(lacks=[b"upgrade"]),
        reply=(OK,),
    ),
    Case(
        "WebSocket: Connection names an Upgrade that is not there",
        "RFC 9110, 7.8",
        (request(ASKS[0]),),
        Passed(lacks=[b"upgrade"]),
        reply=(OK,),
    ),
    Case(
        "WebSocket: asked for by a POST with a body",
        "RFC 6455, 4.1",
        (post(*ASKS, b"Content-Length: 3", body=b"abc"),),
        any_of(Passed(body=b"abc"), answered(400, 405, 501)),
        reply=(OK,),
    ),
    # A tunnel that was never asked for would carry one citizen's bytes past every check (9110, 15.2.2).
    Case(
        "a 101 that nobody asked for",
        "RFC 9110, 15.2.2",
        (request(),),
        NOT_SWITCHED,
        BAD_GATEWAY,
        reply=(SWITCHES, Echo()),
        after=1,
    ),
    Case(
        "a 101 that nobody asked for, to POST",
        "RFC 9110, 15.2.2",
        (post(b"Content-Length: 3", body=b"abc"),),
        NOT_SWITCHED,
        BAD_GATEWAY,
        reply=(SWITCHES, Echo()),
        after=1,
    ),
    Case(
        "a 101 that nobody asked for, and a reply behind",
        "RFC 9110, 15.2.2",
        (request(),),
        NOT_SWITCHED,
        BAD_GATEWAY,
        reply=(SWITCHES + OK.replace(b"ok", b"EV"),),
        after=2,
    ),
    Case(
        "a 101 to HTTP/1.0",
        "RFC 9110, 7.8",
        (b"GET /@ID@ HTTP/1.0\r\n" + HOST + b"".join(each + b"\r\n" for each in ASKS) + b"\r\n",),
        any_of(NOT_SWITCHED, answered(400, 426)),
        reply=(SWITCHES, Echo()),
    ),
    Case(
        "a 101 to Upgrade that Connection does not name",
        "RFC 9110, 7.8",
        (request(*ASKS[1:]),),
        SAFE,
        BAD_GATEWAY,
        reply=(SWITCHES, Echo()),
    ),
    Case(
        "a 101 to another protocol than was asked for",
        "RFC 9110, 7.8",
        (request(*ASKS),),
        NOT_SWITCHED,
        BAD_GATEWAY,
        reply=(reply(b"Connection: Upgrade", b"Upgrade: EVIL/1", status=SWITCH), Echo()),
    ),
    Case(
        "a 101 that does not say to what",
        "RFC 9110, 15.2.2",
        (request(*ASKS),),
        SAFE,
        BAD_GATEWAY,
        reply=(reply(status=SWITCH), Echo()),
    ),
    # h2c smuggling: behind such a tunnel requests pass that no proxy sees.
    Case(
        "h2c: not asked for at the backend",
        "CWE-444",
        (request(*H2C),),
        SAFE,
        any_of(Passed(lacks=[b"upgrade", b"http2-settings"]), answered(400, 501)),
        reply=(OK,),
    ),
    Case(
        "h2c: a 101 opens no tunnel",
        "CWE-444",
        (request(*H2C), Pause(), b"EVIL"),
        any_of(NOT_SWITCHED, answered(400, 501)),
        reply=(reply(b"Connection: Upgrade", b"Upgrade: h2c", status=SWITCH), Echo()),
        foreign=True,
    ),
    Case(
        "h2c: not nominated",
        "CWE-444",
        (request(*H2C[1:]),),
        SAFE,
        any_of(Passed(lacks=[b"upgrade", b"http2-settings"]), answered(400, 501)),
        reply=(OK,),
    ),
    Case(
        "h2c: in capitals",
        "CWE-444",
        (request(H2C[0], b"Upgrade: H2C", H2C[2]),),
        SAFE,
        any_of(Passed(lacks=[b"upgrade"]), answered(400, 501)),
        reply=(OK,),
    ),
    Case(
        "h2c: beside WebSocket",
        "CWE-444",
        (request(H2C[0], b"Upgrade: websocket, h2c", H2C[2]),),
        SAFE,
        any_of(Passed(lacks=[b"upgrade"]), Passed(values=[(b"upgrade", [b"websocket"])]), answered(400, 501)),
        reply=(OK,),
    ),
    Case(
        "h2c: in a second field, beside WebSocket",
        "CWE-444",
        (request(*ASKS, b"Upgrade: h2c"),),
        SAFE,
        any_of(Passed(lacks=[b"upgrade"]), Passed(values=[(b"upgrade", [b"websocket"])]), answered(400, 501)),
        reply=(OK,),
    ),
    Case(
        "an upgrade to TLS",
        "RFC 2817",
        (request(b"Connection: Upgrade", b"Upgrade: TLS/1.0"),),
        SAFE,
        Passed(lacks=[b"upgrade"]),
        reply=(OK,),
    ),
    Case(
        "a tunnel that the backend ends",
        "RFC 6455, 7",
        (request(*ASKS), AwaitReply(b"bye")),
        Switched(through=b"bye"),
        reply=(SWITCHES + b"bye", Close()),
    ),
]
