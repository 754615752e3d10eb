"""How a request's path may be read: the form it is matched in, beside every other form a server might make of it.

    read_path(b"/a/./b%7Ec", PathRules()) -> Readings(canonical=b"/a/b~c", others=(b"/a/./b~c",))

Pure. Two servers may take `/a//b`, `/a/../b`, `/a%2Fb`, `/a%5Cb` or `/a;x/b` for different resources (RFC 3986,
sections 3.3 and 6.2.2; CVE-2018-1323 and its many kin), so each such spelling has several readings and the caller
matches them all.
"""

import re
from dataclasses import dataclass
from itertools import product

# One reading only: no escape, no parameter, no empty segment but the last, none that begins with a dot, no byte beyond
# ASCII.
_PLAIN = re.compile(rb"(?:/[\w~!$&'()*+,=:@|\[\]^`{}\"<>-][\w.~!$&'()*+,=:@|\[\]^`{}\"<>-]*)+/?|/", re.ASCII)
_CONTROL = re.compile(rb"[\x00-\x20\x7f]")
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})?")
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_PARAMETER = re.compile(rb";[^/]*")
_DOTS_WITH_PARAMETER = re.compile(rb"/\.{1,2};")
_SLASHES = re.compile(rb"//+")
_ENCODED_SLASH = re.compile(rb"%2F")
_ENCODED_BACKSLASH = re.compile(rb"%5C")
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]")


@dataclass(frozen=True, slots=True)
class PathRules:
    """How the legacy reads paths (`paths:` of routes.yaml)."""

    case_sensitive: bool = True
    strip_params: bool = True


@dataclass(slots=True)
class Readings:
    """`canonical`: the form that is matched and that a slice receives; `others`: what else a server could make of it.

    Not frozen: one is made for every request, and freezing trebles what that takes.
    """

    canonical: bytes
    others: tuple[bytes, ...] = ()

    def folded(self) -> "Readings":
        """The same in ASCII lower case, for a legacy that does not mind case."""
        return Readings(fold_case(self.canonical), tuple(fold_case(other) for other in self.others))


@dataclass(frozen=True, slots=True)
class BadPath:
    """Refused with 400: no two servers would agree on what it names."""

    why: str


def read_path(path: bytes, rules: PathRules) -> Readings | BadPath:
    """The readings of a raw request path, without its query.

    >>> read_path(b"/r/%41", PathRules())
    Readings(canonical=b'/r/A', others=())
    """
    if _PLAIN.fullmatch(path):
        return Readings(path)
    if not path.startswith(b"/"):
        return BadPath("the path does not begin with a slash")
    if _CONTROL.search(path):
        return BadPath("a control byte or a blank in the path")
    if b"\\" in path:
        return BadPath("a raw backslash in the path")
    if b"#" in path:
        return BadPath("a raw # in the path")
    decoded = _decode(path)
    if isinstance(decoded, BadPath):
        return decoded
    return _all_readings(decoded, rules)


def _decode(path: bytes) -> bytes | BadPath:
    """Escapes of unreserved characters decoded, the others in upper case (RFC 3986, 6.2.2.1 and 6.2.2.2)."""
    for escape in _ESCAPE.finditer(path):
        if escape[1] is None:
            return BadPath("a bad percent-encoding in the path")
        if escape[1] == b"00":
            return BadPath("a NUL in the path")
    escaped = _BEYOND_ASCII.sub(lambda raw: b"%%%02X" % raw[0][0], path)
    return _ESCAPE.sub(_unescape, escaped)


def _unescape(escape: re.Match[bytes]) -> bytes:
    value = int(escape[1], 16)
    return bytes((value,)) if value in _UNRESERVED else escape[0].upper()


def _all_readings(path: bytes, rules: PathRules) -> Readings:
    """Every combination of what a server may do to `path`; the canonical one does all but decode slashes."""
    canonical = _apply(path, params=rules.strip_params, slash=False, backslash=False, merge=True, dots=True)
    # Where the council has said that parameters do not count, they are one reading; `..;` is read both ways all the
    # same, for it is what hides a dot segment from one of two servers.
    settled = rules.strip_params and not _DOTS_WITH_PARAMETER.search(path)
    params_may = (rules.strip_params,) if settled or b";" not in path else (True, False)
    slash_may = (True, False) if b"%2F" in path else (False,)
    backslash_may = (True, False) if b"%5C" in path else (False,)
    found = {
        _apply(path, params=params, slash=slash, backslash=backslash, merge=merge, dots=dots)
        for params, slash, backslash in product(params_may, slash_may, backslash_may)
        for merge, dots in product((True, False), repeat=2)
    }
    found.discard(canonical)
    return Readings(canonical, tuple(sorted(found)))


def _apply(path: bytes, *, params: bool, slash: bool, backslash: bool, merge: bool, dots: bool) -> bytes:
    if backslash:
        path = _ENCODED_BACKSLASH.sub(b"/", path)
    if slash:
        path = _ENCODED_SLASH.sub(b"/", path)
    if params:
        path = _PARAMETER.sub(b"", path)
    if merge:
        path = _SLASHES.sub(b"/", path)
    if dots:
        path = remove_dot_segments(path)
        if merge:
            path = _SLASHES.sub(b"/", path)
    return path or b"/"


def remove_dot_segments(path: bytes) -> bytes:
    """RFC 3986, section 5.2.4, on an absolute path.

    >>> remove_dot_segments(b"/a/b/../c/.")
    b'/a/c/'
    """
    kept: list[bytes] = []
    segments = path.split(b"/")[1:]
    for segment in segments:
        if segment == b"..":
            if kept:
                kept.pop()
        elif segment != b".":
            kept.append(segment)
    if segments[-1] in (b".", b".."):
        kept.append(b"")
    return b"/" + b"/".join(kept)


def fold_case(path: bytes) -> bytes:
    """ASCII lower case, of the same length; escapes keep their upper case."""
    return _ESCAPE.sub(lambda escape: escape[0].upper(), path.lower())
