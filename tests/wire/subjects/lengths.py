"""Content-Length of requests: one plain number, or the request is refused (RFC 9112, section 6.3; RFC 9110, 8.6)."""

from __future__ import annotations

from tests.wire.case import (
    GONE,
    HOST,
    INNER,
    PASSED,
    REFUSED,
    SAFE,
    Case,
    Close,
    HalfClose,
    Passed,
    Pause,
    Reset,
    any_of,
    post,
    refused,
    request,
)

BAD = refused(400)

# 9112, 6.3: an invalid length is an unrecoverable error: 400, and the connection is closed.
INVALID = [
    ("a length with a plus", b"Content-Length: +3"),
    ("a negative length", b"Content-Length: -3"),
    ("a negative zero", b"Content-Length: -0"),
    ("a length in hexadecimal", b"Content-Length: 0x3"),
    ("a length with a letter", b"Content-Length: 3a"),
    ("a length with a point", b"Content-Length: 3.0"),
    ("a length with an exponent", b"Content-Length: 3e0"),
    ("a length with an underscore", b"Content-Length: 0_3"),
    ("two numbers in a length", b"Content-Length: 3 3"),
    ("a length in quotes", b'Content-Length: "3"'),
    ("a length with a parameter", b"Content-Length: 3;x=1"),
    ("a length in full-width digits", b"Content-Length: \xef\xbc\x93"),
    ("a length in Arabic digits", b"Content-Length: \xd9\xa3"),
    ("an empty length", b"Content-Length:"),
    ("a vertical tab before a length", b"Content-Length: \x0b3"),
    ("a form feed after a length", b"Content-Length: 3\x0c"),
    ("a NUL after a length", b"Content-Length: 3\x00"),
    ("a bare CR before a length", b"Content-Length: \r3"),
    ("a bare LF before a length", b"Content-Length: \n3"),
    ("a folded length", b"Content-Length:\r\n 3"),
    ("a length of twenty digits", b"Content-Length: 99999999999999999999"),
    ("a length that is 3 in 64 bits", b"Content-Length: 18446744073709551619"),
    ("two lengths", b"Content-Length: 3\r\nContent-Length: 4"),
    ("two lengths, the first nothing", b"Content-Length: 0\r\nContent-Length: 3"),
    ("two lengths in two spellings", b"content-length: 3\r\nCONTENT-LENGTH: 30"),
    ("two lengths in one field", b"Content-Length: 3, 4"),
    ("a length and an empty one", b"Content-Length: 3\r\nContent-Length:"),
    ("a blank before the colon of a length", b"Content-Length : 3"),
    ("a tab before the colon of a length", b"Content-Length\t: 3"),
]

CASES = [
    *[
        Case(name, "RFC 9112, 6.3", (post(line, body=b"abc"),), SAFE if b"\n" in line[:17] else REFUSED, BAD)
        for name, line in INVALID
    ],
    # 9110, 8.6: the same number said twice may be taken once, or refused.
    Case(
        "the same length twice",
        "RFC 9110, 8.6",
        (post(b"Content-Length: 3", b"Content-Length: 3", body=b"abc"),),
        any_of(Passed(body=b"abc"), REFUSED),
        BAD,
    ),
    Case(
        "the same length as a list",
        "RFC 9110, 8.6",
        (post(b"Content-Length: 3, 3", body=b"abc"),),
        any_of(Passed(body=b"abc"), REFUSED),
        BAD,
    ),
    Case(
        "a length and a comma",
        "RFC 9110, 8.6",
        (post(b"Content-Length: 3,", body=b"abc"),),
        any_of(Passed(body=b"abc"), REFUSED),
        BAD,
    ),
    Case(
        "a comma and a length",
        "RFC 9110, 8.6",
        (post(b"Content-Length: ,3", body=b"abc"),),
        any_of(Passed(body=b"abc"), REFUSED),
        BAD,
    ),
    # The number is in order, and means 4 GiB and 3 bytes; in 32 bits it is 3.
    Case(
        "a length that is 3 in 32 bits",
        "RFC 9110, 8.6",
        (post(b"Content-Length: 4294967299", body=b"abc" + INNER), HalfClose()),
        SAFE,
        refused(413),
    ),
    Case(
        "a length of 100 GB",
        "RFC 9110, 15.5.14",
        (post(b"Content-Length: 100000000000"), HalfClose()),
        SAFE,
        refused(413),
    ),
    Case(
        "a length with zeros before",
        "RFC 9110, 8.6",
        (post(b"Content-Length: 0003", body=b"abc"),),
        any_of(Passed(body=b"abc"), REFUSED),
    ),
    Case(
        "a length with forty zeros before",
        "RFC 9110, 8.6",
        (post(b"Content-Length: " + b"0" * 40 + b"3", body=b"abc"),),
        any_of(Passed(body=b"abc"), REFUSED),
    ),
    Case(
        "a length with blanks round it",
        "RFC 9112, 5.1",
        (post(b"Content-Length: \t 3 \t", body=b"abc"),),
        Passed(body=b"abc"),
    ),
    Case(
        "a body with a length",
        "RFC 9112, 6.2",
        (post(b"Content-Length: 5", body=b"hello"),),
        Passed(body=b"hello", method=b"POST"),
    ),
    Case("a body of no bytes", "RFC 9112, 6.2", (post(b"Content-Length: 0"),), Passed(body=b"")),
    Case("a POST that says no length has no body", "RFC 9112, 6.3", (post(),), any_of(Passed(body=b""), refused(411))),
    Case(
        "a GET with a body",
        "RFC 9110, 9.3.1",
        (request(b"Content-Length: 5", body=b"hello"),),
        any_of(Passed(body=b"hello"), REFUSED),
        Passed(body=b"hello"),
    ),
    Case(
        "a HEAD with a body",
        "RFC 9110, 9.3.2",
        (request(b"Content-Length: 5", method=b"HEAD", body=b"hello"),),
        any_of(Passed(body=b"hello"), REFUSED),
        Passed(body=b"hello"),
    ),
    Case(
        "a DELETE with a body",
        "RFC 9110, 9.3.5",
        (request(b"Content-Length: 5", method=b"DELETE", body=b"hello"),),
        any_of(Passed(body=b"hello"), REFUSED),
        Passed(body=b"hello"),
    ),
    Case(
        "a body that is a request stays a body",
        "RFC 9112, 6.3",
        (post(b"Content-Length: %d" % len(INNER.replace(b"@ID@", b"case-00000000-00000")), body=INNER),),
        Passed(method=b"POST"),
    ),
    Case(
        "a body of every byte",
        "RFC 9110, 6.4",
        (post(b"Content-Length: 256", body=bytes(range(256))),),
        Passed(body=bytes(range(256))),
    ),
    Case(
        "a body of 200,000 bytes",
        "RFC 9112, 6.2",
        (post(b"Content-Length: 200000", body=b"0123456789" * 20_000),),
        Passed(body=b"0123456789" * 20_000),
    ),
    Case(
        "a body in pieces",
        "RFC 9112, 6.2",
        (post(b"Content-Length: 6", body=b"ab"), Pause(), b"cd", Pause(), b"ef"),
        Passed(body=b"abcdef"),
    ),
    Case(
        "a body with a length in HTTP/1.0",
        "RFC 9112, 6.2",
        (b"POST /@ID@ HTTP/1.0\r\n" + HOST + b"Content-Length: 3\r\n\r\nabc",),
        Passed(body=b"abc"),
    ),
    # 9112, 6.3 and 8: a body that ends early is no request.
    Case(
        "a body shorter than its length, half closed",
        "RFC 9112, 6.3",
        (post(b"Content-Length: 10", body=b"abc"), Pause(), HalfClose()),
        GONE,
    ),
    Case(
        "a body shorter than its length, closed",
        "RFC 9112, 6.3",
        (post(b"Content-Length: 10", body=b"abc"), Pause(), Close()),
        GONE,
    ),
    Case(
        "a body shorter than its length, reset",
        "RFC 9112, 6.3",
        (post(b"Content-Length: 10", body=b"abc"), Pause(), Reset()),
        GONE,
    ),
    # What follows the body is the next request, and here it is none.
    Case(
        "bytes beyond the length",
        "RFC 9112, 6.3",
        (post(b"Content-Length: 3", body=b"abc") + b"defg\r\n\r\n",),
        any_of(PASSED, Passed(replies=2)),
        methods=(b"POST", b"NONE"),
        without=frozenset(("junk",)),
    ),
]
