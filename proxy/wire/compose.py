"""Heads as they are sent: to a backend, and to a citizen. Pure: values in, bytes out."""

from proxy.cookies import seen_by
from proxy.generation import Backend
from proxy.headers import PSEUDONYM
from proxy.wire.heads import ReplyHead, RequestHead

_UPGRADE = b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
_BEGINNINGS = tuple(b"HTTP/1.1 %d " % status for status in range(1000))
_VIA = b"Via: 1.1 %b\r\n" % PSEUDONYM


def head_for(backend: Backend, request: RequestHead, target: bytes, forwarding: bytes) -> bytes:
    """A request's head as this backend gets it; composed anew for every backend that is asked."""
    lines = request.lines if backend.cookies is None else seen_by(request.lines, backend.cookies)
    return request_bytes(request, target, request.host or backend.host_field, forwarding, lines)


def request_bytes(
    request: RequestHead, target: bytes, host: bytes, forwarding: bytes, lines: bytes, *, length: int | None = None
) -> bytes:
    """A request's head for a backend, always HTTP/1.1; `forwarding`: the lines the proxy says itself.

    `lines`: of its fields, those to send; `length`: of a body that is not sent as it came.
    """
    if length is not None:
        framing = b"Content-Length: %d\r\n" % length
    elif request.chunked:
        framing = b"Transfer-Encoding: chunked\r\n"
    elif request.length is not None:
        framing = b"Content-Length: %d\r\n" % request.length
    else:
        framing = _UPGRADE if request.upgrades else b""
    # Joined, here and below: formatting takes twice as long.
    return b"".join(
        (request.method, b" ", target, b" HTTP/1.1\r\nHost: ", host, b"\r\n", lines, framing, forwarding, b"\r\n")
    )


def reply_bytes(
    reply: ReplyHead, lines: bytes, *, minor: int, keep_alive: bool, chunked: bool, date: bytes, hsts: bytes
) -> bytes:
    """A reply's head for a citizen who speaks HTTP/1.`minor`.

    `lines`: its fields, as this citizen gets them; `chunked`: how its body will be framed; `date` and `hsts`: the lines
    to add unless the backend said its own.
    """
    # RFC 9110 section 6.6.1: "A recipient with a clock that receives a response message without a Date header field
    # MUST record the time it was received and append a corresponding Date header field…"
    if reply.has_date:
        date = b""
    if hsts and any(name.lower() == b"strict-transport-security" for name, _ in reply.fields):
        hsts = b""
    if chunked:
        framing = b"Transfer-Encoding: chunked\r\n"
    elif reply.length is not None:
        framing = b"Content-Length: %d\r\n" % reply.length
    else:
        framing = b""
    # RFC 9112 section 9.3: "If the received protocol is HTTP/1.1 (or later), the connection will persist…"
    stays = b"" if minor == 1 else b"Connection: keep-alive\r\n"
    connection = stays if keep_alive else b"Connection: close\r\n"
    begins = _BEGINNINGS[reply.status]
    return b"".join((begins, reply.reason, b"\r\n", lines, framing, _VIA, date, hsts, connection, b"\r\n"))


def switched_bytes(reply: ReplyHead) -> bytes:
    """The 101 that turns a citizen's connection into a WebSocket."""
    return b"HTTP/1.1 101 Switching Protocols\r\n%b%b%b\r\n" % (reply.lines, _UPGRADE, _VIA)


def interim_bytes(reply: ReplyHead) -> bytes:
    """An interim reply (1xx), passed on."""
    return b"HTTP/1.1 %d %b\r\n%b\r\n" % (reply.status, reply.reason, reply.lines)
