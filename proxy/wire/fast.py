"""Heads that are already as the proxy would write them, taken in whole by one pattern. Pure: bytes in, values out.

    read_request(b"GET /a?b HTTP/1.1\\r\\nHost: x\\r\\nAccept: */*\\r\\n\\r\\n", HeadLimits()) -> (a RequestHead, 46)

`proxy/wire/grammar.py` is the law; this file only recognises, by a narrower grammar, heads of which it knows what the
law would say, and gives None for every other. Nothing is made for a field: the lines that pass are cut out of the head
as they stand. A property holds both readings equal, and `--no-fast-path` serves without this file.
"""

import re
from collections.abc import Set

from proxy.generation import HeadLimits
from proxy.headers import SPECIAL_BEGINNINGS, SPECIAL_IN_REPLIES, SPECIAL_NAMES
from proxy.wire.heads import ReplyHead, RequestHead

_LETTERS = frozenset(b"abcdefghijklmnopqrstuvwxyz")


def _lines(names: Set[bytes], beginnings: Set[bytes] = frozenset(), but: bytes = b"") -> bytes:
    """A pattern for any number of lines that pass as they are: `Name: value`, with one space, and none at the end.

    None of them is called by one of `names`, or begins with one of `beginnings`, in any spelling but `but`. There is
    one way to match a line, or none; two would double the time with each line of a head that does not fit. The lines
    themselves are not repeated possessively: Python before 3.11.5 then finds no match where there is one (its issue
    106052).
    """
    firsts = {name[0] for name in (*names, *beginnings)}
    usual, unusual = bytes(sorted(_LETTERS - firsts)), bytes(sorted(firsts))
    special = b"|".join((*map(re.escape, sorted(names)), *(re.escape(each) + b"[a-z0-9-]*" for each in beginnings)))
    passed = rb"[0-9%b%b][A-Za-z0-9-]*+" % (usual, usual.upper())
    looked_at = rb"(?!(?i:%b):)[%b%b][A-Za-z0-9-]*+" % (special, unusual, unusual.upper())
    name = b"|".join((passed, looked_at, but) if but else (passed, looked_at))
    return rb"(?:(?:%b): [!-~][\t -~]*+(?<![\t ])\r\n)*" % name


_PASS = _lines(SPECIAL_NAMES, SPECIAL_BEGINNINGS)
_STAYS = rb"Connection: [Kk]eep-[Aa]live\r\n"
_REQUEST = re.compile(
    rb"(GET|HEAD|POST|PUT|DELETE|PATCH|OPTIONS) (/[!-\"$-~]*+) HTTP/1\.1\r\n"
    rb"Host: (([a-z0-9-]++(?:\.[a-z0-9-]++)*)(?::[0-9]{1,5})?)\r\n"
    rb"(%b)(?:%b(%b))?(?:Content-Length: ([0-9]{1,18})\r\n(%b)(?:%b(%b))?)?\r\n"
    % (_PASS, _STAYS, _PASS, _PASS, _STAYS, _PASS)
)

_REPLY_PASS = _lines(SPECIAL_IN_REPLIES, but=b"Date")
# What ends here or is written anew stands where the server put it, as most servers spell it.
_ENDS = rb"(?:Content-Length: ([0-9]{1,18})|Connection: [Kk]eep-[Aa]live|Keep-Alive: [!-~ ]++)\r\n"
_CUT = rb"(?:%b(%b))?" % (_ENDS, _REPLY_PASS)
_REPLY = re.compile(rb"HTTP/1\.1 ([2-5][0-9]{2}) ([!-~][\t -~]*+)\r\n(%b)%b\r\n" % (_REPLY_PASS, _CUT * 3))

# The shortest line is `a: b` and its end: a head of fewer bytes than that for each that may be cannot have too many.
_LEAST_LINE = 6


def read_request(data: bytes, limits: HeadLimits) -> tuple[RequestHead, int] | None:
    """A request and where its head ends in `data`; None where the law itself must look at it."""
    match = _REQUEST.match(data, 0, limits.head + 4)
    if match is None:
        return None
    end = match.end()
    method, target, host, host_name, kept, more, length, still_more, last = match.groups()
    if len(target) > limits.target or end > _LEAST_LINE * limits.fields:
        return None
    if length is not None:
        kept = b"".join((kept, more or b"", still_more, last or b""))
    elif more:
        kept = kept + more if kept else more
    request = RequestHead(method, target, 1, None, kept)
    request.host = host
    request.host_name = host_name
    if length is not None:
        request.length = int(length)
    return request, end


def read_reply(data: bytes, method: bytes, limit: int) -> tuple[ReplyHead, int] | None:
    """A reply to a request of that method, and where its head ends in `data`; None where the law must look at it.

    `limit`: bytes of a head.
    """
    match = _REPLY.match(data, 0, limit)
    if match is None:
        return None
    code, reason, kept, first, one, second, two, third, three = match.groups()
    length = first or second or third
    if length is None or (first and second) or ((first or second) and third):
        return None
    end = match.end()
    status = int(code)
    if status == 204:
        return None
    if one or two or three:
        kept = b"".join((kept, one, two or b"", three or b""))
    reply = ReplyHead(status, reason, 1, None, kept)
    reply.length = int(length)
    if method == b"HEAD" or status == 304:
        reply.has_body = False
    reply.has_date = data.find(b"\nDate: ", 0, end) >= 0
    return reply, end
