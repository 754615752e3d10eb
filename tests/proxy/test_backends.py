"""How backends stand, in a running proxy with two workers: what `fig status` tells, and what survives a kill."""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from tests.conftest import Start
from tests.processes import Started
from tests.proxy.conftest import Named, Server

ROUTES = """\
version: 1
listen: 127.0.0.1:0
workers: 2
backends:
  legacy: {{url: http://127.0.0.1:{legacy}, connections: 3, queue: 1}}
  repairs:
    url: [http://127.0.0.1:{repairs}, http://127.0.0.1:{dead}]
    health: {{path: /healthz, every: 200ms}}
    breaker: {{errors: 50%, of: 6, cool: 60s}}
default: legacy
slices:
  repairs:
    backend: repairs
    stage: live
    routes: [/repairs/*]
"""


class Moody(BaseHTTPRequestHandler):
    """Answers health well; everything else with 503, or holds it until it may go on."""

    protocol_version = "HTTP/1.1"
    hold: Event | None = None

    def do_GET(self) -> None:
        if self.hold is not None:
            self.hold.wait(20)
        self.send_response(200 if self.path == "/healthz" or self.hold else 503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


class Running:
    """The proxy, and what it says of one backend."""

    def __init__(self, process: Started, folder: Path, fig: Path) -> None:
        self.process, self.folder, self.fig = process, folder, fig
        self.port = int(process.wait_for(r"serving http://127\.0\.0\.1:(\d+)", seconds=20).group(1))

    def status(self) -> Any:
        from proxy.control import ask

        return ask(self.folder, {"do": "status"})

    def backend(self, name: str) -> Any:
        return next(each for each in self.status()["backends"] if each["name"] == name)

    def ask(self, path: str) -> tuple[int, bytes, str | None]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("GET", path)
        reply = connection.getresponse()
        found = reply.status, reply.read(), reply.getheader("Retry-After")
        connection.close()
        return found

    def shown(self) -> str:
        return subprocess.run(
            [self.fig, "status", "-c", self.folder / "routes.yaml"], capture_output=True, text=True, check=True
        ).stdout


def until(true: Callable[[], Any], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came true"


@pytest.fixture
def running(
    tmp_path: Path, backends: dict[str, Server], start: Start, fig: Path, dead_port: Callable[[], int]
) -> Running:
    ports = {name: server.server_port for name, server in backends.items()}
    (tmp_path / "routes.yaml").write_text(ROUTES.format(dead=dead_port(), **ports))
    return Running(start([fig, "serve", "-c", tmp_path / "routes.yaml"]), tmp_path, fig)


def health(running: Running) -> list[str]:
    return [each["health"] for each in running.backend("repairs")["addresses"]]


def test_a_keeper_that_is_killed_leaves_every_address_usable(running: Running) -> None:
    until(lambda: health(running) == ["up", "down"])
    assert re.search(r"repairs +127\.0\.0\.1:\d+ up +closed +0 +0 +\n +127\.0\.0\.1:\d+ down", running.shown())
    for _ in range(10):
        assert running.ask("/repairs/1")[0] == 200
    assert running.backend("repairs")["retries"] == 0, "who is down was not asked"
    keeper = running.status()["keeper"]["pid"]
    os.kill(keeper, signal.SIGSTOP)
    until(lambda: health(running) == ["not known", "not known"])
    for _ in range(10):
        assert running.ask("/repairs/1")[0] == 200, "citizens notice nothing"
    os.kill(keeper, signal.SIGKILL)
    until(lambda: health(running) == ["up", "down"])
    assert running.status()["keeper"]["pid"] != keeper, "another has taken its place"


def test_a_breaker_that_opened_is_told_of(running: Running, backends: dict[str, Server]) -> None:
    backends["repairs"].RequestHandlerClass = Moody
    for _ in range(8):
        assert running.ask("/repairs/1") == (200, b"legacy /repairs/1", None)
    repairs = running.backend("repairs")
    assert repairs["breaker"] == "open"
    assert repairs["fallbacks"] == 8
    assert re.search(r"repairs .* open ", running.shown())
    running.process.wait_for(r"backend repairs: 3 of its last 6 requests failed; it is left alone for 60 s")


def test_the_queue_is_told_of_and_a_worker_that_is_killed_leaks_no_connection(
    running: Running, backends: dict[str, Server], start: Start
) -> None:
    go = Event()
    backends["legacy"].RequestHandlerClass = type("Held", (Moody,), {"hold": go})
    # Each asks from a process of its own: which worker gets it is the kernel's choice.
    asked = [start(["curl", "-s", "-o", os.devnull, "-w", "%{http_code}", f"http://127.0.0.1:{running.port}/x"])
             for _ in range(6)]  # fmt: skip
    until(lambda: running.backend("legacy")["refused"] == 2)
    until(lambda: running.backend("legacy")["in_flight"] == 3)
    assert running.backend("legacy")["queued"] == 1
    assert running.ask("/y")[0::2] == (503, "30")
    for worker in running.status()["workers"]:
        os.kill(worker["pid"], signal.SIGKILL)
    for each in asked:
        each.wait()
    until(lambda: all(each["state"] == "serving" for each in running.status()["workers"]))
    until(lambda: (running.backend("legacy")["connections"], running.backend("legacy")["queued"]) == (0, 0))
    go.set()
    backends["legacy"].RequestHandlerClass = Named
    assert running.ask("/x")[:2] == (200, b"legacy /x")


def test_the_admin_page_shows_them(
    tmp_path: Path, backends: dict[str, Server], start: Start, fig: Path, dead_port: Callable[[], int]
) -> None:
    ports = {name: server.server_port for name, server in backends.items()}
    text = ROUTES.format(dead=dead_port(), **ports)
    (tmp_path / "routes.yaml").write_text(text + "admin: 127.0.0.1:0\n")
    running = Running(start([fig, "serve", "-c", tmp_path / "routes.yaml"]), tmp_path, fig)
    until(lambda: health(running) == ["up", "down"])
    with urllib.request.urlopen(f"http://{running.status()['admin']}/health") as page:
        shown = page.read().decode()
    at = r"127\.0\.0\.1:\d+ <span[^>]*>"
    assert re.search(rf"{at}up</span><br>{at}down</span></td>\n<td>closed</td>", shown)
