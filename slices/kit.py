"""What every slice is built from: its datasets in memory, legacy's site, its pages, and the service round them."""

import asyncio
import contextlib
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import aiohttp
import jinja2
from aiohttp import web

from slices.legacy import FETCH_SECONDS, SEND_SECONDS, LegacySite
from slices.manifest import LIBRARY, ManifestSpec
from slices.shelf import Shelf

LOG = logging.getLogger("slices")
HERE = Path(__file__).parent
BODY_LIMIT = 256 * 1024  # bytes a citizen may send; the forms of a slice are short texts
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
# No script, no frame, nothing from elsewhere: the pages need none of it.
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class Kit:
    """One running slice: what its handlers share."""

    def __init__(self, manifest: ManifestSpec, home: Path, legacy: str) -> None:
        self.manifest, self.home, self.legacy_url = manifest, home, legacy.rstrip("/")
        self.shelves: dict[str, Shelf] = {}
        self.routes: list[tuple[str, str, Handler]] = []
        self._connector: aiohttp.BaseConnector | None = None
        self.fetch, self.send = FETCH_SECONDS, SEND_SECONDS
        self._style = ""
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader([LIBRARY / manifest.name / "templates", HERE / "templates"]),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def shelf(self, name: str, select: str = "SELECT * FROM source", index: str = "") -> Shelf:
        """The dataset `name` of the manifest, to be held in memory; see `slices.shelf.Shelf`."""
        self.shelves[name] = Shelf(self.home, name, self.manifest.datasets[name], select, index)
        return self.shelves[name]

    def route(self, method: str, path: str, handler: Handler) -> None:
        """A URL this slice answers; GET answers HEAD too."""
        self.routes.append((method, path, handler))

    @property
    def legacy(self) -> LegacySite:
        """Legacy's own site, for submitting its forms."""
        if self._connector is None:
            raise RuntimeError("legacy's site was used before the service ran")
        return LegacySite(self.legacy_url, self._connector, self.fetch, self.send)

    def style_at(self, path: str) -> None:
        """Where the style sheet is served: under one of the slice's own routes, or nobody would find it."""
        self._style = path
        self.route("GET", path, self._stylesheet)

    async def _stylesheet(self, _request: web.Request) -> web.StreamResponse:
        return web.FileResponse(HERE / "assets" / "page.css", headers={"Cache-Control": "max-age=3600"})

    def filters(self, more: Mapping[str, Callable[..., object]]) -> None:
        """Ways of showing values, for the templates."""
        self._templates.filters.update(more)

    def page(self, template: str, /, status: int = 200, **values: object) -> web.Response:
        """A page of HTML."""
        states = {name: shelf.held for name, shelf in self.shelves.items()}
        body = self._templates.get_template(template).render(
            slice=self.manifest, datasets=states, style=self._style, **values
        )
        answer = web.Response(text=body, status=status, content_type="text/html", charset="utf-8")
        answer.headers["Cache-Control"] = "no-store"
        return answer

    async def form(self, request: web.Request, names: Sequence[str]) -> dict[str, str]:
        """What a form sent by these names, line ends as \\n; '' for none or a file. 400 if it cannot be read."""
        try:
            sent = await request.post()
        except (web.HTTPException, OSError):
            raise
        except Exception as exc:  # aiohttp has no one class for it: ValueError, LookupError, BadHttpMessage, ...
            raise web.HTTPBadRequest from exc
        texts = {name: value for name in names if isinstance(value := sent.get(name), str)}
        return {name: re.sub(r"\r\n?", "\n", texts.get(name, "")).strip() for name in names}

    def load(self) -> None:
        """Takes every dataset in. Raises ConfigError. Blocks: done before the service listens."""
        for shelf in self.shelves.values():
            shelf.load()

    def app(self) -> web.Application:
        """The service."""
        app = web.Application(middlewares=[self._refusals], client_max_size=BODY_LIMIT)
        app.router.add_get("/healthz", self._healthz)
        for method, path, handler in self.routes:
            if method == "GET":
                app.router.add_get(path, handler, allow_head=True)
            else:
                app.router.add_route(method, path, handler)
        app.on_response_prepare.append(self._sign)
        app.cleanup_ctx.append(self._live)
        return app

    async def _live(self, _app: web.Application) -> AsyncIterator[None]:
        self._connector = aiohttp.TCPConnector(limit=32)  # reports in flight at once; more wait their turn
        followers = [asyncio.create_task(shelf.follow()) for shelf in self.shelves.values()]
        yield
        for task in followers:
            task.cancel()
        for task in followers:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self._connector.close()

    async def _healthz(self, _request: web.Request) -> web.Response:
        states = {name: shelf.state() for name, shelf in self.shelves.items()}
        facts = {"status": "ok", "slice": self.manifest.name, "datasets": states}
        return web.json_response(facts, headers={"Cache-Control": "no-store"})

    async def _sign(self, _request: web.Request, answer: web.StreamResponse) -> None:
        answer.headers["Server"] = f"slice-{self.manifest.name}"
        answer.headers["X-Content-Type-Options"] = "nosniff"
        answer.headers["Content-Security-Policy"] = POLICY
        answer.headers["Referrer-Policy"] = "same-origin"

    @web.middleware
    async def _refusals(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refusals and mistakes become pages; a mistake's details go to the log only."""
        try:
            return await handler(request)
        except web.HTTPRedirection:
            raise
        except web.HTTPException as refusal:
            title, text = REFUSALS.get(refusal.status, (refusal.reason, ""))
            answer = self.page("refusal.html", refusal.status, title=title, text=text)
            if "Allow" in refusal.headers:
                answer.headers["Allow"] = refusal.headers["Allow"]
            return answer
        except Exception:
            LOG.exception("%s %s failed", request.method, request.path)
            title, text = REFUSALS[500]
            return self.page("refusal.html", 500, title=title, text=text)


REFUSALS = {
    400: ("We could not read what you sent", "Go back and try again."),
    403: ("You cannot do that from another site", "Open the page on this site and try again."),
    404: ("Page not found", "If you typed the web address, check it is correct."),
    405: ("You cannot do that here", "Go back and use the links and buttons of the page."),
    413: ("What you sent is too long", "Go back and shorten the text."),
    500: ("Sorry, there is a problem with the service", "Try again later."),
}
