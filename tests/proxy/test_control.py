"""The control socket: found however deep the folder lies, one line each way, and loud when nobody is there."""

from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path

import pytest

from proxy.control import AGAIN, Message, NotRunning, ask, listen
from proxy.predecessor import NotHandedOver, Predecessor


async def echo(message: Message) -> Message:
    return {"ok": True, "got": message}


async def nobody(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b'{"ok": false, "problems": ["nothing is handed over here"]}\n')


def deep(tmp_path: Path) -> Path:
    """A folder whose socket's name is longer than a socket's name may be."""
    home = tmp_path / ("deep" * 30) / ("er" * 60)
    (home / "data").mkdir(parents=True)
    return home


def test_a_message_and_its_reply(tmp_path: Path) -> None:
    async def main() -> None:
        home = deep(tmp_path)
        async with await listen(home, echo, nobody):
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
        server = await listen(home, echo, nobody)
        server.close()
        await server.wait_closed()
        with pytest.raises(NotRunning):
            await asyncio.to_thread(ask, home, {"do": "status"})
        async with await listen(home, echo, nobody):
            assert (await asyncio.to_thread(ask, home, {"do": "x"}))["ok"] is True

    asyncio.run(main())


def test_a_reply_that_says_again_is_asked_for_again(tmp_path: Path) -> None:
    asked: list[Message] = []

    async def later(message: Message) -> Message:
        asked.append(message)
        return AGAIN if len(asked) < 3 else {"ok": True}

    async def main() -> None:
        home = deep(tmp_path)
        async with await listen(home, later, nobody):
            assert await asyncio.to_thread(ask, home, {"do": "x"}) == {"ok": True}
        assert asked == [{"do": "x"}] * 3

    asyncio.run(main())


def test_the_next_to_listen_is_the_one_that_is_asked_and_there_is_always_one(tmp_path: Path) -> None:
    async def main() -> None:
        home = deep(tmp_path)
        servers = [await listen(home, echo, nobody)]

        async def replace() -> None:
            servers.extend([await listen(home, echo, nobody) for _ in range(100)])

        answers = asyncio.to_thread(lambda: [ask(home, {"do": "x"})["ok"] for _ in range(200)])
        assert (await asyncio.gather(answers, replace()))[0] == [True] * 200
        for server in servers:
            server.close()

    asyncio.run(main())


def test_who_asks_to_take_over_is_refused_with_the_reason(tmp_path: Path) -> None:
    async def main() -> None:
        home = deep(tmp_path)
        async with await listen(home, echo, nobody):
            with pytest.raises(NotHandedOver, match="nothing is handed over here"):
                await asyncio.to_thread(Predecessor.of, home)
        assert Predecessor.of(tmp_path) is None

    asyncio.run(main())


@pytest.mark.parametrize("line", [b"no json\n", b"[1]\n", b'"text"\n'])
def test_what_is_no_message_is_answered_too(tmp_path: Path, line: bytes) -> None:
    async def main() -> None:
        home = deep(tmp_path)
        async with await listen(home, echo, nobody):
            folder = os.open(home / "data", os.O_RDONLY)
            reader, writer = await asyncio.open_unix_connection(f"/proc/self/fd/{folder}/control.sock")
            writer.write(line)
            assert b'"ok": false' in await reader.readline()
            writer.close()
            await writer.wait_closed()
            os.close(folder)

    asyncio.run(main())
