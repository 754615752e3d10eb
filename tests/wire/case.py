"""A case of the wire as data: what a citizen sends, what the backend replies, what must come of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

# Stands in the bytes of a case for what tells it from all others; replaced when it is played.
ID = b"@ID@"
HOST = b"Host: www.example.org\r\n"
# No byte of these may come out where it does not belong: a request smuggled in, or a reply for somebody else.
SMUGGLED = b"smuggled"
EVIL = b"EVIL"


# Steps of a citizen or of a backend, beside plain bytes.


@dataclass(frozen=True, slots=True)
class Pause:
    """Do nothing for a while, so that what was sent has arrived alone."""

    seconds: float = 0.05


@dataclass(frozen=True, slots=True)
class AwaitReply:
    """A citizen: go on once these bytes have come."""

    of: bytes = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class AwaitHead:
    """A citizen: go on once the backend has the head of a request of this case."""


@dataclass(frozen=True, slots=True)
class AwaitBody:
    """A backend: go on once the request is whole (after it replied early)."""


@dataclass(frozen=True, slots=True)
class HalfClose:
    """Send no more, go on reading."""


@dataclass(frozen=True, slots=True)
class Close:
    """Close in order."""


@dataclass(frozen=True, slots=True)
class Reset:
    """Close by a reset."""


@dataclass(frozen=True, slots=True)
class Stall:
    """A backend: say nothing more, and stay."""


@dataclass(frozen=True, slots=True)
class Echo:
    """A backend: send back what comes, as it comes, until the end (after an upgrade)."""


Step = bytes | Pause | AwaitReply | AwaitHead | AwaitBody | HalfClose | Close | Reset | Stall | Echo


# What must come of it. Where nothing is said about a thing, it is free.


@dataclass(frozen=True, slots=True)
class Safe:
    """Whatever the proxy makes of it, nobody is harmed: only what holds for every case is asked."""


@dataclass(frozen=True, slots=True)
class Refused:
    """An error answer of the proxy's own; the backend sees nothing.

    `statuses` empty: any of 4xx and 5xx, or a connection closed without a word.
    `closed`: the connection ends, and nothing that came after it is read.
    """

    statuses: frozenset[int] = frozenset()
    closed: bool = True


@dataclass(frozen=True, slots=True)
class Halted:
    """A request that went wrong after its head: an error answer, the connection ends, the backend gets no whole one.

    `statuses` empty: any of 4xx and 5xx, or a connection closed without a word.
    """

    statuses: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Passed:
    """The backend gets `requests` requests, the citizen its replies.

    has, reply_has: whole field lines, the name in any case; lacks, reply_lacks: names of fields that are absent;
    present, reply_present: names of fields that are there.
    body, reply_body: content without framing. values, reply_values: all values of a field, in order.
    """

    requests: int | None = 1
    method: bytes | None = None
    target: bytes | None = None
    host: bytes | None = None
    has: Sequence[bytes] = ()
    lacks: Sequence[bytes] = ()
    present: Sequence[bytes] = ()
    values: Sequence[tuple[bytes, Sequence[bytes]]] = ()
    body: bytes | None = None
    status: int = 200
    replies: int = 1
    reply_has: Sequence[bytes] = ()
    reply_lacks: Sequence[bytes] = ()
    reply_present: Sequence[bytes] = ()
    reply_values: Sequence[tuple[bytes, Sequence[bytes]]] = ()
    reply_body: bytes | None = None
    interims: Sequence[int] | None = None
    closed: bool | None = None
    chunked: bool | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """The proxy answers itself, in order and with one of `statuses`; the backend sees nothing."""

    statuses: frozenset[int]
    reply_has: Sequence[bytes] = ()
    reply_lacks: Sequence[bytes] = ()


@dataclass(frozen=True, slots=True)
class BadGateway:
    """A whole, clean 5xx of the proxy's own, and none of the backend's bytes."""

    statuses: frozenset[int] = frozenset((500, 502, 503, 504))


@dataclass(frozen=True, slots=True)
class Cut:
    """The reply began, and cannot be taken for whole: its framing is not ended, or the connection was reset."""


@dataclass(frozen=True, slots=True)
class Switched:
    """101 came, and then these bytes through the tunnel."""

    through: bytes = b""
    reply_has: Sequence[bytes] = ()


@dataclass(frozen=True, slots=True)
class Gone:
    """The backend never gets a whole request; what the citizen gets does not matter."""


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One of them holds."""

    options: Sequence[Verdict]


Verdict = Safe | Refused | Halted | Passed | Answered | BadGateway | Cut | Switched | Gone | AnyOf

SAFE = Safe()
REFUSED = Refused()
# An answer is owed, and no more: the next request can still be told from this one.
REJECTED = Refused(closed=False)
PASSED = Passed()
GONE = Gone()
HALTED = Halted(frozenset((400,)))
BAD_GATEWAY = BadGateway()
CUT = Cut()
BAD_OR_CUT = AnyOf((BAD_GATEWAY, CUT))


def refused(*statuses: int) -> Refused:
    return Refused(frozenset(statuses))


def answered(*statuses: int, has: Sequence[bytes] = (), lacks: Sequence[bytes] = ()) -> Answered:
    return Answered(frozenset(statuses), has, lacks)


def any_of(*options: Verdict) -> AnyOf:
    return AnyOf(options)


@dataclass(frozen=True, slots=True)
class Case:
    """One case. `must`: what every conforming reverse proxy does; `strict`: what ours does where the RFC leaves room.

    `reply`: the backend's script; None: a 200 that repeats the case's id. A request whose target holds `plain` gets
    that 200 always. `early`: the script begins at the head of the request, not at its end.
    `methods`: of the requests that the citizen means to send, one for each reply expected.
    `after`: so many more requests are sent on fresh connections afterwards, and each must get its own reply.
    """

    name: str
    reference: str
    sends: Sequence[Step]
    must: Verdict
    strict: Verdict | None = None
    reply: Sequence[Step] | None = None
    early: bool = False
    methods: Sequence[bytes] = ()
    after: int = 0
    # What comes back may be another protocol.
    foreign: bool = False
    # Variants that make no sense for this case: "bytewise", "junk", "drip".
    without: frozenset[str] = frozenset()
    subject: str = field(default="", compare=False)

    @property
    def expected(self) -> tuple[bytes, ...]:
        """The methods of the requests, of the first in the bytes where none are given."""
        if self.methods:
            return tuple(self.methods)
        first = next((step for step in self.sends if isinstance(step, bytes)), b"")
        return (first.lstrip(b"\r\n").partition(b" ")[0],)

    @property
    def is_old(self) -> bool:
        """Whether the citizen speaks HTTP/1.0."""
        first = next((step for step in self.sends if isinstance(step, bytes)), b"")
        return b" HTTP/1.0\r\n" in first

    @property
    def is_refusal(self) -> bool:
        """Whether it is refused with the connection closed, so that whatever follows is not read."""
        verdict = self.strict or self.must
        return isinstance(verdict, Halted) or (isinstance(verdict, Refused) and verdict.closed)


def request(
    *lines: bytes, method: bytes = b"GET", target: bytes = b"/@ID@", body: bytes = b"", version: bytes = b"1.1"
) -> bytes:
    """A request: a Host, the field lines given (without CRLF), and the body."""
    head = b"%b %b HTTP/%b\r\n" % (method, target, version)
    return head + HOST + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


def post(*lines: bytes, body: bytes = b"", target: bytes = b"/@ID@") -> bytes:
    """A POST with the framing given in `lines`."""
    return request(*lines, method=b"POST", target=target, body=body)


def reply(*lines: bytes, status: bytes = b"200 OK", body: bytes = b"", version: bytes = b"1.1") -> bytes:
    """A backend's reply with the framing given in `lines`."""
    return b"HTTP/%b %b\r\n" % (version, status) + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


INNER = b"GET /@ID@/smuggled HTTP/1.1\r\n" + HOST + b"\r\n"
# A request behind one that is refused with its connection closed.
BEHIND = b"GET /@ID@/behind HTTP/1.1\r\n" + HOST + b"\r\n"
EVIL_REPLY = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX-Evil: EVIL\r\n\r\nEVIL"
