"""The keeper as its supervisor knows it: started, replaced when it dies, ended."""

import asyncio
import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from proxy.children import Pause, start, stop
from proxy.counters import Counters
from proxy.sockets import Listener

# Seconds a keeper that was told to end may take.
END_SECONDS = 2.0


class Keeping:
    """The keeper's place, filled by one process after another."""

    def __init__(self, home: Path, admin: Listener, counters: Counters, say: Callable[[str], None]) -> None:
        self.process: asyncio.subprocess.Process | None = None
        self._home = home
        self._admin = admin
        self._counters = counters
        self._say = say

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.returncode is None

    async def keep(self) -> None:
        """Keep a process in this place until this is cancelled."""
        pause = Pause()
        while True:
            pause.started()
            fd = self._admin.sockets[0].fileno()
            counters = self._counters
            arguments = ["--home", str(self._home), "--listen", str(fd), "--parent", str(os.getpid())]
            arguments += ["--counters", str(counters.fd), "--rows", str(counters.workers)]
            process = self.process = await start("proxy.keeper", arguments, [fd, counters.fd])
            try:
                await process.wait()
            except asyncio.CancelledError:
                with contextlib.suppress(ProcessLookupError):
                    process.terminate()
                await stop(process, END_SECONDS)
                raise
            self._say(f"the keeper ended with {process.returncode}; citizens notice nothing, another starts")
            await asyncio.sleep(pause.next())
