"""The pages people look at. They show; what changes something is in `forms.py`."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from aiohttp import web

from proxy.admin.asked_of import lookup
from proxy.admin.beside import beside
from proxy.admin.keys import room
from proxy.admin.orders import No, moves, slice_of
from proxy.admin.picture import picture
from proxy.admin.saying import failed, page
from proxy.admin.seen import SPANS, NotSeen, ignore_line

Status = dict[str, Any]
_USUAL_SPAN = "hour"
# Pairs of answers that a slice's page links to.
PAIRS_SHOWN = 30


async def overview(request: web.Request) -> web.StreamResponse:
    """Every slice as a card, and how much of the site has moved."""
    here = room(request)
    status = await here.told.status()
    if not status["ok"]:
        return await failed(request, 503, status["problems"])
    span = _span(request)
    moments = await here.seen.over_time(SPANS[span])
    moved, answered = sum(each.slice for each in moments), sum(each.slice + each.legacy for each in moments)
    said = SPANS[span].said
    if not answered:
        (moved, answered), said = moved_of(status), "since the proxy was started"
    return page(
        request, "overview.html", status=status, rows=status["slices"], moved=moved, answered=answered, said=said,
        picture=picture(moments), span=span, spans=SPANS,
    )  # fmt: skip


async def slice_page(request: web.Request) -> web.StreamResponse:
    """One slice: where it stands, how it differs, where it can go, where it has been."""
    here = room(request)
    status = await here.told.status()
    if not status["ok"]:
        return await failed(request, 503, status["problems"])
    try:
        row = slice_of(status, request.match_info["name"])
    except No as no:
        return await failed(request, 404, str(no))
    name, span = row["name"], _span(request)
    changes = await here.seen.changes(name)
    done = changes[0] if "done" in request.query and changes else None
    pairs = here.seen.findings.pairs(name)
    shown = {(pair.pattern, each.path): pair.number for pair in reversed(pairs) for each in pair.differences}
    problem: str | None = None
    found: Sequence[Any] = ()
    try:
        found = await here.seen.differences(name)
    except NotSeen as error:
        problem = str(error)
    return page(
        request, "slice.html", status=status, row=row, moves=moves(row), changes=changes, done=done,
        picture=picture(await here.seen.over_time(SPANS[span], name)), span=span, spans=SPANS,
        patterns=[(pattern, list(group)) for pattern, group in groupby(_by_pattern(found), lambda each: each.pattern)],
        pairs=pairs[:PAIRS_SHOWN], shown=shown, problem=problem, moment=moment, line=ignore_line,
    )  # fmt: skip


async def answers(request: web.Request) -> web.StreamResponse:
    """Both answers to one request, side by side."""
    number = request.match_info["number"]
    pair = room(request).seen.findings.pair(_number(number, 0))
    if pair is None or pair.slice != request.match_info["name"]:
        said = f"answers {number} are not kept any more: the last 200 are, until the keeper ends"
        return await failed(request, 404, said)
    rows, whole = await asyncio.to_thread(beside, pair.control, pair.candidate)
    return page(request, "answers.html", pair=pair, rows=rows, whole=whole, moment=moment)


async def routes(request: web.Request) -> web.StreamResponse:
    """The table in match order, and which line of it a request would hit."""
    status = await room(request).told.status()
    if not status["ok"]:
        return await failed(request, 503, status["problems"])
    query = request.query
    asked = {name: query.get(name, "") for name in ("method", "url", "headers")}
    asked["method"] = asked["method"].strip().upper() or "GET"
    search, name = query.get("search", "")[:200], query.get("slice", "")
    question: dict[str, object]
    explained = None
    if url := asked["url"].strip():
        lines = [line for line in asked["headers"].splitlines() if line.strip()]
        question = {"ask": "explain", "method": asked["method"], "url": url, "headers": lines}
        explained = await lookup(request, status, question)
    question = {"ask": "routes", "search": search, "slice": name, "page": _number(query.get("page"), 1)}
    table = await lookup(request, status, question)
    names = [each["name"] for each in status["slices"]]
    return page(
        request, "routes.html", status=status, table=table, asked=asked, explained=explained, search=search,
        slice=name, slices=names,
    )  # fmt: skip


async def health(request: web.Request) -> web.StreamResponse:
    """Backends, breakers, processes, generations, and what was dropped."""
    here = room(request)
    status = await here.told.status()
    if not status["ok"]:
        return await failed(request, 503, status["problems"])
    problems = [problem for problem in (await here.people.problem(), await here.seen.problem()) if problem]
    copies = list(status["backends"][0]["copies"]) if status["backends"] else []
    return page(request, "health.html", status=status, copies=copies, problems=problems, up=lasted(status["uptime"]))


def moved_of(status: Status) -> tuple[int, int]:
    """Hits that slices answered, and hits that anybody's backend answered."""
    moved = sum(row["hits"]["slice"] for row in status["slices"])
    return moved, moved + sum(row["hits"]["legacy"] for row in status["slices"]) + status["elsewhere"]["default"][
        "hits"
    ]


def lasted(seconds: float) -> str:
    """93784.0 -> 1 day 2 h; 754.2 -> 12 min."""
    minutes = int(seconds // 60)
    days, hours = minutes // 1440, minutes // 60 % 24
    if days:
        return f"{days} day{'s' * (days != 1)} {hours} h"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min" if minutes else f"{int(seconds)} s"


def moment(seconds: float) -> str:
    """Seconds since 1970 as ISO 8601 in UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _by_pattern(found: Any) -> list[Any]:
    """Grouped by pattern, that with the most first; within one the most frequent first, as they come."""
    most: dict[str, int] = {}
    for each in found:
        most[each.pattern] = max(most.get(each.pattern, 0), each.count)
    return sorted(found, key=lambda each: (-most[each.pattern], each.pattern, -each.count))


def _span(request: web.Request) -> str:
    asked = request.query.get("span", _USUAL_SPAN)
    return asked if asked in SPANS else _USUAL_SPAN


def _number(text: str | None, otherwise: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 12 else otherwise
