"""Canonical heads, cut by patterns: what passes, in one piece, and what decides. Pure: bytes in, tuples out.

    cut_request(b"GET /a?b HTTP/1.1\\r\\nHost: x\\r\\nAccept: x\\r\\n\\r\\n", 65540)
        -> (b"GET", b"/a?b", b"x", b"x", b"Accept: x\\r\\n", None, 44)

`proxy/wire/_cut.c` does the same where it is built, faster; this is its measure, and serves where it is not.
"""

import re
from collections.abc import Set

from proxy.headers import SPECIAL_BEGINNINGS, SPECIAL_IN_REPLIES, SPECIAL_NAMES

# Method, target, host with its port, host without, the lines that pass, Content-Length, where the head ends.
CutRequest = tuple[bytes, bytes, bytes, bytes, bytes, int | None, int]
# Status, reason, the lines that pass, Content-Length, whether there is a date among them, where the head ends.
CutReply = tuple[int, bytes, bytes, int, bool, int]

_LETTERS = frozenset(b"abcdefghijklmnopqrstuvwxyz")


def _lines(names: Set[bytes], beginnings: Set[bytes] = frozenset(), but: bytes = b"") -> bytes:
    """A pattern for any number of lines that pass as they are: `Name: value`, with one space, and none at the end.

    None of them is called by one of `names`, or begins with one of `beginnings`, in any spelling but `but`. There is
    one way to match a line, or none; two would double the time with each line of a head that does not fit. The lines
    themselves are not repeated possessively: Python before 3.11.5 then finds no match where there is one (its issue
    106052). A name is looked at by its first letter, and a value is of one range: whatever is special elsewhere costs
    a line nothing.
    """
    rests: dict[bytes, list[bytes]] = {}  # of what is special, by its first letter
    for name in sorted(names | beginnings):
        rests.setdefault(name[:1], []).append(re.escape(name[1:]) + (b"" if name in beginnings else b":"))
    usual = bytes(sorted(_LETTERS - {first[0] for first in rests}))
    firsts = [rb"[0-9%b%b]" % (usual, usual.upper())]
    firsts += [rb"[%b%b](?!(?i:%b))" % (first, first.upper(), b"|".join(rest)) for first, rest in rests.items()]
    starts = rb"(?:%b)[A-Za-z0-9-]*+" % b"|".join(firsts)
    return rb"(?:%b: [!-~][ -~]*+(?<! )\r\n)*" % (rb"(?:%b|%b)" % (starts, but) if but else starts)


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
_STATUSES = {b"%d" % status: status for status in range(200, 600)}  # found sooner than read
_REPLY = re.compile(rb"HTTP/1\.1 ([2-5][0-9]{2}) ([!-~][ -~]*+)\r\n(%b)%b\r\n" % (_REPLY_PASS, _CUT * 3))


def cut_request(data: bytes, most: int) -> CutRequest | None:
    """The parts of the canonical head that `data` begins with, within its first `most` bytes; else None."""
    match = _REQUEST.match(data, 0, most)
    if match is None:
        return None
    method, target, host, host_name, kept, more, length, still_more, last = match.groups()
    if length is not None:
        kept = b"".join((kept, more or b"", still_more, last or b""))
    elif more:
        kept = kept + more if kept else more
    return method, target, host, host_name, kept, None if length is None else int(length), match.end()


def cut_reply(data: bytes, most: int) -> CutReply | None:
    """The same of a reply, of which the length must be said."""
    match = _REPLY.match(data, 0, most)
    if match is None:
        return None
    code, reason, kept, first, one, second, two, third, three = match.groups()
    length = first or second or third
    if length is None or (first and second) or ((first or second) and third):
        return None
    end = match.end()
    if one or two or three:
        kept = b"".join((kept, one, two or b"", three or b""))
    return _STATUSES[code], reason, kept, int(length), data.find(b"\nDate: ", 0, end) >= 0, end
