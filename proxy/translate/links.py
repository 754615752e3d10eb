"""Absolute addresses of one server, found in text and written as another's; the rest stays byte for byte. Pure.

    turn = Turn(hosts=((b"legacy.internal", ports_of(80)),), to=Place(b"https", b"www.anytown.gov.uk"))
    turned(b'<a href="http://legacy.internal/a">', turn) -> b'<a href="https://www.anytown.gov.uk/a">'

Found by the host, and judged by what stands before and after it: so a page without the host costs one search, and a
stream needs to hold back no more than the longest address.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from proxy.translate.place import Hosts, Place

# How a colon and a slash are spelled: as they are; escaped in JavaScript and JSON (once, or in a string within a
# string); percent-encoded (once, or in an address within an address); and as HTML's numeric references.
_COLON = rb"(?::|%(?:25)?3a|\\{1,3}u003a|&#x3a;|&#58;)"
_SLASH = rb"(?:\\{0,3}/|%(?:25)?2f|\\{1,3}u002f|&#x2f;|&#47;)"
# Bytes of an address before its host: the longest scheme, a colon, two slashes, and a name with a password.
_USERINFO = 64
_BEFORE_LIMIT = 5 + 8 + 2 * 8 + _USERINFO + 3 + 8
# Bytes after it that decide: a colon, a port, and what must not follow.
_AFTER_LIMIT = 8 + 5 + 8 + 2

# An address without a scheme begins where no word, path or other scheme goes on; `%22` and `\n` end with a letter and
# are no word.
_BEGINS = (
    rb"(?:(?<![\w.~%:/@\\-])|(?<=%[0-9a-f][0-9a-f])(?<!%3a)(?<!%2f)(?<!%5c)|(?<=\\[nrt])"
    rb"|(?<=u00[0-9a-f][0-9a-f])(?<!u003a)(?<!u002f)(?<!u005c))"
)
_NO_END = rb"%(?:25)?(?:2f|3f|23|40)"
_BEFORE = re.compile(
    rb"(?:(https?|wss?)(%b)|%b)(%b)%b(?:(?:(?!%b)[^\x00-\x20/?#@\"'<>\\]){1,%d}(?:@|%%40))?\Z"
    % (_COLON, _BEGINS, _SLASH, _SLASH, _NO_END, _USERINFO),
    re.IGNORECASE,
)
# Most addresses are plain, and this sees it at once.
_PLAIN = re.compile(rb"(https?|wss?)(:)(/)/\Z", re.IGNORECASE)
_PLAIN_LIMIT = 8
# The last byte before a host, in any spelling of a slash or an `@`.
_LAST = frozenset(b"/fF;@0")

_SECURE = frozenset((b"https", b"wss"))

# What follows is no more of a name or a port, and no `@`, which would make it a password to somewhere else.
_AFTER = re.compile(
    rb"(?:(%b)([0-9]{1,5})(?![0-9]))?(?!%b[0-9]|[\w-]|(?:\.|%%2e)[\w-]|@|%%40)" % (_COLON, _COLON), re.IGNORECASE
)


@dataclass(frozen=True)
class Turn:
    """Every address at one of `hosts` becomes one at `to`. `only`: the one scheme that counts, or any."""

    hosts: Hosts
    to: Place
    only: bytes | None = None

    @cached_property
    def spelled(self) -> Hosts:
        """The hosts, also as JavaScript's strict escaping spells the `-` in them."""
        return (*self.hosts, *((host.replace(b"-", rb"\u002d"), ports) for host, ports in self.hosts if b"-" in host))

    @cached_property
    def reach(self) -> int:
        """Bytes of the longest address that is looked for, with what must stand around it."""
        return _BEFORE_LIMIT + max((len(host) for host, _ in self.spelled), default=0) + _AFTER_LIMIT


Found = tuple[int, int, bytes]  # where an address begins, where it ends, and what it becomes


def turned(text: bytes, turn: Turn) -> bytes:
    """All of `text`."""
    lower = text.lower()
    for host, _ in turn.spelled:
        if host in lower:
            return LinkStream(turn).feed(text, last=True)
    return text


def begins_with(text: bytes, turn: Turn) -> bool:
    """Whether `text` is an address at one of the hosts, whatever follows."""
    found = next(_found(text, 0, len(text), turn), None)
    return found is not None and found[0] == 0


class LinkStream:
    """The same for a text that comes in pieces: what comes out is the same, however it was cut."""

    __slots__ = ("_given", "_held", "_reach", "_turn")

    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        self._reach = turn.reach
        self._held = b""
        self._given = 0  # bytes of _held that have been given out; they are kept for what stands before an address

    def feed(self, data: bytes, *, last: bool = False) -> bytes:
        """What is settled by now; everything, with the `last` piece."""
        text = self._held + data if self._held else data
        at = self._given
        out: list[bytes] = []
        for begin, end, instead in _found(text, at, len(text) if last else len(text) - _AFTER_LIMIT, self._turn):
            if begin >= at:
                out += (text[at:begin], instead)
                at = end
        safe = len(text) if last else max(at, len(text) - self._reach)
        out.append(text[at:safe])
        start = max(0, safe - _BEFORE_LIMIT)
        self._held, self._given = text[start:], safe - start
        return b"".join(out)


def _found(text: bytes, start: int, settled: int, turn: Turn) -> Iterator[Found]:
    """The addresses whose host begins at `start` or later and ends at `settled` or earlier, in their order."""
    lower = text.lower()
    hits: list[tuple[int, bytes, frozenset[int]]] = []
    for host, ports in turn.spelled:
        at = lower.find(host, start)
        while at >= 0 and at + len(host) <= settled:
            hits.append((at, host, ports))
            at = lower.find(host, at + len(host))
    for at, host, ports in sorted(hits, key=lambda hit: hit[0]):
        found = _judged(text, at, at + len(host), ports, turn)
        if found is not None:
            yield found


def _judged(text: bytes, begin: int, end: int, ports: frozenset[int], turn: Turn) -> Found | None:
    if begin == 0 or text[begin - 1] not in _LAST:
        return None
    before = _PLAIN.search(text, max(0, begin - _PLAIN_LIMIT), begin) or _BEFORE.search(
        text, max(0, begin - _BEFORE_LIMIT), begin
    )
    after = _AFTER.match(text, end)
    if before is None or after is None or int(after[2] or 0) not in ports:
        return None
    scheme = _scheme(before[1], turn)
    if scheme is None:
        return None
    to = turn.to
    port = (after[1] or before[2] or _colon_beside(before[3])) + b"%d" % to.port if to.port else b""
    return before.start(), after.end(), scheme + text[before.start() + len(before[1] or b"") : begin] + to.host + port


def _scheme(found: bytes | None, turn: Turn) -> bytes | None:
    """What stands in place of the scheme that was found; None if it is another's."""
    if found is None:
        return b""
    lower = found.lower()
    if turn.only is not None and (lower in _SECURE) is not (turn.only in _SECURE):
        return None
    if lower.startswith(b"ws"):
        return b"wss" if turn.to.scheme == b"https" else b"ws"
    return turn.to.scheme


def _colon_beside(slash: bytes) -> bytes:
    """A colon spelled as that slash is."""
    return {b"%2f": b"%3A", b"%252f": b"%253A"}.get(slash.lower(), b":")
