"""Field lines of requests: a name, a colon, a value, CRLF (RFC 9112, section 5; RFC 9110, section 5)."""

from __future__ import annotations

from tests.wire.case import HOST, PASSED, REFUSED, REJECTED, SAFE, Case, Passed, any_of, refused, request

BAD = refused(400)
LINE = b"GET /@ID@ HTTP/1.1\r\n" + HOST

# These are no field lines in any reading; who does not refuse them (9112, 2.2) must drop them.
NO_FIELDS = [
    ("a line without a colon", "RFC 9112, 5", b"X-A\r\n"),
    ("an empty name", "RFC 9112, 5", b": 1\r\n"),
    ("a blank in a name", "RFC 9110, 5.6.2", b"X A: 1\r\n"),
    ("a bracket in a name", "RFC 9110, 5.6.2", b"X(A: 1\r\n"),
    ("a slash in a name", "RFC 9110, 5.6.2", b"X/A: 1\r\n"),
    ("a quote in a name", "RFC 9110, 5.6.2", b'X"A: 1\r\n'),
    ("a NUL in a name", "RFC 9110, 5.6.2", b"X\x00A: 1\r\n"),
    ("a control byte in a name", "RFC 9110, 5.6.2", b"X\x01A: 1\r\n"),
    ("bytes beyond ASCII in a name", "RFC 9110, 5.6.2", b"X-\xc3\xa9: 1\r\n"),
]
# These a proxy may mend (a blank for the byte, or dropped), or refuse; it must not pass them on.
TO_MEND = [
    ("a folded value", "RFC 9112, 5.2", b"X-A: 1\r\n 2\r\n"),
    ("a value folded by a tab", "RFC 9112, 5.2", b"X-A: 1\r\n\t2\r\n"),
    ("an empty folded line", "RFC 9112, 5.2", b"X-A: 1\r\n \r\n"),
    ("a NUL in a value", "RFC 9110, 5.5", b"X-A: a\x00b\r\n"),
    ("a bare CR in a value", "RFC 9110, 5.5", b"X-A: a\rb\r\n"),
    ("a bare CR before a name that matters", "RFC 9112, 2.2", b"X-A: a\rTransfer-Encoding: chunked\r\n"),
    ("a CR doubled at the end of a field", "RFC 9112, 2.2", b"X-A: a\r\r\n"),
    ("a bare LF between two fields", "RFC 9112, 2.2", b"X-A: a\nX-B: b\r\n"),
    ("a bare LF before a name that matters", "RFC 9112, 2.2", b"X-A: a\nContent-Length: 5\r\n"),
    ("a vertical tab in a value", "RFC 9110, 5.5", b"X-A: a\x0bb\r\n"),
    ("an escape byte in a value", "RFC 9110, 5.5", b"X-A: a\x1b[1mb\r\n"),
    ("a DEL in a value", "RFC 9110, 5.5", b"X-A: a\x7fb\r\n"),
]

CASES = [
    # 9112, 5.1: a server MUST reject a blank before the colon.
    Case("a blank before the colon", "RFC 9112, 5.1", (LINE + b"X-A : 1\r\n\r\n",), REJECTED, BAD),
    Case("a tab before the colon", "RFC 9112, 5.1", (LINE + b"X-A\t: 1\r\n\r\n",), REJECTED, BAD),
    *[Case(name, rfc, (LINE + field + b"\r\n",), SAFE, BAD) for name, rfc, field in (*NO_FIELDS, *TO_MEND)],
    Case("a head that ends in bare LFs", "RFC 9112, 2.2", (b"GET /@ID@ HTTP/1.1\nHost: a\n\n",), SAFE, BAD),
    Case("a head whose last line ends in a bare LF", "RFC 9112, 2.2", (LINE + b"X-A: 1\n\r\n",), SAFE, BAD),
    Case("a head that ends in LF CR LF", "RFC 9112, 2.2", (LINE + b"X-A: 1\r\n\n",), SAFE, BAD),
    Case(
        "bytes beyond ASCII in a value are kept",
        "RFC 9110, 5.5",
        (request(b"X-A: caf\xe9 \xc3\xa9 \xff"),),
        any_of(Passed(has=[b"X-A: caf\xe9 \xc3\xa9 \xff"]), REFUSED),
        Passed(has=[b"X-A: caf\xe9 \xc3\xa9 \xff"]),
    ),
    Case(
        "blanks round a value are no part of it",
        "RFC 9112, 5.1",
        (request(b"X-A: \t a b \t "),),
        Passed(has=[b"X-A: a b"]),
    ),
    Case("no blank after the colon", "RFC 9112, 5.1", (request(b"X-A:1"),), Passed(has=[b"X-A: 1"])),
    Case("an empty value", "RFC 9110, 5.5", (request(b"X-A:"),), Passed(has=[b"X-A:"])),
    Case("a tab inside a value", "RFC 9110, 5.5", (request(b"X-A: a\tb"),), Passed(has=[b"X-A: a\tb"])),
    Case("colons in a value", "RFC 9110, 5.5", (request(b"X-A: a:b::c"),), Passed(has=[b"X-A: a:b::c"])),
    Case(
        "quotes, commas and semicolons in a value",
        "RFC 9110, 5.6",
        (request(b'X-A: "a\\"b, c"; d=(e), ,'),),
        Passed(has=[b'X-A: "a\\"b, c"; d=(e), ,']),
    ),
    Case(
        "a name of every token character",
        "RFC 9110, 5.6.2",
        (request(b"X!#$%&'*+-.^`|~9: 1"),),
        any_of(PASSED, REFUSED),
        PASSED,
    ),
    Case(
        "repeated fields keep their order",
        "RFC 9110, 5.3",
        (request(b"X-A: 1", b"X-B: 2", b"X-A: 3"),),
        any_of(
            Passed(values=[(b"x-a", [b"1", b"3"])]),
            Passed(values=[(b"x-a", [b"1, 3"])]),
            Passed(values=[(b"x-a", [b"1,3"])]),
        ),
        Passed(values=[(b"x-a", [b"1", b"3"])]),
    ),
    Case(
        "one value of 8,000 bytes",
        "RFC 9110, 5.4",
        (request(b"X-A: " + b"a" * 8000),),
        any_of(PASSED, refused(400, 431)),
        PASSED,
    ),
    Case(
        "a head of 40,000 bytes",
        "RFC 6585, 5",
        (request(*[b"X-%d: " % each + b"a" * 1000 for each in range(40)]),),
        any_of(PASSED, REFUSED),
        refused(431),
    ),
    Case(
        "a head without end",
        "RFC 6585, 5",
        (LINE + b"".join(b"X-%d: " % each + b"a" * 1000 + b"\r\n" for each in range(200)),),
        SAFE,
        refused(431),
        without=frozenset(("junk",)),
    ),
    Case(
        "a thousand fields",
        "RFC 6585, 5",
        (request(*[b"X-%d: 1" % each for each in range(1000)]),),
        any_of(PASSED, REFUSED),
        refused(431),
    ),
    # Who reads `_` for `-`, as CGI does, sees another length, or another sender, than the proxy did.
    Case(
        "Content_Length",
        "CWE-444",
        (request(b"Content_Length: 5", b"X-A: 1"),),
        SAFE,
        Passed(lacks=[b"content_length"]),
    ),
    Case(
        "Transfer_Encoding",
        "CWE-444",
        (request(b"Transfer_Encoding: chunked"),),
        SAFE,
        Passed(lacks=[b"transfer_encoding"]),
    ),
    Case("Proxy", "CVE-2016-5385", (request(b"Proxy: http://evil.example"),), SAFE, Passed(lacks=[b"proxy"])),
    Case(
        "X-Original-URL",
        "CVE-2018-14773",
        (request(b"X-Original-URL: /smuggled"),),
        SAFE,
        Passed(lacks=[b"x-original-url"]),
    ),
    Case(
        "X-Rewrite-URL",
        "CVE-2018-14773",
        (request(b"X-Rewrite-URL: /smuggled"),),
        SAFE,
        Passed(lacks=[b"x-rewrite-url"]),
    ),
]
