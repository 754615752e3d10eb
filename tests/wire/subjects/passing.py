"""What passes as it is: fields in order, values and bodies to the byte; and what nobody asked to be added."""

from __future__ import annotations

import gzip

from tests.wire.case import BAD_GATEWAY, HOST, SAFE, Case, Passed, any_of, post, reply, request

ZIPPED = gzip.compress(b"hello" * 20, mtime=0)
COOKIES = (
    b"a=1; Path=/; Expires=Wed, 21 Oct 2026 07:28:00 GMT",
    b"b=2; HttpOnly",
    b'c="x,y"',
    b"a=3; Secure; SameSite=Lax",
)


def ok(*lines: bytes, body: bytes = b"ok", status: bytes = b"200 OK") -> tuple[bytes, ...]:
    return (reply(*lines, b"Content-Length: %d" % len(body), status=status, body=body),)


# Fields of requests and of replies that no proxy has a word to say about.
OF_REQUESTS = [
    b"Accept: text/html, */*;q=0.1",
    b"Accept-Language: cy, en;q=0.5",
    b"Authorization: Basic dXNlcjpwYXNz",
    b'Cookie: a=1; b="2"; c=x,y',
    b'If-None-Match: "a", W/"b"',
    b"If-Modified-Since: Wed, 21 Oct 2015 07:28:00 GMT",
    b"Range: bytes=0-4,-1",
    b"Origin: https://www.example.org",
    b"Referer: http://www.example.org/a?b",
    b"User-Agent: Mozilla/5.0 (X; Y) Z/1",
    b'Content-Type: multipart/form-data; boundary="x y"',
    b"Content-Language: cy",
    b"Sec-Fetch-Mode: navigate",
    b"Cache-Control: no-transform, max-age=0",
]
OF_REPLIES = [
    b'ETag: W/"a,b"',
    b"Last-Modified: Wed, 21 Oct 2015 07:28:00 GMT",
    b"Content-Type: text/html; charset=iso-8859-1",
    b"Content-Language: cy",
    b"Content-Disposition: attachment; filename*=UTF-8''caf%C3%A9.txt",
    b"Content-Location: /a?b",
    b"Content-Range: bytes 0-1/2",
    b"Cache-Control: private, no-transform",
    b"Expires: 0",
    b"Age: 12",
    b"Vary: Accept, Cookie",
    b"Retry-After: 120",
    b"Allow: GET, HEAD",
    b'Link: </a>; rel="next", </b>; rel=prev',
    b'WWW-Authenticate: Basic realm="a, b", Digest realm="c"',
    b"Strict-Transport-Security: max-age=1",
    b"Access-Control-Allow-Origin: *",
    b"X-Powered-By: legacy",
]


def title(line: bytes) -> str:
    return line.partition(b":")[0].decode()


CASES = [
    *[
        Case(f"a request's {title(line)} is kept", "RFC 9110, 7.7", (request(line),), Passed(has=[line]))
        for line in OF_REQUESTS
    ],
    *[
        Case(
            f"a reply's {title(line)} is kept",
            "RFC 9110, 7.7",
            (request(),),
            Passed(reply_has=[line], reply_body=b"ok"),
            reply=ok(line),
        )
        for line in OF_REPLIES
    ],
    # RFC 6265, 3: never joined, and in their order.
    Case(
        "many Set-Cookie in order",
        "RFC 6265, 3",
        (request(),),
        Passed(reply_values=[(b"set-cookie", COOKIES)]),
        reply=ok(*[b"Set-Cookie: " + each for each in COOKIES]),
    ),
    Case(
        "Set-Cookie among other fields",
        "RFC 6265, 3",
        (request(),),
        Passed(reply_values=[(b"set-cookie", COOKIES[:2])]),
        reply=ok(b"Set-Cookie: " + COOKIES[0], b"X-A: 1", b"SET-COOKIE: " + COOKIES[1]),
    ),
    Case(
        "a hundred Set-Cookie",
        "RFC 6265, 3",
        (request(),),
        any_of(Passed(reply_values=[(b"set-cookie", [b"c%d=1" % each for each in range(100)])]), BAD_GATEWAY),
        Passed(reply_values=[(b"set-cookie", [b"c%d=1" % each for each in range(100)])]),
        reply=ok(*[b"Set-Cookie: c%d=1" % each for each in range(100)]),
    ),
    Case(
        "a cookie of bytes beyond ASCII",
        "RFC 6265, 4.1.1",
        (request(),),
        SAFE,
        Passed(reply_has=[b"Set-Cookie: a=caf\xe9"]),
        reply=ok(b"Set-Cookie: a=caf\xe9"),
    ),
    Case(
        "repeated fields of a reply keep their order",
        "RFC 9110, 5.3",
        (request(),),
        any_of(Passed(reply_values=[(b"x-a", [b"1", b"2"])]), Passed(reply_values=[(b"x-a", [b"1, 2"])])),
        Passed(reply_values=[(b"x-a", [b"1", b"2"])]),
        reply=ok(b"X-A: 1", b"X-B: 3", b"X-A: 2"),
    ),
    Case(
        "two WWW-Authenticate",
        "RFC 9110, 11.6.1",
        (request(),),
        any_of(
            Passed(status=401, reply_values=[(b"www-authenticate", [b"Basic", b"Digest"])]),
            Passed(status=401, reply_values=[(b"www-authenticate", [b"Basic, Digest"])]),
        ),
        reply=ok(b"WWW-Authenticate: Basic", b"WWW-Authenticate: Digest", status=b"401 Unauthorized"),
    ),
    Case(
        "two Cookie fields",
        "RFC 9110, 5.3",
        (request(b"Cookie: a=1", b"Cookie: b=2"),),
        any_of(Passed(values=[(b"cookie", [b"a=1", b"b=2"])]), Passed(values=[(b"cookie", [b"a=1; b=2"])])),
    ),
    Case(
        "bytes beyond ASCII in a reply's value",
        "RFC 9110, 5.5",
        (request(),),
        SAFE,
        Passed(reply_has=[b"X-A: caf\xe9 \xff"]),
        reply=ok(b"X-A: caf\xe9 \xff"),
    ),
    Case("an empty value in a reply", "RFC 9110, 5.5", (request(),), Passed(reply_has=[b"X-A:"]), reply=ok(b"X-A:")),
    Case(
        "a value of 8,000 bytes in a reply",
        "RFC 9110, 5.4",
        (request(),),
        any_of(Passed(reply_has=[b"X-A: " + b"a" * 8000]), BAD_GATEWAY),
        Passed(reply_has=[b"X-A: " + b"a" * 8000]),
        reply=ok(b"X-A: " + b"a" * 8000),
    ),
    Case(
        "a tab inside a reply's value",
        "RFC 9110, 5.5",
        (request(),),
        Passed(reply_has=[b"X-A: a\tb"]),
        reply=ok(b"X-A: a\tb"),
    ),
    # A redirect is the application's: some proxies write it anew when it names the backend, ours never.
    Case(
        "a Location of a path",
        "RFC 9110, 10.2.2",
        (request(),),
        Passed(status=302, reply_has=[b"Location: /a?b=c#d"]),
        reply=ok(b"Location: /a?b=c#d", status=b"302 Found"),
    ),
    Case(
        "a Location of a URL",
        "RFC 9110, 10.2.2",
        (request(),),
        Passed(status=301, reply_has=[b"Location: http://other.example/a"]),
        reply=ok(b"Location: http://other.example/a", status=b"301 Moved Permanently"),
    ),
    # 9110, 7.7: content is not transformed.
    Case(
        "an encoded body is not decoded",
        "RFC 9110, 8.4",
        (request(b"Accept-Encoding: gzip"),),
        Passed(reply_has=[b"Content-Encoding: gzip"], reply_body=ZIPPED),
        reply=ok(b"Content-Encoding: gzip", body=ZIPPED),
    ),
    Case(
        "an encoded body nobody asked for is not decoded",
        "RFC 9110, 8.4",
        (request(),),
        SAFE,
        Passed(reply_has=[b"Content-Encoding: gzip"], reply_body=ZIPPED),
        reply=ok(b"Content-Encoding: gzip", body=ZIPPED),
    ),
    Case(
        "a body that says a wrong encoding is passed as it is",
        "RFC 9110, 8.4",
        (request(b"Accept-Encoding: br"),),
        Passed(reply_has=[b"Content-Encoding: br"], reply_body=b"ok"),
        reply=ok(b"Content-Encoding: br"),
    ),
    Case(
        "a plain body is not encoded",
        "RFC 9110, 7.7",
        (request(b"Accept-Encoding: gzip, br"),),
        Passed(reply_lacks=[b"content-encoding"], reply_body=b"hello" * 2000),
        reply=ok(b"Content-Type: text/plain", body=b"hello" * 2000),
    ),
    Case(
        "an encoded body of a request",
        "RFC 9110, 8.4",
        (post(b"Content-Encoding: gzip", b"Content-Length: %d" % len(ZIPPED), body=ZIPPED),),
        Passed(has=[b"Content-Encoding: gzip"], body=ZIPPED),
    ),
    Case(
        "a part of a body",
        "RFC 9110, 15.3.7",
        (request(b"Range: bytes=0-1"),),
        Passed(status=206, reply_body=b"ok", reply_has=[b"Content-Range: bytes 0-1/9"]),
        reply=ok(b"Content-Range: bytes 0-1/9", status=b"206 Partial Content"),
    ),
    # 9110, 6.6.1: who has a clock and passes on a reply without Date MUST add one; and never changes one.
    Case(
        "Date is kept",
        "RFC 9110, 6.6.1",
        (request(),),
        SAFE,
        Passed(reply_values=[(b"date", [b"Wed, 21 Oct 2015 07:28:00 GMT"])]),
        reply=ok(b"Date: Wed, 21 Oct 2015 07:28:00 GMT"),
    ),
    Case(
        "Date is added where there is none",
        "RFC 9110, 6.6.1",
        (request(),),
        Passed(reply_present=[b"date"]),
        reply=ok(),
    ),
    # Nothing is added that nobody asked for.
    Case(
        "Server is kept",
        "RFC 9110, 10.2.4",
        (request(),),
        SAFE,
        Passed(reply_values=[(b"server", [b"legacy/1"])]),
        reply=ok(b"Server: legacy/1"),
    ),
    Case("Server is not added", "RFC 9110, 10.2.4", (request(),), SAFE, Passed(reply_lacks=[b"server"]), reply=ok()),
    Case(
        "Content-Type is not added",
        "RFC 9110, 8.3",
        (request(),),
        SAFE,
        Passed(reply_lacks=[b"content-type"]),
        reply=ok(),
    ),
    Case(
        "Content-Type of a request is not added",
        "RFC 9110, 8.3",
        (post(b"Content-Length: 2", body=b"ok"),),
        SAFE,
        Passed(lacks=[b"content-type"]),
    ),
    Case("User-Agent is not added", "RFC 9110, 10.1.5", (request(),), SAFE, Passed(lacks=[b"user-agent"])),
    Case(
        "Accept-Encoding is not added",
        "RFC 9110, 12.5.3",
        (request(),),
        SAFE,
        Passed(lacks=[b"accept-encoding", b"accept"]),
    ),
    Case(
        "a length is not added to a GET",
        "RFC 9110, 8.6",
        (request(),),
        SAFE,
        Passed(lacks=[b"content-length", b"transfer-encoding"]),
    ),
    Case(
        "the reason is kept",
        "RFC 9112, 4",
        (request(),),
        Passed(reply_body=b"ok"),
        reply=ok(status=b"200 Fine, thanks"),
    ),
    # 9112, 2.3: a proxy says its own version to the backend.
    Case(
        "a request of HTTP/1.0 goes on in our own version",
        "RFC 9112, 2.3",
        (b"GET /@ID@ HTTP/1.0\r\n" + HOST + b"X-A: 1\r\n\r\n",),
        Passed(has=[b"X-A: 1"]),
    ),
]
