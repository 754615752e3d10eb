"""Which fields of two answers are compared, and when their values say the same. Pure.

Those that change what a browser, a cache or a citizen does. Not: what each server says of itself or of this one answer
(Date, Server, ETag, Age, lengths, connections, request ids), nor what belongs to the way (compression, chunks).
"""

from collections.abc import Callable, Collection, Mapping

from proxy.compare.found import Found
from proxy.compare.media import type_and_parameters
from proxy.compare.sameness import Sameness
from proxy.compare.shapes import of_text
from proxy.compare.values import Kind, Reply

_Read = Callable[[str], str]


def _type(value: str) -> str:
    """Without the charset, which is seen in the text, and the boundary, which is drawn by lot."""
    essence, parameters = type_and_parameters(value)
    return "; ".join((essence, *(f"{name}={text}" for name, text in parameters if name not in ("charset", "boundary"))))


def _list(value: str) -> str:
    """`Max-Age=0, no-cache` -> `max-age=0, no-cache`, in one order."""
    return ", ".join(sorted({part.strip().lower() for part in value.split(",") if part.strip()}))


def _directives(value: str) -> str:
    """`default-src 'self'; img-src *` in one order, white space set right."""
    return "; ".join(sorted({" ".join(part.split()) for part in value.split(";") if part.strip()}))


def _word(value: str) -> str:
    return value.strip().lower()


def _as_it_is(value: str) -> str:
    return value.strip()


# Field, in lower case, and how its value is read before it is compared.
COMPARED: Mapping[str, _Read] = {
    "content-type": _type,
    "location": _as_it_is,
    "refresh": _as_it_is,
    "content-disposition": _as_it_is,
    "content-language": _list,
    "cache-control": _list,
    "www-authenticate": _as_it_is,
    "retry-after": _as_it_is,
    "allow": _list,
    "link": _as_it_is,
    "access-control-allow-origin": _as_it_is,
    "access-control-allow-credentials": _word,
    "access-control-allow-methods": _list,
    "access-control-allow-headers": _list,
    "access-control-expose-headers": _list,
    "access-control-max-age": _word,
    "strict-transport-security": _directives,
    "content-security-policy": _directives,
    "content-security-policy-report-only": _directives,
    "x-frame-options": _word,
    "x-content-type-options": _word,
    "referrer-policy": _list,
    "permissions-policy": _list,
    "cross-origin-opener-policy": _word,
    "cross-origin-embedder-policy": _word,
    "cross-origin-resource-policy": _word,
    "x-robots-tag": _list,
    "clear-site-data": _list,
}
_LINKS = frozenset({"location", "refresh"})


def compare_headers(
    control: Reply, candidate: Reply, same: Sameness, ignored: Collection[str], found: Found, only: str = ""
) -> None:
    """`only`: the one field that is compared."""
    mine, theirs = _compared(control, only), _compared(candidate, only)
    for name, read in COMPARED.items():
        if name in ignored or (name not in mine and name not in theirs):
            continue
        path = f"header:{name}"
        if name not in theirs:
            found.missing(path, of_text(mine[name]), mine[name])
        elif name not in mine:
            found.added(path, of_text(theirs[name]), theirs[name])
        else:
            one, other = read(mine[name]), read(theirs[name])
            if not (same.links(one, other) if name in _LINKS else same.texts(one, other)):
                found.add(path, Kind.VALUE, of_text(one), of_text(other), (mine[name], theirs[name]))


def _compared(reply: Reply, only: str) -> dict[str, str]:
    """Several fields of one name are one list (RFC 9110, 5.3)."""
    said: dict[str, str] = {}
    for name, value in reply.fields:
        text = name.decode("latin-1")
        if text in COMPARED and (not only or text == only):
            one = value.decode("latin-1")
            said[text] = f"{said[text]}, {one}" if text in said else one
    return said
