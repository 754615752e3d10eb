"""Methods that mean something to a proxy: HEAD, OPTIONS, TRACE, CONNECT (RFC 9110, sections 9.3 and 7.6.2)."""

from __future__ import annotations

from tests.wire.case import (
    HOST,
    SAFE,
    Case,
    Passed,
    answered,
    any_of,
    reply,
    request,
)

OK = (reply(b"Content-Length: 2", body=b"ok"),)
MARK = b"X-Case: @ID@"
CONNECT = b"CONNECT %b HTTP/1.1\r\nHost: %b\r\nX-Case: @ID@\r\n\r\n"
# A gateway may pass it on to a server that accepts it (9.3.6); ours has no such server.
NO_TUNNEL = SAFE


def options(target: bytes, *lines: bytes) -> bytes:
    return request(MARK, *lines, method=b"OPTIONS", target=target)


CASES = [
    *[
        Case(f"the method {name.decode()}", "RFC 9110, 9.3", (request(method=name),), Passed(method=name))
        for name in (b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS")
    ],
    *[
        Case(
            f"the method {name.decode()}",
            "RFC 9110, 9.1",
            (request(method=name),),
            any_of(Passed(method=name), answered(400, 405, 501)),
            Passed(method=name),
        )
        for name in (b"PROPFIND", b"REPORT", b"M-SEARCH", b"X")
    ],
    # 9.3.2: a reply to HEAD has no content, whatever its length says.
    Case(
        "HEAD keeps the length and has no body",
        "RFC 9110, 9.3.2",
        (request(method=b"HEAD"),),
        Passed(method=b"HEAD", reply_body=b"", reply_has=[b"Content-Length: 500"]),
        reply=(reply(b"Content-Length: 500"),),
    ),
    Case(
        "HEAD and a chunked reply",
        "RFC 9110, 9.3.2",
        (request(method=b"HEAD"),),
        Passed(reply_body=b""),
        reply=(reply(b"Transfer-Encoding: chunked"),),
    ),
    Case(
        "HEAD and a reply without framing",
        "RFC 9110, 9.3.2",
        (request(method=b"HEAD"),),
        Passed(reply_body=b""),
        reply=(reply(),),
    ),
    Case(
        "HEAD and an error",
        "RFC 9110, 9.3.2",
        (request(method=b"HEAD"),),
        Passed(status=404, reply_body=b""),
        reply=(reply(b"Content-Length: 9", status=b"404 Not Found"),),
    ),
    # The asterisk form is for the server itself: some proxies answer it, some pass it on (9112, 3.2.4).
    Case(
        "OPTIONS *", "RFC 9112, 3.2.4", (options(b"*"),), any_of(Passed(target=b"*"), answered(200, 204, 400, 404, 405))
    ),
    Case(
        "OPTIONS * in HTTP/1.0",
        "RFC 9112, 3.2.4",
        (b"OPTIONS * HTTP/1.0\r\n" + HOST + MARK + b"\r\n\r\n",),
        any_of(Passed(target=b"*"), answered(200, 204, 400, 404, 405)),
    ),
    Case(
        "OPTIONS of a URL without a path is OPTIONS *",
        "RFC 9112, 3.2.4",
        (options(b"http://www.example.org"),),
        any_of(
            Passed(target=b"*"),
            Passed(target=b"/"),
            Passed(target=b"http://www.example.org"),
            answered(200, 204, 400, 404, 405),
        ),
    ),
    # 7.6.2: at nought it goes no further; above, it goes on one less.
    Case(
        "OPTIONS with Max-Forwards: 0",
        "RFC 9110, 7.6.2",
        (options(b"/@ID@", b"Max-Forwards: 0"),),
        answered(200, 204, 400, 404, 405),
    ),
    Case(
        "OPTIONS * with Max-Forwards: 0",
        "RFC 9110, 7.6.2",
        (options(b"*", b"Max-Forwards: 0"),),
        answered(200, 204, 400, 404, 405),
    ),
    Case(
        "OPTIONS with Max-Forwards: 3",
        "RFC 9110, 7.6.2",
        (options(b"/@ID@", b"Max-Forwards: 3"),),
        any_of(Passed(has=[b"Max-Forwards: 2"]), answered(405)),
    ),
    Case(
        "OPTIONS with Max-Forwards: 1",
        "RFC 9110, 7.6.2",
        (options(b"/@ID@", b"Max-Forwards: 1"),),
        any_of(Passed(has=[b"Max-Forwards: 0"]), answered(405)),
    ),
    Case(
        "OPTIONS with Max-Forwards: 10",
        "RFC 9110, 7.6.2",
        (options(b"/@ID@", b"Max-Forwards: 10"),),
        any_of(Passed(has=[b"Max-Forwards: 9"]), answered(405)),
    ),
    Case(
        "OPTIONS with a Max-Forwards that is no number",
        "RFC 9110, 7.6.2",
        (options(b"/@ID@", b"Max-Forwards: x"),),
        SAFE,
    ),
    Case(
        "OPTIONS with two Max-Forwards",
        "RFC 9110, 7.6.2",
        (options(b"/@ID@", b"Max-Forwards: 0", b"Max-Forwards: 5"),),
        SAFE,
    ),
    Case("GET with Max-Forwards", "RFC 9110, 7.6.2", (request(b"Max-Forwards: 0"),), any_of(Passed(), answered(200))),
    # 9.3.8: TRACE would send cookies back to whoever asks; it may be refused.
    Case(
        "TRACE",
        "RFC 9110, 9.3.8",
        (request(method=b"TRACE"),),
        any_of(Passed(method=b"TRACE"), answered(400, 403, 405, 501)),
        answered(405, has=[]),
    ),
    Case(
        "TRACE with Max-Forwards: 0",
        "RFC 9110, 7.6.2",
        (request(b"Max-Forwards: 0", method=b"TRACE"),),
        answered(200, 400, 403, 405, 501),
        answered(405),
    ),
    Case(
        "TRACE with Max-Forwards: 2",
        "RFC 9110, 7.6.2",
        (request(b"Max-Forwards: 2", method=b"TRACE"),),
        any_of(Passed(has=[b"Max-Forwards: 1"]), answered(400, 403, 405, 501)),
        answered(405),
    ),
    Case(
        "TRACE never says what Cookie said",
        "RFC 9110, 9.3.8",
        (request(b"Cookie: a=EVIL", method=b"TRACE"),),
        SAFE,
        answered(405),
    ),
    Case(
        "a 405 says what is allowed",
        "RFC 9110, 15.5.6",
        (request(method=b"TRACE"),),
        any_of(Passed(), answered(400, 403, 501), answered(405, has=[])),
        Passed(status=405, requests=0, reply_present=[b"allow"]),
    ),
    # 9.3.6: a reverse proxy opens no tunnels.
    Case(
        "CONNECT to a host",
        "RFC 9110, 9.3.6",
        (CONNECT % (b"other.example:443", b"other.example:443"),),
        NO_TUNNEL,
        answered(400, 405, 501),
    ),
    Case(
        "CONNECT to the host itself",
        "RFC 9110, 9.3.6",
        (CONNECT % (b"www.example.org:80", b"www.example.org:80"),),
        NO_TUNNEL,
        answered(400, 405, 501),
    ),
    Case(
        "CONNECT to an address of the machine",
        "CWE-918",
        (CONNECT % (b"127.0.0.1:22", b"127.0.0.1:22"),),
        NO_TUNNEL,
        answered(400, 405, 501),
    ),
    Case(
        "CONNECT with a path",
        "RFC 9110, 9.3.6",
        (CONNECT % (b"/@ID@", b"www.example.org"),),
        NO_TUNNEL,
        answered(400, 405, 501),
    ),
    Case(
        "CONNECT with what looks like a request behind it",
        "CWE-444",
        (CONNECT % (b"www.example.org:80", b"www.example.org:80") + b"GET /@ID@/behind HTTP/1.1\r\n" + HOST + b"\r\n",),
        SAFE,
        answered(400, 405, 501),
        without=frozenset(("junk",)),
        methods=(b"CONNECT", b"GET"),
    ),
]
