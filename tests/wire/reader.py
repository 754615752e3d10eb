"""The strict reference reader: what HTTP/1.1 messages are in a stream of bytes, by the letter of RFC 9112.

Written from the RFC alone, apart from the proxy's own grammar, so that the one can be held against the other. What two
readers could take for different things is `Bad`; what one may be lenient about, but should not send, is noted `loose`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

TCHAR = frozenset(b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
DIGITS = frozenset(b"0123456789")
HEX = frozenset(b"0123456789abcdefABCDEF")
NO_CONTENT = frozenset((204, 304))


class Bad(Exception):
    """The stream is not a sequence of messages."""


@dataclass(slots=True)
class Head:
    """A start line in its three parts, and the fields as they stand; `end` is where the head ends in the stream."""

    start: tuple[bytes, bytes, bytes]
    fields: list[tuple[bytes, bytes]]
    end: int
    loose: list[str] = field(default_factory=list)

    def values(self, name: bytes) -> list[bytes]:
        """The values of every field of that name, in order."""
        return [value for each, value in self.fields if each.lower() == name.lower()]

    def tokens(self, name: bytes) -> list[bytes]:
        """The values of a list field, split, in lower case."""
        return [token.strip().lower() for token in b",".join(self.values(name)).split(b",") if token.strip()]


@dataclass(slots=True)
class Message:
    """A whole message: its content without framing, its bytes as they stood."""

    head: Head
    content: bytes
    raw: bytes
    trailers: list[tuple[bytes, bytes]] = field(default_factory=list)
    ended_by_close: bool = False

    @property
    def method(self) -> bytes:
        return self.head.start[0]

    @property
    def target(self) -> bytes:
        return self.head.start[1]

    @property
    def status(self) -> int:
        return int(self.head.start[1])


def read_head(data: bytes, at: int, *, reply: bool) -> Head | None:
    """The head that begins at `at`; None while it is not whole. Raises Bad, as early as it can be told."""
    end = data.find(b"\r\n\r\n", at)
    text = data[at:] if end < 0 else data[at : end + 2]
    _no_bare_line_ends(text)
    if end < 0:
        return None
    first, *lines = text[:-2].split(b"\r\n")
    start = _status_line(first) if reply else _request_line(first)
    head = Head(start, [], end + 4)
    for line in lines:
        head.fields.append(_field(line, head.loose))
    if not reply:
        _one_host(head)
    return head


def _no_bare_line_ends(text: bytes) -> None:
    # 2.2: a bare CR or LF may be a line end to the next reader; 9110, 5.5: so may NUL.
    for at, byte in enumerate(text):
        if byte == 0x0A and (at == 0 or text[at - 1] != 0x0D):
            raise Bad("a bare LF in a head")
        if byte == 0x0D and at + 1 < len(text) and text[at + 1] != 0x0A:
            raise Bad("a bare CR in a head")
        if byte == 0:
            raise Bad("a NUL in a head")


def _request_line(line: bytes) -> tuple[bytes, bytes, bytes]:
    parts = line.split(b" ")
    if len(parts) != 3 or not all(parts):
        raise Bad(f"a request line that is not three words: {line[:80]!r}")
    method, target, version = parts
    if not TCHAR.issuperset(method):
        raise Bad(f"a method that is no token: {method[:40]!r}")
    if any(byte <= 0x20 or byte == 0x7F for byte in target):
        raise Bad(f"a control byte in a target: {target[:80]!r}")
    if version not in (b"HTTP/1.1", b"HTTP/1.0"):
        raise Bad(f"a version that is not 1.0 or 1.1: {version[:20]!r}")
    return method, target, version


def _status_line(line: bytes) -> tuple[bytes, bytes, bytes]:
    version, _, rest = line.partition(b" ")
    status, _, reason = rest.partition(b" ")
    if version not in (b"HTTP/1.1", b"HTTP/1.0") or len(status) != 3 or not DIGITS.issuperset(status):
        raise Bad(f"a malformed status line: {line[:80]!r}")
    if int(status) < 100:
        raise Bad(f"a status that is none: {status!r}")
    return version, status, reason


def _field(line: bytes, loose: list[str]) -> tuple[bytes, bytes]:
    name, colon, value = line.partition(b":")
    # 5.1: no blank before the colon; 5.2: no folding (such a line begins with a blank, so its name is no token).
    if not colon or not name or not TCHAR.issuperset(name):
        raise Bad(f"a malformed field line: {line[:80]!r}")
    if any((byte < 0x20 and byte != 0x09) or byte == 0x7F for byte in value):
        loose.append(f"a control byte in the value of {name.decode()}")
    return name, value.strip(b" \t")


def _one_host(head: Head) -> None:
    hosts = head.values(b"host")
    # 3.2: exactly one in 1.1, at most one in 1.0.
    if len(hosts) > 1 or (head.start[2] == b"HTTP/1.1" and not hosts):
        raise Bad(f"{len(hosts)} Host fields")
    if hosts and any(byte <= 0x20 or byte >= 0x7F or byte in b'/?#@\\"' for byte in hosts[0]):
        raise Bad(f"a malformed Host: {hosts[0][:80]!r}")


def _framing(head: Head, *, reply: bool) -> int | bool | None:
    """The length; True: chunked; None: until the connection ends, or nothing (6.3)."""
    lengths, codings = head.values(b"content-length"), head.values(b"transfer-encoding")
    version = head.start[0] if reply else head.start[2]
    if codings:
        if lengths:
            raise Bad("both Content-Length and Transfer-Encoding")
        if version == b"HTTP/1.0":
            raise Bad("Transfer-Encoding in HTTP/1.0")
        tokens = [coding.strip(b" \t").lower() for coding in b",".join(codings).split(b",")]
        if tokens[-1] != b"chunked" or tokens.count(b"chunked") > 1 or not all(map(TCHAR.issuperset, tokens)):
            raise Bad(f"a Transfer-Encoding that does not end in one `chunked`: {codings!r}")
        if len(tokens) > 1:
            head.loose.append(f"a transfer coding beside chunked: {codings!r}")
        return True
    if not lengths:
        return None
    if len(lengths) > 1 or not lengths[0] or not DIGITS.issuperset(lengths[0]):
        raise Bad(f"not one plain Content-Length: {lengths!r}")
    return int(lengths[0])


def read_request(data: bytes, at: int = 0) -> Message | None:
    """The request that begins at `at`; None while it is not whole. Raises Bad."""
    head = read_head(data, at, reply=False)
    if head is None:
        return None
    framing = _framing(head, reply=False)
    if framing is True:
        return _chunked(data, at, head)
    length = int(framing or 0)
    if len(data) < head.end + length:
        return None
    return Message(head, data[head.end : head.end + length], data[at : head.end + length])


def read_reply(data: bytes, at: int, method: bytes, *, ended: bool, forgiving: bool = False) -> Message | None:
    """The reply, interim or final, that begins at `at`; None while it is not whole. Raises Bad.

    `ended`: the connection has ended in order, so that a reply without framing is whole. `forgiving`: a 1xx or 204 may
    speak of a body that it does not have.
    """
    head = read_head(data, at, reply=True)
    if head is None:
        return None
    framing = _framing(head, reply=True)
    status = int(head.start[1])
    if status < 200 or status in NO_CONTENT or method == b"HEAD":
        # 9110, 8.6: no Content-Length in these; 9112, 6.1: no Transfer-Encoding either.
        if (status < 200 or status == 204) and framing is not None and not forgiving:
            raise Bad(f"a {status} with the framing of a body")
        return Message(head, b"", data[at : head.end])
    if framing is True:
        return _chunked(data, at, head)
    if framing is None:
        return Message(head, data[head.end :], data[at:], ended_by_close=True) if ended else None
    if len(data) < head.end + framing:
        return None
    return Message(head, data[head.end : head.end + framing], data[at : head.end + framing])


def _chunked(data: bytes, start: int, head: Head) -> Message | None:
    at, content = head.end, b""
    while True:
        line, after = _line(data, at)
        if line is None:
            return None
        size, semicolon, extension = line.partition(b";")
        if not semicolon and size != size.rstrip(b" \t"):
            raise Bad(f"a blank after a chunk size: {line[:40]!r}")
        size = size.rstrip(b" \t")
        if not size or len(size) > 15 or not HEX.issuperset(size) or 0 in extension:
            raise Bad(f"a malformed chunk size: {line[:40]!r}")
        length = int(size, 16)
        if not length:
            break
        content += data[after : after + length]
        at = after + length + 2
        ending = data[after + length : at]
        if not b"\r\n".startswith(ending):
            raise Bad("data beyond the size of its chunk")
        if len(ending) < 2:
            return None
    trailers = []
    loose: list[str] = []
    while True:
        line, after = _line(data, after)
        if line is None:
            return None
        if not line:
            head.loose += loose
            return Message(head, content, data[start:after], trailers)
        trailers.append(_field(line, loose))


def _line(data: bytes, at: int) -> tuple[bytes | None, int]:
    end = data.find(b"\n", at)
    line = data[at:] if end < 0 else data[at:end]
    if b"\r" in line[:-1] or (end >= 0 and not line.endswith(b"\r")):
        raise Bad("a bare CR or LF in the framing of chunks")
    if end < 0:
        return None, at
    return line[:-1], end + 1
