"""Frames from a worker to the keeper: what is packed is read, however many lie in one message."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.copies import SIZE, BadFrame, Cause, Frame, Kind, abandoned, begin, end, frames, piece, whole

CANDIDATES = st.integers(0, 1023)
NUMBERS = st.integers(0, 2**32 - 1)


@st.composite
def a_frame(draw: st.DrawFn) -> tuple[bytes, Frame]:
    candidate, number, data = draw(CANDIDATES), draw(NUMBERS), draw(st.binary(max_size=50))
    match draw(st.sampled_from(Kind)):
        case Kind.WHOLE:
            reply = draw(st.lists(st.binary(max_size=20), max_size=4))
            packed = whole(candidate, number, data, reply)
            return packed, Frame(Kind.WHOLE, candidate, number, data, b"".join(reply))
        case Kind.BEGIN:
            return begin(candidate, number, data), Frame(Kind.BEGIN, candidate, number, data, b"")
        case Kind.PIECE:
            return piece(candidate, number, data), Frame(Kind.PIECE, candidate, number, b"", data)
        case Kind.END:
            return end(candidate, number), Frame(Kind.END, candidate, number, b"", b"")
        case Kind.ABANDONED:
            cause = draw(st.sampled_from(Cause))
            return abandoned(candidate, number, cause), Frame(Kind.ABANDONED, candidate, number, b"", b"", cause)


@given(st.lists(a_frame(), max_size=8))
def test_what_is_packed_is_read(packed: list[tuple[bytes, Frame]]) -> None:
    message = b"".join(data for data, _ in packed)
    assert list(frames(message)) == [frame for _, frame in packed]


@given(a_frame(), st.data())
def test_a_message_that_is_cut_is_no_message(packed: tuple[bytes, Frame], data: st.DataObject) -> None:
    cut = data.draw(st.integers(1, len(packed[0]) - 1))
    with pytest.raises(BadFrame):
        list(frames(packed[0][:cut]))


def test_an_unknown_kind_is_no_frame() -> None:
    packed = bytearray(end(1, 2))
    packed[4] = 9
    with pytest.raises(BadFrame, match="a frame of kind 9 with 0 bytes"):
        list(frames(bytes(packed)))
    assert len(packed) == SIZE
