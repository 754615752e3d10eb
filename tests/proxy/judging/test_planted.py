"""Two councils that differ in fifteen planted ways amid noise: all fifteen are reported, and nothing else is.

The whole of it: a proxy at stage shadow, two programs behind it, 5,500 requests, and what the admin API says then.
Legacy, which is no monolith here, is asked a second time twenty times as often as anywhere: only the wait is shorter.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from time import monotonic
from typing import Any

import aiohttp
import pytest

from proxy.control import ask
from proxy.noise import ENOUGH
from tests.conftest import ROOT, Start
from tests.proxy.judging.council import ROUTES

CONFIG = """\
version: 1
listen: 127.0.0.1:0
admin: 127.0.0.1:0
workers: 1
backends:
  legacy: {{url: http://127.0.0.1:{legacy}}}
  council: {{url: http://127.0.0.1:{slice}}}
default: legacy
slices:
  council:
    backend: council
    stage: shadow
    routes: [{routes}]
    shadow: {{sample: 100%, methods: [GET]}}
"""
FIRST, AFTER = 500, 5000
SOONER = Path(__file__).parent / "sooner"
# Requests under way: no more than the keeper asks of a candidate at once, so that every one of them is judged.
AT_ONCE = 12

PLANTED: list[
    tuple[str, str, str, set[str]]
] = [  # what was planted, and where it must be found: the route, a pattern of the path, the kinds
    ("a rounding", "/api/jobs/*", r"json:\$\.cost", {"value"}),
    ("a missing row", "/jobs/*", r"css:.*\btr", {"missing", "length"}),
    ("a changed label", "/forms/*", r"css:.*label", {"value"}),
    ("a lost form field", "/forms/*", r"css:.*(?:input|label).*", {"missing"}),
    ("an extra redirect", "/old/*", r"status", {"status"}),
    ("a cookie attribute", "/prefs/*", r"cookie:lang.*", {"value", "missing"}),
    ("a wrong encoding", "/letters/*", r"css:main p", {"value", "unreadable"}),
    ("a swapped order where order matters", "/api/lists/*", r"json:\$\.steps.*", {"order"}),
    ("a date in another zone", "/jobs/*", r"css:p#updated", {"value"}),
    ("a 500 for one id", "/api/jobs/*", r"status", {"status"}),
    ("a missing page", "/help/*", r"status", {"status"}),
    ("a truncated list", "/api/lists/*", r"json:\$\.wards.*", {"length"}),
    ("a changed link", "/help/*", r"css:a#contact.*", {"value"}),
    ("a lost field in JSON", "/api/jobs/*", r"json:\$\.ward", {"missing"}),
    ("a null for an empty string", "/api/jobs/*", r"json:\$\.notes", {"type"}),
]


class Scene:
    def __init__(self, folder: Path, start: Start, fig: Path) -> None:
        ports = {}
        for side in ("legacy", "slice"):
            council = start([sys.executable, "-m", "tests.proxy.judging.council", side], folder=ROOT, name=side)
            ports[side] = int(council.wait_for(r"port (\d+)").group(1))
        self.folder = folder
        file = folder / "routes.yaml"
        file.write_text(CONFIG.format(**ports, routes=", ".join(ROUTES)))
        proxy = start([fig, "serve", "-c", file], name="proxy", environ={"PYTHONPATH": str(SOONER)})
        found = proxy.wait_for(r"serving http://127\.0\.0\.1:(\d+) .*admin (http://\S+)", seconds=30)
        self.port, self.admin = int(found[1]), found[2]
        self.asked = self.counted = 0
        self._dice = random.Random(6)

    def verdicts(self) -> Any:
        said: Any = ask(self.folder, {"do": "status"})
        assert said["ok"], said
        (row,) = said["slices"]
        return row["verdicts"]

    def findings(self) -> list[Mapping[str, Any]]:
        """The differences that count, as the admin API tells them."""
        with urllib.request.urlopen(f"{self.admin}/api/v1/slices/council/differences") as reply:
            found: list[Mapping[str, Any]] = json.load(reply)["differences"]
        return found

    async def visit(self, count: int, pause: float = 0.0) -> None:
        """So many requests for any of the pages, no faster than they are judged."""
        limit = asyncio.Semaphore(AT_ONCE)
        async with aiohttp.ClientSession() as session:

            async def one() -> None:
                route, number = self._dice.choice(ROUTES), self._dice.randrange(1, 40)
                url = f"http://127.0.0.1:{self.port}{route.removesuffix('*')}{number}"
                async with limit, session.get(url, allow_redirects=False) as reply:
                    assert reply.status == 200
                    await reply.read()

            for at in range(0, count, AT_ONCE):
                batch = min(AT_ONCE, count - at)
                await asyncio.gather(*(one() for _ in range(batch)))
                self.asked += batch
                await self._until_judged()
                await asyncio.sleep(pause)  # it is time that second reads need

    async def _until_judged(self) -> None:
        async with asyncio.timeout(60):
            while True:
                said = await asyncio.to_thread(self.verdicts)
                if said["judged"] + said["unjudged"] >= self.asked:
                    return
                await asyncio.sleep(0.02)  # the jury's work is waited for

    async def until_nothing_waits(self) -> None:
        """What differed has been asked again, and is judged."""
        async with asyncio.timeout(60):
            while (await asyncio.to_thread(self.verdicts))["waiting"]["learning"]:
                await asyncio.sleep(0.1)  # the keeper's and legacy's work


@pytest.mark.slow
def test_all_fifteen_ways_are_reported_and_nothing_else_is(tmp_path: Path, start: Start, fig: Path) -> None:
    async def main() -> None:
        scene = Scene(tmp_path, start, fig)
        began = monotonic()
        await scene.visit(FIRST, pause=0.2)
        await scene.until_nothing_waits()
        said = scene.verdicts()
        print(f"{FIRST} requests in {monotonic() - began:.0f} s: {said}")
        assert said["second_reads"] >= ENOUGH * len(ROUTES)
        judged = said["judged"]  # but for those of a pattern that knew too little while 32 of it waited
        await scene.visit(AFTER)
        await scene.until_nothing_waits()
        said = scene.verdicts()
        print(f"{AFTER} more in {monotonic() - began:.0f} s: {said}")
        async with asyncio.timeout(60):
            while _held_to(scene.findings())[1] or _counted(scene.findings()) != scene.counted:
                scene.counted = _counted(scene.findings())
                await asyncio.sleep(6.0)  # the ledger is written each second, and read every five
        unexplained, missed = _held_to(scene.findings())
        assert missed == [], "not reported"
        assert unexplained == [], "reported, and nobody planted it"
        assert said["judged"] == judged + AFTER
        assert said["matched"] + said["ignored"] > 0

    asyncio.run(main())


def _counted(found: list[Mapping[str, Any]]) -> int:
    return sum(each["count"] for each in found)


def _held_to(found: list[Mapping[str, Any]]) -> tuple[list[Mapping[str, Any]], list[str]]:
    """Findings that nothing planted explains, and what was planted and not found."""

    def explains(finding: Mapping[str, Any], pattern: str, path: str, kinds: set[str]) -> bool:
        return (
            finding["pattern"] == pattern
            and finding["kind"] in kinds
            and re.fullmatch(path, finding["path"]) is not None
        )

    unexplained = [each for each in found if not any(explains(each, *way) for _, *way in PLANTED)]
    missed = [name for name, *way in PLANTED if not any(explains(each, *way) for each in found)]
    return unexplained, missed
