"""One line of the access log: what became of one request, as JSON or in the combined format. Pure.

A citizen's bytes are shown so that none of them can end a value or a line: whatever is not a plain character of ASCII
is escaped, and what is long is cut, so that every line is whole and shorter than LINE_LIMIT.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal

from proxy.claims import Route
from proxy.headers import Field
from proxy.plan import DEFAULT_SERIES, Answer, Forward
from proxy.trace import request_id_of, span_of, trace_of

Outcome = Literal["whole", "cut", "refused", "own"]

# Bytes of a line: what the kernel writes to a pipe in one piece (PIPE_BUF, pipe(7)), so that lines of workers that
# share one do not mix.
LINE_LIMIT = 4096
# Bytes of a value as it is shown; the target has the most, for it says what was asked.
TARGET_LIMIT, FIELD_LIMIT, NAME_LIMIT = 2048, 512, 150
_CUT = b"..."

_PLAIN = re.compile(rb"[ !#-\[\]-~]*")
_NOT_PLAIN = re.compile(rb"[^ !#-\[\]-~]")
# The end of an escaped value, where a cut went through an escape.
_TORN = re.compile(rb"\\(?:u[0-9a-f]{0,3}|x[0-9a-f]?)?$")
_JSON_ESCAPE, _COMBINED_ESCAPE = b"\\u%04x", b"\\x%02x"


class Entry:
    """A request as its line tells of it. `trace`: the lines that name it (see proxy/trace.py).

    `fields`: those of its head. A plain class: one is made for every request that is logged.
    """

    __slots__ = ("client", "fields", "host", "method", "minor", "target", "trace")

    def __init__(
        self,
        client: bytes,
        method: bytes,
        target: bytes,
        host: bytes,
        minor: int,
        trace: bytes,
        fields: Sequence[Field],
    ) -> None:
        self.client = client
        self.method = method
        self.target = target
        self.host = host
        self.minor = minor
        self.trace = trace
        self.fields = fields


def shown(value: bytes, limit: int, escape: bytes = _JSON_ESCAPE) -> bytes:
    """A value as it may stand between quotes; one that was cut ends in `...`.

    >>> shown(b'/a?b="c', 100)
    b'/a?b=\\\\u0022c'
    """
    if len(value) <= limit and _PLAIN.fullmatch(value):
        return value
    text = _NOT_PLAIN.sub(lambda found: escape % found[0][0], value[: limit + 1])
    return text if len(text) <= limit else _TORN.sub(b"", text[: limit - len(_CUT)]) + _CUT


def where_json(plan: Forward | Answer | None, address: str) -> bytes:
    """Slice, side, backend, stage and route of a plan, and the `address` it leads to, as members of a JSON object."""
    claim = plan.claim if plan is not None else None
    route = claim.leads_to if claim is not None and isinstance(claim.leads_to, Route) else None
    backend = plan.backend if isinstance(plan, Forward) else None
    side = "proxy"
    if isinstance(plan, Forward):
        side = "legacy" if claim is None or plan.series in (claim.series, DEFAULT_SERIES) else "slice"
    members = {
        "slice": route.slice if route else None,
        "side": side,
        "backend": backend,
        "stage": str(route.stage) if route else None,
        "route": str(claim) if claim else None,
        "address": address or None,
    }
    return b",".join(b'"%b":%b' % (name.encode(), _text(value)) for name, value in members.items())


def _text(value: str | None) -> bytes:
    return b"null" if value is None else b'"%b"' % shown(value.encode(), NAME_LIMIT)


NOWHERE = where_json(None, "")
_JSON = (
    b'{"time":"%b.%03dZ","id":"%b","trace":"%b","span":"%b","client":"%b","method":"%b","host":"%b","target":"%b",'
    b'"status":%b,"bytes":%d,"seconds":%.6f,%b,"outcome":"%b"}\n'
)


def json_line(
    entry: Entry, began: float, status: int, size: int, seconds: float, outcome: Outcome, where: bytes
) -> bytes:
    """A JSON object. `began`: seconds since 1970; `status` 0: the citizen left before there was one.

    `where`: from `where_json`.
    """
    second = int(began)
    trace, client, method, host, target = entry.trace, entry.client, entry.method, entry.host, entry.target
    names = client + method + host
    if len(names) > NAME_LIMIT or len(target) > TARGET_LIMIT or _PLAIN.fullmatch(names + target) is None:
        client, method, host = (shown(name, NAME_LIMIT) for name in (client, method, host))
        target = shown(target, TARGET_LIMIT)
    return _JSON % (
        _iso(second),
        (began - second) * 1000,
        request_id_of(trace),
        trace_of(trace),
        span_of(trace),
        client,
        method,
        host,
        target,
        b"%d" % status if status else b"null",
        size,
        seconds,
        where,
        outcome.encode(),
    )


def combined_line(entry: Entry, began: float, status: int, size: int) -> bytes:
    """As Apache and nginx write it: client, time, request line, status, bytes, Referer and User-Agent."""
    referer = agent = b"-"
    for name, value in entry.fields:
        lower = name.lower()
        if lower == b"referer":
            referer = value
        elif lower == b"user-agent":
            agent = value
    line = b"%b %b HTTP/1.%d" % (entry.method, entry.target, entry.minor) if entry.method else b"-"
    return b'%b - - [%b] "%b" %b %d "%b" "%b"\n' % (
        shown(entry.client, NAME_LIMIT, _COMBINED_ESCAPE).replace(b" ", b"_"),
        _clf(int(began)),
        shown(line, TARGET_LIMIT, _COMBINED_ESCAPE),
        b"%d" % status if status else b"-",
        size,
        shown(referer, FIELD_LIMIT, _COMBINED_ESCAPE),
        shown(agent, FIELD_LIMIT, _COMBINED_ESCAPE),
    )


@lru_cache(64)
def _iso(second: int) -> bytes:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S").encode()


@lru_cache(64)
def _clf(second: int) -> bytes:
    return datetime.fromtimestamp(second, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000").encode()
