"""Who a request is to those who look into it later: its id, and its place in a trace (W3C Trace Context). Pure.

    begun(b"5f0c", 9, b"4bf92f3577b34da6", 0xa3ce929d0e0e4736) -> b"X-Request-Id: 5f0c-9\\r\\ntraceparent: 00-4bf9…"

What is told to a backend is also the only record kept of it: these lines are read again where a page or a line of the
access log needs a part of them, and most requests need none. The sections are those of Trace Context Level 2.
"""

import re
from collections.abc import Sequence

from proxy.headers import TRACED, Field

# Trace Context section 3.2.2: "Version ff is forbidden"; of the ids: "All zeroes forbidden".
# Section 3.2.4: "…check that the 2 characters are either at the end of the string or followed by a dash."
_PARENT = re.compile(rb"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-[!-~]*)?")
# An id is quoted on pages, in logs and by backends: what is harmless in all of them, and no longer than any in use.
_ID = re.compile(rb"[0-9A-Za-z][0-9A-Za-z._~:/+=@-]{0,127}")

_NAME = len(b"X-Request-Id: ")
# From the end: "00-", 32 digits, "-", 16 digits, "-", 2 digits, CRLF.
_TRACE, _SPAN = slice(-54, -22), slice(-21, -5)


def opening(worker: bytes, half: bytes) -> bytes:
    """The lines for a backend of a request that begins a trace, to be filled with a number and twice a draw.

    `worker`: what all its ids begin with, short enough to be read out on the telephone; `half`: 16 random digits.
    The number is the request's; the draw is 64 random bits, not all zero, so that the first span of a trace has the id
    of the trace's second half. The trace is said to be sampled: with `00`, a backend that follows its parent, as most
    libraries do, would record nothing any more once it stands behind this proxy.
    """
    return b"X-Request-Id: %b-%%x\r\ntraceparent: 00-%b%%016x-%%016x-01\r\n" % (worker, half)


def carried_on(begun: bytes, told: Sequence[Field], *, is_trusted: bool) -> bytes:
    """`begun`, in the trace and under the id that the request came with, as far as they count.

    `told`: what it said of itself, these and other fields. The trace stays, the span is ours. An id is believed of a
    trusted peer alone, or a citizen could put on the id of another.
    """
    said: dict[bytes, list[bytes]] = {name: [] for name in TRACED}
    for name, value in told:
        if (lower := name.lower()) in TRACED:
            said[lower].append(value)
    parents, states, ids = said[b"traceparent"], said[b"tracestate"], said[b"x-request-id"]
    request_id, trace, span, flags, state = request_id_of(begun), trace_of(begun), span_of(begun), b"01", b""
    if is_trusted and len(ids) == 1 and _ID.fullmatch(ids[0]):
        request_id = ids[0]
    parent = _PARENT.fullmatch(parents[0]) if len(parents) == 1 else None
    if parent is not None and not (parent[1] == b"00" and parent[5]):  # only a later version may go on
        # Section 4.2.2: "The value of property parent-id MUST be set to a value representing the ID of the current
        # operation."
        trace = parent[2]
        # Section 3.2.2.5: "Vendors MUST set those to zero", of the flags but the two that are defined; the second "MUST
        # also be set in all outgoing traceparent headers which use the same trace-id".
        flags = b"%02x" % (int(parent[4], 16) & 3)
        # Section 4.2.1: "If a tracestate header is received without an accompanying traceparent header, it is invalid
        # and MUST be discarded." Several lines are one list (RFC 9110, 5.3).
        state = b"tracestate: %b\r\n" % b",".join(states) if any(states) else b""
    return b"X-Request-Id: %b\r\n%btraceparent: 00-%b-%b-%b\r\n" % (request_id, state, trace, span, flags)


def request_id_of(lines: bytes) -> bytes:
    """The id in such lines."""
    return lines[_NAME : lines.index(b"\r")]


def reference_of(lines: bytes) -> str:
    """The same for people: on a page, in the log."""
    return request_id_of(lines).decode()


def trace_of(lines: bytes) -> bytes:
    """The id of the trace, 32 hexadecimal digits."""
    return lines[_TRACE]


def span_of(lines: bytes) -> bytes:
    """The id of the proxy's own span, which is the parent of the backend's: 16 hexadecimal digits."""
    return lines[_SPAN]
