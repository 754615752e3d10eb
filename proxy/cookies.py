"""The citizen's cookies: which a backend may see, and what one says. Pure: the lines of a request in, bytes out.

Those of our own are for the proxy alone: a backend's cache that goes by cookies would have a page for each visitor.

kept_cookies(b"JSESSIONID=1; repairs_session=2", frozenset({b"repairs_session"})) -> b"repairs_session=2"
"""

from typing import Literal

_NAME = b"\ncookie: "
# Of our own: who the visitor is, and that it has written to legacy in a slice, whose name follows.
VISITOR, WROTE = b"fig_visitor", b"fig_wrote_"
_BEGINS = b"fig_"  # both of them
# Which a backend may see. Whom no slice moves its visitors for is not looked at for ours: None, all that there are.
Seen = frozenset[bytes] | Literal["all but ours"] | None


def is_ours(name: bytes) -> bool:
    """Whether a cookie of that name is the proxy's own."""
    return name == VISITOR or name.startswith(WROTE)


def kept_cookies(value: bytes, names: frozenset[bytes]) -> bytes | None:
    """Those of `value` that are called one of `names`, in their order and spelling; None if none is.

    Cut at every `;`, as browsers and RFC 6265 (4.2.1) do: what a quoted value hides behind one counts by its own name.
    """
    kept = [pair for pair in value.split(b";") if pair.partition(b"=")[0].strip(b" \t") in names] if names else None
    return b"; ".join([pair.strip(b" \t") for pair in kept]) if kept else None


def seen_by(lines: bytes, cookies: Seen) -> bytes:
    """The lines of a request as a backend gets them that may see these cookies; a Cookie without any is left out."""
    if cookies is None:
        return lines
    return without_ours(lines) if cookies == "all but ours" else without_others(lines, cookies)


def without_ours(lines: bytes) -> bytes:
    """The lines of a request without the proxy's own cookies; those of others stay as they are."""
    parts, done = [], 0
    at = lines.find(_BEGINS)
    while at >= 0:
        start, end = lines.rfind(b"\n", 0, at) + 1, lines.index(b"\r\n", at)
        value = start + len(_NAME) - 1
        if lines[start:value].lower() == _NAME[1:]:
            pairs = lines[value:end].split(b";")
            kept = [pair for pair in pairs if _BEGINS not in pair or not is_ours(pair.partition(b"=")[0].strip(b" \t"))]
            parts.append(lines[done:start])
            if kept:
                parts += (lines[start:value], b";".join(kept).lstrip(b" \t"), b"\r\n")
            done = end + 2
        at = lines.find(_BEGINS, end)
    return b"".join((*parts, lines[done:])) if parts else lines


def without_others(lines: bytes, names: frozenset[bytes]) -> bytes:
    """The lines of a request with these cookies alone."""
    lower = b"\n" + lines.lower()  # a byte longer, so that every name follows a line's end
    at = lower.find(_NAME)
    if at < 0:
        return lines
    parts, done = [], 0
    while at >= 0:
        value = at + len(_NAME) - 1
        end = lines.index(b"\r\n", value)
        parts.append(lines[done:at])
        kept = kept_cookies(lines[value:end], names)
        if kept is not None:
            parts += (lines[at:value], kept, b"\r\n")
        done = end + 2
        at = lower.find(_NAME, done)
    parts.append(lines[done:])
    return b"".join(parts)


def first_cookie(lines: bytes, name: bytes) -> bytes | None:
    """The value of the first cookie of that name in the lines of a request; None if there is none.

    The first of several: browsers send the one that was set for the longer path, or earlier, before the others.
    """
    sought = name + b"="
    at = lines.find(sought)
    while at >= 0:
        start = lines.rfind(b"\n", 0, at) + 1
        value = start + len(_NAME) - 1
        if lines[start:value].lower() == _NAME[1:] and (at == value or lines[value:at].rstrip(b" \t").endswith(b";")):
            return lines[at + len(sought) : lines.index(b"\r\n", at)].partition(b";")[0].strip(b" \t")
        at = lines.find(sought, at + 1)
    return None
