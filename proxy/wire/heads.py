"""The head of one message as it was judged: a request's, a reply's, or why there is none. Plain values.

A head knows its fields in two forms, and makes either from the other when somebody asks: a list, to be read and
changed, and lines ready to be sent. Whoever only passes them on never takes them apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from proxy.asked import Asked
from proxy.headers import Field


class Head:
    """The fields that pass. A plain class, like both below: one is made for every message."""

    __slots__ = ("_fields", "_lines")

    def __init__(self, fields: list[Field] | None, lines: bytes | None = None) -> None:
        """From a list, or from `lines`: each `Name: value`, and its end."""
        self._fields = fields
        self._lines = lines

    @property
    def fields(self) -> list[Field]:
        """Name and value of each, in order; to change them, set this anew."""
        if self._fields is None:
            assert self._lines is not None
            parts = (line.partition(b": ") for line in self._lines.split(b"\r\n")[:-1])
            self._fields = [(name, value) for name, _, value in parts]
        return self._fields

    @fields.setter
    def fields(self, fields: list[Field]) -> None:
        self._fields = fields
        self._lines = None

    @property
    def lines(self) -> bytes:
        """As they are sent."""
        lines = self._lines
        if lines is None:
            assert self._fields is not None
            joined = b"\r\n".join([b": ".join(field) for field in self._fields])
            lines = self._lines = joined + b"\r\n" if joined else b""
        return lines


class RequestHead(Head):
    """A request whose head is in order. `fields`: those that pass; `told`: what a proxy before us said of the citizen.

    `length` None: chunked, or no body where `chunked` is false; `host_name`: the host in lower case, without its port
    or a final dot; `raw`: the whole head as it came, where somebody may want it.
    """

    __slots__ = (
        "chunked", "host", "host_name", "is_last_hop", "keep_alive", "length", "method", "minor", "overrides", "raw",
        "target", "told", "upgrades",
    )  # fmt: skip

    def __init__(
        self, method: bytes, target: bytes, minor: int, fields: list[Field] | None, lines: bytes | None = None
    ) -> None:
        self._fields = fields
        self._lines = lines
        self.method = method
        self.target = target
        self.minor = minor
        self.host = self.host_name = self.raw = b""
        self.told: list[Field] = []
        self.length: int | None = None
        self.keep_alive = minor == 1
        # `upgrades`: asks for a WebSocket (RFC 6455, 4.1); `is_last_hop`: an OPTIONS that may go no further (RFC 9110,
        # 7.6.2).
        self.chunked = self.overrides = self.upgrades = self.is_last_hop = False

    @property
    def has_body(self) -> bool:
        """Whether bytes follow the head."""
        return self.chunked or bool(self.length)

    @property
    def expects_continue(self) -> bool:
        """Whether the citizen waits for a 100 before it sends its body."""
        # RFC 9110 section 10.1.1: "A client that will wait for a 100 (Continue) response before sending the request
        # content MUST send an Expect header field containing a 100-continue expectation."
        return any(name.lower() == b"expect" and value.lower() == b"100-continue" for name, value in self.fields)


class AskedByHead(Asked):
    """What decides where a request goes, read from its head only as far as somebody asks.

    `looked_on`: somebody has asked for more of it than its first line, its host, and whether there is a body.
    """

    __slots__ = ("_whole", "looked_on")

    def __init__(self, head: RequestHead) -> None:
        self.method = head.method
        self.path, mark, query = head.target.partition(b"?")
        self.query = query if mark else None
        self.host = head.host_name
        self.overrides = head.overrides
        self.has_body = head.has_body
        self._whole = head
        self.looked_on = False

    @property
    def target(self) -> bytes:
        """The raw target."""
        return self._whole.target

    @property
    def _head(self) -> RequestHead:
        """For whatever else is asked for."""
        self.looked_on = True
        return self._whole

    @property
    def fields(self) -> Sequence[Field]:
        """Name and value of each that passes the proxy."""
        return self._head.fields

    @property
    def lines(self) -> bytes:
        """The same, as they are sent; who looks on them for a visitor says so in the plan."""
        return self._whole.lines


@dataclass(frozen=True, slots=True)
class Refused:
    """A request that is not forwarded: the status to answer with, and the reason for the log."""

    status: int
    why: str


class ReplyHead(Head):
    """A reply whose head is in order. `has_body`, with no `length` and not `chunked`: it ends with the connection."""

    __slots__ = ("chunked", "has_body", "has_date", "keep_alive", "length", "minor", "reason", "status", "to_websocket")

    def __init__(
        self, status: int, reason: bytes, minor: int, fields: list[Field] | None, lines: bytes | None = None
    ) -> None:
        self._fields = fields
        self._lines = lines
        self.status = status
        self.reason = reason
        self.minor = minor
        self.has_body = self.keep_alive = self.has_date = True
        self.length: int | None = None
        self.chunked = self.to_websocket = False


@dataclass(frozen=True, slots=True)
class BadReply:
    """A reply that is not passed on: the citizen gets a 502."""

    why: str
