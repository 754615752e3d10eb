"""The control socket: found however deep the folder lies, one line each way, and loud when nobody is there."""

from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path

import pytest

from proxy.control import Message, NotRunning, ask, listen


async def echo(message: Message) -> Message:
    return {"ok": True, "got": message}


def deep(tmp_path: Path) -> Path:
    """A folder whose socket's name is longer than a socket's name may be."""
    home = tmp_path / ("deep" * 30) / ("er" * 60)
    (home / "data").mkdir(parents=True)
    return home


def test_a_message_and_its_reply(tmp_path: Path) -> None:
    async def main() -> None:
        home = deep(tmp_path)
        async with await listen(home, echo):
            reply = await asyncio.to_thread(ask, home, {"do": "status", "why": "zoë\n"})
            assert reply == {"ok": True, "got": {"do": "status", "why": "zoë\n"}}
            mode = stat.S_IMODE((home / "data" / "control.sock").stat().st_mode)
            assert mode == 0o600

    asyncio.run(main())


def test_where_nobody_serves(tmp_path: Path) -> None:
    with pytest.raises(NotRunning, match="no proxy is running in"):
        ask(tmp_path, {"do": "status"})
    home = deep(tmp_path)
    with pytest.raises(NotRunning, match="no proxy is running in"):
        ask(home, {"do": "status"})


def test_a_socket_that_was_left_behind_is_nobody(tmp_path: Path) -> None:
    async def main() -> None:
        home = deep(tmp_path)
        server = await listen(home, echo)
        server.close()
        await server.wait_closed()
        with pytest.raises(NotRunning):
            await asyncio.to_thread(ask, home, {"do": "status"})
        async with await listen(home, echo):
            assert (await asyncio.to_thread(ask, home, {"do": "x"}))["ok"] is True

    asyncio.run(main())


@pytest.mark.parametrize("line", [b"no json\n", b"[1]\n", b'"text"\n'])
def test_what_is_no_message_is_answered_too(tmp_path: Path, line: bytes) -> None:
    async def main() -> None:
        home = deep(tmp_path)
        async with await listen(home, echo):
            folder = os.open(home / "data", os.O_RDONLY)
            reader, writer = await asyncio.open_unix_connection(f"/proc/self/fd/{folder}/control.sock")
            writer.write(line)
            assert b'"ok": false' in await reader.readline()
            writer.close()
            await writer.wait_closed()
            os.close(folder)

    asyncio.run(main())
