"""A copied request as another backend would get it, and that backend's reply as the citizen would have got it. Pure.

By the worker's own rules, all of them: nothing here knows what a field means.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from proxy.asked import SAFE
from proxy.claims import Claim, Route
from proxy.compare.values import Reply
from proxy.copies import Told
from proxy.exchanged import Exchanged, Side
from proxy.generation import Backend, Generation
from proxy.headers import Field
from proxy.paths import BadPath, read_path
from proxy.plan import as_legacy, as_slice
from proxy.second import may_be_asked
from proxy.translate.backend import is_form
from proxy.translate.bodies import Untranslatable
from proxy.wire.chunked import BadChunk, ChunkDecoder
from proxy.wire.grammar import read_reply, read_request
from proxy.wire.heads import AskedByHead, BadReply, Head, Refused, RequestHead
from proxy.wire.peer import Peer
from proxy.wire.translator import Translator, as_asked

# Says that it is a copy: whoever counts visits can leave it out. From outside it never passes (headers.py).
MARK = b"Fig-Shadow: 1\r\n"
# RFC 9110 section 13.1: with these a cache asks whether what it has is still good. Whoever answered in full is compared
# with an answer in full; and one side's tags say nothing to the other.
_OF_CACHES = (b"if-none-match", b"if-modified-since")
_NOT_MODIFIED = 304


def exchanged(told: Told, claim: Claim, route: Route, answered_by: Side, micros: int) -> Exchanged:
    """An exchange as a worker told it."""
    status, lines = told.reply[9:12], told.reply[told.reply.index(b"\r\n") + 2 : -2]
    reply = Reply(int(status), _lower(Head(None, lines).fields), told.content)
    address = told.peer.decode("latin-1")
    return Exchanged(claim, route, answered_by, told.head, told.body, told.proto, address, told.trace, reply, micros)


@dataclass(frozen=True, slots=True)
class Composed:
    """A request, ready to be asked. `fields`: as they are sent, Host among them, but for a Transfer-Encoding, which
    `chunked` says; `content`: its body, unframed.
    """

    method: bytes
    target: bytes
    fields: Sequence[Field]
    content: bytes
    chunked: bool
    request: RequestHead
    translator: Translator | None


def composed(exchange: Exchanged, side: Side, generation: Generation, backend: Backend) -> Composed | None:
    """What `backend` gets, which is that side's; None if it may not be asked (law 2), or nothing can be compared."""
    if exchange.reply.status == _NOT_MODIFIED:
        return None
    request = read_request(exchange.head, generation.limits.head)
    if isinstance(request, Refused) or request.upgrades:
        return None
    asked = AskedByHead(request)
    readings = read_path(asked.path, generation.rules.paths)
    content = _content(exchange.body, request)
    if isinstance(readings, BadPath) or content is None:
        return None
    route = exchange.route
    if not may_be_asked(side, asked, content, repeatable=route.repeatable, sandbox=backend.sandbox):
        return None
    if side == "slice":
        plan = as_slice(asked, exchange.claim, route, readings.canonical)
    else:
        plan = as_legacy(asked, exchange.claim, route)
    peer = Peer(exchange.peer, generation.trust, exchange.proto)
    if backend.cookies is None:  # who was in a canary has our cookies still
        backend = replace(backend, cookies="all but ours")
    whole = content if request.has_body and is_form(request.fields) else None
    sent, translator = as_asked(request, peer, generation.trust, exchange.trace, backend, plan, b"", whole)
    head, _, form = sent.partition(b"\r\n\r\n")
    first, *lines = (head + b"\r\n" + MARK[:-2]).split(b"\r\n")
    method, target, _ = first.split(b" ")
    split = (line.partition(b": ") for line in lines)
    not_sent = (b"transfer-encoding", *(_OF_CACHES if request.method in SAFE else ()))
    fields = [(name, value) for name, _, value in split if name.lower() not in not_sent]
    return Composed(method, target, fields, form or content, request.chunked and not form, request, translator)


def answered(asked: Composed, status: int, reason: bytes, fields: Sequence[Field], body: bytes) -> Reply | None:
    """A reply as the citizen would have got it; None where the citizen would have got none.

    `fields`: as they came; `body`: without its framing.
    """
    lines = b"".join([b"%b: %b\r\n" % field for field in fields])
    reply = read_reply(b"HTTP/1.1 %d %b\r\n%b\r\n" % (status, reason, lines), asked.method)
    if isinstance(reply, BadReply):
        return None
    if asked.translator is not None:
        try:
            body = asked.translator.head_came(reply, body) + asked.translator.ended()
        except Untranslatable:
            return None
    return Reply(status, _lower(reply.fields), body)


def _content(framed: bytes, request: RequestHead) -> bytes | None:
    """A request's body, unframed; None if it is not whole."""
    if not request.chunked:
        return framed if len(framed) == (request.length or 0) else None
    decoder = ChunkDecoder()
    try:
        content = decoder.feed(framed)
    except BadChunk:
        return None
    return content if decoder.done else None


def _lower(fields: Sequence[Field]) -> tuple[Field, ...]:
    return tuple((name.lower(), value) for name, value in fields)
