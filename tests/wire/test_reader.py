"""The strict reader itself: what it reads, what it waits for, and what it calls bad."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.reader import Bad, read_reply, read_request

A = b"Host: a\r\n"
WHOLE = [  # law, bytes, content, bytes beyond
    ("a GET ends with its head", b"GET / HTTP/1.1\r\n" + A + b"\r\n", b"", b"GET"),
    ("a length", b"POST / HTTP/1.1\r\n" + A + b"Content-Length: 3\r\n\r\nabc", b"abc", b"d"),
    (
        "chunks",
        b"POST / HTTP/1.1\r\n" + A + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        b"abc",
        b"0\r\n",
    ),
    (
        "trailers",
        b"POST / HTTP/1.1\r\n" + A + b"Transfer-Encoding: chunked\r\n\r\n1;x\r\na\r\n0\r\nX: 1\r\n\r\n",
        b"a",
        b"\r\n",
    ),
    ("HTTP/1.0 without Host", b"GET / HTTP/1.0\r\n\r\n", b"", b"\r\n"),
]
BAD = [
    ("two blanks", b"GET  / HTTP/1.1\r\n" + A + b"\r\n"),
    ("no Host", b"GET / HTTP/1.1\r\n\r\n"),
    ("two Hosts", b"GET / HTTP/1.1\r\n" + A + A + b"\r\n"),
    ("a bare LF", b"GET / HTTP/1.1\n" + A + b"\r\n"),
    ("a bare CR", b"GET / HTTP/1.1\r\nX: a\rb\r\n" + A + b"\r\n"),
    ("a fold", b"GET / HTTP/1.1\r\n" + A + b" b\r\n\r\n"),
    ("a blank before the colon", b"GET / HTTP/1.1\r\nHost : a\r\n\r\n"),
    ("both lengths", b"GET / HTTP/1.1\r\n" + A + b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("two lengths", b"GET / HTTP/1.1\r\n" + A + b"Content-Length: 0\r\nContent-Length: 0\r\n\r\n"),
    ("chunked in HTTP/1.0", b"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("a chunk too long", b"GET / HTTP/1.1\r\n" + A + b"Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n"),
    ("a size that is none", b"GET / HTTP/1.1\r\n" + A + b"Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n"),
]


@pytest.mark.parametrize(("law", "data", "content", "beyond"), WHOLE, ids=[case[0] for case in WHOLE])
def test_a_request_is_read_to_its_end_and_no_further(law: str, data: bytes, content: bytes, beyond: bytes) -> None:
    message = read_request(data + beyond)
    assert message is not None
    assert (message.content, message.raw) == (content, data)
    assert [read_request(data[:end]) for end in range(len(data))] == [None] * len(data)


@pytest.mark.parametrize(("law", "data"), BAD, ids=[case[0] for case in BAD])
def test_what_is_no_request_is_bad(law: str, data: bytes) -> None:
    with pytest.raises(Bad):
        read_request(data)


@pytest.mark.parametrize(
    ("data", "method", "ended", "content"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", b"GET", False, b"ok"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", b"HEAD", False, b""),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n", b"GET", False, b""),
        (b"HTTP/1.1 200 OK\r\n\r\nok", b"GET", True, b"ok"),
        (b"HTTP/1.1 200 OK\r\n\r\nok", b"GET", False, None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", b"GET", True, None),
    ],
)
def test_a_reply_ends_where_the_rfc_says(data: bytes, method: bytes, ended: bool, content: bytes | None) -> None:
    message = read_reply(data, 0, method, ended=ended)
    assert (message.content if message else None) == content


@given(st.binary(max_size=80))
def test_it_never_fails_in_another_way(data: bytes) -> None:
    for read in (lambda: read_request(data), lambda: read_reply(data, 0, b"GET", ended=True)):
        try:
            message = read()
        except Bad:
            continue
        assert message is None or data.startswith(message.raw)
