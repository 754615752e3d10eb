"""A steady pace: so many requests a second whether or not the last were answered, and how long each answer took.

`python -m scripts.benches.proxy_pace PORT CASE tls|plain SECONDS` prints the microseconds as JSON. A process
of its own, so that it can be put on the client's core.
"""

from __future__ import annotations

import json
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace

from scripts.benches.proxy_cases import CASES, Case, Setup
from scripts.benches.proxy_load import Wrong, answer, connect

RATE = 500  # requests a second
CONNECTIONS = 64  # opened beforehand: a handshake in between would hold the clock up
PATIENCE = 60.0  # seconds beyond those of the pace, until answers that did not come are given up


def pace(port: int, case: Case, seconds: float) -> list[float]:
    """Microseconds from the request's sending to the answer's last byte.

    The clock decides when a request is sent, not the last answer. One that this client sends late, because it was
    reading, counts from when it was sent; one that waits because every connection does, from when it was due.
    """
    tls = case.setup.tls
    idle = [connect(port, tls=tls) for _ in range(CONNECTIONS)]
    for sock in idle:  # what a first request costs is not asked here
        sock.sendall(case.requests[0])
        answer(sock, case)
    sent: dict[socket.socket, float] = {}
    taken: list[float] = []
    count, start = int(RATE * seconds), time.perf_counter()
    at, is_held = 0, False
    while at < count or sent:
        due = start + at / RATE if at < count else float("inf")
        now = time.perf_counter()
        is_held = now >= due and (is_held or not idle)
        if now >= due and idle:
            sock = idle.pop()
            sent[sock] = due if is_held else time.perf_counter()
            sock.sendall(case.requests[0])
            at += 1
            continue
        for sock in _readable(sent, 1.0 if is_held else min(due - now, 1.0)):
            answer(sock, case)
            taken.append((time.perf_counter() - sent.pop(sock)) * 1e6)
            idle.append(sock)
    for sock in idle:
        sock.close()
    return taken


def _readable(sockets: Iterable[socket.socket], seconds: float) -> list[socket.socket]:
    """Those with something to read, once there is one or the time is over. By poll: select knows 1,024 descriptors."""
    by_descriptor = {each.fileno(): each for each in sockets}
    poll = select.poll()
    for each in by_descriptor:
        poll.register(each, select.POLLIN)
    return [by_descriptor[descriptor] for descriptor, _ in poll.poll(max(seconds, 0.0) * 1000)]


def paced(port: int, case: Case, core: int, seconds: float) -> list[float]:
    """The same from another process, on `core`. Raises Wrong."""
    command = ["taskset", "--cpu-list", str(core), sys.executable, "-m", "scripts.benches.proxy_pace"]
    command += [str(port), case.name, "tls" if case.setup.tls else "plain", str(seconds)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds + PATIENCE)
    except subprocess.TimeoutExpired:
        raise Wrong("at a steady pace: not every request was answered") from None
    if done.returncode != 0:
        raise Wrong(f"at a steady pace: {(done.stderr.strip().splitlines() or ['it ended'])[-1]}")
    return [float(each) for each in json.loads(done.stdout)]


def percentile(taken: Sequence[float], share: float) -> float:
    """The least that `share` of them do not exceed; 0.0 of none."""
    ordered = sorted(taken)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


if __name__ == "__main__":
    of_port, named, kind, of_seconds = sys.argv[1:]
    chosen = next(replace(case, setup=Setup(tls=kind == "tls")) for case in CASES if case.name == named)
    print(json.dumps([round(each, 1) for each in pace(int(of_port), chosen, float(of_seconds))]))
