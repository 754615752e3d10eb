"""`fig serve` under load, and its processes killed (-9) at moments drawn at random; what the ledger has of it after.

killed = kill_children(home, backends, start, fig, "keeper", moments=15, seed=5)
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proxy.control import NotRunning
from proxy.ledger.reads import Ledger, Unreadable
from tests.conftest import Start
from tests.proxy.conftest import Proxy, Server
from tests.proxy.load import Citizens
from tests.proxy.test_upgrade import Posting, has_ended

AT_ONCE = 32  # citizens
# Children that are killed of one proxy: of one whose children die and die, the next comes later and later.
KILLS_A_LIFE = 4
LOCK = threading.Lock()


@dataclass(frozen=True)
class Killed:
    """`asked`: by what the backends counted; `answered`: by what the citizens did; `hits`: what the ledger has."""

    moments: int
    asked: int
    answered: int
    hits: int


class Hasty(Proxy):
    """Whose workers do not wait long for citizens that say nothing."""

    def text(self, stage: str) -> str:
        return super().text(stage).replace("grace: 5s", "grace: 1s")


class Counting(Posting):
    """Counts what it is asked."""

    def do_GET(self) -> None:
        with LOCK:
            self.server.asked = getattr(self.server, "asked", 0) + 1  # type: ignore[attr-defined]
        super().do_GET()


def hits(home: Path) -> int:
    """In the ledger; 0 where there is none yet."""
    try:
        with Ledger.of(home) as ledger:
            return sum(each.hits.hits for each in ledger.by_slice(0, 2**40))
    except Unreadable:
        return 0


def is_sound(home: Path) -> bool:
    """Whether SQLite finds nothing wrong with the file."""
    with sqlite3.connect(home / "data" / "ledger.sqlite") as ledger:
        (said,) = ledger.execute("PRAGMA integrity_check").fetchone()
    ledger.close()
    return bool(said == "ok")


def asked(backends: dict[str, Server]) -> int:
    """How often legacy was."""
    return int(getattr(backends["legacy"], "asked", 0))


def kill_children(
    home: Path, backends: dict[str, Server], start: Start, fig: Path, kind: str, *, moments: int, seed: int
) -> Killed:
    """One proxy after the other over the same ledger, whose keepers, or workers, are killed at so many moments.

    What the ledger has never exceeds what legacy was asked, and reaches what citizens were answered; a worker that is
    killed may have sent one answer that it has not counted yet.
    """
    backends["legacy"].RequestHandlerClass = Counting
    dice, answered, left = random.Random(seed), 0, moments

    async def life(proxy: Proxy, kills: int) -> int:
        citizens, pid = Citizens(proxy.port), 0
        async with citizens.asking():
            for _ in range(kills):
                pid = await _running(proxy, kind, dice, pid)
                await citizens.answered(dice.randrange(10, 300))
                os.kill(pid, signal.SIGKILL)
                assert await asyncio.to_thread(hits, home) <= asked(backends)
            await _running(proxy, "keeper", dice, pid)
            await citizens.answered(100)
        await _until(lambda: hits(home) >= answered + citizens.answers - uncounted)
        return citizens.answers

    uncounted = 0
    while left:
        kills = min(left, KILLS_A_LIFE)
        uncounted += kills if kind == "worker" else 0
        proxy = Hasty(home, backends, start, fig)
        answered += asyncio.run(life(proxy, kills))
        left -= kills
        proxy.process.stop()
        assert is_sound(home)
        assert answered - uncounted <= hits(home) <= asked(backends)
    return Killed(moments, asked(backends), answered, hits(home))


def kill_supervisors(
    home: Path, backends: dict[str, Server], start: Start, fig: Path, *, moments: int, seed: int
) -> Killed:
    """One proxy after the other over the same ledger, each of which ends by the death of its supervisor.

    Its workers finish what is under way, and its keeper writes that down.
    """
    backends["legacy"].RequestHandlerClass = Counting
    dice, answered = random.Random(seed), 0

    async def life(proxy: Proxy) -> int:
        keeper = await _running(proxy, "keeper", dice)
        answers = [0] * AT_ONCE
        asking = [asyncio.create_task(_ask_on(proxy.port, answers, number)) for number in range(AT_ONCE)]
        enough = dice.randrange(50, 400)
        while sum(answers) < enough:
            await asyncio.sleep(0.01)  # it is the proxy's doing
        proxy.process.send(signal.SIGKILL)
        await asyncio.gather(*asking)
        assert await asyncio.to_thread(has_ended, keeper)
        return sum(answers)

    for _ in range(moments):
        answered += asyncio.run(life(Hasty(home, backends, start, fig)))
        assert is_sound(home)
        assert answered <= hits(home) <= asked(backends)
    return Killed(moments, asked(backends), answered, hits(home))


def _process_of(proxy: Proxy, kind: str, dice: random.Random) -> int | None:
    """One that runs; None while there is none."""
    try:
        status: dict[str, Any] = proxy.status()
    except NotRunning:
        return None
    if kind == "keeper":
        return status["keeper"]["pid"] if status["keeper"]["state"] == "running" else None
    pids = [worker["pid"] for worker in status["workers"] if worker["state"] == "serving"]
    return dice.choice(pids) if len(pids) == 2 else None


async def _running(proxy: Proxy, kind: str, dice: random.Random, but: int = 0) -> int:
    """One that runs, other than one that was just killed."""
    async with asyncio.timeout(60):
        while (pid := await asyncio.to_thread(_process_of, proxy, kind, dice)) in (None, but):
            await asyncio.sleep(0.02)  # it is the supervisor's doing
        assert pid is not None
        return pid


async def _until(found: Callable[[], bool], seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not await asyncio.to_thread(found):
            await asyncio.sleep(0.05)  # the keeper's doing


async def _ask_on(port: int, answers: list[int], place: int) -> None:
    """Over one connection, for as long as there is somebody."""
    writer = None
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while True:
            writer.write(b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))
            answers[place] += 1
            if b"connection: close" in head.lower():
                break
    if writer is not None:
        writer.close()
