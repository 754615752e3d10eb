"""Plays cases against a proxy: sends the citizen's bytes, reads what comes, and says what was seen on both sides."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tests.wire import reader
from tests.wire.backend import TOKEN, Script, ScriptedBackend, Sighting, no_delay, reset
from tests.wire.case import (
    BEHIND,
    HOST,
    ID,
    AwaitHead,
    AwaitReply,
    Case,
    Close,
    HalfClose,
    Pause,
    Reset,
    Step,
    Switched,
)

VARIANTS = ("whole", "bytewise", "junk", "drip")
# What follows a request that is passed, in the variant "junk": it is no request, and must harm nobody.
JUNK = b"\x00\x01junk EVIL\r\nEVIL: EVIL\r\n\r\n"
# After the last reply: how long bytes that should not come are waited for; and for the backend to see what it will see.
QUIET = 0.04
SETTLE = 0.03


@dataclass
class Patience:
    """Seconds. `reply`: for the replies; `close`: for a connection to end that should."""

    reply: float = 4.0
    close: float = 1.3


@dataclass
class Seen:
    """What came of a case. `interims` and `replies` as the strict reader reads them; `unread`: what is neither."""

    case: Case
    variant: str
    received: bytes = b""
    ended: bool = False
    was_reset: bool = False
    interims: list[reader.Message] = field(default_factory=list)
    replies: list[reader.Message] = field(default_factory=list)
    unread: bytes = b""
    bad_reply: str = ""
    backend: Sighting = field(default_factory=Sighting)
    strangers: set[bytes] = field(default_factory=set)
    # What other citizens got afterwards: something that was not theirs; an error instead of theirs.
    after: list[str] = field(default_factory=list)
    unserved: list[str] = field(default_factory=list)

    @property
    def closed(self) -> bool:
        return self.ended or self.was_reset

    def parse(self, methods: Sequence[bytes]) -> None:
        """Take `received` apart, as far as it goes."""
        self.interims, self.replies, self.unread, self.bad_reply = [], [], b"", ""
        at = 0
        # What comes beyond the last reply expected is read as to a GET, so that it is seen.
        for method in itertools.chain(methods, itertools.repeat(b"GET")):
            while True:
                try:
                    message = reader.read_reply(self.received, at, method, ended=self.ended)
                except reader.Bad as bad:
                    self.bad_reply = str(bad)
                    message = None
                if message is None:
                    self.unread = self.received[at:]
                    return
                at += len(message.raw)
                if message.status >= 200 or message.status == 101:
                    break
                self.interims.append(message)
            self.replies.append(message)
            if message.status == 101:
                self.unread = self.received[at:]
                return


def variants_of(case: Case) -> Iterable[str]:
    """The ways to play it that make sense."""
    yield "whole"
    size = sum(len(step) for step in case.sends if isinstance(step, bytes))
    if size <= 3000 and "bytewise" not in case.without:
        yield "bytewise"
    if "junk" not in case.without and isinstance(case.sends[-1], bytes) and not isinstance(case.must, Switched):
        yield "junk"
    if case.reply and "drip" not in case.without:
        yield "drip"


_counter = itertools.count()
_run = os.urandom(4).hex().encode()


@dataclass
class Player:
    """One proxy at 127.0.0.1:`port`, whose only backend is `backend`."""

    port: int
    backend: ScriptedBackend
    patience: Patience = field(default_factory=Patience)

    async def play(self, case: Case, variant: str = "whole") -> Seen:
        """One case in one variant."""
        token = b"case-%b-%05x" % (_run, next(_counter))
        script = Script(case.reply, case.early, slowly=variant == "drip")
        self.backend.scripts[token] = script
        citizen = _Citizen(self, case, variant, token, script)
        try:
            await citizen.play()
        finally:
            await citizen.leave()
        await asyncio.sleep(SETTLE)
        seen = citizen.seen
        seen.backend = script.sighting
        for number in range(case.after):
            await self._plain(seen, token, number)
        return seen

    async def _plain(self, seen: Seen, token: bytes, number: int) -> None:
        """A request of another citizen, afterwards."""
        target = b"/%b/plain/%d" % (token, number)
        case = Case("after", "", (b"GET %b HTTP/1.1\r\n%b\r\n" % (target, HOST),), Switched())
        citizen = _Citizen(self, case, "whole", token, self.backend.scripts[token])
        try:
            await citizen.play()
        finally:
            await citizen.leave()
        replies = citizen.seen.replies
        own = [(each.status, each.content) for each in replies] == [(200, b"%b of %b" % (target, token))]
        said = f"another citizen's request afterwards got {citizen.seen.received[:300]!r}"
        if len(replies) == 1 and replies[0].status >= 500:
            seen.unserved.append(said)
        elif not own:
            seen.after.append(said)


class _Citizen:
    """One connection to the proxy."""

    def __init__(self, player: Player, case: Case, variant: str, token: bytes, script: Script) -> None:
        self.player = player
        self.case = case
        self.variant = variant
        self.token = token
        self.script = script
        self.seen = Seen(case, variant)
        self.news = asyncio.Event()
        self.methods = case.expected
        self._left = False
        self._task: asyncio.Task[None] | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def play(self) -> None:
        stream, self._writer = await asyncio.open_connection("127.0.0.1", self.player.port)
        no_delay(self._writer)
        self._task = asyncio.create_task(self._listen(stream))
        steps: list[Step] = list(self.case.sends)
        if self.variant == "junk":
            steps.append(BEHIND if self.case.is_refusal else JUNK)
        with contextlib.suppress(ConnectionError):
            for step in steps:
                await self._take(step)
        if not self._left:
            await self._hear_out()
        self.seen.parse(self.methods)
        self.seen.strangers = set(TOKEN.findall(self.seen.received)) - {self.token}

    async def leave(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._writer is not None:
            self._writer.close()
            with contextlib.suppress(ConnectionError):
                await self._writer.wait_closed()

    async def _listen(self, stream: asyncio.StreamReader) -> None:
        try:
            while piece := await stream.read(1 << 16):
                self.seen.received += piece
                self.news.set()
            self.seen.ended = True
        except ConnectionError:
            self.seen.was_reset = True
        self.news.set()

    async def _take(self, step: Step) -> None:
        writer = self._writer
        assert writer is not None
        match step:
            case bytes():
                data = step.replace(ID, self.token)
                size = 1 if self.variant == "bytewise" else len(data)
                for at in range(0, len(data), size or 1):
                    writer.write(data[at : at + size])
                    await writer.drain()
                    await asyncio.sleep(0)
            case Pause():
                await asyncio.sleep(step.seconds)
            case AwaitReply():
                await self._until(lambda: step.of in self.seen.received, self.player.patience.reply)
            case AwaitHead():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self.player.patience.reply):
                        await self.script.sighting.has_head.wait()
            case HalfClose():
                writer.write_eof()
            case Reset():
                self._left = True
                reset(writer)
            case Close():
                self._left = True
                writer.close()

    async def _until(self, is_so: object, seconds: float) -> bool:
        assert callable(is_so)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not is_so() and not self.seen.closed:
                    self.news.clear()
                    await self.news.wait()
        return bool(is_so())

    async def _hear_out(self) -> None:
        """Wait for the replies, then for the end of the connection if it should come."""

        def is_answered() -> bool:
            self.seen.parse(self.methods)
            return len(self.seen.replies) >= len(self.methods) or bool(self.seen.bad_reply)

        await self._until(is_answered, self.player.patience.reply)
        self.seen.parse(self.methods)
        last = self.seen.replies[-1].head if self.seen.replies else None
        should_close = last is None or b"close" in last.tokens(b"connection") or self.case.is_refusal
        await self._until(lambda: self.seen.closed, self.player.patience.close if should_close else QUIET)


async def play_all(
    player: Player, plays: Iterable[tuple[Case, str]], *, at_once: int = 24
) -> list[tuple[Case, str, Seen]]:
    """All of them, `at_once` at a time; those that look at what comes `after` alone, at the end."""
    together, alone = [], []
    for play in plays:
        (alone if play[0].after else together).append(play)
    gate = asyncio.Semaphore(at_once)

    async def one(case: Case, variant: str) -> tuple[Case, str, Seen]:
        async with gate:
            return case, variant, await player.play(case, variant)

    done = await asyncio.gather(*(one(*play) for play in together))
    return [*done, *[await one(*play) for play in alone]]
