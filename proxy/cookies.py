"""Which of the citizen's cookies a backend may see. Pure: the value of a Cookie field in, what is left of it out.

kept_cookies(b"JSESSIONID=1; repairs_session=2", frozenset({b"repairs_session"})) -> b"repairs_session=2"
"""

import re

_LINE = re.compile(rb"^(cookie): ([^\r]*)\r\n", re.IGNORECASE | re.MULTILINE)


def kept_cookies(value: bytes, names: frozenset[bytes]) -> bytes | None:
    """Those of `value` that are called one of `names`, in their order and spelling; None if none is.

    Cut at every `;`, as browsers and RFC 6265 (4.2.1) do: what a quoted value hides behind one counts by its own name.
    """
    kept = [pair for pair in value.split(b";") if pair.partition(b"=")[0].strip(b" \t") in names] if names else None
    return b"; ".join([pair.strip(b" \t") for pair in kept]) if kept else None


def without_others(lines: bytes, names: frozenset[bytes]) -> bytes:
    """The lines of a request as a backend gets them that may see these cookies; a Cookie without any is left out."""
    return _LINE.sub(lambda line: _kept_line(line, names), lines)


def _kept_line(line: re.Match[bytes], names: frozenset[bytes]) -> bytes:
    kept = kept_cookies(line[2], names)
    return b"%b: %b\r\n" % (line[1], kept) if kept is not None else b""
