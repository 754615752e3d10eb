"""The keeper's side of `lookup.py`: its process is started when somebody asks, and ended when it hangs or idles."""

import asyncio
import contextlib
import json
import sys
from pathlib import Path
from typing import Any

# Seconds an answer may take: 100,000 routes are compiled in seven.
PATIENCE = 20.0
# Seconds after the last question that the process and its memory are kept.
IDLE_SECONDS = 120.0
# Bytes of an answer: a page of claims, each with patterns and needs of some hundred.
LONGEST = 4 * 1024 * 1024


class Looking:
    """One process for everybody; questions wait for each other."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._process: asyncio.subprocess.Process | None = None
        self._routes = ""
        self._turn = asyncio.Lock()
        self._idle: asyncio.TimerHandle | None = None

    async def ask(self, routes: str, question: dict[str, object]) -> dict[str, Any]:
        """`routes`: the name of the file the proxy serves by. What cannot be answered is said under `problems`."""
        async with self._turn:
            if self._idle:
                self._idle.cancel()
            try:
                async with asyncio.timeout(PATIENCE):
                    return await self._ask(routes, question)
            except (TimeoutError, OSError, ValueError) as error:
                self.close()
                return {"ok": False, "problems": [f"{routes} could not be looked through: {str(error) or 'too slow'}"]}
            except asyncio.CancelledError:  # whoever asks next must not be given this answer
                self.close()
                raise
            finally:
                self._idle = asyncio.get_running_loop().call_later(IDLE_SECONDS, self.close)

    async def _ask(self, routes: str, question: dict[str, object]) -> dict[str, Any]:
        process = self._process
        if process is None or process.returncode is not None or routes != self._routes:
            self.close()
            process = self._process = await self._start(routes)
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(question).encode() + b"\n")
        await process.stdin.drain()
        answer: dict[str, Any] = json.loads(await process.stdout.readline())
        return answer

    async def _start(self, routes: str) -> asyncio.subprocess.Process:
        self._routes = routes
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "proxy.admin.lookup", "--routes", str(self._home / routes)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=LONGEST,
        )

    def close(self) -> asyncio.subprocess.Process | None:
        """End the process; it has nothing to lose."""
        if self._idle:
            self._idle.cancel()
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        return process

    async def end(self) -> None:
        """The same, and see it end."""
        if process := self.close():
            await process.wait()
