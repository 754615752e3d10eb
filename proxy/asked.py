"""What of a request decides where it goes: read only as far as somebody asks. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from urllib.parse import unquote_to_bytes

# RFC 9110 section 9.2.1: "…the GET, HEAD, OPTIONS, and TRACE methods are defined to be safe."
SAFE = frozenset((b"GET", b"HEAD", b"OPTIONS", b"TRACE"))
# RFC 9110 section 9.2.2: "…PUT, DELETE, and safe request methods are idempotent."
IDEMPOTENT = SAFE | {b"PUT", b"DELETE"}
# What is held of a form to see whether it overrides its method: far more than any form but one with files.
FORM_LIMIT = 64 * 1024

_SEPARATOR = re.compile(rb"[&;]")
_METHOD_NAMED = re.compile(rb"(?:^|[&;])_method(?:=|&|;|$)")
_METHOD_PART = re.compile(rb"name=\"?_method(?:\"|;|\s|$)", re.IGNORECASE)
_URLENCODED, _MULTIPART = b"application/x-www-form-urlencoded", b"multipart/form-data"

Values = Mapping[bytes, bytes | None]


class Asked:
    """The head of a request. `host`: lower case, without port; `query` None: no question mark.

    `overrides`: a field names another method than the request line; `fields`: those that pass the proxy, in any
    spelling; `has_body`: content follows the head. A plain class whose readings are made when first asked for: one is
    made for every request, and most tables ask for none of them.
    """

    __slots__ = (
        "_cookies", "_fields", "_headers", "_parameters", "has_body", "host", "method", "overrides", "path", "query",
    )  # fmt: skip

    def __init__(
        self,
        method: bytes,
        path: bytes,
        query: bytes | None,
        host: bytes,
        overrides: bool = False,
        fields: Sequence[tuple[bytes, bytes]] = (),
        has_body: bool = False,
    ) -> None:
        self.method = method
        self.path = path
        self.query = query
        self.host = host
        self.overrides = overrides
        self._fields = fields
        self.has_body = has_body

    @property
    def fields(self) -> Sequence[tuple[bytes, bytes]]:
        """Name and value of each."""
        return self._fields

    @property
    def lines(self) -> bytes:
        """The same, each as `Name: value` and its end."""
        return b"".join([b"%b: %b\r\n" % field for field in self.fields])

    @property
    def target(self) -> bytes:
        """The raw target: path and query as they came."""
        return self.path if self.query is None else self.path + b"?" + self.query

    @property
    def overrides_method(self) -> bool:
        """Whether a field or the query names another method than the request line."""
        return self.overrides or (self.query is not None and _names_method(self.query))

    @property
    def is_safe(self) -> bool:
        """Safe by its method, and by what it says its method is."""
        return self.method in SAFE and not self.overrides_method

    @property
    def carries_form(self) -> bool:
        """Whether its body is a form, which may override the method too."""
        return self.has_body and self._media_type in (_URLENCODED, _MULTIPART)

    @property
    def _media_type(self) -> bytes:
        return self.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()

    # The readings. Where one name has several values that differ, servers disagree which counts (the first, the last,
    # both), so it has none here and no claim is met by it.

    @property
    def headers(self) -> Mapping[bytes, bytes]:
        """Values by name in lower case; the lines of one name are one list (RFC 9110, 5.3)."""
        try:
            return self._headers
        except AttributeError:
            found: dict[bytes, bytes] = {}
            for name, value in self.fields:
                lower = name.lower()
                found[lower] = found[lower] + b", " + value if lower in found else value
            self._headers: Mapping[bytes, bytes] = found
            return found

    @property
    def parameters(self) -> Values:
        """The query's parameters, decoded; None where they disagree (see the URL standard, section 5.1)."""
        try:
            return self._parameters
        except AttributeError:
            self._parameters: Values = _settled(_pairs(self.query or b""))
            return self._parameters

    @property
    def cookies(self) -> Values:
        """Cookies as they were sent (RFC 6265, 4.2.1); None where two of one name disagree."""
        try:
            return self._cookies
        except AttributeError:
            lines = (value for name, value in self.fields if name.lower() == b"cookie")
            pairs = (part.partition(b"=") for line in lines for part in line.split(b";"))
            self._cookies: Values = _settled((name.strip(b" \t"), value.strip(b" \t")) for name, _, value in pairs)
            return self._cookies


def _settled(pairs: Iterable[tuple[bytes, bytes]]) -> Values:
    found: dict[bytes, bytes | None] = {}
    for name, value in pairs:
        found[name] = value if found.get(name, value) == value else None
    return found


def _pairs(query: bytes) -> Iterator[tuple[bytes, bytes]]:
    for part in query.split(b"&"):
        if part:
            name, _, value = part.partition(b"=")
            yield _unescaped(name), _unescaped(value)


def _unescaped(text: bytes) -> bytes:
    return unquote_to_bytes(text.replace(b"+", b" "))


def _names_method(query: bytes) -> bool:
    """Whether a parameter is called `_method`, for those who cut at `;` as for those who do not."""
    if b"%" not in query:
        return b"_method" in query and _METHOD_NAMED.search(query) is not None
    return any(unquote_to_bytes(part.partition(b"=")[0]) == b"_method" for part in _SEPARATOR.split(query))


def target_overrides(target: bytes) -> bool:
    """Whether the query of a target names another method."""
    _, mark, query = target.partition(b"?")
    return bool(mark) and _names_method(query)


def form_overrides(asked: Asked, held: bytes, *, ended: bool) -> bool:
    """Whether the form that a request carries names another method.

    `held`: its body without framing, whole if `ended`, else its first FORM_LIMIT bytes. A urlencoded form that is
    longer is taken to name one, for the name may come last; of one in parts the beginning decides, or no file could
    ever be sent to a slice. An encoded body cannot be read, so it is taken to name one.
    """
    if asked.headers.get(b"content-encoding", b"identity").lower() != b"identity":
        return True
    if asked._media_type == _MULTIPART:
        return _METHOD_PART.search(held) is not None
    return not ended or _names_method(held)
