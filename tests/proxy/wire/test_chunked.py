"""Chunked bodies: how a stream is cut does not matter, and what goes in comes out."""

from __future__ import annotations

import contextlib

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.wire.chunked import LAST_CHUNK, BadChunk, ChunkDecoder, encode_chunk

contents = st.lists(st.binary(min_size=1, max_size=40), max_size=6)
cuts = st.lists(st.integers(1, 7), max_size=60)


def cut(data: bytes, sizes: list[int]) -> list[bytes]:
    pieces, at = [], 0
    for size in sizes:
        pieces.append(data[at : at + size])
        at += size
    return [*filter(None, pieces), *([data[at:]] if data[at:] else [])]


@given(contents, cuts, st.binary(max_size=10))
def test_whatever_was_encoded_is_decoded_however_it_is_cut(parts: list[bytes], sizes: list[int], rest: bytes) -> None:
    stream = b"".join(map(encode_chunk, parts)) + LAST_CHUNK + rest
    decoder = ChunkDecoder()
    got, after = b"", b""
    for piece in cut(stream, sizes):
        if decoder.done:
            after += piece
        else:
            got += decoder.feed(piece)
            after = decoder.rest
    assert got == b"".join(parts)
    assert decoder.done
    assert after == rest


def outcome(data: bytes, sizes: list[int]) -> tuple[bytes, bool, bool]:
    decoder, got = ChunkDecoder(), b""
    try:
        for piece in cut(data, sizes):
            if not decoder.done:
                got += decoder.feed(piece)
    except BadChunk:
        return b"", False, True
    return got, decoder.done, False


soup = st.lists(
    st.sampled_from([b"0", b"3", b"a", b"\r\n", b"\n", b"\r", b"abc", b";x", b" ", b"X: 1", b"\x00"]), max_size=14
).map(b"".join)


@given(soup, cuts)
def test_how_a_broken_stream_is_cut_does_not_matter_either(data: bytes, sizes: list[int]) -> None:
    assert outcome(data, sizes) == outcome(data, [])


@given(soup)
def test_a_strict_reference_reader_agrees_with_what_is_taken(data: bytes) -> None:
    content, done, _ = outcome(data, [])
    if not done:
        return
    reader = h11.Connection(h11.SERVER)
    reader.receive_data(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + data)
    reader.next_event()
    read = b""
    with contextlib.suppress(h11.RemoteProtocolError):
        while isinstance(event := reader.next_event(), h11.Data):
            read += bytes(event.data)
        assert isinstance(event, h11.EndOfMessage)
        assert read == content


@pytest.mark.parametrize("data", [b"3;" + b"x" * 5000, b"0\r\n" + b"X: " + b"y" * 5000, b"0\r\n" + b"X: 1\r\n" * 5000])
def test_lines_and_trailers_without_end_are_refused(data: bytes) -> None:
    with pytest.raises(BadChunk):
        ChunkDecoder().feed(data)
