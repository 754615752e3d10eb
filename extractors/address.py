"""The address of a source, taken apart; and texts of drivers, without the secret in them. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit

HIDDEN = "…"
_PLACES = ("database", "dbq", "dsn", "host", "port", "server", "service_name", "servername", "sid")  # among options


@dataclass(frozen=True, slots=True)
class Address:
    """`postgresql://reader:secret@db.internal:5432/housing?sslmode=require`; `options` are the query's."""

    scheme: str
    host: str
    port: int | None
    user: str
    password: str = field(repr=False)
    database: str
    options: Mapping[str, str] = field(repr=False)

    def scrub(self, text: str) -> str:
        """A driver's message without the password, in whatever spelling the driver repeats it."""
        secrets = [self.password, *(value for name, value in self.options.items() if _is_secret(name))]
        spellings = {spelt for secret in secrets if secret for spelt in _spellings(secret)}
        for spelt in sorted(spellings, key=len, reverse=True):
            text = text.replace(spelt, HIDDEN)
        return text


def address(url: str) -> Address:
    """Raises ValueError if the port is none."""
    parts = urlsplit(url)
    return Address(
        parts.scheme, unquote(parts.hostname or ""), parts.port, unquote(parts.username or ""),
        unquote(parts.password or ""), unquote(parts.path.removeprefix("/")),
        dict(parse_qsl(parts.query, keep_blank_values=True)),
    )  # fmt: skip


def place(url: str) -> str:
    """Which database a url leads to, as a digest that tells nothing of it; who asks, and how, is no part of it."""
    try:
        at = address(url)
    except ValueError:
        return ""
    named = sorted((name.lower(), value) for name, value in at.options.items() if name.lower() in _PLACES)
    return sha256(json.dumps([at.scheme, at.host, at.port, at.database, named]).encode()).hexdigest()[:16]


def has_password(url: str) -> bool:
    """Whether a password stands in the url itself, rather than `${NAME}`: as a user's, or as one of its options."""
    user = re.match(r"[A-Za-z0-9+.-]+://[^/@:]*:([^/]*)@", url)
    named = re.findall(r"(?:password|pwd)=([^&;]+)", url, re.IGNORECASE)
    return any("${" not in written for written in (*([user[1]] if user else []), *named) if written)


def _is_secret(name: str) -> bool:
    return any(word in name.lower() for word in ("pass", "pwd", "secret", "token"))


def _spellings(secret: str) -> tuple[str, ...]:
    """As it is, percent-encoded in the usual ways, quoted for a connection string, as Python or SQL would show it."""
    escaped = secret.replace("\\", "\\\\")
    return (
        secret, quote(secret, safe=""), quote(secret), quote_plus(secret), escaped,
        escaped.replace("'", "\\'"), secret.replace("'", "''"), secret.replace("}", "}}"), repr(secret)[1:-1],
    )  # fmt: skip
