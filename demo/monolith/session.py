"""Sessions kept in the monolith's memory, found by a cookie as Java servers name it."""

import hmac
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field

from aiohttp import web

COOKIE = "JSESSIONID"
IDLE_SECONDS = 1800.0  # what suppliers usually set
KEPT = 10_000  # sessions; the oldest go first, so that a crawler cannot fill the memory


@dataclass(frozen=True, slots=True)
class User:
    """Who signed in."""

    username: str
    full_name: str
    is_staff: bool
    tenant_no: str | None
    acc_no: str | None


@dataclass(slots=True)
class Session:
    """One browser's visit: its form token, and who it belongs to once signed in."""

    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    user: User | None = None
    seen: float = 0.0

    def owns(self, token: str) -> bool:
        """Whether a form came from a page this session was shown."""
        return hmac.compare_digest(self.token.encode(), token.encode())


class Sessions:
    """All sessions, by the cookie's value."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Session] = OrderedDict()

    def find(self, cookie: str | None, now: float) -> Session | None:
        """The session of a cookie, if it is not too old; `now` in seconds of a steady clock."""
        session = self._kept.get(cookie or "")
        if session is None or cookie is None:
            return None
        if now - session.seen > IDLE_SECONDS:
            del self._kept[cookie]
            return None
        session.seen = now
        self._kept.move_to_end(cookie)
        return session

    def start(self, now: float, user: User | None = None) -> tuple[str, Session]:
        """A new session and its cookie's value."""
        cookie, session = secrets.token_hex(16).upper(), Session(user=user, seen=now)
        self._kept[cookie] = session
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return cookie, session

    def end(self, cookie: str | None) -> None:
        """Forgets a session."""
        self._kept.pop(cookie or "", None)


def set_cookie(answer: web.StreamResponse, value: str) -> None:
    """Gives the browser its session."""
    answer.set_cookie(COOKIE, value, httponly=True, samesite="Lax", path="/")
