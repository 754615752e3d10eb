"""Whether what came through a proxy is what was sent, as the strict reference reader reads both sides. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tests.wire import reader
from tests.wire.reader import Bad, Message

_ABSOLUTE = re.compile(rb"(?i)https?://[^/?#]*")


def requests_in(data: bytes) -> list[Message]:
    """The requests that stand at the front of a citizen's bytes; it ends where they cannot be read further."""
    found: list[Message] = []
    at = 0
    while True:
        # 9112, 2.2: empty lines before a request line are skipped.
        while data.startswith(b"\r\n", at):
            at += 2
        try:
            message = reader.read_request(data, at)
        except Bad:
            return found
        if message is None:
            return found
        found.append(message)
        at += len(message.raw)


def origin_form(target: bytes) -> bytes:
    """The path and query of a target."""
    rest = _ABSOLUTE.sub(b"", target, count=1) if _ABSOLUTE.match(target) else target
    return rest if rest.startswith(b"/") or rest == b"*" else b"/" + rest


def _same(was: Message, is_now: Message) -> bool:
    return (was.method, origin_form(was.target), was.content) == (
        is_now.method,
        origin_form(is_now.target),
        is_now.content,
    )


def requests_disagree(sent: bytes, got: Sequence[Message]) -> str:
    """Why what the backend got is not, in its order, among what was sent; empty if it is.

    Among, because a request that has lost its token is seen, but not as one of these.
    """
    meant = requests_in(sent)
    left = iter(meant)
    for is_now in got:
        if not any(_same(was, is_now) for was in left):
            return f"{[each.raw[:160] for each in got]!r} out of {[each.raw[:160] for each in meant]!r}"
    return ""


def first_reply(data: bytes, method: bytes, *, ended: bool) -> Message | None:
    """The final reply at the front of a backend's bytes, if the strict reader can read it."""
    at = 0
    while True:
        try:
            message = reader.read_reply(data, at, method, ended=ended, forgiving=True)
        except Bad:
            return None
        if message is None or message.status >= 200 or message.status == 101:
            return message
        at += len(message.raw)


def replies_disagree(sent: bytes, method: bytes, *, ended: bool, got: Sequence[Message], was_cut: bool) -> str:
    """Why the citizen's replies are not what the backend sent, nor an error of the proxy's own; empty if they are."""
    if not got:
        return "" if was_cut else "no reply, and the connection was not cut"
    meant = first_reply(sent, method, ended=ended)
    own_error = got[0].status in (500, 502, 503, 504)
    if meant is None:
        return "" if own_error else f"a reply that cannot be read became {got[0].raw[:160]!r}"
    same = (meant.status, meant.content) == (got[0].status, got[0].content)
    return "" if same or own_error else f"{meant.status} {meant.content[:80]!r} became {got[0].raw[:160]!r}"
