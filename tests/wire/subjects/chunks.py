"""Chunked bodies of requests: sizes, extensions, trailers, and their ends (RFC 9112, section 7.1)."""

from __future__ import annotations

from tests.wire.case import GONE, HALTED, SAFE, Case, Close, HalfClose, Halted, Passed, Pause, Reset, any_of, post

LAST = b"0\r\n\r\n"
HELLO = b"5\r\nhello\r\n"
# Not to be sent on: the backend gets no whole request.
STOPPED = any_of(Halted(), GONE)


def chunked(body: bytes) -> bytes:
    return post(b"Transfer-Encoding: chunked", body=body)


IN_ORDER = [
    ("sizes in any case, with a zero before", b"00a\r\nhellohello\r\n0A\r\nhellohello\r\n000\r\n\r\n", b"hello" * 4),
    ("twenty chunks of one byte", b"1\r\na\r\n" * 20 + LAST, b"a" * 20),
    ("a chunk that looks like the end", b"5\r\n0\r\n\r\n\r\n" + LAST, b"0\r\n\r\n"),
    ("an extension", b"5;a=b\r\nhello\r\n" + LAST, b"hello"),
    ("an extension without a value", b"5;a\r\nhello\r\n" + LAST, b"hello"),
    ("an extension with blanks round it", b"5 ; a = b\r\nhello\r\n" + LAST, b"hello"),
    ("an extension in quotes, with a semicolon", b'5;a="b;c"\r\nhello\r\n' + LAST, b"hello"),
    ("an extension of the last chunk", HELLO + b"0;a=b\r\n\r\n", b"hello"),
    ("a trailer", HELLO + b"0\r\nX-T: 1\r\n\r\n", b"hello"),
    ("an empty trailer value", HELLO + b"0\r\nX-T:\r\n\r\n", b"hello"),
]
# 9112, 7.1: these are no chunks.
MALFORMED = [
    ("no size", b"\r\nhello\r\n" + LAST),
    ("a size that is no number", b"x\r\nhello\r\n" + LAST),
    ("a size with 0x", b"0x5\r\nhello\r\n" + LAST),
    ("a size with a plus", b"+5\r\nhello\r\n" + LAST),
    ("a negative size", b"-5\r\nhello\r\n" + LAST),
    ("a size with an underscore", b"0_5\r\nhello\r\n" + LAST),
    ("a size with a letter behind", b"5g\r\nhello\r\n" + LAST),
    ("a size with a NUL", b"5\x00\r\nhello\r\n" + LAST),
    ("a size with a point", b"5.0\r\nhello\r\n" + LAST),
    ("a size of seventeen digits", b"10000000000000005\r\nhello\r\n" + LAST),
    ("a size that is 5 in 32 bits, doubled", b"fffffffffffffffff5\r\nhello\r\n" + LAST),
    ("data longer than its chunk", b"5\r\nhello!\r\n" + LAST),
    ("data shorter than its chunk", b"5\r\nhell\r\n" + LAST),
    ("data longer by what looks like a chunk", b"5\r\nhello5\r\nhello\r\n" + LAST),
    ("other bytes than CRLF after the data", b"5\r\nhelloXX5\r\nhello\r\n" + LAST),
    ("a bare CR after the size", b"5\rhello\r\n" + LAST),
    ("a CR and another byte after the size", b"5\rXhello\r\n" + LAST),
    ("a bare CR after the data", b"5\r\nhello\r0\r\n\r\n"),
    ("a semicolon alone", b";\r\nhello\r\n" + LAST),
    ("an extension in place of a size", b";a=b\r\nhello\r\n" + LAST),
]
# A reader that is lenient here and one that is not disagree where the body ends; what is passed on must be in order.
TWO_READINGS = [
    ("a blank after the size", b"5 \r\nhello\r\n" + LAST),
    ("a tab after the size", b"5\t\r\nhello\r\n" + LAST),
    ("a blank before the size", b" 5\r\nhello\r\n" + LAST),
    ("a bare LF after the size", b"5\nhello\r\n" + LAST),
    ("a bare LF after the data", b"5\r\nhello\n" + LAST),
    ("bare LFs all over", b"5\nhello\n0\n\n"),
    ("a bare LF at the very end", HELLO + b"0\r\n\n"),
    ("a bare LF in an extension", b"5;a\nb\r\nhello\r\n" + LAST),
    ("a bare CR in an extension", b"5;a\rb\r\nhello\r\n" + LAST),
    ("a NUL in an extension", b"5;a\x00b\r\nhello\r\n" + LAST),
    ("a CR doubled after the size", b"5\r\r\nhello\r\n" + LAST),
    ("a trailer with a blank before its colon", HELLO + b"0\r\nX-T : 1\r\n\r\n"),
    ("a trailer without a colon", HELLO + b"0\r\nX-T\r\n\r\n"),
    ("a folded trailer", HELLO + b"0\r\nX-T: 1\r\n 2\r\n\r\n"),
    ("a trailer with a NUL", HELLO + b"0\r\nX-T: a\x00b\r\n\r\n"),
    ("a trailer that ends in a bare LF", HELLO + b"0\r\nX-T: 1\n\r\n"),
    ("a trailer with a bare CR", HELLO + b"0\r\nX-T: a\rb\r\n\r\n"),
    ("a trailer with a blank in its name", HELLO + b"0\r\nX T: 1\r\n\r\n"),
]

CASES = [
    *[
        Case(f"chunks: {name}", "RFC 9112, 7.1", (chunked(body),), Passed(body=content))
        for name, body, content in IN_ORDER
    ],
    *[Case(f"chunks: {name}", "RFC 9112, 7.1", (chunked(body),), STOPPED, HALTED) for name, body in MALFORMED],
    *[Case(f"chunks: {name}", "RFC 9112, 7.1", (chunked(body),), SAFE, HALTED) for name, body in TWO_READINGS],
    # TERM.EXT: a reader that takes the LF for the line's end sees another chunk than one that does not.
    Case(
        "chunks: a bare LF that hides a chunk in an extension",
        "CVE-2025-55315",
        (
            chunked(
                b"2;\nxx\r\n4c\r\n0\r\n\r\nGET /@ID@/smuggled HTTP/1.1\r\n"
                b"Host: a\r\nContent-Length: 50\r\n\r\n\r\n0\r\n\r\n"
            ),
        ),
        SAFE,
        HALTED,
        without=frozenset(("junk",)),
    ),
    Case(
        "chunks: a size with twenty zeros before",
        "RFC 9112, 7.1",
        (chunked(b"0" * 20 + HELLO + LAST),),
        any_of(Passed(body=b"hello"), STOPPED),
    ),
    Case(
        "chunks: an extension of 20,000 bytes",
        "RFC 9112, 7.1.1",
        (chunked(b"5;" + b"a" * 20_000 + b"\r\nhello\r\n" + LAST),),
        any_of(Passed(body=b"hello"), STOPPED),
        HALTED,
    ),
    Case(
        "chunks: trailers of 100,000 bytes",
        "RFC 9112, 7.1.2",
        (
            chunked(
                HELLO + b"0\r\n" + b"".join(b"X-%d: " % each + b"a" * 1000 + b"\r\n" for each in range(100)) + b"\r\n"
            ),
        ),
        any_of(Passed(body=b"hello"), STOPPED),
        HALTED,
    ),
    # 9110, 6.5.1: a trailer that frames, routes or authorises is never merged into the head.
    Case(
        "chunks: a length among the trailers",
        "RFC 9110, 6.5.1",
        (chunked(HELLO + b"0\r\nContent-Length: 50\r\n\r\n"),),
        any_of(
            Passed(body=b"hello", lacks=[b"content-length"]),
            Passed(body=b"hello", values=[(b"content-length", [b"5"])]),
            STOPPED,
        ),
        Passed(body=b"hello"),
    ),
    Case(
        "chunks: a coding among the trailers",
        "RFC 9110, 6.5.1",
        (chunked(HELLO + b"0\r\nTransfer-Encoding: x\r\n\r\n"),),
        any_of(Passed(body=b"hello"), STOPPED),
        Passed(body=b"hello"),
    ),
    Case(
        "chunks: Authorization among the trailers",
        "RFC 9110, 6.5.1",
        (chunked(HELLO + b"0\r\nAuthorization: x\r\n\r\n"),),
        any_of(Passed(body=b"hello", lacks=[b"authorization"]), STOPPED),
        Passed(body=b"hello", lacks=[b"authorization"]),
    ),
    Case(
        "chunks: in pieces",
        "RFC 9112, 7.1",
        (chunked(b"5\r\nhe"), Pause(), b"llo\r", Pause(), b"\n0\r\n\r", Pause(), b"\n"),
        Passed(body=b"hello"),
    ),
    Case(
        "chunks: a body of 200,000 bytes",
        "RFC 9112, 7.1",
        (chunked(b"3e8\r\n" + b"a" * 1000 + b"\r\n") + (b"3e8\r\n" + b"a" * 1000 + b"\r\n") * 199 + LAST,),
        Passed(body=b"a" * 200_000),
    ),
    # 9112, 8: a chunked body without its end is incomplete.
    Case("chunks: no last chunk, half closed", "RFC 9112, 8", (chunked(HELLO), Pause(), HalfClose()), GONE),
    Case("chunks: no last chunk, closed", "RFC 9112, 8", (chunked(HELLO), Pause(), Close()), GONE),
    Case("chunks: no last chunk, reset", "RFC 9112, 8", (chunked(HELLO), Pause(), Reset()), GONE),
    Case("chunks: half a chunk, half closed", "RFC 9112, 8", (chunked(b"a\r\nhello"), Pause(), HalfClose()), GONE),
    Case(
        "chunks: a last chunk without its empty line, half closed",
        "RFC 9112, 8",
        (chunked(HELLO + b"0\r\n"), Pause(), HalfClose()),
        GONE,
    ),
    Case(
        "chunks: half a trailer, half closed",
        "RFC 9112, 8",
        (chunked(HELLO + b"0\r\nX-T: 1"), Pause(), HalfClose()),
        GONE,
    ),
]
