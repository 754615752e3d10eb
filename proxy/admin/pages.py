"""The pages people look at: overview, slice, routes, health. They show; what changes something is in `forms.py`."""

import asyncio
from typing import Any

from aiohttp import web

from proxy.admin import history
from proxy.admin.asked_of import lookup
from proxy.admin.keys import room
from proxy.admin.orders import No, moves, slice_of
from proxy.admin.saying import failed, page

Status = dict[str, Any]
_SINCE_START = "since the proxy was started"


async def overview(request: web.Request) -> web.StreamResponse:
    """Every slice as a card, and how much of the site has moved."""
    status = await room(request).told.status()
    if not status["ok"]:
        return await failed(request, 503, status["problems"])
    moved, answered = moved_of(status)
    rows = status["slices"]
    return page(
        request, "overview.html", status=status, rows=rows, moved=moved, answered=answered, span=_SINCE_START,
        picture=None,
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
    changes = await asyncio.to_thread(history.read, here.home, row["name"])
    done = changes[0] if "done" in request.query and changes else None
    return page(
        request, "slice.html", status=status, row=row, moves=moves(row), changes=changes, done=done, span=_SINCE_START,
        picture=None,
    )  # fmt: skip


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
    question = {"ask": "routes", "search": search, "slice": name, "page": _number(query.get("page"))}
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
    problem = await here.people.problem()
    copies = list(status["backends"][0]["copies"]) if status["backends"] else []
    problems = [problem] if problem else []
    return page(request, "health.html", status=status, copies=copies, problems=problems, up=span(status["uptime"]))


def moved_of(status: Status) -> tuple[int, int]:
    """Hits that slices answered, and hits that anybody's backend answered."""
    moved = sum(row["hits"]["slice"] for row in status["slices"])
    return moved, moved + sum(row["hits"]["legacy"] for row in status["slices"]) + status["elsewhere"]["default"][
        "hits"
    ]


def span(seconds: float) -> str:
    """93784.0 -> 1 day 2 h; 754.2 -> 12 min."""
    minutes = int(seconds // 60)
    days, hours = minutes // 1440, minutes // 60 % 24
    if days:
        return f"{days} day{'s' * (days != 1)} {hours} h"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min" if minutes else f"{int(seconds)} s"


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 8 else 1
