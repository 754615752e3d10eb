"""A long routes.yaml of a running proxy, changed a few lines at a time: workers that stay and that come serve alike."""

from __future__ import annotations

import os
import signal
import urllib.request
from pathlib import Path
from typing import Any

from tests.conftest import Start
from tests.proxy.conftest import Proxy, Server

MANY = 1_000


class Long(Proxy):
    """Its slice claims what `paths` says."""

    paths: tuple[str, ...] = tuple(f"/page-{number}/*" for number in range(MANY))

    def text(self, stage: str) -> str:
        lines = "".join(f"\n      - {path}" for path in self.paths)
        return super().text(stage).replace(" [/repairs/*]", lines)

    def change(self, *paths: str) -> None:
        self.paths = paths
        self.write("live")
        assert self.ask(do="reload")["ok"]

    def answers(self, path: str) -> set[str]:
        """Who answers, over connections enough that every worker is asked."""
        said = set()
        for _ in range(16):
            with urllib.request.urlopen(f"{self.url}{path}") as reply:
                said.add(reply.read().decode().split(" ")[0])
        return said

    def serving(self) -> dict[int, int]:
        """By index, the process of each worker that serves by the newest generation."""
        workers: Any = self.status()["workers"]
        return {worker["index"]: worker["pid"] for worker in workers if worker["state"] == "serving"}


def test_lines_come_and_go_and_workers_do(tmp_path: Path, backends: dict[str, Server], start: Start, fig: Path) -> None:
    proxy = Long(tmp_path, backends, start, fig)
    first, *others = proxy.paths
    proxy.change(first, *others)
    assert proxy.answers("/page-500/a") == {"repairs"}
    proxy.change("/new/*", first, *others[:400], *others[600:])  # every line below stands elsewhere now
    assert [proxy.answers(path) for path in ("/new/a", "/page-500/a", "/page-999/a")] == [
        {"repairs"}, {"legacy"}, {"repairs"},
    ]  # fmt: skip
    before = proxy.serving()
    os.kill(before[0], signal.SIGKILL)
    while len(now := proxy.serving()) < len(before) or now[0] == before[0]:
        pass
    assert [proxy.answers(path) for path in ("/new/a", "/page-500/a", "/page-999/a")] == [
        {"repairs"}, {"legacy"}, {"repairs"},
    ]  # fmt: skip
    proxy.change(first, *others)
    assert [proxy.answers(path) for path in ("/new/a", "/page-500/a", "/page-999/a")] == [
        {"legacy"}, {"repairs"}, {"repairs"},
    ]  # fmt: skip
    assert "KeyError" not in proxy.process.log
    assert proxy.serving() == now, "no worker failed over a change"
