"""The whole proxy as a process.

`fig serve` on real sockets, changed and broken and killed while citizens are served.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest

from proxy.control import NotRunning
from tests.conftest import Start
from tests.proxy.conftest import ROUTES, Named, Proxy, Server


async def get(url: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(url) as reply:
        return reply.status, await reply.text()


async def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)  # another process's doing: nothing here could say when


def test_ten_thousand_requests_during_twenty_reloads_two_of_them_broken(proxy: Proxy) -> None:
    """No failed request and no wrong answer: each is legacy's or the slice's, whole, for the path that was asked."""
    asked = 10_000
    answers: dict[str, int] = {}

    async def main() -> None:
        todo = iter(range(asked))
        done = 0

        async def citizen(session: aiohttp.ClientSession) -> None:
            nonlocal done
            for number in todo:
                async with session.get(f"{proxy.url}/repairs/{number}") as reply:
                    text = await reply.text()
                    assert reply.status == 200, text
                    name, path = text.split(" ")
                    assert path == f"/repairs/{number}"
                    answers[name] = answers.get(name, 0) + 1
                    done += 1

        async def migrate() -> None:
            for turn in range(20):
                await until(lambda turn=turn: done >= asked * turn // 21)  # type: ignore[misc]
                broken = turn in (7, 14)
                stage = "lvie" if broken else "live" if turn % 2 == 0 else "legacy"
                await asyncio.to_thread(proxy.write, stage)
                reply = await asyncio.to_thread(lambda: proxy.ask(do="reload"))
                assert reply["ok"] is not broken

        connector = aiohttp.TCPConnector(limit=64)
        async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=60)) as session:
            await asyncio.gather(migrate(), *(citizen(session) for _ in range(64)))

    asyncio.run(main())
    assert sum(answers.values()) == asked
    assert answers.keys() == {"legacy", "repairs"}, "both sides answered"
    status = proxy.status()
    hits = status["slices"][0]["hits"]  # type: ignore[index]
    assert hits == {"legacy": answers["legacy"], "slice": answers["repairs"]}, "every request was counted, on its side"
    assert "'lvie' is not a stage" in proxy.process.log


def test_a_changed_file_takes_effect_by_itself(proxy: Proxy) -> None:
    async def main() -> None:
        assert await get(f"{proxy.url}/repairs/1") == (200, "legacy /repairs/1")
        proxy.write("live")
        await until(lambda: proxy.status()["generation"] == 2)
        assert await get(f"{proxy.url}/repairs/1") == (200, "repairs /repairs/1")
        assert await get(f"{proxy.url}/repairsx") == (200, "legacy /repairsx")

    asyncio.run(main())


def test_sighup_reads_the_file_again(proxy: Proxy) -> None:
    os.kill(proxy.process.pid, signal.SIGHUP)
    asyncio.run(until(lambda: proxy.status()["generation"] == 2))


def test_a_broken_file_is_said_everywhere_and_changes_nothing(proxy: Proxy) -> None:
    async def main() -> None:
        proxy.file.write_text(proxy.text("live").replace("repairs: {url", "repairz: {url"))
        reply = proxy.ask(do="reload")
        assert reply["ok"] is False
        problem = reply["problems"][0]  # type: ignore[index]
        assert problem == (
            "routes.yaml:12: slice 'repairs' sends to backend 'repairs', which is not declared\n"
            "    declared backends: legacy, repairz. Did you mean 'repairz'?"
        )
        assert proxy.status()["problems"] == [problem]
        assert problem in proxy.process.log
        admin = proxy.status()["admin"]
        status, page = await get(f"http://{admin}/")
        assert status == 200
        assert "which is not declared" in page
        assert await get(f"{proxy.url}/repairs/1") == (200, "legacy /repairs/1")
        proxy.write("legacy")
        assert proxy.ask(do="reload")["ok"] is True
        assert proxy.status()["problems"] == []

    asyncio.run(main())


def test_a_hold_goes_above_the_file_until_it_is_cleared(proxy: Proxy) -> None:
    async def main() -> None:
        proxy.write("live")
        proxy.ask(do="reload")
        assert (await get(f"{proxy.url}/repairs/1"))[1].startswith("repairs")
        reply = proxy.ask(do="hold", slice="repairs", stage="legacy", who="ada", why="it is slow")
        assert reply["ok"] is True
        assert (await get(f"{proxy.url}/repairs/1"))[1].startswith("legacy"), "acknowledged means in force"
        kept = json.loads((proxy.folder / "data" / "holds.json").read_text())
        assert kept["holds"]["repairs"]["stage"] == "legacy"
        proxy.write("legacy")
        proxy.ask(do="reload")
        proxy.write("live")
        proxy.ask(do="reload")
        assert (await get(f"{proxy.url}/repairs/1"))[1].startswith("legacy"), "a change of the file clears no hold"
        proxy.ask(do="resume", slice="repairs", who="ada")
        assert (await get(f"{proxy.url}/repairs/1"))[1].startswith("repairs")

    asyncio.run(main())


def test_a_bypass_sends_everything_to_legacy(proxy: Proxy) -> None:
    async def main() -> None:
        proxy.file.write_text(proxy.text("live") + "redirects: [{from: /old/*, to: /repairs/*}]\ngone: [/kiosk]\n")
        assert proxy.ask(do="reload")["ok"] is True
        assert (await get(f"{proxy.url}/kiosk"))[0] == 410
        assert (await get(f"{proxy.url}/old/1"))[1] == "repairs /repairs/1"
        proxy.ask(do="bypass", on=True, who="ada", why="an incident")
        for path in ("/kiosk", "/old/1", "/repairs/1"):
            assert await get(f"{proxy.url}{path}") == (200, f"legacy {path}")
        proxy.ask(do="bypass", on=False)
        assert (await get(f"{proxy.url}/kiosk"))[0] == 410

    asyncio.run(main())


def test_holds_outlive_the_proxy(proxy: Proxy, start: Start, fig: Path) -> None:
    proxy.write("live")
    proxy.ask(do="reload")
    proxy.ask(do="hold", slice="repairs", stage="legacy", who="ada", why="it is slow")
    proxy.process.stop()
    again = start([fig, "serve", "-c", proxy.file], name="proxy again")
    port = int(again.wait_for(r"serving http://127\.0\.0\.1:(\d+)", seconds=20).group(1))
    assert asyncio.run(get(f"http://127.0.0.1:{port}/repairs/1")) == (200, "legacy /repairs/1")
    again.wait_for(r"slice repairs: legacy \(held; the file says live\)")


@pytest.mark.parametrize("victim", ["worker", "keeper"])
def test_what_dies_is_replaced_and_citizens_are_served(proxy: Proxy, victim: str) -> None:
    async def main() -> None:
        status = proxy.status()
        pid = status["workers"][0]["pid"] if victim == "worker" else status["keeper"]["pid"]  # type: ignore[index, call-overload]
        os.kill(pid, signal.SIGKILL)

        def replaced() -> bool:
            now = proxy.status()
            one = now["workers"][0] if victim == "worker" else now["keeper"]  # type: ignore[index]
            return one["pid"] != pid and one["state"] in ("serving", "running")  # type: ignore[index, call-overload]

        await until(replaced)
        for number in range(50):  # the kernel spreads connections over both workers
            assert await get(f"{proxy.url}/a{number}") == (200, f"legacy /a{number}")
        admin = proxy.status()["admin"]
        await until(lambda: proxy.status()["keeper"]["state"] == "running")  # type: ignore[call-overload, index]
        assert (await get(f"http://{admin}/healthz"))[0] == 200

    asyncio.run(main())


def test_a_queue_outlives_the_worker_that_served_it(
    tmp_path: Path, backends: dict[str, Server], start: Start, fig: Path
) -> None:
    """One worker, killed: who connects before its replacement is there waits, and is served."""
    proxy = Proxy(tmp_path, backends, start, fig, workers=1)

    async def main() -> None:
        pid = proxy.status()["workers"][0]["pid"]  # type: ignore[index]
        os.kill(pid, signal.SIGKILL)
        assert await get(f"{proxy.url}/waited") == (200, "legacy /waited")

    asyncio.run(main())


def test_a_stop_finishes_what_is_under_way(proxy: Proxy, backends: dict[str, Server]) -> None:
    arrived, go_on = threading.Event(), threading.Event()

    class Slow(Named):
        def do_GET(self) -> None:
            if self.path == "/slow":
                arrived.set()
                go_on.wait(10)
            super().do_GET()

    backends["legacy"].RequestHandlerClass = Slow

    async def main() -> None:
        under_way = asyncio.create_task(get(f"{proxy.url}/slow"))
        assert await asyncio.to_thread(arrived.wait, 10)
        os.kill(proxy.process.pid, signal.SIGTERM)
        await asyncio.to_thread(proxy.process.wait_for, "stopping; requests under way have 5 s to finish", seconds=10)

        async def refused() -> bool:
            with contextlib.suppress(aiohttp.ClientError):
                await get(f"{proxy.url}/new")
                return False
            return True

        async with asyncio.timeout(10):
            while not await refused():
                await asyncio.sleep(0)
        go_on.set()
        assert await under_way == (200, "legacy /slow")

    asyncio.run(main())
    assert proxy.process.wait(seconds=10) == 0
    assert proxy.process.log.endswith("\nstopped\n")


def test_without_a_supervisor_no_worker_lives_on(proxy: Proxy) -> None:
    status = proxy.status()
    pids = [worker["pid"] for worker in status["workers"]] + [status["keeper"]["pid"]]  # type: ignore[index, call-overload, union-attr]
    os.kill(proxy.process.pid, signal.SIGKILL)

    def gone() -> bool:
        return not any(Path(f"/proc/{pid}").exists() for pid in pids)

    asyncio.run(until(gone))
    with pytest.raises(NotRunning):
        proxy.status()


def test_a_second_proxy_in_one_folder_is_refused(proxy: Proxy, start: Start, fig: Path) -> None:
    second = start([fig, "serve", "-c", proxy.file], name="second")
    second.wait_for("a proxy already serves from", seconds=20)
    assert second.log == (
        f"a proxy already serves from {proxy.folder} (process {proxy.process.pid})\n"
        "    stop it, or serve from another folder\n"
    )
    assert second.wait(seconds=10) == 3


def test_a_taken_port_is_refused(
    proxy: Proxy, tmp_path_factory: pytest.TempPathFactory, start: Start, fig: Path
) -> None:
    folder = tmp_path_factory.mktemp("other")
    (folder / "routes.yaml").write_text(proxy.text("legacy").replace("127.0.0.1:0", f"127.0.0.1:{proxy.port}", 1))
    second = start([fig, "serve", "-c", folder / "routes.yaml"], name="second")
    assert second.wait(seconds=20) == 3
    assert second.log == (
        f"cannot listen on 127.0.0.1:{proxy.port}: another program has the port\n"
        f"    stop that program, or choose another port; find it with: ss -ltnp 'sport = :{proxy.port}'\n"
    )


def test_keys_not_acted_on_yet_stop_it_from_starting(tmp_path: Path, start: Start, fig: Path) -> None:
    (tmp_path / "routes.yaml").write_text(
        ROUTES.format(stage="shadow", workers=1, legacy=1, repairs=2)
        + "    promote: auto\n    gates: {requests: 300}\n"
    )
    process = start([fig, "serve", "-c", tmp_path / "routes.yaml"])
    assert process.wait(seconds=20) == 2
    assert "routes.yaml:15: " in process.log
    assert "routes.yaml:16: " in process.log
    assert "not acted on yet" in process.log


def test_the_admin_answers_to_its_own_address_alone(proxy: Proxy) -> None:
    async def main() -> None:
        admin = proxy.status()["admin"]
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://{admin}/", headers={"Host": "evil.example"}) as reply:
                assert reply.status == 421
            async with session.get(f"http://{admin}/") as reply:
                assert reply.headers["Content-Security-Policy"].startswith("default-src 'none'")
                assert "repairs" in await reply.text()
            async with session.get(f"http://{admin}/status.json") as reply:
                assert (await reply.json())["generation"] == 1

    asyncio.run(main())


def test_the_stock_loop_serves_too(proxy: Proxy, start: Start, fig: Path) -> None:
    folder = proxy.folder / "stock"
    folder.mkdir()
    (folder / "routes.yaml").write_text(proxy.text("live"))
    stock = start([fig, "serve", "-c", folder / "routes.yaml", "--loop", "asyncio"], name="stock loop")
    port = int(stock.wait_for(r"serving http://127\.0\.0\.1:(\d+)", seconds=20).group(1))
    assert asyncio.run(get(f"http://127.0.0.1:{port}/repairs/1")) == (200, "repairs /repairs/1")


def test_it_can_be_stopped_while_it_starts(tmp_path: Path, start: Start, fig: Path) -> None:
    (tmp_path / "routes.yaml").write_text(ROUTES.format(stage="legacy", workers=8, legacy=1, repairs=2))
    process = start([fig, "serve", "-c", tmp_path / "routes.yaml"])
    asyncio.run(until(lambda: (tmp_path / "data" / "proxy.lock").exists()))
    process.send(signal.SIGTERM)
    process.wait(seconds=15)


def test_two_holds_at_once_are_both_kept(proxy: Proxy) -> None:
    proxy.file.write_text(
        proxy.text("live") + "  parks:\n    backend: repairs\n    stage: live\n    routes: [/parks/*]\n"
    )
    assert proxy.ask(do="reload")["ok"] is True

    async def main() -> None:
        asks = [
            asyncio.to_thread(proxy.ask, do="hold", slice=name, stage="legacy", who="ada", why="both")
            for name in ("repairs", "parks")
        ]
        bypass = asyncio.to_thread(proxy.ask, do="bypass", on=True, who="ada", why="and this")
        assert all(reply["ok"] for reply in await asyncio.gather(*asks, bypass))

    asyncio.run(main())
    kept = json.loads((proxy.folder / "data" / "holds.json").read_text())
    assert kept["holds"].keys() == {"repairs", "parks"}
    assert kept["bypass"]["why"] == "and this"


def test_a_file_that_goes_away_and_comes_back_is_no_problem_any_more(proxy: Proxy) -> None:
    async def main() -> None:
        away = proxy.file.with_suffix(".away")
        proxy.file.rename(away)
        await until(lambda: bool(proxy.status()["problems"]))
        assert await get(f"{proxy.url}/a") == (200, "legacy /a")
        away.rename(proxy.file)
        await until(lambda: not proxy.status()["problems"])
        assert proxy.process.log.count("is not taken in") == 1

    asyncio.run(main())


def test_a_sighup_while_it_starts_does_no_harm(tmp_path: Path, start: Start, fig: Path) -> None:
    (tmp_path / "routes.yaml").write_text(ROUTES.format(stage="legacy", workers=2, legacy=1, repairs=2))
    process = start([fig, "serve", "-c", tmp_path / "routes.yaml"])
    asyncio.run(until(lambda: (tmp_path / "data" / "proxy.lock").exists()))
    process.send(signal.SIGHUP)
    process.wait_for("as generation 2", seconds=20)


@pytest.mark.slow
def test_a_worker_that_hangs_does_not_hold_up_a_rollback(proxy: Proxy) -> None:
    """It is stopped as it stands; the rollback replaces it, and is answered when its replacement serves."""
    proxy.write("live")
    proxy.ask(do="reload")
    hung = proxy.status()["workers"][0]["pid"]  # type: ignore[index]
    os.kill(hung, signal.SIGSTOP)
    reply = proxy.ask(do="hold", slice="repairs", stage="legacy", who="ada", why="it hangs")
    assert reply["ok"] is True
    for number in range(20):
        assert asyncio.run(get(f"{proxy.url}/repairs/{number}")) == (200, f"legacy /repairs/{number}")
