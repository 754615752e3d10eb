"""What a cache may do with an answer that the next visitor may get from another side. Pure: lines in, lines out.

kept_apart(b"Cache-Control: public, max-age=60\\r\\n") -> b"Cache-Control: max-age=60\\r\\nVary: Cookie\\r\\n"
"""

import re

# RFC 9111 section 5.2: "Cache-Control = #cache-directive"; a comma inside of quotes ends none. A quote that is never
# closed is a letter like others.
_DIRECTIVE = re.compile(rb"(?:[^,\"]++|\"(?:[^\"\\]|\\.)*+\"|\")++")
# RFC 9111 section 5.2.2.9: "The public response directive indicates that a cache MAY store the response…"
# RFC 9111 section 5.2.2.10: "The s-maxage response directive indicates that, for a shared cache, the maximum age…"
_FOR_SHARED = frozenset((b"public", b"s-maxage"))


def kept_apart(lines: bytes) -> bytes:
    """The lines of an answer to a GET or HEAD: a cache keeps it for those alone who sent the same cookies."""
    if not _says_anything(lines):
        return lines + b"Vary: Cookie\r\n"
    kept, directives, varies = _taken_apart(lines)
    # RFC 9111 section 5.2.2.5: "…a cache MUST NOT store any part of either the immediate request or the response…"
    if b"no-store" in map(_name, directives):
        return lines
    return kept % _control(directives) + (b"" if varies else b"Vary: Cookie\r\n")


def kept_private(lines: bytes) -> bytes:
    """The lines of an answer that sets a cookie of ours: only the browser it is for keeps it."""
    if not _says_anything(lines):
        return lines + b"Cache-Control: private\r\n"
    kept, directives, _ = _taken_apart(lines)
    # With a value it names fields, and says nothing of the rest: RFC 9111 section 5.2.2.7.
    if not any(each.lower() == b"private" for each in directives):
        directives.append(b"private")
    return kept % _control(directives)


def _says_anything(lines: bytes) -> bool:
    lower = b"\n" + lines.lower()
    return b"cache-control:" in lower or b"\nvary:" in lower or b"\nsurrogate-control:" in lower


def _taken_apart(lines: bytes) -> tuple[bytes, list[bytes], bool]:
    """The lines with a `%b` for what is said to caches, what that was, and whether the answer varies by cookie.

    What only caches at the edge listen to (RFC 9213: `CDN-Cache-Control` and kin) would overrule it, and is left out.
    """
    parts: list[bytes] = []
    said: list[bytes] = []
    varies = False
    for line in lines.split(b"\r\n")[:-1]:
        name, _, value = line.partition(b":")
        lower = name.lower()
        if lower == b"cache-control":
            parts += [] if said else [b"%b"]
            said.append(value)
        elif lower != b"surrogate-control" and not lower.endswith(b"-cache-control"):
            if lower == b"vary":
                varies = varies or not {b"*", b"cookie"}.isdisjoint(each.strip() for each in value.lower().split(b","))
            parts.append(line.replace(b"%", b"%%") + b"\r\n")
    if not said:
        parts.append(b"%b")
    directives = [part for each in _DIRECTIVE.findall(b",".join(said)) if (part := each.strip(b" \t"))]
    return b"".join(parts), directives, varies


def _name(directive: bytes) -> bytes:
    return directive.partition(b"=")[0].strip(b" \t").lower()


def _control(directives: list[bytes]) -> bytes:
    value = b", ".join(each for each in directives if _name(each) not in _FOR_SHARED)
    return b"Cache-Control: " + value + b"\r\n" if value else b""
