"""How long citizens wait while a large table is taken in: a client asks on and on, and the file changes meanwhile."""

from __future__ import annotations

import os
import socket
import statistics
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from scripts.benches.origin import origin_command
from scripts.benches.processes import free_port, start
from scripts.benches.tables import contenders, routes_yaml, target

SETTLE = 2.0  # seconds of asking before the change, and after it
PAUSE = 0.001  # seconds between two requests


@dataclass(frozen=True, slots=True)
class Waits:
    """Milliseconds a request took."""

    requests: int
    median: float
    p99: float
    longest: float


@dataclass(frozen=True, slots=True)
class Intake:
    """`during`: from the change of the file until the worker served by it."""

    routes: int
    seconds: float
    before: Waits
    during: Waits
    after: Waits

    def table(self) -> str:
        rows = [
            ("before", self.before),
            (f"from the change of the file until the worker served by it ({self.seconds:.1f} s)", self.during),
            ("after", self.after),
        ]
        lines = ["| | requests | median, ms | 99 of 100 under | longest |", "|---|---:|---:|---:|---:|"]
        lines += [f"| {name} | {w.requests} | {w.median:.2f} | {w.p99:.2f} | {w.longest:.2f} |" for name, w in rows]
        return "\n".join(lines)


class Client(threading.Thread):
    """Asks one request after the other on one connection; keeps when each began and how long it took."""

    def __init__(self, port: int, path: str) -> None:
        super().__init__(daemon=True)
        self.times: list[tuple[float, float]] = []
        self.failed = ""
        self._request = f"GET {path} HTTP/1.1\r\nHost: www.anytown.gov.uk\r\n\r\n".encode()
        self._port = port
        self._ended = threading.Event()

    def run(self) -> None:
        with socket.create_connection(("127.0.0.1", self._port)) as sock:
            while not self._ended.wait(PAUSE):
                began = time.perf_counter()
                sock.sendall(self._request)
                answer = b""
                while b"\r\n\r\n" not in answer or len(answer) - answer.index(b"\r\n\r\n") - 4 < 64:
                    piece = sock.recv(65536)
                    if not piece:
                        self.failed = "the proxy closed the connection"
                        return
                    answer += piece
                if not answer.startswith(b"HTTP/1.1 200"):
                    self.failed = answer[:100].decode("latin-1")
                    return
                self.times.append((began, time.perf_counter() - began))

    def stop(self) -> None:
        self._ended.set()
        self.join()
        if self.failed:
            raise SystemExit(f"a request failed, so nothing is measured: {self.failed}")


def measure_intake(routes: int, scratch: Path) -> Intake:
    """From 10 routes to `routes` under way."""
    ours = next(each for each in contenders() if each.name == "stranglerfig")
    assert ours.program is not None
    cores = sorted(os.sched_getaffinity(0))
    with ExitStack() as stack:
        places = [scratch / f"intake-{part}" for part in ("origin", "proxy")]
        for place in places:
            place.mkdir()
        origin, port = free_port(), free_port()
        server = start("origin", origin_command(places[0], origin, 64), places[0], cores[-1])
        stack.callback(server.stop)
        server.wait_until_it_listens(origin)
        program = start("stranglerfig", ours.command(ours.program, places[1], 10, port, origin), places[1], *cores)
        stack.callback(program.stop)
        program.wait_until_it_listens(port)
        client = Client(port, target(10))
        client.start()
        time.sleep(SETTLE / 4)
        warm = time.perf_counter()
        time.sleep(SETTLE)
        changed = time.perf_counter()
        fresh = places[1] / "routes.new"
        fresh.write_text(routes_yaml(routes, port, 0, origin))
        fresh.replace(places[1] / "routes.yaml")
        taken = _wait_for(program.log, "as generation 2")
        time.sleep(SETTLE)
        client.stop()
    return Intake(
        routes,
        round(taken - changed, 2),
        _waits(client, warm, changed),
        _waits(client, changed, taken),
        _waits(client, taken, float("inf")),
    )


def _wait_for(log: Path, words: str, seconds: float = 180.0) -> float:
    deadline = time.perf_counter() + seconds
    while words not in log.read_text(errors="replace"):
        if time.perf_counter() > deadline:
            raise SystemExit(f"the proxy never said '{words}'. It said:\n{log.read_text(errors='replace')}")
        time.sleep(0.005)
    return time.perf_counter()


def _waits(client: Client, since: float, until: float) -> Waits:
    times = sorted(took * 1000 for began, took in client.times if since <= began < until)
    if not times:
        return Waits(0, 0.0, 0.0, 0.0)
    p99 = times[min(len(times) - 1, int(len(times) * 0.99))]
    return Waits(len(times), round(statistics.median(times), 2), round(p99, 2), round(times[-1], 2))
