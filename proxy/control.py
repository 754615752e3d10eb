"""The local control socket: how `fig` commands and the keeper talk to the running proxy. One line of JSON each way.

It lies in `data/control.sock`, mode 0600: whoever may use it is whoever may write the configuration.
"""

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from time import monotonic, sleep

Message = dict[str, object]
# A message names a slice and a reason; a reply lists slices. Neither is a place for more.
LINE_LIMIT = 4 * 1024 * 1024
# Seconds that a command waits for its answer: a table of 100,000 routes is taken in within ten.
PATIENCE = 30.0
# A proxy that hands over says "again": the next one is there in a moment.
AGAIN_SECONDS = 0.02
AGAIN: Message = {"ok": False, "again": True}

Answer = Callable[[Message], Awaitable[Message]]
Offer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class NotRunning(Exception):
    """No proxy serves from this folder."""


@contextlib.contextmanager
def _short_path(home: Path) -> Iterator[str]:
    """A name of the socket that fits sockaddr_un's 108 bytes, however deep the folder lies (unix(7))."""
    folder = os.open(home / "data", os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/control.sock"
    finally:
        os.close(folder)


def connect(home: Path) -> socket.socket:
    """A connection to the proxy that serves from this folder. Raises NotRunning."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _short_path(home) as path:
            connection.connect(path)
    except (FileNotFoundError, ConnectionRefusedError) as error:
        connection.close()
        raise NotRunning(f"no proxy is running in {home}") from error
    return connection


def ask(home: Path, message: Message, timeout: float = PATIENCE) -> Message:
    """Send one message and wait for the reply. Raises NotRunning, and TimeoutError after `timeout` seconds."""
    until = monotonic() + timeout
    while True:
        reply = _ask(home, message, until - monotonic())
        if not reply.get("again") or monotonic() > until:
            return reply
        sleep(AGAIN_SECONDS)


def _ask(home: Path, message: Message, timeout: float) -> Message:
    try:
        with connect(home) as connection:
            connection.settimeout(max(timeout, AGAIN_SECONDS))
            connection.sendall(json.dumps(message).encode() + b"\n")
            with connection.makefile("rb") as file:
                line = file.readline(LINE_LIMIT)
    except (ConnectionResetError, BrokenPipeError) as error:
        raise NotRunning(f"no proxy is running in {home}") from error
    if not line.endswith(b"\n"):
        raise NotRunning(f"the proxy in {home} stopped before it answered")
    reply: Message = json.loads(line)
    return reply


async def listen(home: Path, answer: Answer, offer: Offer) -> asyncio.Server:
    """Serve the socket, also to the proxy that asks to take over (`offer`).

    The caller makes sure that it is the only one who does; one who did before goes on with whom it talks to.
    """

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            message = json.loads(await reader.readline())
            if message == {"do": "take over"}:
                await offer(reader, writer)
                writer.close()
                return
            reply = await answer(message) if isinstance(message, dict) else _unknown(message)
        except (ValueError, TypeError, KeyError) as error:
            reply = _unknown(error)
        except Exception as error:  # whatever it is, the command is told
            reply = {"ok": False, "problems": [f"the proxy could not do it: {error!r}"]}
        with contextlib.suppress(ConnectionError):
            writer.write(json.dumps(reply).encode() + b"\n")
            await writer.drain()
            writer.close()
            await writer.wait_closed()

    with _short_path(home) as path:
        before = os.umask(0o177)
        try:
            server = await asyncio.start_unix_server(serve, f"{path}.new", limit=LINE_LIMIT)
        finally:
            os.umask(before)
        os.replace(f"{path}.new", path)  # noqa: PTH105  # names under /proc, at once: there is never none
        return server


def _unknown(what: object) -> Message:
    return {"ok": False, "problems": [f"the control socket does not understand {what!r}"]}
