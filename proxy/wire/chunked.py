"""Chunked bodies taken apart and put together (RFC 9112, section 7.1). Pure: bytes in, bytes out.

    decoder = ChunkDecoder()
    decoder.feed(b"3;x=1\\r\\nabc\\r\\n0\\r\\n\\r\\nGET") -> b"abc"; then decoder.done, and decoder.rest == b"GET"

Stricter than llhttp, which takes a bare LF in an extension and does not say where a body ended: extensions and
trailers must be in order, and are dropped.
"""

import re

# RFC 9112 section 7.1: "chunk = chunk-size [ chunk-ext ] CRLF chunk-data CRLF chunk-size = 1*HEXDIG"
# RFC 9112 section 7.1: "…recipients MUST anticipate potentially large hexadecimal numerals…"
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[ \t]*;[\t -~\x80-\xff]*)?")
# RFC 9112 section 7.1.2: "trailer-section = *( field-line CRLF )"
_TRAILER = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t -~\x80-\xff]*")
# RFC 9112 section 7.1.1: "A server ought to limit the total length of chunk extensions received in a request to an
# amount reasonable for the services provided…"
# A size line or a trailer longer than this is no chunk of anybody's; all trailers together stay under the second.
_LINE_LIMIT = 4 * 1024
_TRAILERS_LIMIT = 16 * 1024

LAST_CHUNK = b"0\r\n\r\n"

_SIZE_LINE, _DATA, _DATA_END, _TRAILERS = range(4)


class BadChunk(Exception):
    """The body is not in order; the connection cannot be used on."""


def encode_chunk(data: bytes) -> bytes:
    """One chunk; nothing for nothing, because an empty chunk is the end.

    >>> encode_chunk(b"abc")
    b'3\\r\\nabc\\r\\n'
    """
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""


class ChunkDecoder:
    """Takes a chunked body apart, however it is cut. `rest` is what came after its end."""

    __slots__ = ("_buffer", "_left", "_state", "_trailers", "done", "rest")

    def __init__(self) -> None:
        self._buffer = b""
        self._left = 0
        self._state = _SIZE_LINE
        self._trailers = 0
        self.done = False
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        """The content in `data`, without its framing. Raises BadChunk."""
        if self._buffer:
            data = self._buffer + data
            self._buffer = b""
        out: list[bytes] = []
        at = 0
        while not self.done:
            if self._state == _DATA:
                piece = data[at : at + self._left]
                if not piece:
                    return b"".join(out)
                out.append(piece)
                at += len(piece)
                self._left -= len(piece)
                if self._left:
                    return b"".join(out)
                self._state = _DATA_END
            end = data.find(b"\n", at)
            if end < 0:
                self._keep(data[at:])
                return b"".join(out)
            # RFC 9112 section 2.2: "…a recipient MAY recognize a single LF as a line terminator…"
            # That is one that need not, and so two readings.
            if end == at or data[end - 1] != 0x0D:
                raise BadChunk("a line of a chunked body that ends in a bare LF")
            self._line(data[at : end - 1])
            at = end + 1
        self.rest = data[at:]
        return b"".join(out)

    def _keep(self, line: bytes) -> None:
        # RFC 9112 section 7.1: "chunk-data = 1*OCTET ; a sequence of chunk-size octets"
        if self._state == _DATA_END and line not in (b"", b"\r"):
            raise BadChunk("data beyond the size of its chunk")
        if len(line) > _LINE_LIMIT:
            raise BadChunk("a line of a chunked body without end")
        self._buffer = line

    def _line(self, line: bytes) -> None:
        if self._state == _DATA_END:
            if line:
                raise BadChunk("data beyond the size of its chunk")
            self._state = _SIZE_LINE
        elif self._state == _SIZE_LINE:
            size = _SIZE.fullmatch(line)
            if size is None or len(line) > _LINE_LIMIT:
                raise BadChunk("a malformed chunk size")
            self._left = int(size[1], 16)
            self._state = _DATA if self._left else _TRAILERS
        # RFC 9112 section 7.1: "The chunked transfer coding is complete when a chunk with a chunk-size of zero is
        # received, possibly followed by a trailer section, and finally terminated by an empty line."
        elif not line:
            self.done = True
        else:
            # RFC 9112 section 7.1.2: "A recipient that removes the chunked coding from a message MAY selectively retain
            # or discard the received trailer fields."
            self._trailers += len(line)
            if self._trailers > _TRAILERS_LIMIT or not _TRAILER.fullmatch(line):
                raise BadChunk("a malformed trailer")
