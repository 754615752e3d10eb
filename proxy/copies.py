"""What a worker sends the keeper of an exchange that is copied: frames, several to a message. Pure.

    frame(Kind.WHOLE, header, told(peer, trace, head, body, reply_head) + content)  ->  one frame

A frame is a packed header and its data. A small exchange is one frame, WHOLE; a larger one passes as it comes: BEGIN,
then PIECE after PIECE, then END, or ABANDONED with the cause. The data of all of them, joined, is what WHOLE has:

    http 192.0.2.7            how the citizen came, and from where
    X-Request-Id: …           the lines that name the request to a backend
    traceparent: …
                              (an empty line)
    GET /a HTTP/1.1           the request's head, as it came, to its empty line
    …                         the request's body, as a backend gets it framed; `body` bytes
    HTTP/1.1 200 OK           the head of the answer, without the fields of the connection, to its empty line
    …                         the body of the answer, unframed

Messages go over SOCK_SEQPACKET: each is taken whole or not at all (unix(7)), so that a worker or the keeper may die and
be replaced at any moment, and the other still knows where a frame begins.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

# Bytes of data, kind, whether the slice answered, who is asked too (its place in the map of counters), number, series,
# bytes of the request's body (of ABANDONED: the cause), microseconds that the answer took (of WHOLE and END).
_FRAME = struct.Struct("=IB?HIIIQ")
SIZE = _FRAME.size
pack = _FRAME.pack
# Bytes of one message: under what the kernel takes at once with its default buffers (net.core.wmem_default, 208 KiB).
MESSAGE = 128 * 1024

_HEAD_END = b"\r\n\r\n"


class Kind(IntEnum):
    """What a frame is."""

    WHOLE = 1
    BEGIN = 2
    PIECE = 3
    END = 4
    ABANDONED = 5


WHOLE, BEGIN, PIECE, END, ABANDONED = (int(kind) for kind in Kind)


class Cause(IntEnum):
    """Why an exchange was not copied, or not to its end; each is counted."""

    FULL = 0  # the keeper does not keep up, and the worker holds as much as it may
    LARGE = 1  # the answer is larger than `max_body`, or the body of the request than what is held of one
    CUT = 2  # the answer broke off, or another side answered in the end


class Outcome(IntEnum):
    """What became of a copy: its cell among those of the backend that is asked."""

    SENT = 0
    ANSWERED = 1
    FAILED = 2  # no connection, or no whole answer
    LATE = 3  # no answer within the backend's `timeouts`
    BUSY = 4  # not sent: as many as it may have are under way
    LOST = 5  # not sent: no such backend or route any more, or not readable
    WITHHELD = 6  # not sent: it might act (see second.py)
    PACED = 7  # not sent: legacy is asked a second time only so often
    OVER = 8  # its answer is larger than `max_body`


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame as the keeper reads it.

    `series`: of the claim, its first; `place`: of the backend that is asked too; `number`: tells the exchanges of one
    worker apart, modulo 2**32; `cause`: of ABANDONED alone.
    """

    kind: Kind
    by_slice: bool
    place: int
    number: int
    series: int
    body: int
    micros: int
    data: bytes
    cause: Cause | None = None


class BadFrame(ValueError):
    """Not a message of frames: both ends are the same program, so one of them is at fault."""


def frames(message: bytes) -> Iterator[Frame]:
    """The frames of one message. Raises BadFrame."""
    at, until = 0, len(message)
    while at < until:
        if until - at < SIZE:
            raise BadFrame(f"{until - at} bytes after the last frame")
        length, kind, by_slice, place, number, series, body, micros = _FRAME.unpack_from(message, at)
        at += SIZE
        if length > until - at or not WHOLE <= kind <= ABANDONED or (kind == ABANDONED and body >= len(Cause)):
            raise BadFrame(f"a frame of kind {kind} with {length} bytes")
        data = message[at : at + length]
        if kind == ABANDONED:
            yield Frame(Kind.ABANDONED, by_slice, place, number, series, 0, micros, data, Cause(body))
        else:
            yield Frame(Kind(kind), by_slice, place, number, series, body, micros, data)
        at += length


@dataclass(frozen=True, slots=True)
class Told:
    """The data of a whole exchange, taken apart. `head` and `reply`: with their empty lines."""

    proto: bytes
    peer: bytes
    trace: bytes
    head: bytes
    body: bytes
    reply: bytes
    content: bytes


def told(data: bytes, body: int) -> Told:
    """What a whole exchange says; `body`: bytes of the request's. Raises BadFrame."""
    names_end = data.find(_HEAD_END)
    head_end = data.find(_HEAD_END, names_end + 4) + 4
    reply_end = data.find(_HEAD_END, head_end + body) + 4
    peer_end = data.find(b"\r\n")
    proto, space, peer = data[:peer_end].partition(b" ")
    if names_end < 0 or head_end < 4 or reply_end < 4 or not space:
        raise BadFrame("an exchange without its heads")
    return Told(
        proto,
        peer,
        data[peer_end + 2 : names_end + 2],
        data[names_end + 4 : head_end],
        data[head_end : head_end + body],
        data[head_end + body : reply_end],
        data[reply_end:],
    )
