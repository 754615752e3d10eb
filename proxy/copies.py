"""What a worker sends the keeper of an exchange that is to be shadowed: frames, several to a message. Pure.

    whole(candidate=3, number=7, request=b"GET /a HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n", reply=[head, body]) -> one frame

Or, as it passes: `begin`, then `piece` for each piece of the answer, then `end`, or `abandoned` with the cause.
`request` is the head as the candidate is to get it; `candidate` the place of its backend in the map of counters;
`number` tells the exchanges of one worker apart, modulo 2**32.

Messages go over SOCK_SEQPACKET: each is taken whole or not at all (unix(7)), so that a worker or the keeper may die and
be replaced at any moment, and the other still knows where a frame begins.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

# Bytes of the frame after its own length, its kind, the candidate, the number, bytes of the request.
_FRAME = struct.Struct("=IBxHII")
SIZE = _FRAME.size
# Bytes of one message: under what the kernel takes at once with its default buffers (net.core.wmem_default, 208 KiB).
MESSAGE = 128 * 1024


class Kind(IntEnum):
    """What a frame is."""

    WHOLE = 1
    BEGIN = 2
    PIECE = 3
    END = 4
    ABANDONED = 5


class Cause(IntEnum):
    """Why an exchange was not copied, or not to its end; each is counted."""

    FULL = 0  # the keeper does not keep up, and the worker holds as much as it may
    LARGE = 1  # the answer is larger than `max_body`
    CUT = 2  # the answer broke off


class Outcome(IntEnum):
    """What became of a copy: its cell among those of the backend."""

    SENT = 0
    ANSWERED = 1
    FAILED = 2  # no connection, or no whole answer
    LATE = 3  # no answer within the backend's `timeouts`
    BUSY = 4  # not sent: as many as it may have are under way
    LOST = 5  # not sent: no such backend any more, or not readable


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame as the keeper reads it. `data`: of the answer; of ABANDONED nothing, and `cause` says why."""

    kind: Kind
    candidate: int
    number: int
    request: bytes
    data: bytes
    cause: Cause | None = None


class BadFrame(ValueError):
    """Not a message of frames: both ends are the same program, so one of them is at fault."""


_WHOLE, _BEGIN, _PIECE, _END, _ABANDONED = (int(kind) for kind in Kind)


def whole(candidate: int, number: int, request: bytes, reply: Sequence[bytes]) -> bytes:
    """A small exchange, at its end: all of it at once. Not more than MESSAGE bytes."""
    length = len(request) + sum(map(len, reply))
    return b"".join((_FRAME.pack(length, _WHOLE, candidate, number, len(request)), request, *reply))


def begin(candidate: int, number: int, request: bytes) -> bytes:
    """The request; its answer follows in pieces."""
    return _FRAME.pack(len(request), _BEGIN, candidate, number, len(request)) + request


def piece(candidate: int, number: int, data: bytes) -> bytes:
    """Bytes of the answer, as they pass. Not more than MESSAGE bytes."""
    return _FRAME.pack(len(data), _PIECE, candidate, number, 0) + data


def end(candidate: int, number: int) -> bytes:
    """The answer is whole."""
    return _FRAME.pack(0, _END, candidate, number, 0)


def abandoned(candidate: int, number: int, cause: Cause) -> bytes:
    """No more of this answer will come."""
    return _FRAME.pack(0, _ABANDONED, candidate, number, cause)


def frames(message: bytes) -> Iterator[Frame]:
    """The frames of one message. Raises BadFrame."""
    at, until = 0, len(message)
    while at < until:
        if until - at < SIZE:
            raise BadFrame(f"{until - at} bytes after the last frame")
        length, kind, candidate, number, asked = _FRAME.unpack_from(message, at)
        at += SIZE
        if kind == _ABANDONED:
            yield Frame(Kind.ABANDONED, candidate, number, b"", b"", Cause(asked))
            continue
        if length > until - at or asked > length or not _WHOLE <= kind <= _END:
            raise BadFrame(f"a frame of kind {kind} with {length} bytes, {asked} of them the request")
        yield Frame(Kind(kind), candidate, number, message[at : at + asked], message[at + asked : at + length])
        at += length
