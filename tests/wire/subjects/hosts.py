"""Host: exactly one, well-formed, agreeing with the target (RFC 9112, section 3.2; RFC 9110, section 7.2)."""

from __future__ import annotations

from tests.wire.case import (
    HOST,
    PASSED,
    REJECTED,
    SAFE,
    Case,
    Passed,
    any_of,
    refused,
    request,
)

BAD = refused(400)
LINE = b"GET /@ID@ HTTP/1.1\r\n"

# 9112, 3.2: a server MUST respond with 400 to a request that lacks Host, has more than one, or an invalid one.
MUST_NOT = [
    ("no Host", b""),
    ("two Hosts", b"Host: a.example\r\nHost: b.example\r\n"),
    ("the same Host twice", HOST + HOST),
    ("two Hosts in two spellings", b"host: a.example\r\nHOST: b.example\r\n"),
    ("a blank in Host", b"Host: a b\r\n"),
    ("a tab in Host", b"Host: a\tb\r\n"),
    ("a path in Host", b"Host: a.example/b\r\n"),
    ("a query in Host", b"Host: a.example?b\r\n"),
    ("a fragment in Host", b"Host: a.example#b\r\n"),
    ("userinfo in Host", b"Host: user@a.example\r\n"),
    ("a URL in Host", b"Host: http://a.example/\r\n"),
    ("a backslash in Host", b"Host: a.example\\b\r\n"),
    ("a port that is no number", b"Host: a.example:8a\r\n"),
    ("two ports", b"Host: a.example:80:81\r\n"),
    ("a bracket that does not close", b"Host: [::1\r\n"),
    ("brackets round what is no address", b"Host: [zz]\r\n"),
    ("an IPv6 address without brackets", b"Host: 2001:db8::1\r\n"),
    ("a quote in Host", b'Host: "a.example"\r\n'),
    ("bytes beyond ASCII in Host", b"Host: caf\xc3\xa9.example\r\n"),
    ("a broken escape in Host", b"Host: a%zz.example\r\n"),
    ("a NUL in Host", b"Host: a\x00b\r\n"),
    ("a control byte in Host", b"Host: a\x01b\r\n"),
    ("a blank before the colon of Host", b"Host : a.example\r\n"),
    ("a folded Host", b"Host: a.example\r\n b.example\r\n"),
    ("a Host on a folded line", b"X-A: 1\r\n Host: a.example\r\n"),
    ("Host only as X-Forwarded-Host", b"X-Forwarded-Host: a.example\r\n"),
]

CASES = [
    *[Case(name, "RFC 9112, 3.2", (LINE + host + b"\r\n",), REJECTED, BAD) for name, host in MUST_NOT],
    Case("a Host with a port", "RFC 9110, 7.2", (LINE + b"Host: a.example:8080\r\n\r\n",), PASSED),
    Case("a Host that is an IPv6 address", "RFC 9110, 7.2", (LINE + b"Host: [2001:db8::1]:8080\r\n\r\n",), PASSED),
    Case("a Host in capitals", "RFC 9110, 7.2", (LINE + b"HOST: WWW.EXAMPLE.ORG\r\n\r\n",), PASSED),
    # The grammar of a name takes a comma; who splits lists sees two.
    Case("a list in Host", "RFC 3986, 3.2.2", (LINE + b"Host: a.example, b.example\r\n\r\n",), REJECTED, BAD),
    Case("a comma in Host", "RFC 3986, 3.2.2", (LINE + b"Host: a.example,b.example\r\n\r\n",), SAFE, BAD),
    Case("two Hosts in HTTP/1.0", "RFC 9112, 3.2", (b"GET /@ID@ HTTP/1.0\r\n" + HOST + HOST + b"\r\n",), SAFE, BAD),
    Case("no Host in HTTP/1.0", "RFC 9112, 3.2", (b"GET /@ID@ HTTP/1.0\r\n\r\n",), any_of(PASSED, refused(400))),
    # 9112, 3.2.2: a request in absolute form needs its Host too.
    Case(
        "absolute form without Host", "RFC 9112, 3.2", (b"GET http://a.example/@ID@ HTTP/1.1\r\n\r\n",), REJECTED, BAD
    ),
    Case(
        "absolute form with two Hosts",
        "RFC 9112, 3.2",
        (b"GET http://a.example/@ID@ HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\n\r\n",),
        REJECTED,
        BAD,
    ),
    Case(
        "absolute form with a malformed Host",
        "RFC 9112, 3.2",
        (b"GET http://a.example/@ID@ HTTP/1.1\r\nHost: a b\r\n\r\n",),
        REJECTED,
        BAD,
    ),
    # 9112, 3.2.2: the received Host is ignored, and what is passed on names the target's; or it is refused.
    Case(
        "a Host that disagrees with the target",
        "RFC 9112, 3.2.2",
        (b"GET http://a.example/@ID@ HTTP/1.1\r\nHost: b.example\r\n\r\n",),
        any_of(Passed(host=b"a.example"), REJECTED),
        BAD,
    ),
    Case(
        "a Host whose port disagrees with the target",
        "RFC 9112, 3.2.2",
        (b"GET http://a.example:81/@ID@ HTTP/1.1\r\nHost: a.example:82\r\n\r\n",),
        any_of(Passed(host=b"a.example:81"), Passed(host=b"a.example"), REJECTED),
        BAD,
    ),
    Case(
        "Host among the trailers",
        "RFC 9110, 6.5.1",
        (
            request(
                b"Transfer-Encoding: chunked",
                method=b"POST",
                body=b"1\r\na\r\n0\r\nHost: other.example\r\n\r\n",
            ),
        ),
        any_of(Passed(body=b"a"), REJECTED),
        Passed(body=b"a", values=((b"host", [b"www.example.org"]),)),
    ),
]
