"""The access log of a whole proxy: several workers, one log, rotated and read while citizens are served."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import stat
import subprocess
from pathlib import Path

import aiohttp

from tests.conftest import Start
from tests.proxy.conftest import Proxy, Server
from tests.proxy.test_serving import get, until


class Logged(Proxy):
    """A proxy with a `log:` of its own."""

    def __init__(self, log: str, *args: object, **more: object) -> None:
        self.log = log
        super().__init__(*args, **more)  # type: ignore[arg-type]

    def text(self, stage: str) -> str:
        return f"{super().text(stage)}log: {self.log}\n"


async def many(proxy: Proxy, count: int, path: str = "/a") -> None:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=16)) as session:

        async def one(number: int) -> None:
            async with session.get(f"{proxy.url}{path}/{number}") as reply:
                assert reply.status == 200

        await asyncio.gather(*(one(number) for number in range(count)))


def targets(text: str) -> list[str]:
    return [json.loads(line)["target"] for line in text.splitlines()]


def log_of(proxy: Proxy) -> dict[str, object]:
    return proxy.status()["access_log"]  # type: ignore[return-value]


def test_it_is_rotated_by_name_and_by_sighup(
    tmp_path: Path, backends: dict[str, Server], start: Start, fig: Path
) -> None:
    (tmp_path / "logs").mkdir()
    proxy = Logged("{access: all, file: logs/access.log}", tmp_path, backends, start, fig)
    file = tmp_path / "logs" / "access.log"

    async def main() -> None:
        await many(proxy, 200)
        await until(lambda: log_of(proxy)["written"] == 200)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        file.rename(file.with_suffix(".1"))
        os.kill(proxy.process.pid, signal.SIGHUP)
        await until(lambda: proxy.status()["generation"] == 2)
        await many(proxy, 200, "/b")
        await until(lambda: log_of(proxy)["written"] == 400)

    asyncio.run(main())
    before, after = file.with_suffix(".1").read_text(), file.read_text()
    assert sorted(targets(before)) == sorted(f"/a/{number}" for number in range(200))
    assert sorted(targets(after)) == sorted(f"/b/{number}" for number in range(200))
    assert log_of(proxy)["lost"] == 0


def test_it_goes_to_standard_output_whole_and_to_the_last_line(
    tmp_path: Path, backends: dict[str, Server], start: Start, fig: Path
) -> None:
    proxy = Logged("{access: all, format: combined}", tmp_path, backends, start, fig, workers=2)
    asyncio.run(many(proxy, 300))
    assert proxy.process.stop() == 0
    lines = [line for line in proxy.process.log.splitlines() if line.startswith("127.0.0.1 - - [")]
    assert sorted(line.split('"')[1] for line in lines) == sorted(f"GET /a/{number} HTTP/1.1" for number in range(300))
    assert all(line.endswith('"') for line in lines)


def test_a_change_of_the_file_turns_it_on_and_off(
    tmp_path: Path, backends: dict[str, Server], start: Start, fig: Path
) -> None:
    proxy = Logged("{access: off}", tmp_path, backends, start, fig)

    async def main() -> None:
        await get(f"{proxy.url}/before")
        proxy.log = "{access: all, file: access.log}"
        proxy.write("legacy")
        assert proxy.ask(do="reload")["ok"] is True
        await get(f"{proxy.url}/on")
        proxy.log = "{access: off}"
        proxy.write("legacy")
        assert proxy.ask(do="reload")["ok"] is True
        await get(f"{proxy.url}/after")
        await until(lambda: log_of(proxy)["written"] == 1)

    asyncio.run(main())
    assert proxy.process.stop() == 0
    assert targets((tmp_path / "access.log").read_text()) == ["/on"]


def test_a_log_that_cannot_be_written_is_a_problem_with_its_line(
    tmp_path: Path, backends: dict[str, Server], start: Start, fig: Path
) -> None:
    proxy = Logged("{access: off}", tmp_path, backends, start, fig)
    proxy.log = "{access: all, file: nowhere/access.log}"
    proxy.write("live")
    reply = proxy.ask(do="reload")
    line = proxy.text("live").splitlines().index(f"log: {proxy.log}") + 1
    problem = (
        f"routes.yaml:{line}: the access log 'nowhere/access.log' cannot be written: No such file or directory\n"
        "    its folder is there, and whoever runs the proxy may write in it; a pipe has a reader"
    )
    assert reply["problems"] == [problem]
    assert asyncio.run(get(f"{proxy.url}/repairs/1"))[1].startswith("legacy"), "nothing of it took effect"


def test_a_full_disk_is_said_and_citizens_are_served(
    tmp_path: Path, backends: dict[str, Server], start: Start, fig: Path
) -> None:
    proxy = Logged("{access: all, file: /dev/full}", tmp_path, backends, start, fig)
    asyncio.run(many(proxy, 100))

    asyncio.run(until(lambda: log_of(proxy)["lost"] == 100))
    proxy.process.wait_for(r"worker \d: \d+ lines of the access log are lost: No space left on device")
    assert log_of(proxy)["written"] == 0


def test_a_reader_that_is_stuck_holds_no_citizen_up(
    tmp_path: Path, backends: dict[str, Server], start: Start, fig: Path
) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    proxy = Logged("{access: all, file: pipe}", tmp_path, backends, start, fig, workers=1)

    async def main() -> None:
        await until(lambda: proxy.status()["generation"] == 1)
        while log_of(proxy)["lost"] == 0:
            await many(proxy, 500, "/" + "a" * 1500)

    asyncio.run(main())
    proxy.process.wait_for(r"lines of the access log are lost: what reads it does not keep up")
    os.close(reader)
    assert proxy.process.stop() == 0


def test_status_and_the_page_say_where_it_is_and_what_is_lost(
    tmp_path: Path, backends: dict[str, Server], start: Start, fig: Path
) -> None:
    proxy = Logged("{access: sampled 50%, file: access.log}", tmp_path, backends, start, fig)
    admin = proxy.status()["admin"]

    def said() -> str:
        return subprocess.run([fig, "status", "-c", proxy.file], capture_output=True, text=True, check=True).stdout

    assert f"metrics: http://{admin}/metrics\n" in said()
    assert "access log: sampled 50%, json, to access.log; 0 lines written\n" in said()
    page = asyncio.run(get(f"http://{admin}/health"))[1]
    assert "<dt>Access log</dt><dd>sampled 50%, json, to access.log: 0 lines</dd>" in page
    assert '<a href="/metrics">' in page
    proxy.log = "{access: all, file: /dev/full}"
    proxy.write("legacy")
    assert proxy.ask(do="reload")["ok"] is True
    asyncio.run(many(proxy, 20))
    asyncio.run(until(lambda: log_of(proxy)["lost"] == 20))
    assert "access log: all, json, to /dev/full; 0 lines written, 20 lines lost\n" in said()

    async def shown(text: str) -> None:
        while text not in (await get(f"http://{admin}/health"))[1]:
            await asyncio.sleep(0.05)  # the page is as old as what the supervisor said last

    asyncio.run(asyncio.wait_for(shown('<span class="bad">20 lines lost</span>'), 20))
