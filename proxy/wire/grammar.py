"""One head of HTTP/1.1, judged: what it says, or why it is refused. Pure: bytes in, values out.

    read_request(b"GET /a?b HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n", HeadLimits()) -> a RequestHead

The whole head must fit the grammar before a byte of it is believed: whatever two parsers could read differently is
refused. References are to RFC 9112 (the messages) and RFC 9110 (their meaning).
"""

import re
from dataclasses import dataclass

from proxy.generation import HeadLimits
from proxy.headers import (
    CODING,
    CONNECTION,
    DATE,
    HOST,
    KEEP,
    KINDS,
    LENGTH,
    MAX_FORWARDS,
    NEVER_NOMINATED,
    OVERRIDE,
    REPLY_KINDS,
    STOP,
    TOLD,
    UPGRADE,
    USUAL_CONNECTION,
    Field,
    nominated,
    options,
    reply_kind,
    request_kind,
)

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
# 9112, 3: request-line = method SP request-target SP HTTP-version CRLF. Bytes beyond ASCII are not allowed in a target,
# but old browsers send them; they are one reading, and the path grammar escapes them.
_REQUEST_LINE = re.compile(rb"(%b) ([!-~\x80-\xff]+) HTTP/1\.([01])\r\n" % _TOKEN)
_ANY_VERSION = re.compile(rb"%b [!-~\x80-\xff]+ HTTP/([0-9])\.([0-9])\r\n" % _TOKEN)
# 9112, 4: status-line = HTTP-version SP status-code SP [ reason-phrase ] CRLF. Many servers leave the last SP out.
_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: ([\t -~\x80-\xff]*))?\r\n")
# 9112, 5: field-line = field-name ":" OWS field-value OWS; no blank before the colon (5.1), no folding (5.2), no bare
# CR or LF, no NUL and no other control byte (9110, 5.5).
_FIELDS = re.compile(rb"(?:%b:[\t -~\x80-\xff]*\r\n)*\r\n" % _TOKEN)
# 9110, 7.2 and RFC 3986, 3.2: Host = uri-host [ ":" port ], without userinfo.
_HOST = re.compile(rb"((?:[A-Za-z0-9._~-]|%[0-9A-Fa-f]{2})+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{0,5}))?")
_ABSOLUTE = re.compile(rb"(https?)://([^/?#]*)([/?][^#]*)?", re.IGNORECASE)
_LENGTH = re.compile(rb"[0-9]{1,18}")


class RequestHead:
    """A request whose head is in order. `fields`: those that pass; `told`: what a proxy before us said of the citizen.

    `length` None: chunked, or no body where `chunked` is false. A plain class: it is made for every request.
    """

    __slots__ = (
        "chunked", "fields", "host", "is_last_hop", "keep_alive", "length", "method", "minor", "overrides", "target",
        "told", "upgrades",
    )  # fmt: skip

    def __init__(self, method: bytes, target: bytes, minor: int, host: bytes, fields: list[Field]) -> None:
        self.method = method
        self.target = target
        self.minor = minor
        self.host = host
        self.fields = fields
        self.told: list[Field] = []
        self.length: int | None = None
        self.chunked = False
        self.keep_alive = minor == 1
        self.overrides = False
        # Asks for a WebSocket (RFC 6455, 4.1).
        self.upgrades = False
        # An OPTIONS that may go no further (RFC 9110, 7.6.2).
        self.is_last_hop = False

    @property
    def has_body(self) -> bool:
        """Whether bytes follow the head."""
        return self.chunked or bool(self.length)

    @property
    def expects_continue(self) -> bool:
        """RFC 9110, 10.1.1: whether the citizen waits for a 100 before it sends its body."""
        return any(name.lower() == b"expect" and value.lower() == b"100-continue" for name, value in self.fields)

    @property
    def host_name(self) -> bytes:
        """Lower case, without the port or a final dot."""
        match = _HOST.fullmatch(self.host)
        return match[1].lower().rstrip(b".") if match else b""


@dataclass(frozen=True, slots=True)
class Refused:
    """A request that is not forwarded: the status to answer with, and the reason for the log."""

    status: int
    why: str


@dataclass(slots=True)
class ReplyHead:
    """A reply whose head is in order. `has_body`, with no `length` and not `chunked`: it ends with the connection."""

    status: int
    reason: bytes
    minor: int
    fields: list[Field]
    has_body: bool
    length: int | None
    chunked: bool
    keep_alive: bool
    to_websocket: bool = False
    has_date: bool = True


@dataclass(frozen=True, slots=True)
class BadReply:
    """A reply that is not passed on: the citizen gets a 502."""

    why: str


def read_request(head: bytes, limits: HeadLimits) -> RequestHead | Refused:
    """Judge a whole head, from the request line to the empty line."""
    line = _REQUEST_LINE.match(head)
    if line is None:
        return _bad_request_line(head)
    method, target, minor = line[1], line[2], line[3][0] - 0x30
    if len(target) > limits.target:
        return Refused(414, f"the target has {len(target)} bytes, and limits.target is {limits.target}")
    start = line.end()
    if not _FIELDS.fullmatch(head, start):
        return Refused(400, "a malformed field line")
    lines = head[start:-4].split(b"\r\n") if len(head) - start > 2 else []
    if len(lines) > limits.fields:
        return Refused(431, f"{len(lines)} fields, and limits.fields is {limits.fields}")
    return _judge(method, target, minor, lines)


def _bad_request_line(head: bytes) -> Refused:
    version = _ANY_VERSION.match(head)
    if version and version[1] != b"1":
        return Refused(505, f"HTTP/{version[1].decode()}.{version[2].decode()} is not spoken here")
    return Refused(400, "a malformed request line")


def _judge(method: bytes, target: bytes, minor: int, lines: list[bytes]) -> RequestHead | Refused:
    kept: list[Field] = []
    special: list[tuple[int, Field]] = []
    kind_of = KINDS.get
    for each in lines:
        name, _, value = each.partition(b":")
        kind = kind_of(name)
        if kind is None:
            kind = request_kind(name)
        if kind == KEEP:
            kept.append((name, value.strip(b" \t")))
        elif kind != STOP:
            special.append((kind, (name, value.strip(b" \t"))))
            if kind == OVERRIDE:
                kept.append(special[-1][1])
    request = RequestHead(method, target, minor, b"", kept)
    return _special(request, special)


def _special(request: RequestHead, special: list[tuple[int, Field]]) -> RequestHead | Refused:
    """What the fields that are not simply passed on say: the host, the body, the connection, who sent it."""
    hosts: list[bytes] = []
    lengths: list[bytes] = []
    codings: list[bytes] = []
    upgrades: list[bytes] = []
    option = b""
    for kind, field in special:
        if kind == HOST:
            hosts.append(field[1])
        elif kind == CONNECTION:
            option = option + b"," + field[1] if option else field[1]
        elif kind == LENGTH:
            lengths.append(field[1])
        elif kind == CODING:
            codings.append(field[1])
        elif kind == TOLD:
            request.told.append(field)
        elif kind == UPGRADE:
            upgrades.append(field[1])
        elif kind == MAX_FORWARDS:
            _count_hop(request, field)
        else:
            request.overrides = True
    if lengths or codings:
        framing = _request_framing(request.minor, lengths, codings)
        if isinstance(framing, Refused):
            return framing
        request.length, request.chunked = framing
    refused = _place(request, hosts) or _connection(request, option)
    if upgrades and refused is None:
        refused = _upgrade(request, b",".join(upgrades).lower(), option)
    return refused or request


def _stays(minor: int, option: bytes) -> bool:
    """9112, 9.3: whether the connection goes on after this message."""
    if not option or option in USUAL_CONNECTION:
        return option.lower() == b"keep-alive" or (minor == 1 and option.lower() != b"close")
    said = options(option)
    return (minor == 1 or b"keep-alive" in said) and b"close" not in said


def _count_hop(request: RequestHead, field: Field) -> None:
    """9110, 7.6.2: one hop less for OPTIONS; other methods' Max-Forwards passes as it is."""
    if request.method != b"OPTIONS" or not field[1].isdigit() or len(field[1]) > 9:
        request.fields.append(field)
    elif int(field[1]) == 0:
        request.is_last_hop = True
    else:
        request.fields.append((field[0], b"%d" % (int(field[1]) - 1)))


def _upgrade(request: RequestHead, protocols: bytes, option: bytes) -> Refused | None:
    """9110, 7.8: a WebSocket is passed on, every other wish is not; h2c would make a tunnel past every route."""
    if b"h2c" in protocols:
        return Refused(400, "Upgrade: h2c")
    wished = b"upgrade" in {token.strip() for token in option.lower().split(b",")}
    bare = request.method == b"GET" and request.minor == 1 and not request.has_body
    request.upgrades = wished and bare and protocols == b"websocket"
    return None


def _connection(request: RequestHead, option: bytes) -> Refused | None:
    """9112, 9.3 and 9110, 7.6.1: whether the connection stays, and which fields end here."""
    if not option:
        return None
    also = nominated(option)
    if also:
        if also & NEVER_NOMINATED:
            return Refused(400, "Connection nominates a field that must reach the backend")
        request.fields = [field for field in request.fields if field[0].lower() not in also]
    request.keep_alive = _stays(request.minor, option)
    return None


def _request_framing(minor: int, lengths: list[bytes], codings: list[bytes]) -> tuple[int | None, bool] | Refused:
    """9112, 6.3: how long the body is; every doubt is refused (request smuggling, 11.2)."""
    if codings:
        if lengths:
            return Refused(400, "both Content-Length and Transfer-Encoding")
        if minor == 0:
            return Refused(400, "Transfer-Encoding in HTTP/1.0")
        if len(codings) > 1 or codings[0].lower() != b"chunked":
            return Refused(400, "a Transfer-Encoding other than chunked")
        return None, True
    if not lengths:
        return None, False
    if len(lengths) > 1:
        return Refused(400, "more than one Content-Length")
    if not _LENGTH.fullmatch(lengths[0]):
        return Refused(400, "a malformed Content-Length")
    return int(lengths[0]), False


def _place(request: RequestHead, hosts: list[bytes]) -> Refused | None:
    """9112, 3.2: the target in origin form, and the host it names."""
    # 3.2: 400 to a 1.1 request that lacks Host, and to any with more than one or a malformed one.
    if len(hosts) > 1 or (request.minor == 1 and not hosts):
        return Refused(400, "no Host" if not hosts else "more than one Host")
    host = request.host = hosts[0] if hosts else b""
    if host and not _HOST.fullmatch(host):
        return Refused(400, "a malformed Host")
    if request.method == b"CONNECT":
        return Refused(405, "CONNECT is not for a reverse proxy")
    if request.method == b"TRACE":
        return Refused(405, "TRACE would echo cookies to whoever asks")
    target = request.target
    if target.startswith(b"/"):
        return None if b"#" not in target else Refused(400, "a fragment in the target")
    if target == b"*" and request.method == b"OPTIONS":
        return None
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is None or not _HOST.fullmatch(absolute[2]):
        return Refused(400, "a target that is neither a path nor a URL")
    # 3.2.2: the target's host counts; a Host that says otherwise is what two servers read differently.
    if host and absolute[2].lower() != host.lower():
        return Refused(400, "Host disagrees with the target")
    rest = absolute[3] or b"/"
    request.target = rest if rest.startswith(b"/") else b"/" + rest
    request.host = absolute[2]
    return None


def read_reply(head: bytes, method: bytes) -> ReplyHead | BadReply:
    """Judge a whole head of a backend's reply to a request of that method."""
    line = _STATUS_LINE.match(head)
    if line is None:
        return BadReply("a malformed status line")
    start = line.end()
    if not _FIELDS.fullmatch(head, start):
        return BadReply("a malformed field line")
    kept: list[Field] = []
    said: dict[int, list[bytes]] = {LENGTH: [], CODING: [], CONNECTION: [], UPGRADE: [], DATE: []}
    for each in head[start:-4].split(b"\r\n") if len(head) - start > 2 else ():
        name, _, value = each.partition(b":")
        value = value.strip(b" \t")
        kind = REPLY_KINDS.get(name)
        if kind is None:
            kind = reply_kind(name)
        if kind in (KEEP, DATE):
            kept.append((name, value))
        if kind in said:
            said[kind].append(value)
    option = b",".join(said[CONNECTION])
    also = nominated(option)
    if also:
        kept = [field for field in kept if field[0].lower() not in also or field[0].lower() in NEVER_NOMINATED]
    status, minor = int(line[2]), line[1][0] - 0x30
    framing = _reply_framing(status, minor, method, said[LENGTH], said[CODING])
    if isinstance(framing, BadReply):
        return framing
    to_websocket = status == 101 and b",".join(said[UPGRADE]).lower() == b"websocket"
    stays, has_date = _stays(minor, option), bool(said[DATE])
    return ReplyHead(status, line[3] or b"", minor, kept, *framing, stays, to_websocket, has_date)


def _reply_framing(
    status: int, minor: int, method: bytes, lengths: list[bytes], codings: list[bytes]
) -> tuple[bool, int | None, bool] | BadReply:
    """9112, 6.3: whether there is a body, its length, whether it is chunked."""
    if codings and lengths:
        return BadReply("both Content-Length and Transfer-Encoding")
    if len(lengths) > 1 or (lengths and not _LENGTH.fullmatch(lengths[0])):
        return BadReply("a malformed or repeated Content-Length")
    if codings and (len(codings) > 1 or codings[0].lower() != b"chunked" or minor == 0):
        return BadReply("a Transfer-Encoding other than chunked")
    length = int(lengths[0]) if lengths else None
    # 9110, 6.4.1: these never have content, whatever their fields say.
    if method == b"HEAD" or status in (204, 304) or status < 200:
        return False, (None if status == 204 or status < 200 else length), False
    if codings:
        return True, None, True
    return True, length, False
