"""A request as a backend gets it that knows itself under another name: the public address becomes its own. Pure.

Foreign addresses stay foreign: a form that another site made a citizen send must still look like another site's.
"""

import re
from collections.abc import Sequence

from proxy.headers import Field
from proxy.translate.links import Turn, begins_with, turned
from proxy.translate.tags import if_match, if_none_match

# A part of a body cannot be translated, so no backend is asked for one.
_RANGES = frozenset((b"range", b"if-range"))
_GZIP = re.compile(rb"(?:^|,)[ \t]*(?:x-)?(?:gzip|\*)[ \t]*(?:;[ \t]*q=([0-9.]+)[ \t]*)?(?=,|$)", re.IGNORECASE)
# In a form's value: a blank, which no address has.
_BLANK = re.compile(rb"\+|%(?:20|09|0a|0d)", re.IGNORECASE)
_MAY_BE_ADDRESS = re.compile(rb"(?:https?|wss?)(?::|%3a)|/|%2f", re.IGNORECASE)


def origin_for_backend(fields: Sequence[Field], to_backend: Turn, to_citizen: Turn) -> list[Field]:
    """Origin and Referer: the public address becomes the backend's own, every other stays as it is.

    One that is the backend's own already came from a page that is not ours (whoever answers to that name where the
    citizen is), and would pass for the backend's own page: such an Origin becomes `null`, such a Referer is left out.
    """
    passed: list[Field] = []
    for name, value in fields:
        lower = name.lower()
        if lower not in (b"origin", b"referer"):
            passed.append((name, value))
        elif begins_with(value, to_backend):
            passed.append((name, turned(value, to_backend)))
        elif not begins_with(value, to_citizen):
            passed.append((name, value))
        elif lower == b"origin":
            passed.append((name, b"null"))
    return passed


def query_for_backend(text: bytes, to_backend: Turn) -> bytes:
    """A query or a urlencoded form: values that are an address, or a path that carries one.

    A value with a blank is somebody's text and stays as it is, whatever addresses are in it.
    """
    if not any(host in text.lower() for host, _ in to_backend.hosts):
        return text
    parts = []
    for part in text.split(b"&"):
        name, equals, value = part.partition(b"=")
        is_address = _MAY_BE_ADDRESS.match(value) and not _BLANK.search(value)
        parts.append(name + equals + (turned(value, to_backend) if is_address else value))
    return b"&".join(parts)


def is_form(fields: Sequence[Field]) -> bool:
    """Whether a body with this head is a urlencoded form that can be read."""
    kind = [value.partition(b";")[0].strip().lower() for name, value in fields if name.lower() == b"content-type"]
    return kind == [b"application/x-www-form-urlencoded"] and not any(
        name.lower() == b"content-encoding" for name, _ in fields
    )


def target_for_backend(target: bytes, to_backend: Turn) -> bytes:
    """A target, whose path stays as it is."""
    path, mark, query = target.partition(b"?")
    return path + mark + query_for_backend(query, to_backend) if mark else target


def whole_and_plain(fields: Sequence[Field]) -> list[Field]:
    """Fields for a backend whose bodies are translated: no ranges, its own ETags, no coding but gzip."""
    passed: list[Field] = []
    accepted: list[bytes] = []
    for name, value in fields:
        lower = name.lower()
        if lower == b"accept-encoding":
            accepted.append(value)
        elif lower == b"if-none-match":
            condition = if_none_match(value)
            if condition is not None:
                passed.append((name, condition))
        elif lower == b"if-match":
            passed.append((name, if_match(value)))
        elif lower not in _RANGES:
            passed.append((name, value))
    passed.append((b"Accept-Encoding", b"gzip" if takes_gzip(b",".join(accepted)) else b"identity"))
    return passed


def takes_gzip(accepted: bytes) -> bool:
    """Whether a citizen with that Accept-Encoding can read gzip (RFC 9110, 12.5.3)."""
    said = {found[0].strip(b", \t").partition(b";")[0].strip().lower(): found[1] for found in _GZIP.finditer(accepted)}
    for coding in (b"gzip", b"x-gzip", b"*"):
        if coding in said:
            return said[coding] is None or any(digit in b"123456789" for digit in said[coding])
    return False
