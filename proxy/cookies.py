"""The citizen's cookies: which a backend may see, and what one says. Pure: the lines of a request in, bytes out.

kept_cookies(b"JSESSIONID=1; repairs_session=2", frozenset({b"repairs_session"})) -> b"repairs_session=2"
"""

_NAME = b"\ncookie: "


def kept_cookies(value: bytes, names: frozenset[bytes]) -> bytes | None:
    """Those of `value` that are called one of `names`, in their order and spelling; None if none is.

    Cut at every `;`, as browsers and RFC 6265 (4.2.1) do: what a quoted value hides behind one counts by its own name.
    """
    kept = [pair for pair in value.split(b";") if pair.partition(b"=")[0].strip(b" \t") in names] if names else None
    return b"; ".join([pair.strip(b" \t") for pair in kept]) if kept else None


def without_others(lines: bytes, names: frozenset[bytes]) -> bytes:
    """The lines of a request as a backend gets them that may see these cookies; a Cookie without any is left out."""
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
