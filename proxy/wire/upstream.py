"""One connection to a backend.

Bytes out as they are given, bytes in judged and handed to the exchange that waits for them.
"""

import asyncio
from typing import TYPE_CHECKING, cast

from proxy.claims import Times
from proxy.generation import Backend
from proxy.wire import fast
from proxy.wire.chunked import BadChunk, ChunkDecoder
from proxy.wire.grammar import read_reply
from proxy.wire.heads import BadReply, ReplyHead
from proxy.wire.station import NEVER, Station

if TYPE_CHECKING:
    from proxy.wire.exchange import Exchange
    from proxy.wire.lane import Lane

# A backend is trusted to send a larger head than a citizen (many cookies, a long CSP), and no more.
REPLY_HEAD_LIMIT = 64 * 1024
# RFC 9110 section 15.2: "A client MUST be able to parse one or more 1xx responses received prior to a final response…"
# A backend that sends more than this is broken.
INTERIM_LIMIT = 16


class Upstream(asyncio.Protocol):
    """Serves one exchange at a time; idle between them, it waits in its pool."""

    __slots__ = (
        "_buffer", "_decoder", "_head", "_interims", "_left", "_paused", "_tunnels", "backend", "counted", "deadline",
        "exchange", "idle_since", "lane", "reused", "station", "times", "transport",
    )  # fmt: skip

    def __init__(self, station: Station, backend: Backend, lane: "Lane") -> None:
        self.station = station
        self.backend = backend
        self.times: Times = backend  # or its route's own
        self.lane = lane
        self.counted = False  # among the connections of its backend
        self.transport: asyncio.Transport | None = None
        self.exchange: Exchange | None = None
        self.deadline = NEVER
        self.idle_since = 0.0
        self.reused = False
        self._buffer = b""
        self._head: ReplyHead | None = None
        self._decoder: ChunkDecoder | None = None
        self._left = 0
        self._interims = 0
        self._paused = False
        self._tunnels = False

    # The exchange's side.

    def begin(self, exchange: "Exchange", data: bytes) -> None:
        """Serve `exchange`, whose first bytes are `data`."""
        self.exchange = exchange
        claim = exchange.plan.claim
        self.times = self.backend if claim is None or claim.timeouts is None else claim.timeouts.over(self.backend)
        self._head = None
        self._interims = 0
        assert self.transport is not None
        self.transport.write(data)
        self.deadline = self.station.now + self.times.first_byte if exchange.request_ended else NEVER

    @property
    def is_open(self) -> bool:
        """Whether it can still be written to, as far as is known."""
        return self.transport is not None and not self.transport.is_closing()

    def send(self, data: bytes) -> None:
        """Bytes of the request; the backend's time to answer starts anew."""
        assert self.transport is not None
        self.transport.write(data)
        self.deadline = self._due()

    def _due(self) -> float:
        """When the backend must have done the next thing that it is waited for."""
        if self._paused:
            return NEVER
        if self._head is not None:
            return self.station.now + self.times.idle
        # While the citizen still sends, it is the citizen who is waited for.
        ended = self.exchange is None or self.exchange.request_ended
        return self.station.now + self.times.first_byte if ended else NEVER

    def pause(self) -> None:
        """The citizen does not keep up: read no more, and do not hold the backend to its time."""
        if self.transport is not None and not self._paused:
            self._paused = True
            self.transport.pause_reading()
            self.deadline = NEVER

    def resume(self) -> None:
        """The citizen keeps up again."""
        if self.transport is not None and self._paused:
            self._paused = False
            self.transport.resume_reading()
            self.deadline = self.station.now + self.times.idle

    def abort(self) -> None:
        """Close at once; whoever waited is not told."""
        self.exchange = None
        if self.transport is not None:
            self.transport.abort()

    # The backend's side.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected."""
        self.transport = cast("asyncio.Transport", transport)
        self.station.open.add(self)

    def data_received(self, data: bytes) -> None:
        """Bytes of a reply."""
        if self.exchange is None:
            # RFC 9112 section 9.2: "If a client receives data on a connection that doesn't have outstanding requests,
            # the client MUST NOT consider that data to be a valid response; the client SHOULD close the connection…"
            self.abort()
            return
        if self._head is None:
            self._read_head(data)
        elif self._tunnels:
            self.deadline = self.station.now + self.times.idle
            self.exchange.citizen.write(data)
        else:
            self.deadline = self.station.now + self.times.idle
            self._read_body(data)

    def _read_head(self, data: bytes) -> None:
        exchange = cast("Exchange", self.exchange)
        if self._buffer:
            data = self._buffer + data
            self._buffer = b""
        elif self.station.fast:  # the first bytes of a head, and mostly all of it: drips are not matched each time
            found = fast.read_reply(data, exchange.request.method, REPLY_HEAD_LIMIT)
            if found is not None:
                head, end = found
                self._begin_body(exchange, head, data[end:])
                return
        while self._head is None:
            end = data.find(b"\r\n\r\n")
            if end > REPLY_HEAD_LIMIT:
                self._fail("the head of its reply is too large")
                return
            if end < 0:
                self._buffer = data
                if len(data) > REPLY_HEAD_LIMIT or b"HTTP/1."[: len(data)] != data[:7]:
                    self._fail("the head of its reply is malformed or too large")
                return
            judged = read_reply(data[: end + 4], exchange.request.method)
            data = data[end + 4 :]
            if isinstance(judged, BadReply):
                self._fail(f"its reply has {judged.why}")
                return
            head = judged
            if head.status >= 200:
                self._begin_body(exchange, head, data)
                return
            if head.to_websocket and exchange.request.upgrades:
                self._head = head
                self._tunnels = True
                self.deadline = self.station.now + self.times.idle
                exchange.switched(head, data)
                return
            # RFC 9110 section 7.8: "A server MUST NOT switch to a protocol that was not indicated by the client in the
            # corresponding request's Upgrade header field."
            self._interims += 1
            if head.status == 101 or self._interims > INTERIM_LIMIT:
                self._fail(
                    "it changed the protocol unasked" if head.status == 101 else "its interim replies do not end"
                )
                return
            exchange.interim_came(head)

    def _begin_body(self, exchange: "Exchange", head: ReplyHead, data: bytes) -> None:
        self._head = head
        if not head.has_body or head.length == 0:
            exchange.head_came(head, b"")
            self._end(data)
            return
        if len(data) == head.length:
            exchange.head_came(head, data)
            self._end(b"")
            return
        self._decoder = ChunkDecoder() if head.chunked else None
        self._left = head.length if head.length is not None else -1
        self.deadline = self.station.now + self.times.idle
        content, rest = self._take(data)
        if content is None:
            return
        exchange.head_came(head, content)
        if rest is not None:
            self._end(rest)

    def _read_body(self, data: bytes) -> None:
        content, rest = self._take(data)
        if content is None:
            return
        if content and self.exchange is not None:
            self.exchange.content_came(content)
        if rest is not None:
            self._end(rest)

    def _take(self, data: bytes) -> tuple[bytes | None, bytes | None]:
        """The content in `data`, and what follows the body's end if it is there; `(None, None)` after a failure."""
        if self._decoder is not None:
            try:
                content = self._decoder.feed(data)
            except BadChunk as bad:
                self._fail(f"its reply has {bad}")
                return None, None
            return content, self._decoder.rest if self._decoder.done else None
        if self._left < 0:
            return data, None
        content, rest = data[: self._left], data[self._left :]
        self._left -= len(content)
        return content, None if self._left else rest

    def _end(self, rest: bytes) -> None:
        """The reply is whole. `rest`: bytes beyond it, after which the connection is never used again."""
        # RFC 9112 section 6.3: "A client MUST NOT process, cache, or forward such extra data as a separate response…"
        exchange, head = self.exchange, self._head
        assert head is not None
        self.exchange = None
        reusable = head.keep_alive and not rest and exchange is not None and exchange.request_ended
        if reusable and not self._paused:
            self.deadline = NEVER
            self.lane.give_back(self)
        else:
            self.deadline = NEVER
            if self.transport is not None:
                self.transport.abort()
        if exchange is not None:
            exchange.reply_ended()

    def _fail(self, why: str) -> None:
        exchange = self.exchange
        self.abort()
        if exchange is not None:
            self.lane.failed()
            exchange.upstream_failed(502, why, 502)

    def eof_received(self) -> bool:
        """The backend sends no more."""
        exchange, head = self.exchange, self._head
        # The stock loop calls this for a mere end of TCP too, which anybody on the way can make: then it is no end.
        if self.backend.tls is not None and isinstance(self.station.loop, asyncio.BaseEventLoop):
            return False
        # RFC 9112 section 6.3: "…the message body length is determined by the number of octets received prior to the
        # server closing the connection."
        if exchange is not None and head is not None and head.has_body and self._left < 0 and self._decoder is None:
            self._end(b"closed")
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Closed, by either side."""
        self.station.open.discard(self)
        self.lane.forget(self)
        self.transport = None
        exchange = self.exchange
        self.exchange = None
        if exchange is not None and self._tunnels:
            exchange.tunnel_ended()
        elif exchange is not None:
            # RFC 9112 section 6.3: "If the sender closes the connection … before the indicated number of octets are
            # received, the recipient MUST consider the message to be incomplete and close the connection."
            exchange.upstream_lost(
                untouched=self.reused and self._head is None and not self._buffer and not self._interims
            )

    def expired(self) -> None:
        """It took too long."""
        exchange = self.exchange
        if exchange is None or self._tunnels:
            # Idle in the pool for long enough; or a tunnel that neither side has used.
            if self.transport is not None:
                self.transport.abort()
            return
        self.abort()
        self.lane.failed()
        why = "it did not answer in time" if self._head is None else "its reply stalled"
        exchange.upstream_failed(504, why, "timeout")

    def pause_writing(self) -> None:
        """The backend does not keep up with the request's body."""
        self.deadline = self.station.now + self.times.idle
        if self.exchange is not None:
            self.exchange.citizen.pause_reading()

    def resume_writing(self) -> None:
        """It does again."""
        self.deadline = self._due()
        if self.exchange is not None:
            self.exchange.citizen.resume_reading()
