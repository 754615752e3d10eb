"""The admin pages: how the proxy stands, for people (`/`) and for programs (`/status.json`, `/metrics`).

They only show: nothing is changed here.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import jinja2
from aiohttp import web

from proxy.admin.metrics import STATUS_SECONDS, Scrapes
from proxy.control import Message, NotRunning, ask
from proxy.counters import Counters

LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]")
_SECURITY = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; frame-ancestors 'none'; form-action 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_HOME: web.AppKey[Path] = web.AppKey("home", Path)
_NAMES: web.AppKey[frozenset[str]] = web.AppKey("names", frozenset)
_FOLDER = Path(__file__).parent


def make_app(home: Path, address: str, port: int, counters: Counters) -> web.Application:
    """The application for the proxy that serves from `home`, bound to `address` and `port`."""
    app = web.Application(middlewares=[_guard])
    app[_HOME] = home
    host = f"[{address}]" if ":" in address else address
    app[_NAMES] = frozenset(f"{name}:{port}" for name in (*LOCAL_NAMES, host))
    app.add_routes(
        [
            web.get("/", _page),
            web.get("/status.json", _json),
            web.get("/metrics", Scrapes(home, counters).answer),
            web.get("/healthz", _health),
            web.get("/style.css", _style),
        ]
    )
    return app


@web.middleware
async def _guard(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    # A page elsewhere may make a browser send requests here under a name of its own (DNS rebinding).
    if not _is_ours(request):
        return web.Response(
            status=421,
            text="This address is not the admin's own; ask for it by its IP address and port.\n",
            headers=_SECURITY,
        )
    try:
        response = await handler(request)
    except web.HTTPException as error:
        error.headers.update(_SECURITY)
        raise
    response.headers.update(_SECURITY)
    return response


def _is_ours(request: web.Request) -> bool:
    """Whether the Host is one of the admin's names, or the very address that the connection was made to."""
    host = request.headers.get("Host", "").lower()
    reached = request.transport.get_extra_info("sockname") if request.transport else None
    if reached and host == (f"[{reached[0]}]:{reached[1]}" if ":" in reached[0] else f"{reached[0]}:{reached[1]}"):
        return True
    return host in request.app[_NAMES]


async def _status(request: web.Request) -> Message:
    try:
        return await asyncio.to_thread(ask, request.app[_HOME], {"do": "status"}, STATUS_SECONDS)
    except (NotRunning, TimeoutError, OSError) as error:
        return {"ok": False, "problems": [f"the supervisor does not answer: {error}"]}


async def _json(request: web.Request) -> web.Response:
    status = await _status(request)
    return web.json_response(status, status=200 if status["ok"] else 503)


async def _page(request: web.Request) -> web.Response:
    status = await _status(request)
    page = _templates().get_template("status.html").render(status=status)
    return web.Response(text=page, content_type="text/html", status=200 if status["ok"] else 503)


async def _health(_: web.Request) -> web.Response:
    return web.Response(text="ok\n")


async def _style(_: web.Request) -> web.Response:
    return web.Response(text=(_FOLDER / "style.css").read_text(encoding="utf-8"), content_type="text/css")


def _templates() -> jinja2.Environment:
    loader = jinja2.FileSystemLoader(_FOLDER / "templates")
    return jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
