"""Processes of our own: started, handed their descriptors, replaced when they die, ended by their id."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Sequence
from time import monotonic

# A child that dies at once is not started again at once: 0.1 s, doubling up to 5 s, forgotten after a minute of life.
FIRST_PAUSE, LAST_PAUSE, FORGIVEN_AFTER = 0.1, 5.0, 60.0


async def start(module: str, arguments: Sequence[str], fds: Sequence[int]) -> asyncio.subprocess.Process:
    """`python -m module arguments`, in a session of its own, so that Ctrl-C reaches the supervisor alone."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",  # a folder called proxy/ where the council works must not stand in for ours
        "-m",
        module,
        *arguments,
        pass_fds=tuple(fds),
        start_new_session=True,
        stdin=asyncio.subprocess.DEVNULL,
    )


class Pause:
    """How long to wait before a child is started again."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._pause = FIRST_PAUSE
        self._started = clock()

    def started(self) -> None:
        """The child runs."""
        self._started = self._clock()

    def next(self) -> float:
        """Seconds to wait now that it has died."""
        if self._clock() - self._started > FORGIVEN_AFTER:
            self._pause = FIRST_PAUSE
        pause, self._pause = self._pause, min(self._pause * 2, LAST_PAUSE)
        return pause


async def stop(process: asyncio.subprocess.Process, grace: float) -> None:
    """Wait `grace` seconds for it to end by itself, then end it."""
    try:
        async with asyncio.timeout(grace):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
        await process.wait()


async def ended(pid: int) -> None:
    """Wait until a process has ended, be it a child of ours or not."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(process, over.set)
    try:
        await over.wait()
    finally:
        loop.remove_reader(process)
        os.close(process)
