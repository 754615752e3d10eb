"""Frames from a worker to the keeper: what is packed is read, however many lie in one message."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.copies import END, SIZE, BadFrame, Cause, Frame, Kind, Told, frames, pack, told


@st.composite
def a_frame(draw: st.DrawFn) -> tuple[bytes, Frame]:
    kind, by_slice, place = draw(st.sampled_from(Kind)), draw(st.booleans()), draw(st.integers(0, 1023))
    number, series, micros = (
        draw(st.integers(0, 2**32 - 1)),
        draw(st.integers(0, 2**18)),
        draw(st.integers(0, 2**64 - 1)),
    )
    cause = draw(st.sampled_from(Cause)) if kind is Kind.ABANDONED else None
    body = draw(st.integers(0, 64 * 1024)) if cause is None else 0
    data = draw(st.binary(max_size=50))
    packed = pack(len(data), kind, by_slice, place, number, series, body if cause is None else cause, micros) + data
    return packed, Frame(kind, by_slice, place, number, series, body, micros, data, cause)


@given(st.lists(a_frame(), max_size=8))
def test_what_is_packed_is_read(packed: list[tuple[bytes, Frame]]) -> None:
    message = b"".join(data for data, _ in packed)
    assert list(frames(message)) == [frame for _, frame in packed]


@given(a_frame(), st.data())
def test_a_message_that_is_cut_is_no_message(packed: tuple[bytes, Frame], data: st.DataObject) -> None:
    cut = data.draw(st.integers(1, len(packed[0]) - 1))
    with pytest.raises(BadFrame):
        list(frames(packed[0][:cut]))


def test_an_unknown_kind_or_cause_is_no_frame() -> None:
    with pytest.raises(BadFrame, match="a frame of kind 9 with 0 bytes"):
        list(frames(pack(0, 9, False, 1, 2, 3, 0, 0)))
    with pytest.raises(BadFrame, match="a frame of kind 5 with 0 bytes"):
        list(frames(pack(0, Kind.ABANDONED, False, 1, 2, 3, 9, 0)))
    assert len(pack(0, END, False, 1, 2, 3, 0, 0)) == SIZE


TRACE = b"X-Request-Id: a-1\r\ntraceparent: 00-1-2-01\r\n"
HEAD = b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\n"
REPLY = b"HTTP/1.1 200 OK\r\nX: 1\r\n\r\n"


@pytest.mark.parametrize("body", [b"", b"a=1\r\n\r\nb"])
@pytest.mark.parametrize("reply", [REPLY, b"HTTP/1.1 304 \r\n\r\n"])
@pytest.mark.parametrize("content", [b"", b"one\r\n\r\ntwo"])
def test_an_exchange_is_taken_apart(body: bytes, reply: bytes, content: bytes) -> None:
    data = b"https 2001:db8::1\r\n" + TRACE + b"\r\n" + HEAD + body + reply + content
    assert told(data, len(body)) == Told(b"https", b"2001:db8::1", TRACE, HEAD, body, reply, content)


@pytest.mark.parametrize("data", [b"", b"nonsense", b"http a\r\n\r\n", b"http a\r\n" + TRACE + b"\r\n" + HEAD])
def test_what_has_no_heads_is_no_exchange(data: bytes) -> None:
    with pytest.raises(BadFrame):
        told(data, 0)
