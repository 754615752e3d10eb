"""The jury: child processes that compare, each replaced when it dies; whatever becomes of one costs a verdict at most.

async with Jury(2) as jury: heard = await jury.hear(Case(control, candidate, comparing))
"""

import asyncio
import contextlib
import json
import os
import pickle
import signal
import socket
from collections.abc import Sequence
from types import TracebackType

from proxy.children import Pause, start
from proxy.compare.values import Unjudged
from proxy.juror import LENGTH, Case

# What compares, in a juror: it alone imports the parsers.
COMPARE = "proxy.hearing:compared"
# Processes: more would only compare more at once, and a verdict is in no hurry.
JURORS = 2
# Cases that wait, and bytes of them; those that come after are not judged: the jury does not keep up.
WAITING, WAITING_BYTES = 64, 32 * 1024 * 1024
# Seconds by the clock that a case may take: a juror with the lowest priority on a busy machine waits its turn, and one
# that has stopped altogether is ended.
PATIENCE = 10.0
# Bytes that a juror may say: both answers redacted, and room.
SAID_LIMIT = 64 * 1024 * 1024

Heard = object  # what `COMPARE` says, as JSON has it


class Jury:
    """Entered, it compares. `size`: how many at once."""

    def __init__(self, size: int = JURORS, compare: str = COMPARE, patience: float = PATIENCE) -> None:
        self._size = min(size, os.cpu_count() or 1)
        self._compare = compare
        self._patience = patience
        self._cases: asyncio.Queue[_Waiting] = asyncio.Queue()
        self._bytes = 0
        self._seats: list[asyncio.Task[None]] = []
        self._jurors: set[_Juror] = set()

    async def __aenter__(self) -> "Jury":
        self._seats = [asyncio.create_task(self._sit()) for _ in range(self._size)]
        return self

    async def __aexit__(self, _: type[BaseException] | None, __: object, ___: TracebackType | None) -> None:
        for seat in self._seats:
            seat.cancel()
        await asyncio.gather(*self._seats, return_exceptions=True)
        for juror in self._jurors:  # that were being ended already
            await juror.end()
        while not self._cases.empty():
            self._cases.get_nowait().over(Unjudged.FULL)

    async def hear(self, case: Case) -> Heard | Unjudged:
        """What comes of comparing; FULL at once where too many wait, LIMIT where it took too much, else FAILED."""
        if self._cases.qsize() >= WAITING or self._bytes + case.size > WAITING_BYTES:
            return Unjudged.FULL
        waiting = _Waiting(case)
        self._bytes += case.size
        self._cases.put_nowait(waiting)
        try:
            return await waiting.heard
        finally:
            self._bytes -= case.size

    async def _sit(self) -> None:
        """Keep a juror in one seat until this is cancelled."""
        pause = Pause()
        while True:
            pause.started()
            with contextlib.suppress(OSError):  # no process, or no descriptor, to be had just now
                juror = await _Juror.begin(self._compare)
                self._jurors.add(juror)
                try:
                    await self._while_it_lives(juror)
                finally:
                    await juror.end()
                    self._jurors.discard(juror)
            await asyncio.sleep(pause.next())

    async def _while_it_lives(self, juror: "_Juror") -> None:
        gone = asyncio.create_task(juror.process.wait())
        try:
            while True:
                coming = asyncio.create_task(self._cases.get())
                try:
                    await asyncio.wait((coming, gone), return_when=asyncio.FIRST_COMPLETED)
                finally:
                    if not coming.done():
                        coming.cancel()
                if not coming.done() or coming.cancelled():
                    return
                waiting = coming.result()
                if gone.done():  # it died without having heard of it
                    self._cases.put_nowait(waiting)
                    return
                if not await self._hear(juror, waiting):
                    return
        finally:
            gone.cancel()

    async def _hear(self, juror: "_Juror", waiting: "_Waiting") -> bool:
        """Whether this juror can go on."""
        try:
            async with asyncio.timeout(self._patience):
                said = await juror.ask(waiting.case)
        except TimeoutError:
            waiting.over(Unjudged.LIMIT)
            return False
        except (asyncio.IncompleteReadError, ConnectionError, ValueError):
            await juror.end()
            # SIGPROF: its time was up.
            waiting.over(Unjudged.LIMIT if juror.process.returncode == -signal.SIGPROF else Unjudged.FAILED)
            return False
        except asyncio.CancelledError:
            waiting.over(Unjudged.FULL)
            raise
        match said:
            case "limit":
                waiting.over(Unjudged.LIMIT)
                return False
            case "failed":
                waiting.over(Unjudged.FAILED)
            case _:
                waiting.over(said)
        return True


class _Waiting:
    """A case, and who waits for what comes of it."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.heard: asyncio.Future[Heard | Unjudged] = asyncio.get_running_loop().create_future()

    def over(self, heard: Heard | Unjudged) -> None:
        if not self.heard.done():
            self.heard.set_result(heard)


class _Juror:
    """One process, and the socket to it."""

    def __init__(
        self, process: asyncio.subprocess.Process, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.process = process
        self._reader = reader
        self._writer = writer

    @classmethod
    async def begin(cls, compare: str) -> "_Juror":
        ours, theirs = socket.socketpair()
        with theirs:
            reader, writer = await asyncio.open_connection(sock=ours)
            try:
                arguments: Sequence[str] = ("--cases", str(theirs.fileno()), "--compare", compare)
                return cls(await start("proxy.juror", arguments, [theirs.fileno()]), reader, writer)
            except BaseException:  # cancelled too
                writer.close()
                raise

    async def ask(self, case: Case) -> Heard:
        """Raises IncompleteReadError or ConnectionError when it dies, ValueError for what no juror says."""
        data = pickle.dumps(case, protocol=pickle.HIGHEST_PROTOCOL)
        self._writer.write(LENGTH.pack(len(data)) + data)
        await self._writer.drain()
        (length,) = LENGTH.unpack(await self._reader.readexactly(LENGTH.size))
        if length > SAID_LIMIT:
            raise ValueError(f"a juror says {length} bytes")
        said: Heard = json.loads(await self._reader.readexactly(length))
        return said

    async def end(self) -> None:
        """At once: it holds nothing that could be lost."""
        self._writer.close()
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()
