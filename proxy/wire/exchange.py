"""One request and its answer, from the plan to the last byte, and what becomes of it when a side fails."""

from time import monotonic
from typing import TYPE_CHECKING

from proxy.access import Outcome
from proxy.asked import target_overrides
from proxy.copies import Cause as NotCopied
from proxy.generation import Generation
from proxy.plan import IDEMPOTENT, Forward
from proxy.retrying import Cause
from proxy.standing import ASKED, RETRIES
from proxy.trace import reference_of
from proxy.translate.bodies import Untranslatable
from proxy.wire import copying
from proxy.wire.attempts import Attempts, affords, is_accepted, refusal, rescued, withdraw
from proxy.wire.chunked import LAST_CHUNK, encode_chunk
from proxy.wire.compose import interim_bytes, reply_bytes, switched_bytes
from proxy.wire.heads import ReplyHead, RequestHead
from proxy.wire.log import Line
from proxy.wire.visiting import lines_for

if TYPE_CHECKING:
    from proxy.wire.downstream import Downstream
    from proxy.wire.form import HeldForm
    from proxy.wire.lane import Lane
    from proxy.wire.pool import Pool
    from proxy.wire.translator import Translator
    from proxy.wire.upstream import Upstream

# What is held of a request so that it can be sent again: enough for any form, little beside a thousand connections.
HELD_LIMIT = 64 * 1024


class Exchange:
    """Belongs to one citizen's connection and, once there is one, to one backend's."""

    __slots__ = (
        "_chunked", "_held", "_held_bytes", "attempts", "body", "citizen", "copied", "form", "generation", "is_over",
        "keeps_open", "lane", "line", "plan", "pool", "reply", "request", "request_ended", "started", "trace",
        "translator", "upstream",
    )  # fmt: skip

    body: bytes | None  # of the request, as it is sent, of a copied one that has one: all of it, or nothing

    def __init__(
        self,
        citizen: "Downstream",
        request: RequestHead,
        plan: Forward,
        pool: "Pool",
        started: float,
        trace: bytes,
        generation: Generation,
        form: "HeldForm | None" = None,
    ) -> None:
        self.citizen = citizen
        self.request = request
        self.plan = plan
        self.pool = pool
        self.started = started
        self.trace = trace  # the lines that name it to the backend
        self.generation = generation
        self.form = form
        self.translator: Translator | None = None  # where the backend goes by another name
        self.lane: Lane | None = None
        self.attempts: Attempts | None = None  # once one has failed
        self.line: Line | None = None  # of the access log
        self.copied: copying.Copied | None = None  # what of it the keeper is to have
        self.upstream: Upstream | None = None
        self.reply: ReplyHead | None = None
        self.request_ended = False
        self.is_over = False
        # Whether the citizen was told that the connection goes on after the answer.
        self.keeps_open = False
        self._chunked = False
        # Everything sent so far, while it may have to be sent again; None once it was too much.
        self._held: list[bytes] | None = []
        self._held_bytes = 0
        citizen.station.in_flight += 1

    @property
    def reference(self) -> str:
        """The id under which the citizen, the log and the backend know it."""
        return reference_of(self.trace)

    @property
    def may_repeat(self) -> bool:
        """Whether asking twice does no more than asking once."""
        # RFC 9110 section 9.2.2: "A proxy MUST NOT automatically retry non-idempotent requests."
        request = self.request
        if request.method not in IDEMPOTENT or request.overrides:
            return False
        return b"?" not in request.target or not target_overrides(request.target)

    @property
    def may_be_sent_again(self) -> bool:
        """The same, of a request that is held whole until then."""
        return not self.request.chunked and (self.request.length or 0) <= HELD_LIMIT and self.may_repeat

    # The request, on its way to the backend.

    def begin(self, data: bytes, *, ended: bool) -> None:
        """Send the head, and what came of the body with it."""
        self.request_ended = ended
        pool = self.pool
        if pool.troubled and (refused := refusal(self)) is not None:
            self._hold(data)
            self.upstream_failed(503, *refused)
            return
        lane = self.lane = pool.lane or pool.choose()
        upstream = self.upstream = lane.take(self)
        self._hold(data)
        if upstream is None:
            pool.connect(self, lane)
        else:
            upstream.begin(self, data)

    def send(self, data: bytes) -> None:
        """More of the body."""
        self._hold(data)
        if self.upstream is not None:
            self.upstream.send(data)

    def _hold(self, data: bytes) -> None:
        if self._held is None:
            return
        self._held.append(data)
        self._held_bytes += len(data)
        if self._held_bytes <= HELD_LIMIT:
            return
        if self.upstream is None:
            self.citizen.pause_reading()  # still connecting: what is held is also what was not sent
        else:
            self._held = None

    def connected(self, upstream: "Upstream") -> None:
        """There is a connection now."""
        assert self._held is not None
        self.upstream = upstream
        self.lane = upstream.lane
        held = b"".join(self._held)
        if self._held_bytes > HELD_LIMIT:
            self._held = None
        self.citizen.resume_reading()  # before the backend may say that it is too much
        upstream.begin(self, held)

    @property
    def is_held(self) -> bool:
        """Whether all that was sent is still here, and nothing of an answer is with the citizen."""
        return self._held is not None

    def held_body(self) -> bytes:
        """The request's body, as far as it came, framed as it came."""
        if self.form is not None and self.form.whole is not None:
            return self.form.framed  # it may have been translated for who is asked now
        held = b"".join(self._held or ())
        return held[held.index(b"\r\n\r\n") + 4 :]

    def again(self, lane: "Lane") -> None:
        """Ask the same backend once more, over a new connection."""
        self.lane = lane
        self.pool.connect(self, lane)

    def elsewhere(self, plan: Forward, pool: "Pool") -> None:
        """Ask another backend instead."""
        body = self.held_body()
        if self.copied is not None:
            copying.give_up(self, NotCopied.CUT)  # nobody is compared with who stands in
        self.plan, self.pool, self.lane = plan, pool, None
        self._held, self._held_bytes = [], 0
        self.citizen.resume_reading()  # it may have had to wait for who could not be reached
        self.translator = None
        self.begin(self.citizen.sent_first(self, body), ended=self.request_ended)

    def drop(self) -> None:
        """Let the connection go, whose answer is not wanted."""
        upstream, self.upstream = self.upstream, None
        if upstream is not None:
            upstream.abort()

    # The answer, on its way to the citizen.

    def interim_came(self, reply: ReplyHead) -> None:
        """A 1xx goes to those who speak 1.1 alone; 100 only to who asked for it."""
        # RFC 9110 section 15.2: "…a server MUST NOT send a 1xx response to an HTTP/1.0 client."
        # RFC 9110 section 15.2: "A proxy MUST forward 1xx responses unless the proxy itself requested the generation of
        # the 1xx response."
        if self.request.minor == 1 and (reply.status != 100 or self.request.expects_continue):
            self.citizen.write(interim_bytes(self.translator.passing(reply) if self.translator else reply))
            self._held = None  # the answer has begun

    def head_came(self, reply: ReplyHead, content: bytes) -> None:
        """The head of the answer, with the body's first bytes if they came along."""
        pool = self.pool
        if reply.status < 404 and not pool.troubled:
            pool.mine[ASKED] += 1
        elif not is_accepted(self, reply):
            return
        if self.translator is not None:
            try:
                content = self.translator.head_came(reply, content)
            except Untranslatable as why:
                self._cannot_translate(why)
                return
        self.reply = reply
        if self.copied is not None:
            copying.head_came(self, content)
        self._held = None
        minor = self.request.minor
        unframed = reply.has_body and reply.length is None
        self._chunked = unframed and minor == 1
        # An unframed body for 1.0 ends with the connection; an answer before the request's end leaves bytes we will not
        # read.
        self.keeps_open = self.citizen.stays_open(self) and not (unframed and minor == 0)
        visit = self.plan.visit
        head = reply_bytes(
            reply,
            reply.lines if visit is None else lines_for(visit, self, reply),
            minor=minor,
            keep_alive=self.keeps_open,
            chunked=self._chunked,
            date=self.citizen.station.date,
            hsts=self.citizen.door.hsts,
        )
        if self.line is not None:
            self.line.size += len(content)
        self.citizen.write(head + (encode_chunk(content) if self._chunked else content))

    def _passes(self, content: bytes) -> None:
        """Let those know who keep an account of the answer."""
        if self.line is not None:
            self.line.size += len(content)
        if self.copied is not None:
            copying.content_came(self, content)

    def content_came(self, content: bytes) -> None:
        """More of the body."""
        if self.translator is not None:
            try:
                content = self.translator.content_came(content)
            except Untranslatable as why:
                self._cannot_translate(why)
                return
        self._passes(content)
        self.citizen.write(encode_chunk(content) if self._chunked else content)

    def reply_ended(self) -> None:
        """The whole answer is with the citizen."""
        assert self.reply is not None
        self.upstream = None
        if self.translator is not None:
            try:
                rest = self.translator.ended()
            except Untranslatable as why:
                self._cannot_translate(why)
                return
            self._passes(rest)
            self.citizen.write(encode_chunk(rest) if self._chunked else rest)
        if self._chunked:
            self.citizen.write(LAST_CHUNK)
        micros = int((monotonic() - self.started) * 1e6)
        if self.copied is not None:
            copying.ended(self, micros)
        self._close()
        self.citizen.station.counters.count(self.plan.series, self.reply.status // 100, micros)
        if self.line is not None:
            self.end_line(self.reply.status, "whole")
        self.citizen.exchange_ended(self)

    # A WebSocket: bytes pass as they are, until either side ends.

    def switched(self, reply: ReplyHead, data: bytes) -> None:
        """The backend has changed the protocol, as the citizen asked."""
        if self.translator is not None:
            reply = self.translator.passing(reply)
        self.reply = reply
        self._held = None
        micros = int((monotonic() - self.started) * 1e6)
        self.citizen.station.counters.count(self.plan.series, 1, micros)
        self.citizen.write(switched_bytes(reply) + data)
        self.citizen.begin_tunnel()

    def tunnel_sent(self, data: bytes) -> None:
        """Bytes of the citizen's."""
        if self.upstream is not None:
            self.upstream.send(data)

    def tunnel_ended(self) -> None:
        """The backend's side vanished; the citizen's ends with it."""
        self.upstream = None
        self._close()
        self.end_line(101, "whole")
        self.citizen.end_tunnel()

    # Failures.

    def upstream_lost(self, *, untouched: bool) -> None:
        """The backend closed. `untouched`.

        A kept connection closed before a byte of an answer, as its idle time ran out.
        """
        assert self.lane is not None
        if untouched and self.may_repeat and self.request_ended and self._held is not None and affords(self.pool):
            self.upstream = None
            self.pool.mine[RETRIES] += 1
            self.pool.connect(self, self.lane)
            return
        self.lane.failed()
        self.upstream_failed(502, "it closed the connection", "reset")

    def _cannot_translate(self, why: Untranslatable) -> None:
        """Nothing half translated reaches the citizen: an error page, or an answer that is seen to be cut."""
        self.drop()
        self.upstream_failed(502, f"its reply has {why}", None)

    def upstream_failed(self, status: int, why: str, cause: Cause | None) -> None:
        """No answer, or no more of it; `cause` None: not for want of health, so nobody is asked instead.

        Somebody else is asked, or the citizen gets an error page, or sees that the answer was cut.
        """
        if self.is_over:
            return
        self.upstream = None
        if self.reply is None and cause is not None and rescued(self, cause, why):
            return
        self._close()
        if self.attempts is not None and self.attempts.missed:
            status = 404  # as the side said that could be asked
        station = self.citizen.station
        station.say(
            f"{self.reference} {self.request.method.decode('latin-1')} {self.plan.target.decode('latin-1')}: "
            f"backend {self.plan.backend}: {why}"
        )
        if self.reply is None:
            station.counters.count(self.plan.series, status // 100, int((monotonic() - self.started) * 1e6))
            self.citizen.fail(self, status)
        else:
            if cause is not None:
                self.pool.failed()
            station.counters.count_cut(self.plan.series)
            self.end_line(self.reply.status, "cut")
            # An HTTP/1.0 answer without a length looks whole when it ends, unless the connection is reset.
            self.citizen.cut(reset=self.reply.length is None and not self._chunked)

    def abandon(self, *, counted: bool = True) -> None:
        """The citizen left, or was refused and is counted as that."""
        if self.is_over:
            return
        self._close()
        withdraw(self)
        is_tunnel = self.reply is not None and self.reply.to_websocket
        if counted and not is_tunnel:
            self.citizen.station.counters.count_cut(self.plan.series)
        if counted:
            self.end_line(self.reply.status if self.reply is not None else 0, "whole" if is_tunnel else "cut")
        if self.upstream is not None:
            self.upstream.abort()
            self.upstream = None
        else:
            self.pool.leave(self)

    def end_line(self, status: int, outcome: Outcome, size: int | None = None) -> None:
        """Say in the access log what became of it; `size`: of the body, where it is not what came of the backend."""
        if self.line is not None:
            self.line.ends(status, outcome, self.plan, self.lane.server if self.lane else None, size=size)

    def _close(self) -> None:
        self.is_over = True
        self._held = None
        if self.copied is not None:
            copying.give_up(self, NotCopied.CUT)
        self.citizen.station.in_flight -= 1
