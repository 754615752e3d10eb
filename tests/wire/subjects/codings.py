"""Transfer-Encoding of requests: one final `chunked`, alone, in HTTP/1.1, or refused (RFC 9112, sections 6.1, 6.3)."""

from __future__ import annotations

from tests.wire.case import (
    HOST,
    INNER,
    REFUSED,
    SAFE,
    Case,
    Passed,
    any_of,
    post,
    refused,
    request,
)

BAD = refused(400)
CHUNKS = b"3\r\nabc\r\n0\r\n\r\n"
TE = b"Transfer-Encoding: chunked"
# 9112, 6.3: with both, Transfer-Encoding counts, the length is removed, and the connection is closed; or it is refused.
BOTH = any_of(
    REFUSED,
    Passed(body=b"abc", chunked=True, lacks=[b"content-length"], closed=True),
    Passed(body=b"abc", chunked=False, closed=True),
)

# 9112, 6.1: faulty framing, to be closed after; who closes while the other still sends may lose its reply (9.6).
OLD = any_of(REFUSED, Passed(closed=True), Passed(replies=0, closed=True))

# 9112, 6.3: a coding whose end is not chunked leaves the length unknown: 400, and the connection is closed.
NOT_FINAL = [
    ("chunked, then gzip", b"Transfer-Encoding: chunked, gzip"),
    ("chunked, then identity", b"Transfer-Encoding: chunked, identity"),
    ("chunked and gzip in two fields", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip"),
    ("gzip alone", b"Transfer-Encoding: gzip"),
    ("a coding nobody knows", b"Transfer-Encoding: xchunked"),
    ("chunked with a letter behind", b"Transfer-Encoding: chunkedx"),
    ("half of chunked", b"Transfer-Encoding: chunke"),
    ("chunked in quotes", b'Transfer-Encoding: "chunked"'),
    ("chunked in apostrophes", b"Transfer-Encoding: 'chunked'"),
    ("two words", b"Transfer-Encoding: chunked chunked"),
    ("chunked with a colon", b"Transfer-Encoding: : chunked"),
    ("chunked with a vertical tab", b"Transfer-Encoding: \x0bchunked"),
    ("chunked with a form feed", b"Transfer-Encoding: chunked\x0c"),
    ("chunked with a NUL", b"Transfer-Encoding: chunked\x00"),
    ("chunked with an escape byte", b"Transfer-Encoding: \x1bchunked"),
    ("chunked with a no-break space", b"Transfer-Encoding: \xa0chunked"),
    ("chunked with a DEL", b"Transfer-Encoding: \x7fchunked"),
]
# In some readers these are chunked, in some they are not.
TWO_READINGS = [
    ("identity", b"Transfer-Encoding: identity"),
    ("no coding at all", b"Transfer-Encoding:"),
    ("chunked twice", b"Transfer-Encoding: chunked, chunked"),
    ("chunked twice in two fields", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
    ("identity, then chunked", b"Transfer-Encoding: identity, chunked"),
    ("identity and chunked in two fields", b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked"),
    ("a coding nobody knows, then chunked", b"Transfer-Encoding: x, chunked"),
    ("gzip, then chunked", b"Transfer-Encoding: gzip, chunked"),
    ("chunked with a parameter", b"Transfer-Encoding: chunked;q=1"),
    ("chunked and a comma", b"Transfer-Encoding: chunked,"),
    ("a comma and chunked", b"Transfer-Encoding: ,chunked"),
    ("chunked on a folded line", b"Transfer-Encoding:\r\n chunked"),
    ("chunked before a folded line", b"Transfer-Encoding: chunked\r\n x"),
    ("chunked behind a bare CR", b"Transfer-Encoding: \rchunked"),
    ("chunked behind a bare LF", b"Transfer-Encoding: \nchunked"),
    ("a bare CR before the name", b"X-A: 1\rTransfer-Encoding: chunked"),
    ("a NUL in the name", b"Transfer-\x00Encoding: chunked"),
    ("a blank before the name", b" Transfer-Encoding: chunked"),
    ("a blank before the colon", b"Transfer-Encoding : chunked"),
    ("a tab before the colon", b"Transfer-Encoding\t: chunked"),
]

CASES = [
    Case("chunked", "RFC 9112, 6.1", (post(TE, body=CHUNKS),), Passed(body=b"abc")),
    Case(
        "chunked in capitals", "RFC 9112, 7", (post(b"TRANSFER-ENCODING: CHUNKED", body=CHUNKS),), Passed(body=b"abc")
    ),
    Case(
        "chunked with blanks round it",
        "RFC 9112, 5.1",
        (post(b"Transfer-Encoding: \t chunked \t", body=CHUNKS),),
        Passed(body=b"abc"),
    ),
    Case(
        "a GET with a chunked body",
        "RFC 9110, 9.3.1",
        (request(TE, body=CHUNKS),),
        any_of(Passed(body=b"abc"), REFUSED),
        Passed(body=b"abc"),
    ),
    Case("a chunked body of nothing", "RFC 9112, 7.1", (post(TE, body=b"0\r\n\r\n"),), Passed(body=b"")),
    *[
        Case(f"a Transfer-Encoding of {name}", "RFC 9112, 6.3", (post(line, body=CHUNKS),), REFUSED, BAD)
        for name, line in NOT_FINAL
    ],
    *[
        Case(f"a Transfer-Encoding, {name}", "RFC 9112, 6.1", (post(line, body=CHUNKS),), SAFE, BAD)
        for name, line in TWO_READINGS
    ],
    # Request smuggling (9112, 11.2): one reader ends the request by the length, the other by the chunks.
    Case(
        "Content-Length, then Transfer-Encoding",
        "RFC 9112, 6.3",
        (post(b"Content-Length: 3", TE, body=CHUNKS),),
        BOTH,
        BAD,
    ),
    Case(
        "Transfer-Encoding, then Content-Length",
        "RFC 9112, 6.3",
        (post(TE, b"Content-Length: 3", body=CHUNKS),),
        BOTH,
        BAD,
    ),
    Case(
        "Transfer-Encoding and a length of nothing",
        "RFC 9112, 6.3",
        (post(TE, b"Content-Length: 0", body=CHUNKS),),
        BOTH,
        BAD,
    ),
    Case(
        "Transfer-Encoding and a malformed length",
        "RFC 9112, 6.3",
        (post(TE, b"Content-Length: x", body=CHUNKS),),
        BOTH,
        BAD,
    ),
    Case(
        "CL.TE: the chunks end before the length",
        "CWE-444",
        (post(b"Content-Length: 90", TE, body=b"0\r\n\r\n" + INNER),),
        SAFE,
        BAD,
        without=frozenset(("junk",)),
    ),
    Case(
        "TE.CL: the length ends before the chunks",
        "CWE-444",
        (post(b"Content-Length: 4", TE, body=b"5c\r\n" + INNER + b"\r\n0\r\n\r\n"),),
        SAFE,
        BAD,
        without=frozenset(("junk",)),
    ),
    *[
        Case(f"both lengths, with {name}", "CWE-444", (post(b"Content-Length: 13", line, body=CHUNKS),), SAFE, BAD)
        for name, line in [*TWO_READINGS, *NOT_FINAL[4:6], *NOT_FINAL[11:14]]
    ],
    # 9112, 6.1: Transfer-Encoding in HTTP/1.0 is faulty framing; the connection is closed.
    Case(
        "chunked in HTTP/1.0",
        "RFC 9112, 6.1",
        (b"POST /@ID@ HTTP/1.0\r\n" + HOST + TE + b"\r\n\r\n" + CHUNKS,),
        OLD,
        BAD,
    ),
    Case(
        "chunked in HTTP/1.0 that asks to stay",
        "RFC 9112, 6.1",
        (b"POST /@ID@ HTTP/1.0\r\n" + HOST + b"Connection: keep-alive\r\n" + TE + b"\r\n\r\n" + CHUNKS,),
        OLD,
        BAD,
    ),
    Case(
        "both lengths in HTTP/1.0",
        "RFC 9112, 6.1",
        (b"POST /@ID@ HTTP/1.0\r\n" + HOST + b"Content-Length: 13\r\n" + TE + b"\r\n\r\n" + CHUNKS,),
        OLD,
        BAD,
    ),
    # 9110, 7.6.1: who may strike the framing from a message chooses where it ends.
    Case(
        "Connection nominates Transfer-Encoding",
        "RFC 9110, 7.6.1",
        (post(b"Connection: transfer-encoding", TE, body=CHUNKS),),
        any_of(Passed(body=b"abc"), REFUSED),
    ),
    Case(
        "Connection nominates Content-Length",
        "RFC 9110, 7.6.1",
        (post(b"Connection: content-length", b"Content-Length: 3", body=b"abc"),),
        any_of(Passed(body=b"abc"), REFUSED),
        BAD,
    ),
]
