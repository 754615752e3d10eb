"""The keeper's half of shadowing: each copied request is asked of its candidate, and the answer is read and dropped.

Nothing here is waited for by anybody: a candidate that is slow or down costs copies, which are counted, and no citizen
anything.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Sequence
from itertools import count
from types import TracebackType

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from proxy.copies import BadFrame, Frame, Kind, Outcome, frames
from proxy.counters import Counters
from proxy.generation import Backend, Generation
from proxy.wire.tls import client_context

# Requests under way to one candidate: what a small service bears beside its citizens. More are dropped, not queued.
AT_ONCE = 16
# Messages taken in before the loop turns to the answers again: about a millisecond.
MESSAGES = 32
# Bytes of one message (see copies.py), and room to tell one that is too long.
_ROOM = 256 * 1024
# Bytes of an answer that are read before the connection is closed instead: a file needs no comparing.
ANSWER_LIMIT = 8 * 1024 * 1024
# RFC 9110 section 7.6.1: fields of one connection; and what is written anew.
_NOT_SENT = frozenset(
    ("connection", "content-length", "keep-alive", "te", "transfer-encoding", "upgrade", "fig-shadow")
)
_ADDED_BY_AIOHTTP = ("Accept", "Accept-Encoding", "User-Agent", "Content-Type")


class Shadows:
    """Reads what the workers send, as long as it is entered."""

    def __init__(self, counters: Counters, copies: Sequence[socket.socket]) -> None:
        self._counters = counters
        self._copies = copies
        self._candidates: dict[int, _Candidate] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "Shadows":
        # Over their own limit; names are looked up by the system; nobody's cookies are kept for anybody else.
        connector = aiohttp.TCPConnector(limit=0, ttl_dns_cache=10)
        self._session = aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
        )
        for each in self._copies:
            each.setblocking(False)
            asyncio.get_running_loop().add_reader(each, self._read, each)
        return self

    async def __aexit__(self, _: type[BaseException] | None, __: object, ___: TracebackType | None) -> None:
        for each in self._copies:
            asyncio.get_running_loop().remove_reader(each)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._session.close()

    def take_in(self, generation: Generation) -> None:
        """Copies go to the backends of this generation from now on."""
        held = {each.backend: each for each in self._candidates.values()}
        self._candidates = {
            backend.number: held.get(backend) or _Candidate(backend) for backend in generation.backends.values()
        }

    def _read(self, copies: socket.socket) -> None:
        for _ in range(MESSAGES):
            try:
                message = copies.recv(_ROOM)
            except BlockingIOError:
                return
            if not message:  # nobody holds the other end any more
                asyncio.get_running_loop().remove_reader(copies)
                return
            with contextlib.suppress(BadFrame):  # what could be read was; the next message begins anew
                for frame in frames(message):
                    if frame.kind in (Kind.WHOLE, Kind.BEGIN):
                        self._take(frame)

    def _take(self, frame: Frame) -> None:
        counted = self._counters.shadowed(frame.candidate)
        candidate = self._candidates.get(frame.candidate)
        request = _request(frame.request)
        if candidate is None or request is None:
            counted[Outcome.LOST] += 1
        elif candidate.under_way >= AT_ONCE:
            counted[Outcome.BUSY] += 1
        else:
            candidate.under_way += 1
            counted[Outcome.SENT] += 1
            task = asyncio.create_task(self._ask(candidate, counted, *request))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _ask(
        self, candidate: "_Candidate", counted: memoryview, method: str, target: str, fields: CIMultiDict[str]
    ) -> None:
        try:
            counted[await self._answer(candidate, method, target, fields)] += 1
        finally:
            candidate.under_way -= 1

    async def _answer(self, candidate: "_Candidate", method: str, target: str, fields: CIMultiDict[str]) -> Outcome:
        try:
            async with self._session.request(
                method,
                URL(candidate.next_server() + target, encoded=True),
                headers=fields,
                skip_auto_headers=_ADDED_BY_AIOHTTP,
                allow_redirects=False,
                timeout=candidate.timeout,
                ssl=candidate.tls,
            ) as answer:
                length = 0
                async for piece in answer.content.iter_any():
                    length += len(piece)
                    if length > ANSWER_LIMIT:
                        answer.close()
                        break
        except TimeoutError:
            return Outcome.LATE
        except (aiohttp.ClientError, OSError, ValueError):
            return Outcome.FAILED
        return Outcome.ANSWERED


class _Candidate:
    """One backend that is sent copies."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.under_way = 0
        self.timeout = aiohttp.ClientTimeout(sock_connect=backend.connect, sock_read=backend.first_byte)
        self.tls: ssl.SSLContext | bool = client_context(backend.tls) if backend.tls else True
        self._turns = count()

    def next_server(self) -> str:
        """Its addresses in turn."""
        servers = self.backend.servers
        server = servers[next(self._turns) % len(servers)]
        host = f"[{server.host}]" if ":" in server.host else server.host
        return f"{'https' if self.backend.tls else 'http'}://{host}:{server.port}"


def _request(head: bytes) -> tuple[str, str, CIMultiDict[str]] | None:
    """Method, target and fields of a head that a worker wrote; it says that it is a copy. None if it is no head."""
    first, *lines = head.decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[1].startswith("/"):
        return None
    fields: CIMultiDict[str] = CIMultiDict()
    for line in lines:
        name, colon, value = line.partition(":")
        if colon and name.lower() not in _NOT_SENT:
            fields.add(name, value.strip(" \t"))
    fields.add("Fig-Shadow", "1")
    return words[0], words[1], fields
