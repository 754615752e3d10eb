"""One request as the pages see it: its session, its form token, absolute links, and how a page is rendered."""

import re
import sqlite3
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

import jinja2
from aiohttp import web

from demo.monolith import formats
from demo.monolith.session import COOKIE, Session, Sessions, User, set_cookie

DATABASE = web.AppKey("database", sqlite3.Connection)
SESSIONS = web.AppKey("sessions", Sessions)
TEMPLATES = web.AppKey("templates", jinja2.Environment)
PHOTOS = web.AppKey("photos", Path)
_HOST = re.compile(r"[A-Za-z0-9.\-]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?")


def templates() -> jinja2.Environment:
    """The monolith's templates, escaping everything, with its own ways of showing values."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(day=formats.day, pounds=formats.pounds, tidy=formats.tidy)
    return environment


class Visit:
    """A request and what belongs to it. Made once for each request by `of`."""

    def __init__(self, request: web.Request) -> None:
        self.request = request
        self.database = request.app[DATABASE]
        self.sessions = request.app[SESSIONS]
        self.cookie = request.cookies.get(COOKIE)
        self._session = self.sessions.find(self.cookie, time.monotonic())
        self._new_cookie: str | None = None
        host = request.headers.get("Host", "")
        if not _HOST.fullmatch(host):
            raise web.HTTPBadRequest(text="The Host field of the request is missing or malformed.\n")
        secure = request.headers.get("X-Forwarded-Proto") == "https"
        self.base = f"{'https' if secure else 'http'}://{host}"

    @property
    def user(self) -> User | None:
        """Who is signed in, if anyone."""
        return self._session.user if self._session else None

    @property
    def session(self) -> Session:
        """The visit's session, started if there is none yet."""
        if self._session is None:
            self._new_cookie, self._session = self.sessions.start(time.monotonic())
        return self._session

    def sign_in(self, user: User) -> None:
        """A new session under a new cookie, so that one planted before is worth nothing."""
        self.sessions.end(self.cookie)
        self._new_cookie, self._session = self.sessions.start(time.monotonic(), user)

    def link(self, path: str, **query: object) -> str:
        """An absolute link: '/repairs' -> 'http://host/repairs'. Empty values are left out of the query."""
        kept = {name: str(value) for name, value in query.items() if value not in ("", None)}
        return f"{self.base}{path}{'?' + urlencode(kept) if kept else ''}"

    def page(self, template: str, /, status: int = 200, **values: object) -> web.Response:
        """A page of HTML. Pages are never kept by a cache: they hold a token and a time."""
        text = self.request.app[TEMPLATES].get_template(template)
        body = text.render(
            visit=self,
            user=self.user,
            link=self.link,
            stamp=formats.stamp(datetime.now(UTC)),
            **values,
        )
        answer = web.Response(text=body, status=status, content_type="text/html", charset="utf-8")
        return self._finish(answer)

    def redirect(self, path: str, **query: object) -> web.Response:
        """See other: an absolute redirect built from the request's Host."""
        return self._finish(web.Response(status=303, headers={"Location": self.link(path, **query)}))

    def _finish(self, answer: web.Response) -> web.Response:
        answer.headers["Cache-Control"] = "no-store"
        if self._new_cookie:
            set_cookie(answer, self._new_cookie)
        return answer

    def rows(self, sql: str, values: Mapping[str, object] | None = None) -> list[sqlite3.Row]:
        """All rows of a query with named values."""
        return self.database.execute(sql, dict(values or {})).fetchall()

    def row(self, sql: str, values: Mapping[str, object] | None = None) -> sqlite3.Row | None:
        """The first row of a query, if any."""
        found: sqlite3.Row | None = self.database.execute(sql, dict(values or {})).fetchone()
        return found

    def need_user(self) -> User:
        """Who is signed in; others are sent to the sign-in page and come back after it."""
        if self.user is None:
            back = self.request.rel_url.raw_path_qs if self.request.method == "GET" else "/"
            raise web.HTTPSeeOther(self.link("/login", next=back))
        return self.user

    def need_staff(self) -> User:
        """A member of staff; residents are refused."""
        user = self.need_user()
        if not user.is_staff:
            raise web.HTTPForbidden(text="This part is for council staff.")
        return user


def of(request: web.Request) -> Visit:
    """The request's visit."""
    visit: Visit = request["visit"]
    return visit


def page_number(request: web.Request) -> int:
    """The `page` of the query, at least 1 and at most a million; nonsense is 1."""
    text = request.query.get("page", "1")
    return min(max(1, int(text)), 1_000_000) if re.fullmatch(r"[0-9]{1,7}", text) else 1
