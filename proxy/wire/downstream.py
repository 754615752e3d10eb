"""One citizen's connection: requests in, one after the other; answers out, in their order."""

import asyncio
import re
from time import monotonic
from typing import cast

from proxy.generation import Generation
from proxy.plan import REFUSED_SERIES, Answer, Forward
from proxy.trace import reference_of
from proxy.wire import fast
from proxy.wire.body import IncomingBody, TooLarge
from proxy.wire.chunked import BadChunk
from proxy.wire.connection import Connection
from proxy.wire.copying import drawn
from proxy.wire.exchange import Exchange
from proxy.wire.form import HeldForm, is_translated
from proxy.wire.grammar import read_beginning, read_request
from proxy.wire.heads import AskedByHead, Refused, RequestHead
from proxy.wire.pool import pool_for
from proxy.wire.station import NEVER, PLAIN, Door, Station
from proxy.wire.translator import sent_first

# Bytes of pipelined requests that wait while one is answered.
PIPELINE_LIMIT = 64 * 1024

_EMPTY_LINES = re.compile(rb"(?:\r\n)+")
_HEAD, _BODY, _ANSWER, _TUNNEL, _LINGER = range(5)


class Downstream(Connection):
    """States: reading a head, reading a body, waiting for an answer, passing a tunnel's bytes, lingering at the end."""

    __slots__ = ("_body", "_buffer", "_form", "_full", "_state", "exchange")

    def __init__(self, station: Station, door: Door = PLAIN) -> None:
        super().__init__(station, door)
        self.exchange: Exchange | None = None
        self._state = _HEAD
        self._buffer = b""
        self._body: IncomingBody | None = None
        self._form: HeldForm | None = None
        self._full = False  # the citizen does not take what was written

    # The citizen's side.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A citizen came."""
        self.transport = cast("asyncio.Transport", transport)
        self.deadline = self.station.now + self.station.generation.limits.idle
        if self._peer is not None:  # counted before its handshake
            return
        peer = transport.get_extra_info("peername")
        if not peer:  # reset before it was accepted: there is nobody
            self.transport.abort()
            return
        over = self.enter(peer[0])
        if over is not None:
            self._refuse(over, "too many connections")

    def data_received(self, data: bytes) -> None:
        """Bytes of a citizen."""
        state = self._state
        if state == _HEAD:
            if self._buffer:
                data = self._buffer + data
                self._buffer = b""
                self._read_head(data)
            else:
                self._read_new(data)
        elif state == _BODY:
            self._read_body(data)
        elif state == _ANSWER:
            self._buffer += data
            if len(self._buffer) > PIPELINE_LIMIT:
                self.pause_reading()
        elif state == _TUNNEL and self.exchange is not None:
            self.exchange.tunnel_sent(data)

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
        self.leave()
        self.transport = None
        self._buffer = b""
        exchange = self.exchange
        self.exchange = None
        if exchange is not None:
            exchange.abandon()

    def pause_writing(self) -> None:
        """The citizen does not keep up."""
        self._full = True
        self.deadline = self.station.now + self.station.generation.limits.idle
        if self.exchange is not None and self.exchange.upstream is not None:
            self.exchange.upstream.pause()

    def resume_writing(self) -> None:
        """The citizen keeps up again."""
        self._full = False
        answering = self._state in (_ANSWER, _TUNNEL)
        self.deadline = NEVER if answering else self.station.now + self.station.generation.limits.idle
        if self.exchange is not None:
            if self.exchange.upstream is not None:
                self.exchange.upstream.resume()
        elif self._state == _ANSWER:
            self._next(self._buffer)

    def expired(self) -> None:
        """The citizen took too long."""
        if self._state == _HEAD and not self._buffer:
            self._state = _LINGER
            self.close()
        elif self._state in (_HEAD, _BODY) and (self.exchange is None or self.exchange.reply is None):
            self._refuse(408, "the request did not arrive in time")
        elif self._state == _LINGER and self.still_sends():
            self.deadline = self.station.now + self.station.generation.limits.idle
        else:
            self.abort()

    # Requests.

    def _read_new(self, data: bytes) -> None:
        """The first bytes of a head, and mostly all of it: who sends it in drips must not have it matched each time."""
        station = self.station
        found = fast.read_request(data, station.generation.limits.head) if station.fast else None
        if found is None:
            self._read_head(data)
        else:
            request, end = found
            self._serve(request, data, end)

    def _read_head(self, data: bytes) -> None:
        # RFC 9112 section 2.2: "…a server that is expecting to receive and parse a request-line SHOULD ignore at least
        # one empty line (CRLF) received prior to the request-line."
        if data.startswith(b"\r\n"):
            data = _EMPTY_LINES.sub(b"", data, count=1)
        if not data:
            return
        limits = self.station.generation.limits
        end = data.find(b"\r\n\r\n")
        is_whole = 0 <= end <= limits.head.head
        judged = read_request(data[: end + 4], limits.head) if is_whole else read_beginning(data, limits.head)
        if isinstance(judged, Refused):
            self._refuse(judged.status, judged.why)
        elif judged is not None:
            self._serve(judged, data, end + 4)
        else:
            if self.deadline > (due := self.station.now + limits.head_time):
                self.deadline = due
            self._buffer = data

    def _serve(self, request: RequestHead, data: bytes, end: int) -> None:
        """A request, whose head is the first `end` bytes of `data`."""
        station = self.station
        generation = station.generation
        limits = generation.limits
        # RFC 9110 section 15.5.14: "…the server is refusing to process a request because the request content is
        # larger…"
        if request.length is not None and request.length > limits.body:
            self._refuse(413, f"a body of {request.length} bytes, and limits.body is {limits.body}")
            return
        now = monotonic()
        plan = station.plans.plan(request)
        if request.is_last_hop and not (isinstance(plan, Answer) and plan.series == REFUSED_SERIES):
            plan = Answer(204, plan.series, "health")
        rest = data[end:]
        if isinstance(plan, Answer):
            self._answer(request, plan, rest)
            return
        if plan.shadowing is not None:
            request.raw = data[:end]
        length = request.length or 0
        is_form = request.has_body and (plan.if_overridden is not None or is_translated(request, plan, generation))
        if length <= len(rest) and not request.chunked and not is_form:
            self._state = _ANSWER
            self._buffer = rest[length:]
            self.deadline = NEVER
            self._begin(request, plan, now, rest[:length], generation, ended=True)
        else:
            self._state = _BODY
            self._body = IncomingBody(request, generation.limits.body)
            if is_form:
                self._form = HeldForm(request, AskedByHead(request), plan, now, generation)
                if request.expects_continue:
                    # The proxy wants the body before any backend is asked: the wish is fulfilled here, and ends here.
                    request.fields = [field for field in request.fields if field[0].lower() != b"expect"]
                    self.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                self._read_body(rest)
                return
            self.deadline = self.station.now + generation.limits.body_idle
            body = self._take_body(rest) if rest else b""
            if body is not None:
                self._begin(request, plan, now, body, generation, ended=self._state == _ANSWER)

    def _begin(
        self, request: RequestHead, plan: Forward, started: float, body: bytes, generation: Generation, *, ended: bool
    ) -> None:
        pool = pool_for(self.station, generation, plan.backend)
        exchange = Exchange(self, request, plan, pool, started, self.trace(request.told), generation, self._form)
        self.exchange = exchange
        if self.station.access is not None:
            exchange.line = self.begin_line(request, exchange.trace, started)
        if plan.shadowing is not None and self._peer is not None:
            exchange.copied = drawn(self.station, plan.shadowing, self._peer)
        assert self._peer is not None
        exchange.begin(sent_first(exchange, self._peer, body), ended=ended)

    def sent_first(self, exchange: Exchange, body: bytes) -> bytes:
        """The request's head, and what there is of its body, as the backend that is asked now gets them."""
        assert self._peer is not None
        return sent_first(exchange, self._peer, body)

    def _read_body(self, data: bytes) -> None:
        self.deadline = self.station.now + self.station.generation.limits.body_idle
        incoming, form = self._body, self._form
        body = self._take_body(data)
        if body is None:
            return
        ended = self._state == _ANSWER
        if form is not None:
            assert incoming is not None
            plan = form.hold(body, incoming.content, ended=ended)
            if plan is not None:
                self._begin(form.request, plan, form.started, form.framed, form.generation, ended=ended)
                self._form = None
        elif self.exchange is not None:
            self.exchange.request_ended = ended
            if body:
                self.exchange.send(body)

    def _take_body(self, data: bytes) -> bytes | None:
        """What of `data` belongs to the body; None after a refusal."""
        body = self._body
        assert body is not None
        try:
            out = body.feed(data)
        except BadChunk as bad:
            self._refuse(400, str(bad), body.request)
            return None
        except TooLarge as large:
            self._refuse(413, str(large), body.request)
            return None
        if body.ended:
            self._state = _ANSWER
            self._body = None
            self._buffer = body.rest
            self.deadline = NEVER
        return out

    # Answers.

    def _answer(self, request: RequestHead, plan: Answer, rest: bytes) -> None:
        status = plan.status
        if plan.series == REFUSED_SERIES:
            self._refuse(status, plan.detail, request)
            return
        if status == 200 and self.station.draining and not self.station.succeeded:
            status = 503
        keep_alive = request.keep_alive and not self.station.draining and not request.has_body
        trace = self.trace(request.told)
        line = self.begin_line(request, trace, monotonic())
        self.station.counters.count(plan.series, status // 100, 0)
        size = self.answer(status, trace, request, keep_alive=keep_alive, location=plan.location)
        if line is not None:
            line.ends(status, "own", plan, size=size)
        if keep_alive:
            self._next(rest)
        else:
            self._part()

    def stays_open(self, exchange: Exchange) -> bool:
        """Whether this connection can take another request after this exchange."""
        left = self._eof and not self._buffer
        return exchange.request_ended and exchange.request.keep_alive and not left and not self.station.draining

    def exchange_ended(self, exchange: Exchange) -> None:
        """The answer is out."""
        self.exchange = None
        if exchange.keeps_open:
            self._next(self._buffer)
        else:
            self._part()

    def _next(self, rest: bytes) -> None:
        self.deadline = self.station.now + self.station.generation.limits.idle
        if self._full:
            # Nothing more is answered to who does not take what was: the answers would pile up here.
            self._state = _ANSWER
            self._buffer = rest
            return
        self._state = _HEAD
        self._buffer = b""
        if self._paused:
            self.resume_reading()
        if rest:
            # Not called from here: a thousand pipelined requests would nest a thousand deep.
            self._state = _ANSWER
            self._buffer = rest
            self.station.loop.call_soon(self._resume_pipeline)
        elif self._eof:
            self.close()

    def _resume_pipeline(self) -> None:
        if self.transport is None or self.transport.is_closing():
            return
        data, self._buffer = self._buffer, b""
        self._state = _HEAD
        self._read_new(data)
        if self._eof and self._state in (_HEAD, _BODY):
            self.close()  # the rest of this request will never come

    def begin_tunnel(self) -> None:
        """The connection is a WebSocket from here on; what came early goes along."""
        early, self._buffer = self._buffer, b""
        self._state = _TUNNEL
        self.deadline = NEVER
        if early and self.exchange is not None:
            self.exchange.tunnel_sent(early)
        self.resume_reading()

    def end_tunnel(self) -> None:
        """The other side has ended."""
        self.exchange = None
        self._state = _LINGER
        self.close()

    # Failures.

    def _refuse(self, status: int, why: str, request: RequestHead | None = None) -> None:
        """Answer, then close: what follows cannot be told from a request."""
        # RFC 9112 section 2.2: "…the server SHOULD respond with a 400 (Bad Request) response and close the connection."
        exchange = self.exchange
        trace = exchange.trace if exchange is not None else self.trace(request.told if request else ())
        line = exchange.line if exchange is not None else self.begin_line(request, trace, monotonic())
        self.station.say(f"{reference_of(trace)} refused with {status}: {why}")
        self.station.counters.count(REFUSED_SERIES, status // 100, 0)
        self.exchange = self._form = None
        if exchange is not None:
            exchange.abandon(counted=False)
            if exchange.reply is not None:
                exchange.end_line(exchange.reply.status, "cut")
                self.abort()  # an answer is half out: nothing can be said any more
                return
        size = self.answer(status, trace, request, keep_alive=False)
        if line is not None:
            line.ends(status, "refused", size=size)
        self._part()

    def fail(self, exchange: Exchange, status: int) -> None:
        """The backend gave no answer."""
        self.exchange = None
        keep_alive = self.stays_open(exchange)
        size = self.answer(status, exchange.trace, exchange.request, keep_alive=keep_alive)
        exchange.end_line(status, "own", size)
        if keep_alive:
            self._next(self._buffer)
        else:
            self._part()

    def cut(self, *, reset: bool) -> None:
        """The answer cannot be ended: end the connection so that it shows."""
        self.exchange = None
        self._state = _LINGER
        if reset:
            self.reset()
        else:
            self.close()

    def _part(self) -> None:
        self._state = _LINGER
        self._buffer = b""
        self.part()

    def drain(self) -> None:
        """The worker stops, and this has been idle for long enough; a busy one closes after its answer."""
        if self._state == _HEAD and not self._buffer and not self.has_unread():
            self._part()

    # Backpressure.

    def pause_reading(self) -> None:
        """Take no more of the request for now, and do not hold the citizen to a time."""
        super().pause_reading()
        if self._state == _BODY:
            self.deadline = NEVER

    def resume_reading(self) -> None:
        """Take on."""
        super().resume_reading()
        if self._state == _BODY:
            self.deadline = self.station.now + self.station.generation.limits.body_idle
