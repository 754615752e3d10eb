"""Backends asked what a citizen has asked, by the keeper: a candidate, or legacy a second time.

    async with Asking() as asking: asking.take_in(generation); await asking.ask(exchanged, "slice") -> a Reply

Nobody waits for it but who compares. Law 2 holds for whatever is asked here, whoever asks: what may not be is None.
"""

import ssl
from itertools import count
from types import TracebackType

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from proxy.claims import Route
from proxy.compare.values import Reply
from proxy.composing import Composed, answered, composed
from proxy.exchanged import Exchanged, Failure, Side
from proxy.generation import Backend, Generation
from proxy.pacing import Pacer
from proxy.wire.tls import client_context
from proxy.wire.upstream import REPLY_HEAD_LIMIT

# Bytes of an answer's body that are read at most where nothing is said of it.
ANSWER_LIMIT = 8 * 1024 * 1024
_ADDED_BY_AIOHTTP = ("Accept", "Accept-Encoding", "User-Agent", "Content-Type")


class Asking:
    """Asks as long as it is entered. `rested`: from when on, by the monotonic clock, legacy is asked a second time."""

    def __init__(self, rested: float = 0.0) -> None:
        self._rested = rested
        self._generation: Generation | None = None
        self._asked: dict[str, Asked] = {}
        self._pacers: dict[str, Pacer] = {}

    async def __aenter__(self) -> "Asking":
        # Over limits of our own; names are looked up by the system; nobody's cookies are kept for anybody else.
        connector = aiohttp.TCPConnector(limit=0, ttl_dns_cache=10)
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            max_line_size=REPLY_HEAD_LIMIT,
            max_field_size=REPLY_HEAD_LIMIT,
        )
        return self

    async def __aexit__(self, _: type[BaseException] | None, __: object, ___: TracebackType | None) -> None:
        await self._session.close()

    def take_in(self, generation: Generation) -> None:
        """Its backends are asked from now on."""
        self._generation = generation
        held = self._asked
        self._asked = {
            name: held[name] if name in held and held[name].backend == backend else Asked(backend)
            for name, backend in generation.backends.items()
        }

    def _at(self, route: Route, side: Side) -> "Asked | None":
        """Who is asked there; None if there is no such backend any more."""
        return self._asked.get(route.backend if side == "slice" else route.legacy)

    def pacer(self, legacy: str) -> Pacer:
        """How often that legacy may be asked a second time: one for everybody who asks."""
        pacer = self._pacers.get(legacy)
        if pacer is None:
            pacer = self._pacers[legacy] = Pacer()
            pacer.due = self._rested
        return pacer

    def compose(self, exchanged: Exchanged, side: Side) -> Composed | None:
        """What that side would be asked; None where law 2 forbids it, or there is nobody."""
        at = self._at(exchanged.route, side)
        if at is None or self._generation is None:
            return None
        return composed(exchanged, side, self._generation, at.backend)

    async def ask(self, exchanged: Exchanged, side: Side, request: Composed | None = None) -> Reply | Failure | None:
        """Its reply as the citizen would have got it, or why there is none; None: not to be asked.

        `request`: what `compose` made of it, by who needed to know before.
        """
        at, request = self._at(exchanged.route, side), request or self.compose(exchanged, side)
        if at is None or request is None:
            return None
        shadowing = exchanged.route.shadowing
        try:
            return await self._answer(at, request, shadowing.max_body if shadowing is not None else ANSWER_LIMIT)
        except TimeoutError:
            return Failure.LATE
        except (aiohttp.ClientError, OSError, ValueError):
            return Failure.FAILED

    async def _answer(self, at: "Asked", request: Composed, limit: int) -> Reply | Failure:
        async with self._session.request(
            request.method.decode(),
            URL(at.next_server() + request.target.decode(), encoded=True),
            headers=_fields(request),
            data=request.content or None,
            chunked=True if request.chunked else None,
            skip_auto_headers=_ADDED_BY_AIOHTTP,
            allow_redirects=False,
            timeout=at.timeout,
            ssl=at.tls,
        ) as answer:
            pieces, length = [], 0
            async for piece in answer.content.iter_any():
                pieces.append(piece)
                length += len(piece)
                if length > limit:
                    answer.close()
                    return Failure.LARGE
            reason = (answer.reason or "").encode("latin-1", "replace")
            reply = answered(request, answer.status, reason, answer.raw_headers, b"".join(pieces))
            return Failure.FAILED if reply is None else reply


def _fields(request: Composed) -> CIMultiDict[str]:
    """As they are sent. Of one name in several spellings the first is taken: aiohttp would take the last field alone.

    What is not UTF-8 cannot be said by it, and is a ValueError.
    """
    spelled: dict[str, str] = {}
    fields: CIMultiDict[str] = CIMultiDict()
    for name, value in request.fields:
        text = name.decode()
        fields.add(spelled.setdefault(text.lower(), text), value.decode())
    return fields


class Asked:
    """One backend, as the keeper asks it."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        # However slowly it drips, an answer that is whole is so within as long as it may take to begin and to pause.
        whole = backend.connect + backend.first_byte + backend.idle
        self.timeout = aiohttp.ClientTimeout(whole, sock_connect=backend.connect, sock_read=backend.first_byte)
        self.tls: ssl.SSLContext | bool = client_context(backend.tls) if backend.tls else True
        self._turns = count()

    def next_server(self) -> str:
        """Its addresses in turn."""
        servers = self.backend.servers
        server = servers[next(self._turns) % len(servers)]
        host = f"[{server.host}]" if ":" in server.host else server.host
        return f"{'https' if self.backend.tls else 'http'}://{host}:{server.port}"
