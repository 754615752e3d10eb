"""Which fields pass, which stop at the proxy, and which it says itself. Pure: lists of fields in, lists of fields out.

A field is `(name, value)` as bytes, its name in the spelling it came in; order and repetition are kept.
"""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass

Field = tuple[bytes, bytes]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# RFC 9110 section 7.6.3: "A proxy MUST send an appropriate Via header field … in each message that it forwards."
PSEUDONYM = b"stranglerfig"

# RFC 9110 section 7.6.1: "…intermediaries SHOULD remove or replace fields that are known to require removal before
# forwarding, whether or not they appear as a connection-option…"
HOP_BY_HOP = frozenset(
    (
        *(b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade"),
        b"http2-settings",  # RFC 7540, 3.2.1, which RFC 9113 has given up
        *(b"proxy-authenticate", b"proxy-authorization", b"proxy-authentication-info"),
    )
)
# Set by proxies and believed by applications: a stranger's word must not reach them. X-Original-URL and X-Rewrite-URL
# choose another URL than the one that was matched; `Proxy` becomes HTTP_PROXY in CGI (CVE-2016-5385).
UNTRUSTED = frozenset((b"x-real-ip", b"true-client-ip", b"x-client-ip", b"x-original-url", b"x-rewrite-url", b"proxy"))
# Nominated by Connection, these would change what the message is, or who sent it, behind whoever matched it.
NEVER_NOMINATED = frozenset(
    (b"host", b"content-length", b"transfer-encoding", b"cookie", b"authorization", b"content-type")
)
METHOD_OVERRIDES = frozenset((b"x-http-method-override", b"x-http-method", b"x-method-override", b"x-method"))

# What becomes of a field of a request. TOLD: stopped, but read, and said anew as far as it is believed; OVERRIDE: kept,
# and noted.
KEEP, STOP, TOLD, OVERRIDE, HOST, LENGTH, CODING, CONNECTION, UPGRADE, MAX_FORWARDS, DATE = range(11)
_SPECIAL = {b"host": HOST, b"content-length": LENGTH, b"transfer-encoding": CODING, b"connection": CONNECTION}
# What a request says of its id and of the trace it belongs to: see proxy/trace.py.
TRACED = frozenset((b"traceparent", b"tracestate", b"x-request-id"))
# The names of real traffic are few and short; a stranger inventing names must not grow this without end.
_MEMO_LIMIT, _MEMO_NAME = 4096, 64
KINDS: dict[bytes, int] = {}


def request_kind(name: bytes) -> int:
    """What becomes of a field of that name, in any spelling; remembered in KINDS."""
    kind = _request_kind(name.lower())
    if len(KINDS) < _MEMO_LIMIT and len(name) <= _MEMO_NAME:
        KINDS[name] = kind
    return kind


def _request_kind(name: bytes) -> int:
    if name in _SPECIAL:
        return _SPECIAL[name]
    if name in (b"upgrade", b"max-forwards"):
        return UPGRADE if name == b"upgrade" else MAX_FORWARDS
    if name in METHOD_OVERRIDES:
        return OVERRIDE
    if name == b"forwarded" or name.startswith(b"x-forwarded-") or name in TRACED:
        return TOLD
    # A name with `_` becomes the same CGI variable as the one with `-` (nginx drops it too).
    stopped = name in HOP_BY_HOP or name in UNTRUSTED or b"_" in name or name.startswith(b"fig-")
    return STOP if stopped else KEEP


# The names of which more becomes than that they pass on, in lower case, and the beginnings of such names.
SPECIAL_NAMES = (
    HOP_BY_HOP | UNTRUSTED | METHOD_OVERRIDES | TRACED | {*_SPECIAL, b"upgrade", b"max-forwards", b"forwarded"}
)
SPECIAL_BEGINNINGS = frozenset((b"x-forwarded-", b"fig-"))

_IN_REPLIES = {b"host": KEEP, b"upgrade": UPGRADE, b"date": DATE}
SPECIAL_IN_REPLIES = HOP_BY_HOP | {*_SPECIAL, *_IN_REPLIES}
REPLY_KINDS: dict[bytes, int] = {}


def reply_kind(name: bytes) -> int:
    """What becomes of a field of a reply; DATE is kept, and noted. Remembered in REPLY_KINDS."""
    lower = name.lower()
    kind = _SPECIAL.get(lower, STOP if lower in HOP_BY_HOP else KEEP)
    if lower in _IN_REPLIES:
        kind = _IN_REPLIES[lower]
    if len(REPLY_KINDS) < _MEMO_LIMIT and len(name) <= _MEMO_NAME:
        REPLY_KINDS[name] = kind
    return kind


_NOTHING: frozenset[bytes] = frozenset()
USUAL_CONNECTION = frozenset((b"", b"keep-alive", b"close", b"Keep-Alive", b"Close"))


def options(connection: bytes) -> frozenset[bytes]:
    """The options that the value of Connection lists, in lower case."""
    return frozenset(token.strip(b" \t").lower() for token in connection.split(b","))


def nominated(connection: bytes) -> frozenset[bytes]:
    """The names that the value of Connection makes hop-by-hop, beside those that always are.

    >>> sorted(nominated(b"Keep-Alive, X-Secret"))
    [b'x-secret']
    """
    if connection in USUAL_CONNECTION:
        return _NOTHING
    return options(connection) - HOP_BY_HOP - {b"close", b""}


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sent a request, as far as those who passed it on are believed.

    `client`: the address that the chain begins with; `chain`: X-Forwarded-For to write; `proto` and `host`: as the
    citizen saw them.
    """

    client: bytes
    chain: bytes
    proto: bytes
    host: bytes


def is_trusted(address: str, trust: Sequence[Network]) -> bool:
    """Whether `address` lies in one of the networks of `trust:`."""
    if not trust:
        return False
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    return any(parsed in network for network in trust)


def sender_of(
    peer: bytes, host: bytes, told: Sequence[Field], trust: Sequence[Network], proto: bytes = b"http"
) -> Sender:
    """The sender as told by a trusted peer, read from the right up to the first stranger.

    Where there is X-Forwarded-For, Forwarded is not read: a balancer that writes the one often passes a stranger's
    other on.
    """
    said: dict[bytes, bytes] = {}
    for name, value in told:
        lower = name.lower()
        said[lower] = said[lower] + b", " + value if lower in said else value
    if b"x-forwarded-for" not in said and b"forwarded" in said:
        said = _from_forwarded(said[b"forwarded"])
    hops = [hop.strip() for hop in said.get(b"x-forwarded-for", b"").split(b",") if hop.strip()]
    believed: list[bytes] = []
    for hop in reversed(hops):
        if not _is_address(hop):
            break
        believed.insert(0, hop)
        if not is_trusted(hop.decode(), trust):
            break
    told_proto = said.get(b"x-forwarded-proto", b"").rpartition(b",")[2].strip().lower()
    told_host = said.get(b"x-forwarded-host", b"").rpartition(b",")[2].strip()
    return Sender(
        client=believed[0] if believed else peer,
        chain=b", ".join((*believed, peer)),
        proto=told_proto if told_proto in (b"http", b"https") else proto,
        host=told_host if told_host and _is_quotable(told_host) else host,
    )


def _from_forwarded(value: bytes) -> dict[bytes, bytes]:
    """RFC 7239, section 4, as the X-Forwarded fields that say the same; empty where it is malformed."""
    elements: list[dict[bytes, bytes]] = [{}]
    at = 0
    while at < len(value):
        pair = _PAIR.match(value, at)
        if pair is None:
            return {}
        if pair[1]:
            elements[-1][pair[1].lower()] = _ESCAPED.sub(rb"\1", pair[2]) if pair[2] is not None else pair[3]
        if pair[4] == b",":
            elements.append({})
        at = pair.end()
    addresses = [_address_of(element.get(b"for", b"unknown")) for element in elements]
    last = elements[-1]
    return {
        b"x-forwarded-for": b", ".join(addresses),
        b"x-forwarded-proto": last.get(b"proto", b""),
        b"x-forwarded-host": last.get(b"host", b""),
    }


_PAIR = re.compile(rb"[ \t]*(?:([!#$%&'*+.^_`|~0-9A-Za-z-]+)=(?:\"((?:[^\"\\]|\\.)*)\"|([^\",; \t]+)))?[ \t]*([;,]|$)")
_ESCAPED = re.compile(rb"\\(.)")


def _address_of(node: bytes) -> bytes:
    """The address of a node, without brackets and port (RFC 7239, section 6)."""
    if node.startswith(b"["):
        return node[1:].partition(b"]")[0]
    return node.partition(b":")[0]


def _is_address(text: bytes) -> bool:
    try:
        ipaddress.ip_address(text.decode("ascii"))
    except ValueError:
        return False
    return True


def _is_quotable(host: bytes) -> bool:
    return all(0x21 <= byte < 0x7F and byte not in b'"\\,;' for byte in host)


def forwarding_fields(sender: Sender) -> bytes:
    """Via, X-Forwarded-* and Forwarded (RFC 7239) as lines ready to send.

    The same for every request of one connection.
    """
    hops = b", ".join(b"for=" + _node(hop) for hop in sender.chain.split(b", "))
    host = b';host="%b"' % sender.host if sender.host else b""
    x_host = b"X-Forwarded-Host: %b\r\n" % sender.host if sender.host else b""
    return b"Via: 1.1 %b\r\nX-Forwarded-For: %b\r\nX-Forwarded-Proto: %b\r\n%bForwarded: %b%b;proto=%b\r\n" % (
        PSEUDONYM,
        sender.chain,
        sender.proto,
        x_host,
        hops,
        host,
        sender.proto,
    )


def unnamed_fields(sender: Sender) -> bytes:
    """The same for a backend that goes by another name: who asks, but not under which address.

    Frameworks that believe these fields would take the public address for their own, and compare it with an Origin that
    names theirs.
    """
    hops = b", ".join(b"for=" + _node(hop) for hop in sender.chain.split(b", "))
    return b"Via: 1.1 %b\r\nX-Forwarded-For: %b\r\nForwarded: %b\r\n" % (PSEUDONYM, sender.chain, hops)


def _node(address: bytes) -> bytes:
    """RFC 7239, section 6: an IPv6 address is bracketed and quoted."""
    return b'"[%b]"' % address if b":" in address else address
