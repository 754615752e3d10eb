"""Every process is killed at many moments under load: the ledger opens, and its hits are those the backends counted."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from time import sleep, time
from typing import Any

import pytest

from proxy.control import NotRunning
from proxy.counters import Counters
from proxy.findings import Findings
from proxy.ledger.clerk import Clerk
from proxy.ledger.place import place_of
from proxy.ledger.reads import Ledger, Unreadable
from tests.conftest import Start
from tests.proxy.conftest import Proxy, Server
from tests.proxy.load import Citizens
from tests.proxy.test_upgrade import Posting, has_ended

NAMES = {4: ("repairs", "/repairs/*"), 6: ("repairs", "GET /housing")}


def hits(home: Path) -> int:
    try:
        with Ledger.of(home) as ledger:
            return sum(each.hits.hits for each in ledger.by_slice(0, 2**40))
    except Unreadable:
        return 0


def is_sound(home: Path) -> bool:
    with sqlite3.connect(home / "data" / "ledger.sqlite") as ledger:
        (said,) = ledger.execute("PRAGMA integrity_check").fetchone()
    ledger.close()
    return bool(said == "ok")


# -- the writer alone, which is killed while it writes without a pause


@pytest.fixture
def counters() -> Iterator[Counters]:
    counters = Counters.create(workers=1)
    yield counters
    counters.close()


def writing_until_killed(home: Path, counters: Counters, name: str) -> int:
    """A process that writes as fast as it can."""
    pid = os.fork()
    if pid == 0:
        try:
            clerk = Clerk(home, counters, name, print, Findings())
            while True:
                clerk.attempt(place_of(home), NAMES, time())
        finally:
            os._exit(1)
    return pid


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")  # nothing of the threads of others is used there
def test_a_writer_that_is_killed_at_a_hundred_moments_loses_and_doubles_nothing(
    counters: Counters, tmp_path: Path
) -> None:
    dice, counted, done = random.Random(11), 0, threading.Event()
    worker = counters.writer(0)

    def count() -> None:
        nonlocal counted
        while not done.wait(0.0005):
            worker.count(4 + counted % 4, 2, counted % 5000)
            counted += 1

    counting = threading.Thread(target=count)
    counting.start()
    before = 0
    for number in range(100):
        pid = writing_until_killed(tmp_path, counters, str(number))
        sleep(dice.uniform(0.0, 0.15))  # the moment
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        seen = hits(tmp_path)
        assert before <= seen <= counted
        before = seen
        if number % 10 == 0 and (tmp_path / "data" / "ledger.sqlite").exists():
            assert is_sound(tmp_path)
    done.set()
    counting.join()
    assert before > 100
    clerk = Clerk(tmp_path, counters, "last", print, Findings())
    assert clerk.attempt(place_of(tmp_path), NAMES, time()) is None
    clerk.close()
    assert hits(tmp_path) == counted
    assert is_sound(tmp_path)


# -- all of the processes


class Counting(Posting):
    """Counts what it is asked."""

    def do_GET(self) -> None:
        with LOCK:
            self.server.asked = getattr(self.server, "asked", 0) + 1  # type: ignore[attr-defined]
        super().do_GET()


LOCK = threading.Lock()
AT_ONCE = 32  # citizens
Serve = Callable[[], Proxy]


@pytest.fixture
def serve(tmp_path: Path, backends: dict[str, Server], start: Start, fig: Path) -> Serve:
    backends["legacy"].RequestHandlerClass = Counting
    return lambda: Proxy(tmp_path, backends, start, fig)


def asked(backends: dict[str, Server]) -> int:
    return int(getattr(backends["legacy"], "asked", 0))


def process_of(proxy: Proxy, kind: str, dice: random.Random) -> int | None:
    """One that runs; None while there is none."""
    try:
        status: dict[str, Any] = proxy.status()
    except NotRunning:
        return None
    if kind == "keeper":
        return status["keeper"]["pid"] if status["keeper"]["state"] == "running" else None
    pids = [worker["pid"] for worker in status["workers"] if worker["state"] == "serving"]
    return dice.choice(pids) if len(pids) == 2 else None


async def running(proxy: Proxy, kind: str, dice: random.Random, but: int = 0) -> int:
    """One that runs, other than one that was just killed."""
    async with asyncio.timeout(60):
        while (pid := await asyncio.to_thread(process_of, proxy, kind, dice)) in (None, but):
            await asyncio.sleep(0.02)  # it is the supervisor's doing
        assert pid is not None
        return pid


async def until(found: Callable[[], bool], seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not await asyncio.to_thread(found):
            await asyncio.sleep(0.05)  # the keeper's doing


@pytest.mark.parametrize("kind", ["keeper", "worker"])
@pytest.mark.parametrize("moments", [3, pytest.param(100, marks=pytest.mark.slow)])
def test_a_process_that_is_killed_costs_the_ledger_no_hit(
    serve: Serve, backends: dict[str, Server], tmp_path: Path, kind: str, moments: int
) -> None:
    """But for those inside a worker that is killed, which never came to be answers."""
    proxy, dice = serve(), random.Random(5)

    async def main() -> None:
        citizens, pid = Citizens(proxy.port), 0
        async with citizens.asking():
            for _ in range(moments):
                pid = await running(proxy, kind, dice, pid)
                await citizens.answered(dice.randrange(10, 300))
                os.kill(pid, signal.SIGKILL)
                if not (tmp_path / "data" / "ledger.sqlite").exists():
                    continue
                assert hits(tmp_path) <= asked(backends)
            await running(proxy, "keeper", dice, pid)
            await citizens.answered(100)
        inside = asked(backends) - citizens.answers
        assert inside <= (moments * AT_ONCE if kind == "worker" else 0)
        await until(lambda: hits(tmp_path) >= citizens.answers)
        assert hits(tmp_path) <= asked(backends)
        if kind == "keeper":
            assert hits(tmp_path) == asked(backends) == citizens.answers

    asyncio.run(main())
    assert is_sound(tmp_path)


async def ask_on(port: int, answers: list[int], place: int) -> None:
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


@pytest.mark.parametrize("moments", [2, pytest.param(100, marks=pytest.mark.slow)])
def test_a_supervisor_that_is_killed_costs_the_ledger_no_hit_that_was_answered(
    serve: Serve, backends: dict[str, Server], tmp_path: Path, moments: int
) -> None:
    """Its workers finish what is under way, and its keeper writes that down; the next proxy's adds to it."""
    dice, answered = random.Random(6), 0

    async def life() -> int:
        proxy = await asyncio.to_thread(serve)
        keeper = await running(proxy, "keeper", dice)
        answers = [0] * AT_ONCE
        asking = [asyncio.create_task(ask_on(proxy.port, answers, number)) for number in range(AT_ONCE)]
        enough = dice.randrange(50, 400)
        while sum(answers) < enough:
            await asyncio.sleep(0.01)  # it is the proxy's doing
        proxy.process.send(signal.SIGKILL)
        await asyncio.gather(*asking)
        assert await asyncio.to_thread(has_ended, keeper)
        return sum(answers)

    for _ in range(moments):
        answered += asyncio.run(life())
        assert is_sound(tmp_path)
        assert answered <= hits(tmp_path) <= asked(backends)
