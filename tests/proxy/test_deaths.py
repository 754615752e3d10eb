"""A process of ours is killed under load: whoever was inside it is lost, and nobody else."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Start
from tests.proxy.conftest import Proxy, Server
from tests.proxy.load import Citizens
from tests.proxy.test_upgrade import Posting, has_ended


def citizens_of(pid: int, port: int) -> set[int]:
    """The ports of those whose connections to `port` that process has open (proc(5), /proc/net/tcp)."""
    inodes = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            inodes.add(str(descriptor.readlink()))
    found = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, ours, theirs, _, _, _, _, _, _, inode, *_ = line.split()
        if int(ours.split(":")[1], 16) == port and f"socket:[{inode}]" in inodes:
            found.add(int(theirs.split(":")[1], 16))
    return found


def kill(pid: int, port: int) -> set[int]:
    """As it stands; whoever was inside."""
    os.kill(pid, signal.SIGSTOP)
    while Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "T":
        pass
    inside = citizens_of(pid, port)
    os.kill(pid, signal.SIGKILL)
    assert has_ended(pid)
    return inside


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_only_who_was_inside_is_lost(
    tmp_path: Path, backends: dict[str, Server], start: Start, fig: Path, loop: str
) -> None:
    backends["legacy"].RequestHandlerClass = Posting
    proxy = Proxy(tmp_path, backends, start, fig, workers=2, arguments=["--loop", loop])
    dice = random.Random(7)

    def serving() -> list[dict[str, Any]]:
        workers: Any = proxy.status()["workers"]
        return [worker for worker in workers if worker["state"] == "serving"]

    async def main() -> None:
        citizens, inside = Citizens(proxy.port), set()
        async with citizens.asking():
            for _ in range(4):
                await citizens.answered(dice.randrange(50, 250))
                async with asyncio.timeout(30):
                    while len(workers := await asyncio.to_thread(serving)) < 2:
                        pass
                inside |= await asyncio.to_thread(kill, dice.choice(workers)["pid"], proxy.port)
                keeper: Any = (await asyncio.to_thread(proxy.status))["keeper"]
                if keeper["state"] == "running":
                    os.kill(keeper["pid"], signal.SIGKILL)
            await citizens.answered(200)
        assert citizens.by_connection.keys() <= inside
        assert len(citizens.failures) == len(citizens.by_connection) > 0
        assert citizens.answers > 400

    asyncio.run(main())
