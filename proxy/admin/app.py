"""The admin application: every address it answers, in one list."""

from pathlib import Path

import jinja2
from aiohttp import web

from proxy.admin import api, forms, pages
from proxy.admin.events import Events
from proxy.admin.guard import Handler, guard, names_of
from proxy.admin.keys import ROOM, Room, room
from proxy.admin.looking import Looking
from proxy.admin.metrics import Scrapes
from proxy.admin.people import People
from proxy.admin.seen import Seen
from proxy.admin.told import Told
from proxy.counters import Counters

# Bytes of a form or of an API request: a token, or a stage and a reason.
BODY_LIMIT = 64 * 1024
# Bytes of a request line: a request to be explained may have twenty header fields in its query.
LINE_LIMIT = 64 * 1024
_FOLDER = Path(__file__).parent


def make_app(home: Path, address: str, port: int, counters: Counters, seen: Seen) -> web.Application:
    """The application for the proxy that serves from `home`, bound to `address` and `port`."""
    app = web.Application(middlewares=[guard], client_max_size=BODY_LIMIT)
    told = Told(home)
    app[ROOM] = Room(
        home, names_of(address, port), told, People(home), Looking(home), seen, Events(told), make_templates()
    )
    app.add_routes(
        [
            web.get("/", pages.overview),
            web.get("/slices/{name}", pages.slice_page),
            web.get("/slices/{name}/answers/{number}", pages.answers),
            web.get("/slices/{name}/move", forms.ask_move),
            web.post("/slices/{name}/move", forms.move),
            web.get("/routes", pages.routes),
            web.get("/health", pages.health),
            web.get("/bypass", forms.ask_bypass),
            web.post("/bypass", forms.bypass),
            web.get("/sign-in", forms.sign_in),
            web.post("/sign-in", forms.signed_in),
            web.post("/sign-out", forms.sign_out),
            web.get("/events", _events),
            web.get("/style.css", _file("style.css", "text/css")),
            web.get("/live.js", _file("live.js", "text/javascript")),
            web.get("/icon.svg", _file("icon.svg", "image/svg+xml")),
            web.get("/status.json", _status),
            web.get("/metrics", Scrapes(home, counters).answer),
            web.get("/healthz", _health),
            *api.routes(),
        ]
    )
    return app


async def close(app: web.Application) -> None:
    """End what would keep the keeper from ending: streams, and the process that reads the table."""
    here = app[ROOM]
    await here.events.close()
    await here.looking.end()


def make_templates() -> jinja2.Environment:
    """Every page, compiled now: the first who asks does not wait for it."""
    loader = jinja2.FileSystemLoader(_FOLDER / "templates")
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, auto_reload=False
    )
    for name in environment.list_templates():
        environment.get_template(name)
    return environment


async def _events(request: web.Request) -> web.StreamResponse:
    return await room(request).events.answer(request)


async def _status(request: web.Request) -> web.StreamResponse:
    status = await room(request).told.status()
    return web.json_response(status, status=200 if status["ok"] else 503)


async def _health(_: web.Request) -> web.StreamResponse:
    return web.Response(text="ok\n")


def _file(name: str, kind: str) -> Handler:
    text = (_FOLDER / "static" / name).read_text(encoding="utf-8")

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(text=text, content_type=kind)

    return answer
