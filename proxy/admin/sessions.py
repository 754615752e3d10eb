"""Signed in: a cookie that says who and until when, signed with what is kept of that admin's token.

    session = begin("ann", admin, now) -> "ann.1764115200.Zk3….9f2…"; read(session, admins, now) -> "ann"

Nothing is remembered, so the keeper may be replaced and everybody stays signed in; who is removed, or gets a new token,
is signed out by that. Pure but for the nonce.
"""

import secrets
from hashlib import sha256
from hmac import compare_digest
from hmac import new as hmac

from proxy.admin.tokens import Admin, Admins

COOKIE = "__Host-fig-admin"
# Seconds: a working day. A lost laptop is worth nothing in the morning.
LASTS = 12 * 3600
# Characters of a cookie that are looked at.
LONGEST = 256


def begin(name: str, admin: Admin, now: float) -> str:
    """The cookie's value for who signs in now (seconds since 1970)."""
    unsigned = f"{name}.{int(now) + LASTS}.{secrets.token_urlsafe(16)}"
    return f"{unsigned}.{_signed(admin, 'session', unsigned)}"


def read(session: str, admins: Admins, now: float) -> str | None:
    """Whose it is, if it is true and not over."""
    unsigned, _, signature = session[:LONGEST].rpartition(".")
    name, _, rest = unsigned.rpartition(".")[0].rpartition(".")
    admin = admins.get(name)
    if admin is None or not signature.isascii() or not compare_digest(_signed(admin, "session", unsigned), signature):
        return None
    return name if int(rest) > now else None


def form_token(session: str, admin: Admin) -> str:
    """What a form of who is signed in carries, and no page elsewhere can know."""
    return _signed(admin, "form", session)


def is_form_token(token: str, session: str, admin: Admin) -> bool:
    """Whether a form came from a page of ours, of this session."""
    return token.isascii() and compare_digest(token, form_token(session, admin))


def _signed(admin: Admin, purpose: str, text: str) -> str:
    return hmac(admin.sha256.encode(), f"{purpose}:{text}".encode(), sha256).hexdigest()
