"""The soak: `fig serve` under load while its backends refuse, stall, die, and talk nonsense; then nothing may be left.

report = soak(folder, seconds=60)   -> what was done, and how many descriptors and bytes each process has more
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from proxy.control import ask
from proxy.jury import JURORS
from tests.processes import Started, free_port
from tests.wire.backend import reset

ROUTES = """\
version: 1
listen: 127.0.0.1:0
admin: 127.0.0.1:0
workers: 2
grace: 1s
backends:
  legacy: {{url: "http://127.0.0.1:{backend}", timeouts: {{connect: 1s, first_byte: 1s, idle: 1s}}}}
  nobody: {{url: "http://127.0.0.1:{nobody}", timeouts: {{connect: 1s, first_byte: 1s, idle: 1s}}}}
default: legacy
slices:
  repairs: {{owner: a@example.org, backend: nobody, stage: live, routes: [/refused/*]}}
"""
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
BIG = b"x" * 300_000
# What a backend does, by the first word of the path.
REPLIES: dict[str, Sequence[bytes | str]] = {
    "ok": [OK],
    "big": [b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n", BIG],
    "chunked": [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", b"0\r\n\r\n"],
    "unframed": [b"HTTP/1.1 200 OK\r\n\r\nhello", "close"],
    "closes": ["close"],
    "resets": ["reset"],
    "stalls": ["stall"],
    "stalls-later": [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", "stall"],
    "dies": [b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n", BIG[:100_000], "close"],
    "dies-chunked": [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "reset"],
    "half-head": [b"HTTP/1.1 200 OK\r\nContent-", "close"],
    "garbage": [b"\x16\x03\x01garbage\r\n\r\n"],
    "bad-length": [b"HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\nok"],
    "bad-chunks": [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n"],
    "beyond": [OK + OK],
    "hints": [b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", OK],
    "many-hints": [b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 100, OK],
    "unasked": [b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", "stall"],
    "refused": [],
}
# How a citizen behaves: most wait for their answer.
MANNERS = ("waits", "waits", "waits", "leaves", "resets", "half a body", "slow", "nonsense", "pipelines")


@dataclass
class Left:
    """One process, before and after."""

    name: str
    descriptors: tuple[int, int]
    kilobytes: tuple[int, int]


@dataclass
class Soaked:
    """What was done and what is left of it."""

    statuses: Counter[int] = field(default_factory=Counter)
    left: list[Left] = field(default_factory=list)
    connections: object = None
    in_flight: object = None
    tasks: tuple[object, object] = (None, None)  # of the workers' loops: when fresh, and at the end
    seconds_to_settle: float = 0.0
    log: str = ""


class BadBackend:
    """Does what the path says."""

    def __init__(self) -> None:
        self.open: set[asyncio.StreamWriter] = set()

    async def serve(self, stream: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open.add(writer)
        try:
            while await self._one(stream, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            self.open.discard(writer)
            writer.close()

    async def _one(self, stream: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await stream.readuntil(b"\r\n\r\n")
        if length := re.search(rb"(?i)\r\ncontent-length: (\d+)", head):
            await stream.readexactly(int(length[1]))
        word = head.split(b" ", 2)[1].split(b"/")[1].split(b"?")[0].decode()
        for step in REPLIES.get(word, [OK]):
            match step:
                case "close":
                    return False
                case "reset":
                    reset(writer)
                    return False
                case "stall":
                    await stream.read()
                    return False
                case bytes():
                    writer.write(step)
                    await writer.drain()
        return True


class Citizens:
    """So many at once, each one request after another on connections of its own, until the time is over."""

    def __init__(self, port: int, seed: int, soaked: Soaked) -> None:
        self.port = port
        self.rng = random.Random(seed)
        self.soaked = soaked

    async def come(self, seconds: float, at_once: int = 12) -> None:
        until = time.monotonic() + seconds
        await asyncio.gather(*(self._one_after_another(until) for _ in range(at_once)))

    async def _one_after_another(self, until: float) -> None:
        while time.monotonic() < until:
            word, manner = self.rng.choice(list(REPLIES)), self.rng.choice(MANNERS)
            stream, writer = await asyncio.open_connection("127.0.0.1", self.port)
            with contextlib.suppress(ConnectionError, TimeoutError):
                async with asyncio.timeout(8):
                    await self._behave(word, manner, stream, writer)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _behave(self, word: str, manner: str, stream: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        last = b"Connection: close\r\n"
        ask_for = b"GET /%b/x HTTP/1.1\r\nHost: a\r\n%%b\r\n" % word.encode()
        match manner:
            case "leaves" | "resets":
                writer.write(ask_for % b"")
                await asyncio.sleep(self.rng.random() * 0.05)
                if manner == "resets":
                    reset(writer)
                return
            case "half a body":
                writer.write(b"POST /%b/x HTTP/1.1\r\nHost: a\r\nContent-Length: 50000\r\n\r\nabc" % word.encode())
                await asyncio.sleep(self.rng.random() * 0.05)
                return
            case "nonsense":
                writer.write(self.rng.randbytes(200) + b"\r\n\r\n")
            case "pipelines":
                writer.write(ask_for % b"" + ask_for % b"" + ask_for % last)
            case "slow":
                writer.write(ask_for % last)
                await asyncio.sleep(0.3)
            case _:
                writer.write(ask_for % last)
        got = await stream.read()
        self.soaked.statuses.update(int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", got))


def pids_of(home: Path, supervisor: int) -> dict[str, int]:
    """The processes by name, as the proxy says."""
    status = ask(home, {"do": "status"})
    workers, keeper = status["workers"], status["keeper"]
    assert isinstance(workers, list)
    assert isinstance(keeper, dict)
    found = {f"worker {each['index']}": int(each["pid"]) for each in workers}
    return {"supervisor": supervisor, "keeper": int(keeper["pid"]), **found}


def descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def kilobytes(pid: int) -> int:
    """Resident memory."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1])


def is_whole(keeper: int) -> bool:
    """Whether a keeper has everything open that it ever has: its jury's sockets, and the ledger that it has written."""
    jurors = Path(f"/proc/{keeper}/task/{keeper}/children").read_text().split()
    return len(jurors) == min(JURORS, os.cpu_count() or 1) and any(
        name.endswith("ledger.sqlite-shm") for name in _opened(keeper)
    )


def _opened(pid: int) -> list[str]:
    """By name, as long as they are open."""
    names = []
    for each in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            names.append(str(each.readlink()))
    return names


async def _steady(pids: dict[str, int]) -> dict[str, int]:
    """How many descriptors each has once the start is over: the keeper has all its own, and the same for a second."""
    async with asyncio.timeout(60):
        while not is_whole(pids["keeper"]):
            await asyncio.sleep(0.2)  # the keeper's doing
    seen: list[dict[str, int]] = []
    while len(seen) < 6 or any(each != seen[-1] for each in seen[-6:]):
        seen.append({name: descriptors(pid) for name, pid in pids.items()})
        await asyncio.sleep(0.2)
    return seen[-1]


async def _settled(
    home: Path, pids: dict[str, int], before: dict[str, int], seconds: float
) -> tuple[float, dict[str, int]]:
    """Wait until descriptors and connections are back; how long that took, at most `seconds`, and the descriptors."""
    began = time.monotonic()
    while True:
        status = await asyncio.to_thread(ask, home, {"do": "status"})
        await asyncio.sleep(0.2)  # who asked has left by then
        now = {name: descriptors(pid) for name, pid in pids.items()}
        idle = (status["connections"], status["in_flight"]) == (0, 0)
        took = time.monotonic() - began
        if took > seconds or (idle and all(now[name] <= before[name] for name in pids)):
            return took, now


def soak(folder: Path, *, seconds: float, warm: float = 8.0, seed: int = 1) -> Soaked:
    """`warm` seconds fill what is kept (pools, caches, arenas); what is more after `seconds` of the same is a leak."""
    return asyncio.run(_soak(folder, seconds, warm, seed))


async def _soak(folder: Path, seconds: float, warm: float, seed: int) -> Soaked:
    soaked, backend = Soaked(), BadBackend()
    server = await asyncio.start_server(backend.serve, "127.0.0.1", 0, backlog=512)
    port = server.sockets[0].getsockname()[1]
    (folder / "routes.yaml").write_text(ROUTES.format(backend=port, nobody=free_port()))
    fig = Path(sys.executable).parent / "fig"
    with Started([fig, "serve", "-c", "routes.yaml"], folder=folder, name="fig serve") as proxy:
        found = await asyncio.to_thread(proxy.wait_for, r"serving http://127\.0\.0\.1:(\d+)")
        pids = await asyncio.to_thread(pids_of, folder, proxy.pid)
        fresh = await _steady(pids)
        tasks = (await asyncio.to_thread(ask, folder, {"do": "status"}))["tasks"]
        citizens = Citizens(int(found[1]), seed, soaked)
        await citizens.come(warm)
        await _let_go(backend)
        await _settled(folder, pids, fresh, 10.0)
        warmed = {name: kilobytes(pid) for name, pid in pids.items()}
        await citizens.come(seconds)
        await _let_go(backend)
        soaked.seconds_to_settle, kept = await _settled(folder, pids, fresh, 15.0)
        await asyncio.sleep(1.5)  # the workers say once a second how many tasks they have
        status = await asyncio.to_thread(ask, folder, {"do": "status"})
        soaked.tasks = (tasks, status["tasks"])
        soaked.connections, soaked.in_flight = status["connections"], status["in_flight"]
        assert await asyncio.to_thread(pids_of, folder, proxy.pid) == pids, "a process died and was replaced"
        soaked.left = [
            Left(name, (fresh[name], kept[name]), (warmed[name], kilobytes(pid))) for name, pid in pids.items()
        ]
        soaked.log = proxy.log
    server.close()
    return soaked


async def _let_go(backend: BadBackend) -> None:
    """End the backend's connections, so that the pools of the proxy are empty."""
    for writer in list(backend.open):
        writer.close()
    await asyncio.sleep(0.2)
