"""A reply's fields as the citizen may see them: the backend's own address becomes the public one. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from proxy.claims import Pattern
from proxy.headers import Field
from proxy.translate.links import Turn, turned
from proxy.translate.place import Place

_LOCATIONS = frozenset((b"location", b"content-location"))
# These name hosts without a scheme too.
_POLICIES = frozenset(
    (b"content-security-policy", b"content-security-policy-report-only", b"x-content-security-policy")
)
# RFC 7838: names another host or port for the same site, past the proxy.
_DROPPED = frozenset((b"alt-svc",))

_ADDRESS = re.compile(rb"((?:[a-z][a-z0-9+.-]*:)?//[^/?#]*)?(/[^?#]*)?(.*)", re.IGNORECASE | re.DOTALL)
_ATTRIBUTE = re.compile(rb"([ \t]*)(domain|path)([ \t]*=[ \t]*)(.*?)([ \t]*)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A route's `rewrite:` as it was applied: what the backend is asked for as `inner` is public as `outer`."""

    inner: Pattern
    outer: Pattern

    def back(self, path: bytes) -> bytes | None:
        """The public path of one that lies under `inner`; None for others."""
        inner = self.inner
        if path == inner.path or (inner.is_prefix and path.startswith(inner.path + b"/")):
            return inner.replace(path, self.outer)
        return None

    def cookie_path(self, path: bytes) -> bytes:
        """The Path of a cookie: under `inner` the public one; above it the whole site, or it would never come back."""
        found = self.back(path.rstrip(b"/") or b"/")
        if found is not None:
            return found.rstrip(b"/") or b"/"
        above = path == b"/" or self.inner.path == path or self.inner.path.startswith(path.rstrip(b"/") + b"/")
        return b"/" if above else path


def for_citizen(fields: Sequence[Field], turn: Turn, rewritten: Rewritten | None = None) -> list[Field]:
    """The fields of any reply, interim ones too."""
    passed: list[Field] = []
    for name, value in fields:
        lower = name.lower()
        if lower == b"set-cookie":
            passed.append((name, _cookie(value, turn, rewritten)))
        elif lower in _LOCATIONS:
            passed.append((name, _location(turned(value, turn), turn.to, rewritten)))
        elif lower in _POLICIES:
            passed.append((name, _policy(turned(value, turn), turn)))
        elif lower not in _DROPPED:
            passed.append((name, turned(value, turn)))
    return passed


def _location(value: bytes, public: Place, rewritten: Rewritten | None) -> bytes:
    """An address on the public side whose path may still be the backend's."""
    parts = _ADDRESS.fullmatch(value)
    if rewritten is None or parts is None or parts[2] is None:
        return value
    if parts[1] is not None and parts[1].lower() not in (public.origin, b"//" + public.authority):
        return value
    path = rewritten.back(parts[2])
    return value if path is None else (parts[1] or b"") + path + parts[3]


def _policy(value: bytes, turn: Turn) -> bytes:
    """CSP: sources that are a bare host, with or without a port and a path."""

    def instead(found: "re.Match[bytes]") -> bytes:
        ports = dict(turn.hosts).get(found[1].lower())
        if ports is None:
            return found[0]
        if found[2] == b":*":
            return turn.to.host + found[2]
        return turn.to.authority if int((found[2] or b":0")[1:]) in ports else found[0]

    return _SOURCE.sub(instead, value)


_SOURCE = re.compile(rb"(?<![^\s;,])(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+)(:(?:[0-9]{1,5}|\*))?(?=[\s;,/]|\Z)")


def _cookie(value: bytes, turn: Turn, rewritten: Rewritten | None) -> bytes:
    """RFC 6265, 4.1: Domain and Path as the citizen's browser knows them; everything else as it is."""
    pair, *attributes = value.split(b";")
    kept = [pair]
    for attribute in attributes:
        parts = _ATTRIBUTE.fullmatch(attribute)
        if parts is None:
            kept.append(attribute)
            continue
        new = _domain(parts[4], turn) if parts[2].lower() == b"domain" else _path(parts[4], rewritten)
        if new is not None:
            kept.append(b"%b%b%b%b%b" % (parts[1], parts[2], parts[3], new, parts[5]))
    return b";".join(kept)


def _domain(value: bytes, turn: Turn) -> bytes | None:
    """The public name for the backend's own; None, for this host alone, for a domain that the backend's own lies in."""
    domain = value.lower().removeprefix(b".")
    own = [host for host, _ in turn.hosts]
    if domain in own:
        return turn.to.host
    is_above = domain != b"" and any(host.endswith(b"." + domain) for host in own)
    public_too = turn.to.host == domain or turn.to.host.endswith(b"." + domain)
    return None if is_above and not public_too else value


def _path(value: bytes, rewritten: Rewritten | None) -> bytes:
    return value if rewritten is None or not value.startswith(b"/") else rewritten.cookie_path(value)
