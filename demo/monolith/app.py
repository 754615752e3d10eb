"""The monolith put together: its URLs, its error pages, its house fields."""

import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web

from demo.monolith import home, photos, registers, repairs, report, visit
from demo.monolith.session import Sessions
from demo.schema import connect

LOG = logging.getLogger("anytown")
SERVER = "Anytown-Housing-Suite/7.3"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

URLS: tuple[tuple[str, str, Callable[[web.Request], Awaitable[web.StreamResponse]]], ...] = (
    ("GET", "/", home.front),
    ("GET", "/login", home.login),
    ("POST", "/login", home.sign_in),
    ("POST", "/logout", home.log_out),
    ("GET", "/my-account", home.my_account),
    ("GET", "/repairs", repairs.register),
    ("GET", "/repairs/search", repairs.register),
    ("GET", "/repairs/report", report.form),
    ("POST", "/repairs/report", report.submit),
    ("GET", "/repairs/report.csv", repairs.by_ward),
    ("GET", "/repairs/{number:[0-9]+}", repairs.one),
    ("GET", "/api/repairs/{number:[0-9]+}.json", repairs.as_json),
    ("GET", "/upload", photos.form),
    ("POST", "/upload", photos.submit),
    ("GET", "/upload/{photo:[0-9]{1,15}}", photos.show),
    ("GET", "/planning", registers.section),
    ("GET", "/planning/applications", registers.planning),
    ("GET", "/planning/applications/{key:.+}", registers.application),
    ("GET", "/council-tax", registers.section),
    ("GET", "/council-tax/accounts", registers.council_tax),
    ("GET", "/council-tax/accounts/{key:[0-9]+}", registers.account),
    ("GET", "/tenants", registers.tenants),
    ("GET", "/tenants/{key:T[0-9]+}", registers.tenant),
)


@web.middleware
async def _house(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Opens the visit, and turns refusals and mistakes into pages."""
    try:
        request["visit"] = visit.Visit(request)
        answer = await handler(request)
    except web.HTTPRedirection:
        raise
    except web.HTTPException as refusal:
        if "visit" not in request:
            raise
        answer = visit.of(request).page("error.html", refusal.status, title=refusal.reason, text=refusal.text or "")
        if "Allow" in refusal.headers:
            answer.headers["Allow"] = refusal.headers["Allow"]
    except Exception:
        LOG.exception("%s %s failed", request.method, request.path)
        answer = visit.of(request).page("error.html", 500, title="Error", text="Something went wrong. Try again later.")
    return answer


async def _sign(_request: web.Request, answer: web.StreamResponse) -> None:
    answer.headers["Server"] = SERVER
    answer.headers.setdefault("X-Frame-Options", "SAMEORIGIN")


def make_app(data: Path) -> web.Application:
    """The monolith over the folder `data`, which holds `anytown.sqlite`; photos go to `data/photos`."""
    app = web.Application(middlewares=[_house], client_max_size=8 * 2**20)
    app[visit.DATABASE] = connect(data / "anytown.sqlite")
    app[visit.SESSIONS] = Sessions()
    app[visit.TEMPLATES] = visit.templates()
    app[visit.PHOTOS] = data / "photos"
    app[visit.PHOTOS].mkdir(exist_ok=True)
    for method, path, handler in URLS:
        app.router.add_route(method, path, handler)
        if method == "GET":
            app.router.add_route("HEAD", path, handler)
    app.router.add_static("/static", Path(__file__).parent / "static")
    app.on_response_prepare.append(_sign)
    app.on_cleanup.append(_close)
    return app


async def _close(app: web.Application) -> None:
    app[visit.DATABASE].close()
