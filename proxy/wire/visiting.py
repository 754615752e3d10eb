"""An answer as a visitor of a moving slice gets it: the cookies of our own, and what caches are told."""

from time import time
from typing import TYPE_CHECKING

from proxy.caching import kept_apart, kept_private
from proxy.cookies import VISITOR, WROTE
from proxy.plan import Forward
from proxy.visitors import ID_SECONDS, Visit
from proxy.wire.heads import ReplyHead

if TYPE_CHECKING:
    from proxy.wire.exchange import Exchange

_COOKIE = b"Set-Cookie: %b=%b; Path=/; Max-Age=%d; HttpOnly; SameSite=Lax%b\r\n"
# What caches keep of their own accord. RFC 9110 section 9.2.3: "…the overwhelming majority of cache implementations
# only support GET and HEAD."
_CACHED = (b"GET", b"HEAD")


def lines_for(visit: Visit, exchange: "Exchange", reply: ReplyHead) -> bytes:
    """The reply's fields for this visitor, as they are sent. The reply stays as its backend gave it."""
    wrote = visit.writes and _is_with_legacy(exchange.plan) and not 400 <= reply.status < 500
    lines = reply.lines
    if visit.visiting.share is not None and exchange.request.method in _CACHED:
        lines = kept_apart(lines)
    if wrote or visit.newcomer is not None:
        secure = b"; Secure" if exchange.citizen.speaks_tls(exchange.request) else b""
        lines = kept_private(lines)
        if visit.newcomer is not None:
            lines += _COOKIE % (VISITOR, visit.newcomer, ID_SECONDS, secure)
        if wrote:
            # The second that has begun counts as over: datasets of before its end may not have the write.
            lines += _COOKIE % (WROTE + visit.visiting.slice, b"%d" % (time() + 1), visit.stays_seconds, secure)
    return lines


def _is_with_legacy(plan: Forward) -> bool:
    """Whether it is not the slice that answers. An answer that says no (4xx) took no write."""
    return not plan.by_slice
