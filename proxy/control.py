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

Message = dict[str, object]
# A message names a slice and a reason; a reply lists slices. Neither is a place for more.
LINE_LIMIT = 4 * 1024 * 1024


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


def ask(home: Path, message: Message, timeout: float = 30.0) -> Message:
    """Send one message and wait for the reply. Raises NotRunning, and TimeoutError after `timeout` seconds."""
    try:
        with _short_path(home) as path, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(timeout)
            connection.connect(path)
            connection.sendall(json.dumps(message).encode() + b"\n")
            with connection.makefile("rb") as file:
                line = file.readline(LINE_LIMIT)
    except (FileNotFoundError, ConnectionRefusedError, ConnectionResetError, BrokenPipeError) as error:
        raise NotRunning(f"no proxy is running in {home}") from error
    if not line.endswith(b"\n"):
        raise NotRunning(f"the proxy in {home} stopped before it answered")
    reply: Message = json.loads(line)
    return reply


async def listen(home: Path, answer: Callable[[Message], Awaitable[Message]]) -> asyncio.Server:
    """Serve the socket; the caller makes sure that it is the only one who does."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            message = json.loads(await reader.readline())
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
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)  # noqa: PTH108  # a name under /proc, at once
        before = os.umask(0o177)
        try:
            return await asyncio.start_unix_server(serve, path, limit=LINE_LIMIT)
        finally:
            os.umask(before)


def _unknown(what: object) -> Message:
    return {"ok": False, "problems": [f"the control socket does not understand {what!r}"]}
