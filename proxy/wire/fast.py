"""Heads that are already as the proxy would write them, taken in whole. Pure: bytes in, values out.

    read_request(b"GET /a?b HTTP/1.1\\r\\nHost: x\\r\\nAccept: */*\\r\\n\\r\\n", HeadLimits()) -> (a RequestHead, 46)

`proxy/wire/grammar.py` is the law; this file only recognises, by a narrower grammar, heads of which it knows what the
law would say, and gives None for every other. Nothing is made for a field: the lines that pass are cut out of the head
as they stand, compiled (`proxy/wire/_cut.c`) or by a pattern. A property holds all readings equal, and `--no-fast-path`
serves without this file.
"""

from collections.abc import Callable

from proxy.generation import HeadLimits
from proxy.wire.compiled import CUT
from proxy.wire.heads import ReplyHead, RequestHead
from proxy.wire.patterns import CutReply, CutRequest, cut_reply, cut_request

# The shortest line is `a: b` and its end: a head of fewer bytes than that for each that may be cannot have too many.
_LEAST_LINE = 6

_cut_request: Callable[[bytes, int], CutRequest | None] = CUT.cut_request if CUT else cut_request
_cut_reply: Callable[[bytes, int], CutReply | None] = CUT.cut_reply if CUT else cut_reply


def read_request(data: bytes, limits: HeadLimits) -> tuple[RequestHead, int] | None:
    """A request and where its head ends in `data`; None where the law itself must look at it."""
    cut = _cut_request(data, limits.head + 4)
    if cut is None:
        return None
    method, target, host, host_name, kept, length, end = cut
    if len(target) > limits.target or end > _LEAST_LINE * limits.fields:
        return None
    request = RequestHead(method, target, 1, None, kept)
    request.host = host
    request.host_name = host_name
    request.length = length
    return request, end


def read_reply(data: bytes, method: bytes, limit: int) -> tuple[ReplyHead, int] | None:
    """A reply to a request of that method, and where its head ends in `data`; None where the law must look at it.

    `limit`: bytes of a head.
    """
    cut = _cut_reply(data, limit)
    if cut is None:
        return None
    status, reason, kept, length, has_date, end = cut
    if status == 204:
        return None
    reply = ReplyHead(status, reason, 1, None, kept)
    reply.length = length
    if method == b"HEAD" or status == 304:
        reply.has_body = False
    reply.has_date = has_date
    return reply, end
