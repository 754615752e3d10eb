"""The running supervisor, as the one that takes over from it knows it: what it offers, and the word that it may go.

Until that word it serves on, whatever becomes of us; it also serves on when we are gone, or take too long.
"""

import asyncio
import contextlib
import json
import socket
from pathlib import Path

from proxy import control, estate
from proxy.estate import Estate


class NotHandedOver(Exception):
    """The running proxy keeps what it has, and says why."""


class Predecessor:
    """One connection to its control socket: while that is open, its offer stands."""

    def __init__(self, connection: socket.socket, offered: Estate) -> None:
        self.offered = offered
        self._connection = connection
        self._line: asyncio.Task[bytes] | None = None

    @classmethod
    def of(cls, home: Path) -> "Predecessor | None":
        """The one that serves from this folder, if any. Raises NotHandedOver."""
        try:
            connection = control.connect(home)
        except control.NotRunning:
            return None
        try:
            connection.settimeout(control.PATIENCE)
            connection.sendall(b'{"do": "take over"}\n')
            line, descriptors = estate.receive_line(connection)
            reply = json.loads(line)
            if reply["ok"]:
                return cls(connection, estate.read(reply, descriptors))
        except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
            connection.close()
            raise NotHandedOver(f"the running proxy does not hand over: {error!r}") from error
        connection.close()
        raise NotHandedOver("\n".join(reply["problems"]))

    def watch(self) -> asyncio.Task[bytes]:
        """Done when its offer does not stand any more; until then it says nothing."""
        self._connection.setblocking(False)
        if self._line is None:
            self._line = asyncio.create_task(self._next_line())
        return self._line

    async def part(self) -> tuple[tuple[int, int], ...]:
        """We serve: it may drain. Its workers: row of the counters, and process. Raises NotHandedOver."""
        line = self.watch()
        with contextlib.suppress(ConnectionError):
            await asyncio.get_running_loop().sock_sendall(self._connection, b'{"do": "part"}\n')
        try:
            return tuple((row, pid) for row, pid in json.loads(await line)["draining"])
        except (OSError, ValueError) as error:
            raise NotHandedOver("the running proxy took its offer back") from error

    def give_up(self, why: str) -> None:
        """We cannot serve: it goes on, and says why."""
        self._connection.setblocking(True)
        with contextlib.suppress(OSError):
            self._connection.sendall(json.dumps({"do": "give up", "why": why}).encode() + b"\n")
        self.close()

    def close(self) -> None:
        """It is left to itself."""
        if self._line is not None:
            self._line.cancel()
        self._connection.close()

    async def _next_line(self) -> bytes:
        data = b""
        while not data.endswith(b"\n"):
            more = await asyncio.get_running_loop().sock_recv(self._connection, 1 << 16)
            if not more:
                return b""
            data += more
        return data
