"""Two thousand citizens who have asked something and now read: what they cost while nothing is asked."""

from __future__ import annotations

import resource
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.benches.proxy_cases import CASES, Setup
from scripts.benches.proxy_load import Wrong, answer, connect
from scripts.benches.proxy_programs import Found
from scripts.benches.proxy_runs import Running, Stage, answering, say

CITIZENS = 2_000
# As many addresses as it takes that none has more connections than a proxy may allow one.
ADDRESSES = tuple(f"127.0.0.{last}" for last in range(2, 10))
QUIET = 3.0  # seconds in which nobody asks anything
ASKED = CASES[0]


@dataclass(frozen=True, slots=True)
class Idle:
    """MiB of a proxy's workers and of its other processes, before and with the connections; `busy`: its core's load."""

    peer: str
    before: float = 0.0
    worker: float = 0.0
    others: float = 0.0
    busy: float = 0.0
    failed: str = ""


def measured(everyone: Sequence[Found], scratch: Path) -> Iterator[Idle]:
    """Each proxy in turn."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # what is started inherits it
    with Stage(scratch) as stage:
        for found in everyone:
            try:
                running = stage.run(found, Setup())
                answering(running, ASKED, scratch)
                idle = _idle(running)
            except (Wrong, OSError) as exc:
                idle = Idle(found.peer.name, failed=str(exc))
            say(f"idle          {idle.peer:<14}{idle.failed or f'{idle.before} MiB, then {idle.worker} MiB'}")
            yield idle


def _idle(running: Running) -> Idle:
    before, _ = running.memory()
    citizens: list[socket.socket] = []
    try:
        for at in range(CITIZENS):
            citizens.append(connect(running.site.port, tls=False, address=ADDRESSES[at % len(ADDRESSES)]))
            _ask(citizens[-1])
        used, since = sum(running.program.cpu().values()), time.monotonic()
        time.sleep(QUIET)
        busy = (sum(running.program.cpu().values()) - used) / (time.monotonic() - since)
        worker, others = running.memory()
        for sock in citizens:  # all of them are still there
            _ask(sock)
    finally:
        for sock in citizens:
            sock.close()
    return Idle(running.peer.name, before, worker, others, round(busy, 4))


def _ask(sock: socket.socket) -> None:
    sock.sendall(ASKED.request)
    answer(sock, ASKED)
