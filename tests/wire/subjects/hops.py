"""Fields for one hop: by name and by nomination, in requests and replies (RFC 9110, sections 7.6.1 and 7.6.3)."""

from __future__ import annotations

from tests.wire.case import REFUSED, SAFE, Case, Passed, any_of, refused, reply, request

OK = (b"Content-Length: 2",)


def ok(*lines: bytes) -> tuple[bytes, ...]:
    return (reply(*lines, b"Content-Length: 2", body=b"ok"),)


# 7.6.1: intermediaries SHOULD remove these whether or not they are nominated.
BY_NAME = [
    ("Keep-Alive", b"Keep-Alive: timeout=5"),
    ("Proxy-Connection", b"Proxy-Connection: keep-alive"),
    ("TE", b"TE: gzip"),
    ("Upgrade", b"Upgrade: foo/2"),
    ("Proxy-Authorization", b"Proxy-Authorization: Basic eDp5"),
    ("HTTP2-Settings", b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"),
]
# 7.6.1: what Connection nominates MUST be removed, however it is spelt.
NOMINATED = [
    ("a nominated field", (b"Connection: x-one", b"X-One: 1")),
    ("a nomination in capitals", (b"Connection: X-ONE", b"x-one: 1")),
    ("a nomination before its field", (b"X-One: 1", b"Connection: x-one")),
    ("a nomination beside close", (b"Connection: close, x-one", b"X-One: 1")),
    ("a nomination beside keep-alive", (b"Connection: keep-alive,x-one", b"X-One: 1")),
    ("a nomination in a second Connection", (b"Connection: keep-alive", b"Connection: x-one", b"X-One: 1")),
    ("a nomination among empty ones", (b"Connection: , ,x-one ,", b"X-One: 1")),
    ("a nomination behind a tab", (b"Connection: keep-alive,\tx-one", b"X-One: 1")),
    ("a nomination of a field that comes twice", (b"Connection: x-one", b"X-One: 1", b"X-One: 2")),
    ("two nominations", (b"Connection: x-two, x-one", b"X-One: 1", b"X-Two: 2")),
    ("a nomination of an empty field", (b"Connection: x-one", b"X-One:")),
]
# To strike these behind the back of whoever looked at them changes what the request is, or who sent it.
TO_KEEP = [
    ("Host", b"X-A: 1"),
    ("Cookie", b"Cookie: a=1"),
    ("Authorization", b"Authorization: Basic eDp5"),
    ("Content-Type", b"Content-Type: text/plain"),
]

CASES = [
    *[
        Case(f"{name} stops here", "RFC 9110, 7.6.1", (request(line),), SAFE, Passed(lacks=[line.partition(b":")[0]]))
        for name, line in BY_NAME
    ],
    *[
        Case(
            name,
            "RFC 9110, 7.6.1",
            (request(*lines),),
            any_of(Passed(lacks=[b"x-one"]), REFUSED),
            Passed(lacks=[b"x-one"]),
        )
        for name, lines in NOMINATED
    ],
    *[
        Case(
            f"Connection nominates {name}",
            "RFC 9110, 7.6.1",
            (request(b"Connection: " + name.encode(), line),),
            SAFE,
            refused(400),
        )
        for name, line in TO_KEEP
    ],
    Case(
        "Connection nominates what is not there",
        "RFC 9110, 7.6.1",
        (request(b"Connection: x-none", b"X-One: 1"),),
        any_of(Passed(has=[b"X-One: 1"]), REFUSED),
        Passed(has=[b"X-One: 1"]),
    ),
    Case(
        "Connection itself stops here",
        "RFC 9110, 7.6.1",
        (request(b"Connection: x-one, keep-alive"),),
        SAFE,
        Passed(lacks=[b"x-one"]),
    ),
    Case(
        "TE, nominated",
        "RFC 9110, 10.1.4",
        (request(b"Connection: TE", b"TE: gzip;q=0.5"),),
        any_of(Passed(lacks=[b"te"]), Passed(values=[(b"te", [b"trailers"])]), REFUSED),
        Passed(lacks=[b"te"]),
    ),
    Case("a malformed nomination", "RFC 9110, 7.6.1", (request(b"Connection: x one, \xff", b"X-One: 1"),), SAFE),
    Case(
        "what is not nominated passes",
        "RFC 9110, 7.6.1",
        (request(b"Connection: x-one", b"X-Two: 2"),),
        Passed(has=[b"X-Two: 2"]),
    ),
    Case("Via is written", "RFC 9110, 7.6.3", (request(),), Passed(present=[b"via"])),
    Case(
        "Via is added to",
        "RFC 9110, 7.6.3",
        (request(b"Via: 1.0 fred"),),
        any_of(Passed(has=[b"Via: 1.0 fred"]), Passed(present=[b"via"])),
        Passed(present=[b"via"]),
    ),
    # Replies.
    *[
        Case(
            f"a reply: {name}",
            "RFC 9110, 7.6.1",
            (request(),),
            Passed(reply_lacks=[b"x-one"], reply_body=b"ok"),
            reply=ok(*lines),
        )
        for name, lines in NOMINATED
        if "close" not in name
    ],
    Case(
        "a reply: Keep-Alive stops here",
        "RFC 9110, 7.6.1",
        (request(),),
        SAFE,
        Passed(reply_lacks=[b"keep-alive"]),
        reply=ok(b"Keep-Alive: timeout=5", b"Connection: keep-alive"),
    ),
    Case(
        "a reply: Proxy-Connection stops here",
        "RFC 9110, 7.6.1",
        (request(),),
        SAFE,
        Passed(reply_lacks=[b"proxy-connection"]),
        reply=ok(b"Proxy-Connection: close"),
    ),
    Case(
        "a reply: Upgrade stops here",
        "RFC 9110, 7.8",
        (request(),),
        SAFE,
        Passed(reply_lacks=[b"upgrade"]),
        reply=ok(b"Upgrade: h2c, foo"),
    ),
    Case(
        "a reply: Upgrade, nominated",
        "RFC 9110, 7.8",
        (request(),),
        Passed(reply_lacks=[b"upgrade"]),
        reply=ok(b"Connection: Upgrade", b"Upgrade: h2c"),
    ),
    Case(
        "a reply: what is not nominated passes",
        "RFC 9110, 7.6.1",
        (request(),),
        Passed(reply_has=[b"X-Two: 2"]),
        reply=ok(b"Connection: x-one", b"X-Two: 2"),
    ),
    Case(
        "a reply: Connection: close is for the proxy alone",
        "RFC 9112, 9.6",
        (request(),),
        SAFE,
        Passed(reply_body=b"ok", closed=False),
        reply=ok(b"Connection: close"),
    ),
]
