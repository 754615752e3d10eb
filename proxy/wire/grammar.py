"""One head of HTTP/1.1, judged: what it says, or why it is refused. Pure: bytes in, values out.

    read_request(b"GET /a?b HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n", HeadLimits()) -> a RequestHead

The whole head must fit the grammar before a byte of it is believed: whatever two parsers could read differently is
refused. Above each check stands the line that asks for it, of RFC 9112 (the messages) or RFC 9110 (their meaning).
"""

import re

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
from proxy.wire.heads import BadReply, Refused, ReplyHead, RequestHead

# RFC 9110 section 5.6.2: "token = 1*tchar"
_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
# RFC 9112 section 3: "request-line = method SP request-target SP HTTP-version"
# Bytes beyond ASCII are not allowed in a target, but old browsers send them; they are one reading, and the path grammar
# escapes them.
_REQUEST_LINE = re.compile(rb"(%b) ([!-~\x80-\xff]+) HTTP/1\.([01])\r\n" % _TOKEN)
_ANY_VERSION = re.compile(rb"%b [!-~\x80-\xff]+ HTTP/([0-9])\.([0-9])\r\n" % _TOKEN)
# RFC 9112 section 4: "status-line = HTTP-version SP status-code SP [ reason-phrase ]"
# Many servers leave the last SP out.
_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: ([\t -~\x80-\xff]*))?\r\n")
# RFC 9112 section 5: "field-line = field-name ":" OWS field-value OWS"
# RFC 9110 section 5.5: "field-vchar = VCHAR / obs-text"
_FIELDS = re.compile(rb"(?:%b:[\t -~\x80-\xff]*\r\n)*\r\n" % _TOKEN)
# RFC 9110 section 7.2: "Host = uri-host [ ":" port ]"
# RFC 9110 section 4.2.4: "…a recipient SHOULD parse for userinfo and treat its presence as an error…"
_HOST = re.compile(rb"((?:[A-Za-z0-9._~-]|%[0-9A-Fa-f]{2})+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{0,5}))?")
# RFC 9112 section 3.2.2: "absolute-form = absolute-URI"
_ABSOLUTE = re.compile(rb"(https?)://([^/?#]*)([/?][^#]*)?", re.IGNORECASE)
# RFC 9110 section 8.6: "Content-Length = 1*DIGIT"
# RFC 9110 section 8.6: "…a recipient MUST anticipate potentially large decimal numerals and prevent parsing errors…"
_LENGTH = re.compile(rb"[0-9]{1,18}")


def read_request(head: bytes, limits: HeadLimits) -> RequestHead | Refused:
    """Judge a whole head, from the request line to the empty line."""
    line = _REQUEST_LINE.match(head)
    if line is None:
        return _bad_request_line(head)
    method, target, minor = line[1], line[2], line[3][0] - 0x30
    # RFC 9112 section 3: "A server that receives a request-target longer than any URI it wishes to parse MUST respond
    # with a 414 (URI Too Long) status code…"
    if len(target) > limits.target:
        return Refused(414, f"the target has {len(target)} bytes, and limits.target is {limits.target}")
    start = line.end()
    # RFC 9112 section 5.1: "A server MUST reject, with a response status code of 400 (Bad Request), any received
    # request message that contains whitespace between a header field name and colon."
    # RFC 9112 section 5.2: "A server that receives an obs-fold … MUST either reject the message by sending a 400…"
    # RFC 9110 section 5.5: "…a recipient of CR, LF, or NUL within a field value MUST either reject the message or…"
    if not _FIELDS.fullmatch(head, start):
        return Refused(400, "a malformed field line")
    lines = head[start:-4].split(b"\r\n") if len(head) - start > 2 else []
    # RFC 9110 section 5.4: "A server that receives a request header field line, field value, or set of fields larger
    # than it wishes to process MUST respond with an appropriate 4xx (Client Error) status code."
    if len(lines) > limits.fields:
        return Refused(431, f"{len(lines)} fields, and limits.fields is {limits.fields}")
    return _judge(method, target, minor, lines)


def read_beginning(data: bytes, limits: HeadLimits) -> Refused | None:
    """Why a head that is not whole, or too large, need not be waited for; None if it may become one."""
    line_end = data.find(b"\n")
    if line_end < 0 and len(data) > limits.target + 32:
        return Refused(414, "a request line without end")
    if len(data) > limits.head:
        return Refused(431, f"a head of more than {limits.head} bytes")
    # RFC 9112 section 2.2: "…a recipient MAY recognize a single LF as a line terminator…"; another may not.
    if line_end >= 0 and data.replace(b"\r\n", b"").find(b"\n") >= 0:
        return Refused(400, "a line that ends in a bare LF")
    return None


def _bad_request_line(head: bytes) -> Refused:
    # RFC 9110 section 6.2: "A server can send a 505 (HTTP Version Not Supported) response if it wishes, for any reason,
    # to refuse service of the client's major protocol version."
    version = _ANY_VERSION.match(head)
    if version and version[1] != b"1":
        return Refused(505, f"HTTP/{version[1].decode()}.{version[2].decode()} is not spoken here")
    # RFC 9112 section 3.2: "Recipients of an invalid request-line SHOULD respond with either a 400 (Bad Request)…"
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
    request = RequestHead(method, target, minor, kept)
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
    """Whether the connection goes on after this message."""
    # RFC 9112 section 9.3: "If the "close" connection option is present …, the connection will not persist after the
    # current response; else, If the received protocol is HTTP/1.1 (or later), the connection will persist…"
    if not option or option in USUAL_CONNECTION:
        return option.lower() == b"keep-alive" or (minor == 1 and option.lower() != b"close")
    said = options(option)
    return (minor == 1 or b"keep-alive" in said) and b"close" not in said


def _count_hop(request: RequestHead, field: Field) -> None:
    """One hop less for OPTIONS; other methods' Max-Forwards passes as it is."""
    # RFC 9110 section 7.6.2: "Each intermediary that receives a TRACE or OPTIONS request containing a Max-Forwards
    # header field MUST check and update its value prior to forwarding the request."
    if request.method != b"OPTIONS" or not field[1].isdigit() or len(field[1]) > 9:
        request.fields.append(field)
    elif int(field[1]) == 0:
        request.is_last_hop = True
    else:
        request.fields.append((field[0], b"%d" % (int(field[1]) - 1)))


def _upgrade(request: RequestHead, protocols: bytes, option: bytes) -> Refused | None:
    """A WebSocket is passed on, every other wish is not; h2c would make a tunnel past every route."""
    # RFC 9110 section 7.8: "A server MAY ignore a received Upgrade header field if it wishes to continue using the
    # current protocol on that connection."
    if b"h2c" in protocols:
        return Refused(400, "Upgrade: h2c")
    # RFC 9110 section 7.8: "A sender of Upgrade MUST also send an "Upgrade" connection option…"
    # RFC 6455 section 4.1: "The method of the request MUST be GET, and the HTTP version MUST be at least 1.1."
    wished = b"upgrade" in {token.strip() for token in option.lower().split(b",")}
    bare = request.method == b"GET" and request.minor == 1 and not request.has_body
    request.upgrades = wished and bare and protocols == b"websocket"
    return None


def _connection(request: RequestHead, option: bytes) -> Refused | None:
    """Whether the connection stays, and which fields end here."""
    # RFC 9110 section 7.6.1: "Intermediaries MUST … for each connection-option in this field, remove any header or
    # trailer field(s) from the message with the same name as the connection-option…"
    if not option:
        return None
    also = nominated(option)
    if also:
        # RFC 9110 section 7.6.1: "A sender MUST NOT send a connection option corresponding to a field that is intended
        # for all recipients of the content."
        if also & NEVER_NOMINATED:
            return Refused(400, "Connection nominates a field that must reach the backend")
        request.fields = [field for field in request.fields if field[0].lower() not in also]
    request.keep_alive = _stays(request.minor, option)
    return None


def _request_framing(minor: int, lengths: list[bytes], codings: list[bytes]) -> tuple[int | None, bool] | Refused:
    """How long the body is; every doubt is refused (request smuggling, 11.2)."""
    if codings:
        # RFC 9112 section 6.1: "A server MAY reject a request that contains both Content-Length and Transfer-Encoding…"
        if lengths:
            return Refused(400, "both Content-Length and Transfer-Encoding")
        # RFC 9112 section 6.1: "A server or client that receives an HTTP/1.0 message containing a Transfer-Encoding
        # header field MUST treat the message as if the framing is faulty…"
        if minor == 0:
            return Refused(400, "Transfer-Encoding in HTTP/1.0")
        # RFC 9112 section 6.3: "…the chunked transfer coding is not the final encoding, the message body length cannot
        # be determined reliably; the server MUST respond with the 400 (Bad Request) status code…"
        if len(codings) > 1 or codings[0].lower() != b"chunked":
            return Refused(400, "a Transfer-Encoding other than chunked")
        return None, True
    if not lengths:
        return None, False
    # RFC 9112 section 6.3: "If a message is received without Transfer-Encoding and with an invalid Content-Length
    # header field, then the message framing is invalid and the recipient MUST treat it as an unrecoverable error…"
    if len(lengths) > 1:
        return Refused(400, "more than one Content-Length")
    if not _LENGTH.fullmatch(lengths[0]):
        return Refused(400, "a malformed Content-Length")
    return int(lengths[0]), False


def _place(request: RequestHead, hosts: list[bytes]) -> Refused | None:
    """The target in origin form, and the host it names."""
    # RFC 9112 section 3.2: "A server MUST respond with a 400 (Bad Request) status code to any HTTP/1.1 request message
    # that lacks a Host header field and to any request message that contains more than one Host header field line or a
    # Host header field with an invalid field value."
    if len(hosts) > 1 or (request.minor == 1 and not hosts):
        return Refused(400, "no Host" if not hosts else "more than one Host")
    host = hosts[0] if hosts else b""
    if host and not _is_for(request, host):
        return Refused(400, "a malformed Host")
    # RFC 9110 section 9.3.6: "…most origin servers do not implement CONNECT."
    if request.method == b"CONNECT":
        return Refused(405, "CONNECT is not for a reverse proxy")
    # RFC 9110 section 9.3.8: "…it would be foolish for a user agent to send stored user credentials … or cookies …"
    if request.method == b"TRACE":
        return Refused(405, "TRACE would echo cookies to whoever asks")
    # RFC 9112 section 3.2.1: "origin-form = absolute-path [ "?" query ]"
    target = request.target
    if target.startswith(b"/"):
        return None if b"#" not in target else Refused(400, "a fragment in the target")
    # RFC 9112 section 3.2.4: "The asterisk-form of request-target is only used for a server-wide OPTIONS request…"
    if target == b"*" and request.method == b"OPTIONS":
        return None
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is None or not _is_for(request, absolute[2]):
        return Refused(400, "a target that is neither a path nor a URL")
    # RFC 9112 section 3.2: "…a client MUST send a field value for Host that is identical to that authority component…"
    # Where it is not, two servers read two hosts.
    if host and absolute[2].lower() != host.lower():
        return Refused(400, "Host disagrees with the target")
    rest = absolute[3] or b"/"
    request.target = rest if rest.startswith(b"/") else b"/" + rest
    return None


def _is_for(request: RequestHead, host: bytes) -> bool:
    """Note the host that a request is for; whether it is one."""
    match = _HOST.fullmatch(host)
    if match is None:
        return False
    request.host = host
    request.host_name = match[1].lower().rstrip(b".")
    return True


def read_reply(head: bytes, method: bytes) -> ReplyHead | BadReply:
    """Judge a whole head of a backend's reply to a request of that method."""
    line = _STATUS_LINE.match(head)
    if line is None:
        return BadReply("a malformed status line")
    start = line.end()
    # RFC 9112 section 5.2: "A proxy or gateway that receives an obs-fold in a response message … MUST either discard
    # the message and replace it with a 502 (Bad Gateway) response…"
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
    reply = ReplyHead(status, line[3] or b"", minor, kept)
    reply.has_body, reply.length, reply.chunked = framing
    reply.keep_alive, reply.has_date = _stays(minor, option), bool(said[DATE])
    reply.to_websocket = to_websocket
    return reply


def _reply_framing(
    status: int, minor: int, method: bytes, lengths: list[bytes], codings: list[bytes]
) -> tuple[bool, int | None, bool] | BadReply:
    """Whether there is a body, its length, whether it is chunked."""
    # RFC 9112 section 6.3: "Such a message might indicate … response splitting … and ought to be handled as an error."
    if codings and lengths:
        return BadReply("both Content-Length and Transfer-Encoding")
    # RFC 9112 section 6.3: "If it is in a response message received by a proxy, the proxy MUST close the connection to
    # the server, discard the received response, and send a 502 (Bad Gateway) response to the client."
    if len(lengths) > 1 or (lengths and not _LENGTH.fullmatch(lengths[0])):
        return BadReply("a malformed or repeated Content-Length")
    # RFC 9112 section 6.1: "A server or client that receives an HTTP/1.0 message containing a Transfer-Encoding header
    # field MUST treat the message as if the framing is faulty…"
    if codings and (len(codings) > 1 or codings[0].lower() != b"chunked" or minor == 0):
        return BadReply("a Transfer-Encoding other than chunked")
    length = int(lengths[0]) if lengths else None
    # RFC 9112 section 6.3: "Any response to a HEAD request and any response with a 1xx (Informational), 204 (No
    # Content), or 304 (Not Modified) status code is always terminated by the first empty line after the header fields…"
    if method == b"HEAD" or status in (204, 304) or status < 200:
        return False, (None if status == 204 or status < 200 else length), False
    if codings:
        return True, None, True
    return True, length, False
