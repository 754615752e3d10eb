"""The monolith's front page, signing in and out, and a resident's own account."""

import asyncio
import re
import sqlite3
import time

from aiohttp import web

from demo.monolith import visit
from demo.monolith.session import COOKIE, User
from demo.monolith.visit import Visit
from demo.seed import password_hash

NOBODY = b"\0" * 16  # a salt for names that do not exist, so that they take as long as those that do


async def front(request: web.Request) -> web.Response:
    """GET /"""
    return visit.of(request).page("front.html")


async def login(request: web.Request) -> web.Response:
    """GET /login"""
    return _login_page(visit.of(request), request.query.get("next", ""))


def _login_page(at: Visit, back: str, status: int = 200, username: str = "", problem: str = "") -> web.Response:
    return at.page("login.html", status, token=at.session.token, back=back, username=username, problem=problem)


async def sign_in(request: web.Request) -> web.Response:
    """POST /login"""
    at, form = visit.of(request), await request.post()
    back, username = str(form.get("next", "")), str(form.get("username", ""))
    if not at.session.owns(str(form.get("_csrf", ""))):
        return _login_page(at, back, 403, username, "Your session has expired. Sign in again.")
    row = at.row("SELECT * FROM USERS WHERE USERNAME = :name", {"name": username})
    salt, wanted = (row["SALT"], row["HASH"]) if row else (NOBODY, b"")
    if await asyncio.to_thread(password_hash, str(form.get("password", "")), salt) != wanted or row is None:
        return _login_page(at, back, 403, username, "The user name or the password is not right.")
    at.sign_in(user_of(row))
    return at.redirect(*_safe_path(back))


def user_of(row: sqlite3.Row) -> User:
    """A row of USERS as a value."""
    return User(row["USERNAME"], row["FULL_NAME"], bool(row["IS_STAFF"]), row["TENANT_NO"], row["ACC_NO"])


def _safe_path(back: str) -> tuple[str]:
    """Where to go after signing in: a path of this site, never another site's address."""
    return (back if re.fullmatch(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]*", back) else "/my-account",)


async def log_out(request: web.Request) -> web.Response:
    """POST /logout"""
    at, form = visit.of(request), await request.post()
    if not at.session.owns(str(form.get("_csrf", ""))):
        raise web.HTTPForbidden(text="Your session has expired.")
    at.sessions.end(at.cookie)
    answer = web.Response(status=303, headers={"Location": at.link("/"), "Cache-Control": "no-store"})
    answer.del_cookie(COOKIE, path="/")
    return answer


async def my_account(request: web.Request) -> web.Response:
    """GET /my-account"""
    at = visit.of(request)
    user = at.need_user()
    jobs = at.rows(
        """SELECT J.JOB_NO, J.REPORTED, J.DESCR, S.DESCR AS STATUS FROM REPAIR_JOBS J
           LEFT JOIN CODES S ON S.CODE_TYPE = 'STATUS' AND S.CODE = UPPER(TRIM(J.STATUS_CD))
           WHERE J.TENANT_NO = :tenant ORDER BY J.JOB_NO DESC LIMIT 20""",
        {"tenant": user.tenant_no},
    )
    account = at.row("SELECT * FROM CT_ACCOUNTS WHERE ACC_NO = :no", {"no": user.acc_no})
    return at.page("my_account.html", token=at.session.token, jobs=jobs, account=account, since=time.strftime("%H:%M"))
