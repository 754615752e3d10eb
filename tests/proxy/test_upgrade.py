"""An upgrade: another supervisor takes the sockets over, and no citizen notices."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import signal
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from proxy.control import ask
from tests.conftest import Start
from tests.processes import Started
from tests.proxy.conftest import Named, Proxy, Server
from tests.proxy.load import Citizens
from tests.proxy.test_tls import make_certificate

Serve = Callable[..., Proxy]
SERVING = r"\nserving http://"


class Posting(Named):
    """Answers a POST too."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()


def serving(proxy: Proxy) -> int:
    """The supervisor that serves."""
    return int((proxy.folder / "data" / "proxy.lock").read_text())


def has_ended(pid: int, seconds: float = 20) -> bool:
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    ready, _, _ = select.select([process], [], [], seconds)
    os.close(process)
    return bool(ready)


def end(folder: Path) -> None:
    """Stop whichever supervisor serves from there."""
    last = int((folder / "data" / "proxy.lock").read_text())
    if not has_ended(last, 0):
        os.kill(last, signal.SIGTERM)
    assert has_ended(last)


@pytest.fixture
def serve(tmp_path: Path, backends: dict[str, Server], start: Start, fig: Path) -> Iterator[Serve]:
    """Starts a proxy; whichever supervisor serves in the end is stopped."""
    backends["legacy"].RequestHandlerClass = Posting

    def begin(workers: int = 2, arguments: Sequence[str] = ()) -> Proxy:
        return Proxy(tmp_path, backends, start, fig, workers, arguments)

    yield begin
    end(tmp_path)


def change(proxy: Proxy, before: str, after: str) -> None:
    """As editors do: whole, by renaming."""
    beside = proxy.file.with_suffix(".new")
    beside.write_text(proxy.file.read_text().replace(before, after))
    beside.replace(proxy.file)


async def upgraded(proxy: Proxy) -> None:
    """Send SIGUSR2, and wait until the next supervisor serves and the one before has ended."""
    before, log = serving(proxy), proxy.process.log
    os.kill(before, signal.SIGUSR2)
    times = log.count("\nserving http://") + 1
    await asyncio.to_thread(proxy.process.wait_for, rf"(?s)(?:{SERVING}.*){{{times}}}", seconds=40)
    assert await asyncio.to_thread(has_ended, before), f"process {before} still runs: {proxy.process.log}"


def workers_of(proxy: Proxy) -> list[dict[str, Any]]:
    workers: Any = proxy.status()["workers"]
    return list(workers)


def hits(proxy: Proxy) -> int:
    elsewhere: Any = proxy.status()["elsewhere"]
    return int(elsewhere["default"]["hits"])


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_upgrades_under_load(serve: Serve, loop: str) -> None:
    """To more workers and to fewer: none refused, none reset, none wrong, and every one counted."""
    proxy = serve(arguments=["--loop", loop])

    async def main() -> None:
        citizens, workers = Citizens(proxy.port), 2
        async with citizens.asking():
            for wanted in (3, 1, 4, 2):
                await citizens.answered(300)
                change(proxy, f"workers: {workers}", f"workers: {wanted}")
                await upgraded(proxy)
                workers = wanted
                assert len(await asyncio.to_thread(workers_of, proxy)) == workers
            await citizens.answered(300)
        assert citizens.failures == []
        assert citizens.answers >= 1500
        async with asyncio.timeout(5):  # an answer is counted just after it is written
            while await asyncio.to_thread(hits, proxy) != citizens.answers:
                pass
        async with asyncio.timeout(5):  # who has left is seen to have left
            while (await asyncio.to_thread(proxy.status))["connections"]:
                pass

    asyncio.run(main())
    assert {worker["state"] for worker in workers_of(proxy)} == {"serving"}


def test_neither_the_admin_pages_nor_the_commands_miss_anybody(serve: Serve) -> None:
    proxy = serve()
    admin = int(str(proxy.status()["admin"]).rpartition(":")[2])

    async def main() -> None:
        done = asyncio.Event()
        asked = {"admin": 0, "control": 0}

        async def ask_the_admin() -> None:
            while not done.is_set():
                reader, writer = await asyncio.open_connection("127.0.0.1", admin)
                writer.write(f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{admin}\r\nConnection: close\r\n\r\n".encode())
                assert (await reader.read()).endswith(b"ok\n")
                writer.close()
                asked["admin"] += 1

        async def ask_for_control() -> None:
            while not done.is_set():
                assert (await asyncio.to_thread(proxy.status))["ok"] is True
                asked["control"] += 1

        async def upgrade() -> None:
            for _ in range(3):
                await upgraded(proxy)
            done.set()

        await asyncio.gather(ask_the_admin(), ask_for_control(), upgrade())
        assert min(asked.values()) > 20

    asyncio.run(main())


def keepers_of(folder: Path) -> list[int]:
    """The processes; a child that one has just forked goes by its name until it is another program."""
    mark = os.fsencode(folder)
    parents: dict[int, int] = {}
    for each in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            words = (each / "cmdline").read_bytes().split(b"\0") if each.name.isdigit() else []
            if b"proxy.keeper" in words and mark in words:
                parents[int(each.name)] = int((each / "stat").read_text().rpartition(")")[2].split()[1])
    return [pid for pid, parent in parents.items() if parent not in parents]


def running_keeper(proxy: Proxy) -> int:
    until = monotonic() + 20
    while monotonic() < until:
        if len(found := keepers_of(proxy.folder)) == 1:
            return found[0]
    raise AssertionError(f"no keeper runs: {proxy.process.log}")


def test_one_keeper_at_a_time_writes_what_it_counts(serve: Serve) -> None:
    proxy = serve()
    first = serving(proxy)
    keeper = running_keeper(proxy)
    at_once = []
    with socket.create_connection(("127.0.0.1", proxy.port)):  # whom the old workers have to see off
        os.kill(first, signal.SIGUSR2)
        while not has_ended(first, 0):
            at_once.append(keepers_of(proxy.folder))
    assert max(map(len, at_once)) == 1
    assert [keeper] in at_once
    assert any(each and each != [keeper] for each in at_once), "the next keeper waits for the old supervisor's end"


class InTls(Proxy):
    """One that also listens in TLS, on its second address."""

    def text(self, stage: str) -> str:
        tls = "{address: 127.0.0.1:0, tls: [{cert: www.pem, key: www.key, names: [www.anytown.gov.uk]}]}"
        return super().text(stage).replace("listen: 127.0.0.1:0", f"listen: [127.0.0.1:0, {tls}]")


def test_no_handshake_is_cut_off(tmp_path: Path, backends: dict[str, Server], start: Start, fig: Path) -> None:
    backends["legacy"].RequestHandlerClass = Posting
    make_certificate(tmp_path, "www", "www.anytown.gov.uk")
    proxy = InTls(tmp_path, backends, start, fig)
    anybody = ssl.create_default_context()
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE

    async def main() -> None:
        port = int(proxy.process.wait_for(r"https://127\.0\.0\.1:(\d+)").group(1))
        citizens = Citizens(port, anybody)
        async with citizens.asking(keeping=4, thinking=4, fresh=8):
            for _ in range(3):
                await citizens.answered(100)
                await upgraded(proxy)
            await citizens.answered(100)
        assert citizens.failures == []

    asyncio.run(main())
    end(tmp_path)


def test_another_program_takes_over_by_command(serve: Serve, start: Start, fig: Path) -> None:
    proxy = serve()

    async def main() -> None:
        citizens = Citizens(proxy.port)
        async with citizens.asking():
            await citizens.answered(100)
            heir = start([fig, "serve", "-c", proxy.file, "--take-over", "--workers", "3"], name="heir")
            await asyncio.to_thread(heir.wait_for, rf"serving http://127.0.0.1:{proxy.port} with 3 workers")
            assert await asyncio.to_thread(proxy.process.wait) == 0
            assert serving(proxy) == heir.pid
            await citizens.answered(100)
        assert citizens.failures == []

    asyncio.run(main())
    assert "serves now; requests under way here have 5 s to finish" in proxy.process.log


def test_where_nobody_serves_there_is_nothing_to_take_over(serve: Serve) -> None:
    assert serve(arguments=["--take-over"]).status()["ok"] is True


def one_answer(proxy: Proxy) -> None:
    async def main() -> None:
        citizens = Citizens(proxy.port)
        async with citizens.asking(keeping=0, thinking=0, fresh=2):
            await citizens.answered(4)
        assert citizens.failures == []

    asyncio.run(main())


def test_one_that_cannot_come_up_changes_nothing(
    serve: Serve, start: Start, fig: Path, port: Callable[[], int], backends: dict[str, Server]
) -> None:
    proxy, first = serve(), 0
    first = serving(proxy)
    taken = backends["legacy"].server_port
    heir = start([fig, "serve", "-c", proxy.file, "--take-over", "--listen", f"127.0.0.1:{taken}"], name="heir")
    assert heir.wait() == 3
    proxy.process.wait_for(
        f"process {heir.pid} does not take over: cannot listen on 127.0.0.1:{taken}: another program has the port"
    )
    assert serving(proxy) == first
    one_answer(proxy)
    change(proxy, "workers: 2", "workers: two")
    os.kill(first, signal.SIGUSR2)
    proxy.process.wait_for(r"the upgrade did not come up \(it ended with 2\); served on as before")
    one_answer(proxy)
    reply = proxy.ask(do="hold", slice="repairs", stage="legacy", who="ada", why="still its own master")
    assert reply["ok"] is True


def test_one_that_is_killed_before_it_serves_changes_nothing(serve: Serve) -> None:
    """A stage that is changed meanwhile waits for the outcome, and is in force."""
    proxy = serve()
    proxy.write("live")
    assert proxy.ask(do="reload")["ok"] is True
    os.kill(serving(proxy), signal.SIGUSR2)
    heir = int(proxy.process.wait_for(r"process (\d+) is to take over").group(1))
    hung = stop_workers(heir, proxy.process)  # it waits for them
    os.kill(heir, signal.SIGKILL)
    for worker in hung:
        os.kill(worker, signal.SIGKILL)
    reply = proxy.ask(do="hold", slice="repairs", stage="legacy", who="ada", why="meanwhile")
    assert reply["ok"] is True
    proxy.process.wait_for(f"process {heir} went away and does not take over; served on as before")
    one_answer(proxy)


def stop_workers(pid: int, process: Started) -> list[int]:
    """As soon as they are there."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    found: list[int] = []
    while not found:
        assert process.log.count("\nserving http") == 0
        found = [int(each) for each in children.read_text().split()]
        found = [each for each in found if b"proxy.worker" in Path(f"/proc/{each}/cmdline").read_bytes()]
    for child in found:
        os.kill(child, signal.SIGSTOP)
    return found


def test_holds_and_stages_change_hands(serve: Serve) -> None:
    proxy = serve()
    proxy.write("live")
    assert proxy.ask(do="reload")["ok"] is True
    proxy.ask(do="hold", slice="repairs", stage="legacy", who="ada", why="it is slow")

    async def main() -> None:
        await upgraded(proxy)
        os.kill(serving(proxy), signal.SIGUSR2)
        # Asked while it changes hands, whoever has it then: it is done once and kept.
        reply = await asyncio.to_thread(ask, proxy.folder, {"do": "bypass", "on": True, "who": "bo", "why": "now"})
        assert reply["ok"] is True
        await asyncio.to_thread(proxy.process.wait_for, rf"(?s)(?:{SERVING}.*){{2}}", seconds=40)

    asyncio.run(main())
    status: Any = proxy.status()
    assert status["bypass"]["why"] == "now"
    assert status["slices"][0]["hold"]["why"] == "it is slow"
    assert status["generation"] > 3
