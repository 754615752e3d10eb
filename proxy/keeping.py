"""The keeper as its supervisor knows it: started, told what is served by, replaced when it dies, ended."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Sequence
from pathlib import Path

from proxy.channel import LedgerTrouble, Named, Whole, frame, receive, whole
from proxy.children import Pause, start, stop
from proxy.counters import Counters
from proxy.sections import copied_of
from proxy.sockets import Listener

# Seconds a keeper that was told to end may take.
END_SECONDS = 2.0
# Seconds it may take to listen; one that does not hangs, and hears of it when it is replaced.
TELL_SECONDS = 1.0


class Keeping:
    """The keeper's place, filled by one process after another. `copies`: the sockets that workers send copies to."""

    def __init__(
        self,
        home: Path,
        admin: Listener | None,
        counters: Counters,
        copies: Sequence[socket.socket],
        say: Callable[[str], None],
        named_since: Callable[[int], list[tuple[str, str, int]]],
        ledger: Callable[[], str | None],
    ) -> None:
        self.process: asyncio.subprocess.Process | None = None
        self._home = home
        self._admin = admin
        self._counters = counters
        self._copies = copies
        self._say = say
        self.ledger_trouble: LedgerTrouble | None = None
        self._named_since = named_since
        self._ledger = ledger
        self._named = 0  # how many series this process was told of
        self._writer: asyncio.StreamWriter | None = None
        self._hearing: asyncio.Task[None] | None = None
        self._filling = asyncio.Lock()
        self._wanted = asyncio.Event()
        self._wanted.set()
        self._telling = asyncio.Lock()
        self._newest: Whole | None = None
        self._told = 0  # the generation that this process was told of last

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.returncode is None

    async def keep(self, now: Callable[[], Whole]) -> None:
        """Keep a process in this place until this is cancelled; `now`: what is served by."""
        pause = Pause()
        while True:
            await self._wanted.wait()
            pause.started()
            ended: object
            try:
                async with self._filling:
                    if not self._wanted.is_set():
                        continue
                    process = self.process = await self._begin()
                await self.tell(now())
                ended = await process.wait()
            except OSError as error:  # no process, or no descriptor, to be had just now
                ended = error
            except asyncio.CancelledError:
                await self._end()
                raise
            if not self._wanted.is_set():
                continue
            self._say(f"the keeper ended with {ended}; citizens notice nothing, another starts")
            await asyncio.sleep(pause.next())

    async def part(self) -> None:
        """Another supervisor's is to begin: two would write to the same cells, and each lose what the other counts."""
        self._wanted.clear()
        async with self._filling:
            await self._end()

    def resume(self) -> None:
        """No other came: this place is filled again."""
        self._wanted.set()

    async def _begin(self) -> asyncio.subprocess.Process:
        ours, theirs = socket.socketpair()
        with theirs:
            copies = [each.fileno() for each in self._copies]
            fds = [theirs.fileno(), self._counters.fd, *copies]
            arguments = ["--home", str(self._home), "--control", str(fds[0]), "--counters", str(fds[1])]
            arguments += ["--rows", str(self._counters.workers), "--copies", *map(str, copies)]
            if self._admin:
                fds.append(self._admin.sockets[0].fileno())
                arguments += ["--listen", str(fds[-1])]
            if self._writer is not None:
                self._writer.close()
            reader, self._writer = await asyncio.open_connection(sock=ours)
            self._told = self._named = 0
            self._hearing = asyncio.create_task(self._hear(reader))
            return await start("proxy.keeper", arguments, fds)

    async def tell(self, served: Whole) -> None:
        """What is served by from now on; of its table, the claims of slices of which something is copied.

        Also what is counted by it, and where that is written down.
        """
        async with self._telling:
            number = served.generation.number
            if self._newest is None or number > self._newest.generation.number:
                sections = copied_of(served.sections)
                self._newest = await asyncio.to_thread(whole, served.generation, sections, self._newest)
            newest, writer = self._newest, self._writer
            knows = self._told == newest.generation.number
            frames = () if knows else await asyncio.to_thread(newest.frames_after, self._told)
            if writer is None or writer is not self._writer:  # who comes next is told when it comes
                return
            new = self._named_since(self._named)
            self._named += len(new)
            self._told = newest.generation.number
            # In one piece, which reaches it even if it is slow to read.
            writer.write(b"".join((*frames, frame(Named(tuple(new), self._ledger())))))
            with contextlib.suppress(ConnectionError, TimeoutError):
                async with asyncio.timeout(TELL_SECONDS):
                    await writer.drain()

    async def _hear(self, reader: asyncio.StreamReader) -> None:
        """What the keeper says, until it is gone."""
        self.ledger_trouble = None
        while isinstance(message := await receive(reader), LedgerTrouble):
            self.ledger_trouble = message if message.text else None

    async def _end(self) -> None:
        if self._hearing is not None:
            self._hearing.cancel()
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.process.terminate()
            await stop(self.process, END_SECONDS)
        if self._writer is not None:  # last: a keeper that hears nothing any more takes us for dead
            self._writer.close()
