"""One exchange with a backend that goes by another name: both its messages, translated as they pass."""

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from proxy.claims import Pattern, Route
from proxy.cookies import seen_by
from proxy.generation import Backend
from proxy.headers import Network
from proxy.plan import Forward
from proxy.translate.backend import (
    is_form,
    origin_for_backend,
    query_for_backend,
    target_for_backend,
    whole_and_plain,
)
from proxy.translate.bodies import Body, is_text, linked_fields
from proxy.translate.citizen import Rewritten, for_citizen
from proxy.translate.links import Turn
from proxy.translate.place import DEFAULT_PORTS, Place, Translation, public_place
from proxy.wire.compose import head_for, request_bytes
from proxy.wire.heads import Head, ReplyHead, RequestHead
from proxy.wire.peer import Peer

if TYPE_CHECKING:
    from proxy.wire.exchange import Exchange


def sent_first(exchange: "Exchange", peer: Peer, body: bytes) -> bytes:
    """The request's head, and what there is of its body (`body`, framed as it came), as the backend gets them.

    What a backend answers that goes by another name is translated from here on.
    """
    request, backend, trust = exchange.request, exchange.pool.backend, exchange.generation.trust
    if backend.translation is None:  # as `as_asked` has it: what most requests come to
        said = peer.forwarding(request, trust) + exchange.trace
        return head_for(backend, request, exchange.plan.target, said) + body
    form = exchange.form
    whole = form.whole if form is not None else None
    data, exchange.translator = as_asked(request, peer, trust, exchange.trace, backend, exchange.plan, body, whole)
    return data


def as_asked(
    request: RequestHead,
    peer: Peer,
    trust: Sequence[Network],
    trace: bytes,
    backend: Backend,
    plan: Forward,
    body: bytes,
    whole: bytes | None,
) -> "tuple[bytes, Translator | None]":
    """A request as `backend` gets it by this plan, and who translates its reply.

    `trace`: the lines that name it; `whole`: the content of `body`, where that is all of a form.
    """
    translation = backend.translation
    if translation is None:
        return head_for(backend, request, plan.target, peer.forwarding(request, trust) + trace) + body, None
    said = peer.forwarding(request, trust) if translation.name is None else peer.unnamed(request, trust)
    public = public_place(peer.proto(request, trust), request.host_name, request.host)
    translator = Translator(translation, public, plan)
    return translator.request_for(backend, request, plan.target, said + trace, body, whole), translator


class Translator:
    """`public`: where the citizen is; `plan`: what was done with the request, and so which paths are public again."""

    __slots__ = ("_body", "_rewritten", "_to_backend", "_to_citizen", "_translation")

    def __init__(self, translation: Translation, public: Place, plan: Forward) -> None:
        self._translation = translation
        self._to_citizen, self._to_backend = _turns(translation, public)
        self._rewritten = _rewritten(plan)
        self._body: Body | None = None

    # The request.

    def request_for(
        self, backend: Backend, request: RequestHead, target: bytes, said: bytes, body: bytes, whole: bytes | None
    ) -> bytes:
        """The head as `backend` gets it, and what there is of the body. `said`: the proxy's own lines.

        `whole`: the content of the body, where that is all of a form.
        """
        fields, host = request.fields, request.host or backend.host_field
        turn = self._to_backend
        content: bytes | None = None
        if turn is not None:
            host = turn.to.authority
            fields = origin_for_backend(fields, turn, self._to_citizen)
            target = target_for_backend(target, turn)
            if whole is not None and is_form(fields):
                content = query_for_backend(whole, turn)
        if self._translation.links:
            fields = whole_and_plain(fields)
        lines = seen_by(Head(fields).lines, backend.cookies)
        if content is not None:
            return request_bytes(request, target, host, said, lines, length=len(content)) + content
        return request_bytes(request, target, host, said, lines) + body

    # The reply. Each raises Untranslatable.

    def passing(self, reply: ReplyHead) -> ReplyHead:
        """An interim reply, or the one that begins a WebSocket."""
        reply.fields = for_citizen(reply.fields, self._to_citizen, self._rewritten)
        return reply

    def head_came(self, reply: ReplyHead, content: bytes) -> bytes:
        """The content for the citizen; `reply` says what is true of it then."""
        self.passing(reply)
        if not self._translation.links:
            return content
        fields = reply.fields
        text = is_text(fields)
        reply.fields = linked_fields(fields, text=text)
        if not text:
            return content
        length, reply.length = reply.length, None
        if not reply.has_body:
            return content
        self._body = Body(self._to_citizen, fields, reply.status, length)
        turned = self._body.feed(content)
        if length == len(content):  # all of it: then its new length is known
            turned += self._body.end()
            reply.length = len(turned)
            self._body = None
        return turned

    def content_came(self, content: bytes) -> bytes:
        """More of the body."""
        return content if self._body is None else self._body.feed(content)

    def ended(self) -> bytes:
        """What was held back of it."""
        return b"" if self._body is None else self._body.end()


@lru_cache(512)
def _turns(translation: Translation, public: Place) -> tuple[Turn, Turn | None]:
    """Towards the citizen, and towards a backend that is called by another name; the same for very many requests."""
    to_citizen = Turn(translation.own, public)
    if translation.name is None:
        return to_citizen, None
    ports = frozenset((public.port or DEFAULT_PORTS[public.scheme], public.port))
    return to_citizen, Turn(((public.host, ports),), translation.name, only=public.scheme)


def _rewritten(plan: Forward) -> Rewritten | None:
    claim = plan.claim
    if claim is None or plan.reason != "stage" or not isinstance(claim.leads_to, Route):
        return None
    rewrite, pattern = claim.leads_to.rewrite, claim.pattern
    return Rewritten(rewrite, pattern) if rewrite is not None and isinstance(pattern, Pattern) else None
