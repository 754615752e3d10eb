"""What the supervisor says, asked for at most once a second however many look at the pages."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any

from proxy.control import Message, NotRunning, ask

# The supervisor answers in a millisecond; if it has not after this long, it hangs, and the page says so.
STATUS_SECONDS = 5.0
# Seconds for which an answer serves everybody: nobody sees a page change faster.
FRESH_SECONDS = 1.0
# Seconds a change may take: every worker has taken in the new generation by then, or is replaced.
CHANGE_SECONDS = 30.0


class Told:
    """The status of the proxy that serves from `home`."""

    def __init__(self, home: Path, clock: Callable[[], float] = monotonic) -> None:
        self._home = home
        self._clock = clock
        self._asking = asyncio.Lock()
        self._status: dict[str, Any] = {}
        self._until = 0.0

    async def status(self) -> dict[str, Any]:
        """As `fig status --json` has it; `ok` is false, and `problems` says why, where nobody answers."""
        async with self._asking:
            if self._clock() >= self._until:
                self._status = await self.ask({"do": "status"}, STATUS_SECONDS)
                self._until = self._clock() + FRESH_SECONDS
            return self._status

    async def change(self, message: Message) -> dict[str, Any]:
        """Have the supervisor do something; what it said before counts no more."""
        try:
            return await self.ask(message, CHANGE_SECONDS)
        finally:
            self._until = 0.0

    async def ask(self, message: Message, seconds: float) -> dict[str, Any]:
        """One message, asked on a thread."""
        try:
            return await asyncio.to_thread(ask, self._home, message, seconds)
        except (NotRunning, TimeoutError, OSError, ValueError) as error:
            return {"ok": False, "problems": [f"the supervisor does not answer: {error}"]}
