"""A request's body on its way in: how much of what came belongs to it, framed as the backend will get it. Pure."""

from proxy.wire.chunked import LAST_CHUNK, ChunkDecoder, encode_chunk
from proxy.wire.heads import RequestHead


class TooLarge(Exception):
    """The body goes over `limits.body`."""


class IncomingBody:
    """Fed until `ended`; `rest` is then what came after it, the beginning of the next request.

    `content`: what the last piece held, without its framing.
    """

    __slots__ = ("_decoder", "_left", "_limit", "_taken", "content", "ended", "request", "rest")

    def __init__(self, request: RequestHead, limit: int) -> None:
        self.request = request
        self._decoder = ChunkDecoder() if request.chunked else None
        self._left = request.length or 0
        self._limit = limit
        self._taken = 0
        self.ended = False
        self.content = b""
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        """What of `data` belongs to the body, framed for the backend. Raises BadChunk, TooLarge."""
        if self._decoder is None:
            out, self.rest = data[: self._left], data[self._left :]
            self._left -= len(out)
            self.ended = not self._left
            self.content = out
            return out
        content = self.content = self._decoder.feed(data)
        self._taken += len(content)
        if self._taken > self._limit:
            raise TooLarge(f"a body of more than limits.body, {self._limit} bytes")
        self.ended, self.rest = self._decoder.done, self._decoder.rest
        return encode_chunk(content) + (LAST_CHUNK if self.ended else b"")
