"""Replies as a test writes them, and their differences in one line each."""

from __future__ import annotations

from proxy.compare.compare import compare
from proxy.compare.values import USUAL, Comparing, Reply

NOW = "Wed, 25 Nov 2026 12:26:09 GMT"
LATER = "Wed, 25 Nov 2026 12:26:11 GMT"


def reply(
    body: str | bytes = b"", kind: str = "", *fields: tuple[str, str], status: int = 200, date: str = NOW
) -> Reply:
    said = [("date", date)] if date else []
    said += [("content-type", kind)] if kind else []
    raw = body.encode() if isinstance(body, str) else body
    return Reply(status, tuple((name.encode(), value.encode("latin-1")) for name, value in (*said, *fields)), raw)


def page(body: str | bytes, *fields: tuple[str, str], status: int = 200, date: str = NOW) -> Reply:
    return reply(body, "text/html; charset=utf-8", *fields, status=status, date=date)


def json(body: str | bytes, date: str = NOW) -> Reply:
    return reply(body, "application/json", date=date)


def told(control: Reply, candidate: Reply, comparing: Comparing = USUAL) -> list[str]:
    """`json:$.cost value 9.9 9.99`, one line a difference; both ways round, which must agree in what is there."""
    return [" ".join((d.path, d.kind, d.control, d.candidate)) for d in compare(control, candidate, comparing)]


def ignoring(*entries: str, keys: dict[str, str] | None = None) -> Comparing:
    return Comparing(ignore=entries, keys=tuple((keys or {}).items()))
