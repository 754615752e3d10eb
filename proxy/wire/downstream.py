"""One citizen's connection: requests in, one after the other; answers out, in their order."""

import asyncio
import socket
import struct
from collections.abc import Callable
from time import monotonic
from typing import cast

from proxy.generation import Backend
from proxy.headers import forwarding_fields, is_trusted, sender_of
from proxy.plan import REFUSED_SERIES, Answer, Asked, make_plan
from proxy.wire.chunked import LAST_CHUNK, BadChunk, ChunkDecoder, encode_chunk
from proxy.wire.compose import request_bytes
from proxy.wire.exchange import Exchange
from proxy.wire.grammar import Refused, RequestHead, read_request
from proxy.wire.pages import own_answer
from proxy.wire.pool import Pool
from proxy.wire.station import NEVER, Station

# Bytes of pipelined requests that wait while one is answered.
PIPELINE_LIMIT = 64 * 1024
# Seconds that a citizen who was answered early may go on sending: closing at once would reset the connection, and the
# answer might be lost on its way (RFC 9112, 9.6).
LINGER_SECONDS = 2.0

_HEAD, _BODY, _ANSWER, _LINGER = range(4)


class Downstream(asyncio.Protocol):
    """States: reading a head, reading a body, waiting for an answer, lingering after a refusal."""

    __slots__ = (
        "_buffer", "_decoder", "_eof", "_forwarding", "_left", "_paused", "_peer", "_pool_of", "_state", "_taken",
        "_trusted", "_unsent", "deadline", "exchange", "station", "transport",
    )  # fmt: skip

    def __init__(self, station: Station, pool_of: Callable[[Backend], Pool]) -> None:
        self.station = station
        self.transport: asyncio.Transport | None = None
        self.exchange: Exchange | None = None
        self.deadline = NEVER
        self._pool_of = pool_of
        self._state = _HEAD
        self._buffer = b""
        self._decoder: ChunkDecoder | None = None
        self._left = 0
        self._taken = 0
        self._unsent = 0
        self._eof = False
        self._paused = False
        self._peer = b""
        self._trusted = False
        self._forwarding: tuple[bytes, bytes] = (b"", b"")

    # The citizen's side.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A citizen came."""
        self.transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        address = peer[0] if peer else "unknown"
        self._peer = address.encode()
        self._trusted = is_trusted(address, self.station.generation.trust)
        self.station.enter(self)
        self.deadline = self.station.now + self.station.generation.limits.idle

    def data_received(self, data: bytes) -> None:
        """Bytes of a citizen."""
        state = self._state
        if state == _HEAD:
            if self._buffer:
                data = self._buffer + data
                self._buffer = b""
            self._read_head(data)
        elif state == _BODY:
            self._read_body(data)
        elif state == _ANSWER:
            self._buffer += data
            if len(self._buffer) > PIPELINE_LIMIT:
                self.pause_reading()

    def eof_received(self) -> bool:
        """The citizen sends no more, and may still be reading."""
        self._eof = True
        if self._state == _ANSWER:
            return True
        if self._state == _BODY and self.exchange is not None:
            self.exchange.abandon()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The citizen left, or was let go."""
        self.station.leave(self)
        self.transport = None
        self._buffer = b""
        exchange = self.exchange
        self.exchange = None
        if exchange is not None:
            exchange.abandon()

    def pause_writing(self) -> None:
        """The citizen does not keep up."""
        self.deadline = self.station.now + self.station.generation.limits.idle
        if self.exchange is not None and self.exchange.upstream is not None:
            self.exchange.upstream.pause()

    def resume_writing(self) -> None:
        """The citizen keeps up again."""
        self.deadline = NEVER if self._state == _ANSWER else self.station.now + self.station.generation.limits.idle
        if self.exchange is not None and self.exchange.upstream is not None:
            self.exchange.upstream.resume()

    def expired(self) -> None:
        """The citizen took too long."""
        if self._state == _HEAD and not self._buffer:
            self._close()
        elif self._state in (_HEAD, _BODY) and (self.exchange is None or self.exchange.reply is None):
            self._refuse(408, "the request did not arrive in time")
        elif self._state == _LINGER and self._still_sends():
            self.deadline = self.station.now + self.station.generation.limits.idle
        else:
            self._abort()

    def _still_sends(self) -> bool:
        """Whether a closing connection has moved on since it was last looked at."""
        assert self.transport is not None
        unsent = self.transport.get_write_buffer_size()
        moved = unsent != self._unsent
        self._unsent = unsent
        return unsent > 0 and moved

    # Requests.

    def _read_head(self, data: bytes) -> None:
        # RFC 9112, 2.2: an empty line before the request line is skipped.
        while data.startswith(b"\r\n"):
            data = data[2:]
        if not data:
            return
        limits = self.station.generation.limits
        end = data.find(b"\r\n\r\n")
        if end < 0 or end > limits.head.head:
            self._wait_for_head(data, whole=end >= 0)
            return
        request = read_request(data[: end + 4], limits.head)
        if isinstance(request, Refused):
            self._refuse(request.status, request.why)
            return
        if request.length is not None and request.length > limits.body:
            self._refuse(413, f"a body of {request.length} bytes, and limits.body is {limits.body}")
            return
        self._serve(request, data[end + 4 :])

    def _wait_for_head(self, data: bytes, *, whole: bool) -> None:
        limits = self.station.generation.limits
        line_end = data.find(b"\n")
        if line_end < 0 and len(data) > limits.head.target + 32:
            self._refuse(414, "a request line without end")
        elif whole or len(data) > limits.head.head:
            self._refuse(431, f"a head of more than {limits.head.head} bytes")
        elif line_end >= 0 and data.replace(b"\r\n", b"").find(b"\n") >= 0:
            self._refuse(400, "a line that ends in a bare LF")
        else:
            if not self._buffer and self.deadline > (due := self.station.now + limits.head_time):
                self.deadline = due
            self._buffer = data

    def _serve(self, request: RequestHead, rest: bytes) -> None:
        now = monotonic()
        path, mark, query = request.target.partition(b"?")
        asked = Asked(request.method, path, query if mark else None, request.host_name, request.overrides)
        generation = self.station.generation
        plan = make_plan(asked, generation.rules)
        if isinstance(plan, Answer):
            self._answer(request, plan, rest)
            return
        backend = generation.backends[plan.backend]
        head = request_bytes(request, plan.target, request.host or backend.host_field, self._forwarding_for(request))
        exchange = self.exchange = Exchange(self, request, plan, self._pool_of(backend), now)
        if not request.has_body:
            self._state = _ANSWER
            self._buffer = rest
            self.deadline = NEVER
            exchange.begin(head, ended=True)
            return
        self._state = _BODY
        self._decoder = ChunkDecoder() if request.chunked else None
        self._left = request.length or 0
        self._taken = 0
        self.deadline = self.station.now + generation.limits.body_idle
        body = self._body(rest) if rest else b""
        if body is not None:
            exchange.begin(head + body, ended=exchange.request_ended)

    def _forwarding_for(self, request: RequestHead) -> bytes:
        if self._trusted:
            trust = self.station.generation.trust
            return forwarding_fields(sender_of(self._peer, request.host, request.told, trust))
        if self._forwarding[0] != request.host or not self._forwarding[1]:
            lines = forwarding_fields(sender_of(self._peer, request.host, (), ()))
            self._forwarding = (request.host, lines)
        return self._forwarding[1]

    def _read_body(self, data: bytes) -> None:
        exchange = self.exchange
        assert exchange is not None
        self.deadline = self.station.now + self.station.generation.limits.body_idle
        body = self._body(data)
        if body:
            exchange.send(body)

    def _body(self, data: bytes) -> bytes | None:
        """What of `data` belongs to the body, framed for the backend; None after a refusal."""
        limits = self.station.generation.limits
        if self._decoder is None:
            out, rest = data[: self._left], data[self._left :]
            self._left -= len(out)
            ended = not self._left
        else:
            try:
                content = self._decoder.feed(data)
            except BadChunk as bad:
                self._refuse(400, str(bad))
                return None
            self._taken += len(content)
            if self._taken > limits.body:
                self._refuse(413, f"a body of more than limits.body, {limits.body} bytes")
                return None
            ended, rest = self._decoder.done, self._decoder.rest
            out = encode_chunk(content) + (LAST_CHUNK if ended else b"")
        if ended:
            assert self.exchange is not None
            self.exchange.request_ended = True
            self._state = _ANSWER
            self._decoder = None
            self._buffer = rest
            self.deadline = NEVER
        return out

    # Answers.

    def _answer(self, request: RequestHead, plan: Answer, rest: bytes) -> None:
        reference = ""
        status = plan.status
        if plan.series == REFUSED_SERIES:
            self._refuse(status, plan.detail, request)
            return
        if status == 200 and self.station.draining:
            status = 503
        keep_alive = request.keep_alive and not self.station.draining and not request.has_body
        if status >= 400:
            reference = self.station.reference()
        self.station.counters.count(plan.series, status // 100, 0)
        with_body = request.method != b"HEAD"
        self.write(
            own_answer(
                status,
                reference=reference,
                with_body=with_body,
                keep_alive=keep_alive,
                minor=request.minor,
                location=plan.location,
            )
        )
        if keep_alive:
            self._next(rest)
        else:
            self._linger()

    def write(self, data: bytes) -> None:
        """Bytes for the citizen; nothing to one who has left."""
        if self.transport is not None and data and not self.transport.is_closing():
            self.transport.write(data)

    def stays_open(self, exchange: Exchange) -> bool:
        """Whether this connection can take another request after this exchange."""
        left = self._eof and not self._buffer
        return exchange.request_ended and exchange.request.keep_alive and not left and not self.station.draining

    def exchange_ended(self, exchange: Exchange) -> None:
        """The answer is out."""
        self.exchange = None
        if exchange.keeps_open:
            self.resume_reading()
            self._next(self._buffer)
        else:
            self._linger()

    def _next(self, rest: bytes) -> None:
        self._state = _HEAD
        self._buffer = b""
        self.deadline = self.station.now + self.station.generation.limits.idle
        if rest:
            # Not called from here: a thousand pipelined requests would nest a thousand deep.
            self._state = _ANSWER
            self._buffer = rest
            self.station.loop.call_soon(self._resume_pipeline)
        elif self._eof:
            self._close()

    def _resume_pipeline(self) -> None:
        if self.transport is None or self.transport.is_closing():
            return
        data, self._buffer = self._buffer, b""
        self._state = _HEAD
        self._read_head(data)
        if self._eof and self._state in (_HEAD, _BODY):
            self._close()  # the rest of this request will never come

    # Failures.

    def _refuse(self, status: int, why: str, request: RequestHead | None = None) -> None:
        """RFC 9112, 2.2 and 9.6: answer, then close; what follows cannot be told from a request."""
        reference = self.station.reference()
        self.station.say(f"{reference} refused with {status}: {why}")
        self.station.counters.count(REFUSED_SERIES, status // 100, 0)
        exchange = self.exchange
        self.exchange = None
        if exchange is not None:
            exchange.abandon()
            if exchange.reply is not None:
                self._abort()  # an answer is half out: nothing can be said any more
                return
        with_body = request is None or request.method != b"HEAD"
        self.write(own_answer(status, reference=reference, with_body=with_body, keep_alive=False))
        self._linger()

    def fail(self, exchange: Exchange, status: int, reference: str) -> None:
        """The backend gave no answer."""
        self.exchange = None
        request = exchange.request
        keep_alive = self.stays_open(exchange)
        with_body = request.method != b"HEAD"
        self.write(
            own_answer(status, reference=reference, with_body=with_body, keep_alive=keep_alive, minor=request.minor)
        )
        if keep_alive:
            self.resume_reading()
            self._next(self._buffer)
        else:
            self._linger()

    def cut(self, *, reset: bool) -> None:
        """The answer cannot be ended: end the connection so that it shows."""
        self.exchange = None
        if self.transport is None:
            return
        if reset:
            sock = self.transport.get_extra_info("socket")
            if sock is not None:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.transport.abort()
        else:
            self.transport.close()

    def _linger(self) -> None:
        self._state = _LINGER
        self._buffer = b""
        self.deadline = self.station.now + LINGER_SECONDS
        transport = self.transport
        if transport is None:
            return
        self.resume_reading()
        if self._eof or not transport.can_write_eof():
            transport.close()
        else:
            transport.write_eof()

    def drain(self) -> None:
        """The worker stops: an idle connection closes, a busy one after its answer."""
        if self._state == _HEAD and not self._buffer:
            self._close()

    def _close(self) -> None:
        if self.transport is not None:
            self.transport.close()

    def _abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()

    # Backpressure.

    def pause_reading(self) -> None:
        """Take no more of the request for now."""
        if self.transport is not None and not self._paused:
            self._paused = True
            self.transport.pause_reading()
            if self._state == _BODY:
                self.deadline = NEVER

    def resume_reading(self) -> None:
        """Take on."""
        if self.transport is not None and self._paused:
            self._paused = False
            self.transport.resume_reading()
            if self._state == _BODY:
                self.deadline = self.station.now + self.station.generation.limits.body_idle
