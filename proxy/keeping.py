"""The keeper as its supervisor knows it: started, told what is served by, replaced when it dies, ended."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Sequence
from pathlib import Path

from proxy.channel import Begin, frame, send
from proxy.children import Pause, start, stop
from proxy.counters import Counters
from proxy.generation import Generation
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
    ) -> None:
        self.process: asyncio.subprocess.Process | None = None
        self._home = home
        self._admin = admin
        self._counters = counters
        self._copies = copies
        self._say = say
        self._writer: asyncio.StreamWriter | None = None

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.returncode is None

    async def keep(self, now: Callable[[], Generation]) -> None:
        """Keep a process in this place until this is cancelled; `now`: what is served by."""
        pause = Pause()
        while True:
            pause.started()
            ended: object
            try:
                process = self.process = await self._begin()
                await self.tell(now())
                ended = await process.wait()
            except OSError as error:  # no process, or no descriptor, to be had just now
                ended = error
            except asyncio.CancelledError:
                await self._end()
                raise
            self._say(f"the keeper ended with {ended}; citizens notice nothing, another starts")
            await asyncio.sleep(pause.next())

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
            _, self._writer = await asyncio.open_connection(sock=ours)
            return await start("proxy.keeper", arguments, fds)

    async def tell(self, generation: Generation) -> None:
        """What is served by from now on, but for its table."""
        if self._writer is not None:
            with contextlib.suppress(ConnectionError, TimeoutError):
                async with asyncio.timeout(TELL_SECONDS):
                    await send(self._writer, frame(Begin(generation)))

    async def _end(self) -> None:
        if self._writer is not None:
            self._writer.close()
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.process.terminate()
            await stop(self.process, END_SECONDS)
