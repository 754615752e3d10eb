"""A canary in a whole proxy: two workers, real backends, stages that move while visitors are there."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
from pathlib import Path
from time import time

import pytest

from tests.conftest import Start
from tests.proxy.conftest import Named, Proxy, Server
from tests.proxy.test_newness import commit
from tests.proxy.test_tls_limits import until

VISITORS = 200


class Writable(Named):
    """Takes forms too."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()


@pytest.fixture
def proxy(tmp_path: Path, backends: dict[str, Server], start: Start, fig: Path) -> Proxy:
    for each in backends.values():
        each.RequestHandlerClass = Writable
    proxy = Proxy(tmp_path, backends, start, fig)
    text = proxy.text
    proxy.text = lambda stage: text(stage) + "    gates: {datasets: {jobs: 24h}}\n"  # type: ignore[method-assign]
    return proxy


class Visitor:
    """A browser: one connection after the other, and a jar of cookies."""

    def __init__(self, proxy: Proxy) -> None:
        self.port = proxy.port
        self.jar: dict[str, str] = {}

    def ask(self, method: str = "GET", path: str = "/repairs/1") -> str:
        """Who answered."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        cookies = "; ".join(f"{name}={value}" for name, value in self.jar.items())
        connection.request(method, path, b"x" if method == "POST" else None, {"Cookie": cookies} if cookies else {})
        reply = connection.getresponse()
        for line in reply.headers.get_all("Set-Cookie", ()):
            name, _, value = line.partition(";")[0].partition("=")
            self.jar[name] = value
        text = reply.read().decode()
        connection.close()
        return text.split(" ")[0]


def at(proxy: Proxy, stage: str) -> None:
    proxy.write(stage)
    assert proxy.ask(do="reload")["ok"] is True


def sides(visitors: list[Visitor]) -> list[str]:
    return [each.ask() for each in visitors]


def test_a_slice_climbs_and_no_visitor_is_moved_back(proxy: Proxy) -> None:
    at(proxy, "canary 10%")
    visitors = [Visitor(proxy) for _ in range(VISITORS)]
    first = sides(visitors)
    assert all(set(each.jar) == {"fig_visitor"} for each in visitors)
    assert 5 < first.count("repairs") < 50, "outside once in a million runs"
    assert sides(visitors) == first, "whichever worker they meet"
    at(proxy, "canary 50%")
    second = sides(visitors)
    assert 65 < second.count("repairs") < 135
    assert not [one for one, two in zip(first, second, strict=True) if one == "repairs" and two == "legacy"]
    proxy.ask(do="hold", slice="repairs", stage="canary 10%", who="ada", why="slow")
    assert sides(visitors) == first, "a hold caps the percent, and the same visitors are left"
    proxy.ask(do="resume", slice="repairs", who="ada")
    assert sides(visitors) == second
    proxy.ask(do="bypass", on=True, who="ada", why="an incident")
    assert sides(visitors) == ["legacy"] * VISITORS, "at once"
    proxy.ask(do="bypass", on=False)
    at(proxy, "live")
    assert sides(visitors) == ["repairs"] * VISITORS


def test_a_visitor_is_the_same_after_a_restart(proxy: Proxy, start: Start, fig: Path) -> None:
    at(proxy, "canary 50%")
    visitors = [Visitor(proxy) for _ in range(40)]
    before = sides(visitors)
    proxy.process.stop()
    again = start([fig, "serve", "-c", proxy.file], name="proxy again")
    port = int(again.wait_for(r"serving http://127\.0\.0\.1:(\d+)", seconds=20).group(1))
    for each in visitors:
        each.port = port
    assert sides(visitors) == before


def moved(fig: Path, proxy: Proxy, *words: str) -> str:
    done = subprocess.run([fig, *words, "-c", proxy.file], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_the_ladder_is_walked_by_hand(proxy: Proxy, fig: Path) -> None:
    text = proxy.text("legacy").replace("    gates: {datasets: {jobs: 24h}}\n", "")
    proxy.file.write_text(text + "    ladder: [canary 1%, canary 100%, live]\n")
    assert proxy.ask(do="reload")["ok"] is True
    visitor = Visitor(proxy)
    visitor.jar["fig_visitor"] = "0" * 32  # falls at 35.1
    for step, words, side in (
        ("legacy -> canary 1%", ("promote", "repairs"), "legacy"),
        ("canary 1% -> canary 40%", ("promote", "repairs", "--to", "canary 40%"), "repairs"),
        ("canary 40% -> canary 35%", ("rollback", "repairs", "--to", "canary 35%"), "legacy"),
        ("canary 35% -> canary 100%", ("promote", "repairs"), "repairs"),
        ("canary 100% -> live", ("promote", "repairs"), "repairs"),
        ("live -> retired", ("promote", "repairs", "--to", "retired"), "repairs"),
        ("retired -> legacy", ("rollback", "repairs"), "legacy"),
    ):
        assert f"slice 'repairs': {step}" in moved(fig, proxy, *words)
        assert visitor.ask() == side, step


def test_who_wrote_stays_with_legacy_until_a_run_has_begun_since(proxy: Proxy) -> None:
    at(proxy, "canary 100%")
    visitor, other = Visitor(proxy), Visitor(proxy)
    assert visitor.ask() == other.ask() == "repairs"
    assert visitor.ask("POST") == "legacy"
    wrote = int(visitor.jar["fig_wrote_repairs"])
    assert abs(wrote - time()) < 5
    assert [visitor.ask() for _ in range(8)] == ["legacy"] * 8, "both workers know"
    assert other.ask() == "repairs"
    victim = proxy.status()["workers"][0]["pid"]  # type: ignore[index]
    commit(proxy.folder, "jobs", 0, 0, year=2001)
    assert visitor.ask() == "legacy", "an older run does not have it"
    commit(proxy.folder, "jobs", 1, 0, year=2099)
    until(lambda: visitor.ask() == "repairs" and visitor.ask() == "repairs")
    os.kill(victim, signal.SIGKILL)
    until(lambda: proxy.status()["workers"][0]["pid"] not in (victim, None))  # type: ignore[index]
    until(lambda: proxy.status()["workers"][0]["state"] == "serving")  # type: ignore[index]
    assert [visitor.ask() for _ in range(20)] == ["repairs"] * 20, "a new worker is told too"
