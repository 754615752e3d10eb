"""ETags of bodies that are changed on their way: weak towards the citizen, as they were towards the backend. Pure.

    weakened(b'"v1"') -> b'W/"v1"', and if_none_match(b'W/"v1"') -> b'"v1"'
    weakened(b'W/"v1"') -> b'W/"v1~weak"', and if_none_match(b'W/"v1~weak"') -> b'W/"v1"'

A changed body is not byte for byte what the backend's strong tag stands for (RFC 9110, 8.8.1). But many backends
compare a tag as text, and If-Match compares strongly: so each tag comes back to its backend exactly as it gave it.
"""

import re

_TAG = re.compile(rb"(W/)?\"([\x21\x23-\x7e\x80-\xff]*)\"")
_WAS_WEAK = b"~weak"


def weakened(tag: bytes) -> bytes:
    """The value of ETag for the citizen; one that is none stays as it is."""
    parts = _TAG.fullmatch(tag)
    if parts is None:
        return tag
    return b'W/"%b%b"' % (parts[2], _WAS_WEAK if parts[1] else b"")


def if_match(condition: bytes) -> bytes:
    """The value of If-Match, a list of tags or `*`, for the backend."""
    return _TAG.sub(lambda parts: _original(parts) or parts[0], condition)


def if_none_match(condition: bytes) -> bytes | None:
    """The value of If-None-Match for the backend; None if nothing is left to ask.

    A strong tag was not given by us: what the citizen keeps under it was never translated, and must not be used on.
    """
    if condition == b"*":
        return condition
    tags = [tag for tag in map(_original, _TAG.finditer(condition)) if tag is not None]
    return b", ".join(tags) if tags else None


def _original(parts: "re.Match[bytes]") -> bytes | None:
    if not parts[1]:
        return None
    tag = parts[2].removesuffix(_WAS_WEAK)
    return b'W/"%b"' % tag if tag != parts[2] else b'"%b"' % tag
