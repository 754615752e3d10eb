"""Request lines: three words and two blanks, or nothing (RFC 9112, sections 2.2, 2.3 and 3)."""

from __future__ import annotations

from tests.wire.case import (
    HOST,
    PASSED,
    REFUSED,
    SAFE,
    Case,
    Passed,
    Pause,
    answered,
    any_of,
    refused,
    request,
)

END = HOST + b"\r\n"
BAD = refused(400)

# A recipient may part the words of a request line by any whitespace, or refuse (9112, 3); what it passes on is strict.
ODD_LINES = [
    ("two blanks after the method", b"GET  /@ID@ HTTP/1.1\r\n"),
    ("two blanks before the version", b"GET /@ID@  HTTP/1.1\r\n"),
    ("a tab after the method", b"GET\t/@ID@ HTTP/1.1\r\n"),
    ("a tab before the version", b"GET /@ID@\tHTTP/1.1\r\n"),
    ("a vertical tab after the method", b"GET\x0b/@ID@ HTTP/1.1\r\n"),
    ("a form feed before the version", b"GET /@ID@\x0cHTTP/1.1\r\n"),
    ("a bare CR between the words", b"GET\r/@ID@ HTTP/1.1\r\n"),
    ("a blank at the end of the line", b"GET /@ID@ HTTP/1.1 \r\n"),
    ("a blank before the method", b" GET /@ID@ HTTP/1.1\r\n"),
    ("a CR doubled at the end of the line", b"GET /@ID@ HTTP/1.1\r\r\n"),
    ("a request line that ends in a bare LF", b"GET /@ID@ HTTP/1.1\n"),
    ("a request line that ends in a bare CR", b"GET /@ID@ HTTP/1.1\r"),
    ("a lower-case version", b"GET /@ID@ http/1.1\r\n"),
]
# These are no request line; a server SHOULD answer 400, and what it makes of them instead must be in order.
NO_LINES = [
    ("a blank in the target", b"GET /@ID@ b HTTP/1.1\r\n"),
    ("a request line of two words and a version's half", b"GET /@ID@ HTTP\r\n"),
    ("a method alone", b"GET\r\n"),
    ("no target", b"GET HTTP/1.1\r\n"),
    ("a version without its slash", b"GET /@ID@ HTTP1.1\r\n"),
    ("a version of one number", b"GET /@ID@ HTTP/1\r\n"),
    ("a minor version of two digits", b"GET /@ID@ HTTP/1.10\r\n"),
    ("a major version of two digits", b"GET /@ID@ HTTP/01.1\r\n"),
    ("a version with a comma", b"GET /@ID@ HTTP/1,1\r\n"),
    ("a version with bytes behind", b"GET /@ID@ HTTP/1.1x\r\n"),
    ("another protocol's name", b"GET /@ID@ XTTP/1.1\r\n"),
    ("a colon instead of a method", b": /@ID@ HTTP/1.1\r\n"),
    ("a method with a bracket", b"GE(T /@ID@ HTTP/1.1\r\n"),
    ("a method in quotes", b'"GET" /@ID@ HTTP/1.1\r\n'),
    ("a NUL in the method", b"GE\x00T /@ID@ HTTP/1.1\r\n"),
    ("a byte beyond ASCII in the method", b"GE\xc3\xa9T /@ID@ HTTP/1.1\r\n"),
    ("a NUL in the target", b"GET /@ID@a\x00b HTTP/1.1\r\n"),
    ("a folded request line", b"GET /@ID@\r\n HTTP/1.1\r\n"),
    ("a field line where the request line belongs", b"Host: /@ID@\r\n"),
    ("a status line where the request line belongs", b"HTTP/1.1 200 /@ID@\r\n"),
]

CASES = [
    Case("a plain GET", "RFC 9112, 3", (request(),), Passed(method=b"GET", target=b"/@ID@")),
    *[Case(name, "RFC 9112, 3", (line + END,), SAFE, BAD) for name, line in ODD_LINES],
    *[Case(name, "RFC 9112, 3", (line + END,), SAFE, BAD) for name, line in NO_LINES],
    Case("an empty line before the request line", "RFC 9112, 2.2", (b"\r\n" + request(),), SAFE, PASSED),
    Case("a bare LF before the request line", "RFC 9112, 2.2", (b"\n" + request(),), SAFE, BAD),
    Case(
        "a blank line between request line and fields",
        "RFC 9112, 2.2",
        (b"GET /@ID@ HTTP/1.1\r\n \r\n" + END,),
        SAFE,
        BAD,
    ),
    Case(
        "a field that begins with a blank, at once after the request line",
        "RFC 9112, 2.2",
        (b"GET /@ID@ HTTP/1.1\r\n X-A: 1\r\n" + END,),
        SAFE,
        BAD,
    ),
    Case("HTTP/0.9", "RFC 9112, A.1", (b"GET /@ID@\r\n\r\n",), SAFE, BAD, foreign=True),
    Case("HTTP/2.0 on a line", "RFC 9110, 15.6.6", (b"GET /@ID@ HTTP/2.0\r\n" + END,), REFUSED, refused(505)),
    Case("HTTP/3.0 on a line", "RFC 9110, 15.6.6", (b"GET /@ID@ HTTP/3.0\r\n" + END,), REFUSED, refused(505)),
    Case(
        "a minor version to come",
        "RFC 9110, 2.5",
        (b"GET /@ID@ HTTP/1.2\r\n" + END,),
        any_of(PASSED, answered(400, 505)),
    ),
    Case(
        "the preface of HTTP/2",
        "RFC 9113, 3.4",
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",),
        SAFE,
        refused(400, 505),
        foreign=True,
    ),
    Case(
        "the preface of HTTP/2, with its first frame",
        "RFC 9113, 3.4",
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",),
        SAFE,
        refused(400, 505),
        foreign=True,
    ),
    Case(
        "a greeting of TLS on a plain port",
        "RFC 9112, 2.2",
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x11" * 64 + b"\r\n\r\n",),
        SAFE,
        BAD,
    ),
    Case(
        "the protocol of a load balancer",
        "PROXY v1",
        (b"PROXY TCP4 1.2.3.4 5.6.7.8 9 10\r\n" + request(),),
        REFUSED,
        BAD,
    ),
    Case(
        "a method of every token character",
        "RFC 9110, 9.1",
        (b"A!#$%&'*+-.^_`|~9 /@ID@ HTTP/1.1\r\n" + END,),
        any_of(Passed(method=b"A!#$%&'*+-.^_`|~9"), answered(400, 405, 501)),
        Passed(method=b"A!#$%&'*+-.^_`|~9"),
        methods=(b"ODD",),
    ),
    Case(
        "a method in lower case is another method",
        "RFC 9110, 9.1",
        (b"get /@ID@ HTTP/1.1\r\n" + END,),
        any_of(Passed(method=b"get"), answered(400, 405, 501)),
    ),
    Case(
        "a target of 9,000 bytes",
        "RFC 9110, 15.5.15",
        (b"GET /@ID@" + b"a" * 9000 + b" HTTP/1.1\r\n" + END,),
        any_of(PASSED, refused(400, 414, 431)),
        refused(414),
    ),
    Case(
        "a request line without end",
        "RFC 9112, 3",
        (b"GET /@ID@" + b"a" * 100_000,),
        SAFE,
        refused(414),
        without=frozenset(("junk",)),
    ),
    Case(
        "a request line in two pieces",
        "RFC 9112, 3",
        (b"GE", Pause(), b"T /@ID@ HT", Pause(), b"TP/1.1\r", Pause(), b"\n" + END),
        SAFE,
    ),
]
