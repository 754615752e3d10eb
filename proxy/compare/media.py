"""What kind of body an answer says it has. Pure: its Content-Type in, one of a few kinds out."""

import re
from enum import StrEnum
from types import MappingProxyType

from proxy.compare.values import Reply


class Media(StrEnum):
    """How a body is compared."""

    JSON = "json"
    JSON_LINES = "json lines"
    HTML = "html"
    CSV = "csv"
    XML = "xml"
    TEXT = "text"
    BYTES = "bytes"


_BY_TYPE = MappingProxyType(
    {
        **dict.fromkeys(("application/json", "text/json"), Media.JSON),
        **dict.fromkeys(("application/x-ndjson", "application/jsonl", "application/json-lines"), Media.JSON_LINES),
        **dict.fromkeys(("application/ndjson", "application/x-jsonlines", "application/json-seq"), Media.JSON_LINES),
        **dict.fromkeys(("text/html", "application/xhtml+xml"), Media.HTML),
        **dict.fromkeys(("text/csv", "text/tab-separated-values", "application/csv"), Media.CSV),
        **dict.fromkeys(("application/xml", "text/xml"), Media.XML),
        **dict.fromkeys(("application/javascript", "application/x-www-form-urlencoded"), Media.TEXT),
    }
)
_PARAMETER = re.compile(r';\s*([\w!#$%&\'*+.^`|~-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;"\s]*))')


def content_type(reply: Reply) -> tuple[Media, str]:
    """The kind of body, and the charset its Content-Type names in lower case, or an empty one."""
    essence, parameters = type_and_parameters(field(reply, b"content-type"))
    return media_of(essence), dict(parameters).get("charset", "").lower()


def media_of(essence: str) -> Media:
    known = _BY_TYPE.get(essence)
    if known is not None:
        return known
    if essence.endswith("+json"):
        return Media.JSON
    if essence.endswith("+xml"):
        return Media.XML
    return Media.TEXT if essence.startswith("text/") else Media.BYTES


def type_and_parameters(value: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """`Text/HTML; Charset="utf-8"` -> `text/html`, `charset`: `utf-8`."""
    essence, _, _ = value.partition(";")
    found = _PARAMETER.finditer(value)
    parameters = [(match[1].lower(), match[2] if match[2] is not None else match[3]) for match in found]
    return essence.strip().lower(), tuple(sorted(parameters))


def field(reply: Reply, name: bytes) -> str:
    """The first of that name, or an empty one."""
    return next((value.decode("latin-1").strip() for each, value in reply.fields if each == name), "")
