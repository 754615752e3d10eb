"""Sending what a citizen typed through legacy's own form, as a browser would: its session, its token, its answer."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import urljoin, urlsplit

import aiohttp

from slices.legacy_form import find

LOG = logging.getLogger("slices")
PAGE_LIMIT = 1 << 20  # bytes of a page of legacy's that are read; its forms are a few kilobytes
FETCH_SECONDS = 10.0  # to be shown the form; nothing is lost by giving up
SEND_SECONDS = 30.0  # to be answered; giving up early would leave the citizen not knowing


@dataclass(frozen=True, slots=True)
class Accepted:
    """Legacy took it and sent the browser on, to this path and query."""

    location: str


@dataclass(frozen=True, slots=True)
class Declined:
    """Legacy showed a page again instead of going on: its status and its HTML."""

    status: int
    html: str


@dataclass(frozen=True, slots=True)
class NotSent:
    """It never reached legacy; it is safe to try again."""

    why: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """It was sent, and legacy's answer did not come: it may have been acted on, so it is not sent twice."""

    why: str


Outcome: TypeAlias = Accepted | Declined | NotSent | Unknown


@dataclass(frozen=True, slots=True)
class LegacySite:
    """Legacy at its own address, such as http://127.0.0.1:8081. `fetch` and `send` are in seconds."""

    base: str
    connector: aiohttp.BaseConnector
    fetch: float = FETCH_SECONDS
    send: float = SEND_SECONDS

    async def submit(self, path: str, typed: Mapping[str, str], token: str) -> Outcome:
        """Fetches the form at `path` that has the fields of `typed` and `token`, fills it, and sends it once."""
        async with aiohttp.ClientSession(
            connector=self.connector,
            connector_owner=False,
            cookie_jar=aiohttp.CookieJar(
                unsafe=True
            ),  # legacy may be known by an IP address; the jar lives for one form
        ) as session:
            try:
                html = await asyncio.wait_for(self._page(session, path), self.fetch)
            except (aiohttp.ClientError, TimeoutError, OSError) as exc:
                return NotSent(f"its form could not be fetched: {_said(exc)}")
            form = find(html, token, *typed)
            if form is None:
                return NotSent(f"{path} has no form with the fields {', '.join((token, *typed))}")
            action = urljoin(self.base + path, form.action)
            if urlsplit(action)[:2] != urlsplit(self.base)[:2] or form.method != "POST":
                return NotSent(f"its form goes to {form.method} {action}")
            return await self._send(session, action, {**form.values, **typed})

    async def _page(self, session: aiohttp.ClientSession, path: str) -> str:
        async with session.get(self.base + path) as answer:
            if answer.status != 200:
                raise aiohttp.ClientError(f"it answered {answer.status}")
            return await _text(answer)

    async def _send(self, session: aiohttp.ClientSession, action: str, values: Mapping[str, str]) -> Outcome:
        try:
            return await asyncio.wait_for(self._answer(session, action, values), self.send)
        except aiohttp.ClientConnectorError as exc:
            return NotSent(str(exc))
        except (aiohttp.ClientError, TimeoutError, OSError) as exc:
            return Unknown(_said(exc))

    async def _answer(self, session: aiohttp.ClientSession, action: str, values: Mapping[str, str]) -> Outcome:
        async with session.post(action, data=dict(values), allow_redirects=False) as answer:
            if answer.status in (301, 302, 303):
                to = urlsplit(urljoin(action, answer.headers.get("Location", "")))
                return Accepted(to.path + (f"?{to.query}" if to.query else ""))
            if answer.status >= 500:
                return Unknown(f"it answered {answer.status}")
            return Declined(answer.status, await _text(answer))


def _said(exc: Exception) -> str:
    return str(exc) or type(exc).__name__


async def _text(answer: aiohttp.ClientResponse) -> str:
    """The page's text, no more than PAGE_LIMIT bytes of it."""
    content = bytearray()
    async for piece in answer.content.iter_chunked(1 << 16):
        content += piece
        if len(content) > PAGE_LIMIT:
            raise aiohttp.ClientPayloadError(f"its page is over {PAGE_LIMIT} bytes")
    return content.decode(answer.charset or "utf-8", errors="replace")
