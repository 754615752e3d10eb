"""Under systemd, or whoever speaks as it does: sockets handed over, and the service's state told."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
import struct
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from proxy.control import ask
from tests.conftest import Start
from tests.processes import Started
from tests.proxy.conftest import ROUTES, Server
from tests.proxy.load import Citizens
from tests.proxy.test_upgrade import Posting, end, has_ended

# sd_listen_fds(3): the sockets are 3, 4, …, and LISTEN_PID is the process itself, so it is written after the fork.
AS_SYSTEMD_DOES = """
import fcntl, os, sys
names, handed, *command = sys.argv[1:]
high = [fcntl.fcntl(int(each), fcntl.F_DUPFD, 100) for each in handed.split(",") if each]
for place, each in enumerate(high):
    os.dup2(each, 3 + place)
    os.close(each)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(high)), "LISTEN_FDNAMES": names}
os.execv(command[0], command)
"""


class Council:
    """A folder with a routes.yaml, and sockets that outlive whoever serves from it."""

    def __init__(self, folder: Path, backends: dict[str, Server], start: Start, fig: Path) -> None:
        self.folder = folder
        self._start, self._fig = start, fig
        self.public, self.admin = (socket.create_server(("127.0.0.1", 0), backlog=512) for _ in range(2))
        self.port = self.public.getsockname()[1]
        ports = {name: server.server_port for name, server in backends.items()}
        text = ROUTES.format(stage="legacy", workers=2, **ports)
        for each in (self.public, self.admin):
            text = text.replace("127.0.0.1:0", f"127.0.0.1:{each.getsockname()[1]}", 1)
        (folder / "routes.yaml").write_text(text)

    def start(self, *sockets: socket.socket, arguments: Sequence[str] = (), **environ: str) -> Started:
        handed = [each.fileno() for each in sockets]
        names = ":".join(f"fig{number}.socket" for number in range(len(handed)))
        launch = [sys.executable, "-c", AS_SYSTEMD_DOES, names, ",".join(map(str, handed))]
        command = [*launch, self._fig, "serve", "-c", self.folder / "routes.yaml", *arguments]
        return self._start(command, environ=environ, descriptors=handed, name="proxy")

    def serve(self, **environ: str) -> Started:
        process = self.start(self.public, self.admin, **environ)
        process.wait_for(f"serving http://127.0.0.1:{self.port} with 2 workers", seconds=30)
        return process

    def status(self) -> Any:
        return ask(self.folder, {"do": "status"})


@pytest.fixture
def council(tmp_path: Path, backends: dict[str, Server], start: Start, fig: Path) -> Iterator[Council]:
    backends["legacy"].RequestHandlerClass = Posting
    council = Council(tmp_path, backends, start, fig)
    yield council
    if (tmp_path / "data" / "proxy.lock").exists():
        end(tmp_path)
    council.public.close()
    council.admin.close()


def test_a_restart_under_load_loses_no_connection(council: Council) -> None:
    """Who comes while nobody serves waits in the socket that systemd keeps."""

    async def main() -> None:
        process = council.serve()
        citizens = Citizens(council.port)
        async with citizens.asking():
            for _ in range(2):
                await citizens.answered(300)
                process.send(signal.SIGTERM)
                assert await asyncio.to_thread(process.wait) == 0
                process = await asyncio.to_thread(council.serve)
            await citizens.answered(300)
        assert citizens.failures == []

    asyncio.run(main())
    assert council.status()["admin"] == f"127.0.0.1:{council.admin.getsockname()[1]}"


def test_an_upgrade_keeps_the_sockets_of_systemd(council: Council) -> None:
    async def main() -> None:
        first = council.serve()
        citizens = Citizens(council.port)
        async with citizens.asking():
            await citizens.answered(200)
            first.send(signal.SIGUSR2)
            assert await asyncio.to_thread(has_ended, first.pid)
            await citizens.answered(200)
            last = int((council.folder / "data" / "proxy.lock").read_text())
            assert last != first.pid
            os.kill(last, signal.SIGTERM)
            assert await asyncio.to_thread(has_ended, last)
            await asyncio.to_thread(council.serve)
            await citizens.answered(200)
        assert citizens.failures == []

    asyncio.run(main())


def test_both_workers_take_from_the_one_socket(council: Council) -> None:
    council.serve()
    workers = [worker["pid"] for worker in council.status()["workers"]]

    def served() -> None:
        with socket.create_connection(("127.0.0.1", council.port), timeout=20) as citizen:
            citizen.sendall(b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n")
            assert citizen.recv(4096).startswith(b"HTTP/1.1 200 ")

    for hung in workers:  # whichever of them stands still, the other serves
        os.kill(hung, signal.SIGSTOP)
        served()
        os.kill(hung, signal.SIGCONT)


def test_a_socket_that_nobody_would_serve_is_refused(council: Council) -> None:
    with socket.create_server(("127.0.0.1", 0)) as third:
        process = council.start(council.public, council.admin, third)
        assert process.wait() == 3
        port = third.getsockname()[1]
        assert process.log == (
            f"cannot listen on 127.0.0.1:{port}: systemd opened it, and nothing here would serve it\n"
            f"    add 127.0.0.1:{port} to listen: (or admin:), or take it out of the socket unit\n"
        )


def test_what_is_no_listening_tcp_socket_is_refused(council: Council) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        process = council.start(council.public, datagrams)
        assert process.wait() == 3
        assert process.log == (
            "descriptor 4 (fig1.socket) from systemd is no listening TCP socket\n"
            "    write ListenStream= with an IP address and a port, and Accept=no, in its socket unit\n"
        )


def test_sockets_meant_for_another_process_are_left_alone(council: Council, start: Start, fig: Path) -> None:
    council.public.close()
    council.admin.close()
    environ = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"}
    process = start([fig, "serve", "-c", council.folder / "routes.yaml"], environ=environ, name="proxy")
    process.wait_for(f"serving http://127.0.0.1:{council.port} with 2 workers")


# -- what it tells


Told = Callable[[], tuple[int, dict[str, str]]]


@pytest.fixture
def manager() -> Iterator[tuple[str, Told]]:
    """The address for NOTIFY_SOCKET, and what comes there, one at a time: from which process, which variables."""
    name = f"fig-test-{secrets.token_hex(8)}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(f"\0{name}")
        told.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        told.settimeout(30)

        def next_one() -> tuple[int, dict[str, str]]:
            data, [(_, _, credentials)], _, _ = told.recvmsg(4096, socket.CMSG_SPACE(12))
            return struct.unpack("iii", credentials)[0], dict(line.split("=", 1) for line in data.decode().split("\n"))

        yield f"@{name}", next_one


def test_it_says_how_it_stands(council: Council, manager: tuple[str, Told]) -> None:
    address, told = manager
    first = council.start(council.public, council.admin, NOTIFY_SOCKET=address)
    pid, said = told()
    assert (pid, said["READY"]) == (first.pid, "1")
    assert said["STATUS"].startswith(f"serving http://127.0.0.1:{council.port} with 2 workers")

    first.send(signal.SIGHUP)
    pid, said = told()
    assert (pid, said["RELOADING"]) == (first.pid, "1")
    assert int(said["MONOTONIC_USEC"]) > 0
    assert told()[1] == {"READY": "1"}

    first.send(signal.SIGUSR2)
    assert told()[1]["RELOADING"] == "1"
    pid, said = told()
    heir = int(said["MAINPID"])
    assert pid == first.pid, "only the process that systemd knows may say which one it is from now on"
    pid, said = told()
    assert (pid, said["READY"]) == (heir, "1")

    os.kill(heir, signal.SIGTERM)
    pid, said = told()
    assert (pid, said) == (heir, {"STOPPING": "1", "EXTEND_TIMEOUT_USEC": "15000000"})


def test_an_upgrade_that_fails_is_no_reload_for_ever(council: Council, manager: tuple[str, Told]) -> None:
    address, told = manager
    first = council.start(council.public, council.admin, NOTIFY_SOCKET=address)
    assert told()[1]["READY"] == "1"
    (council.folder / "routes.yaml").write_text("version: one\n")
    first.send(signal.SIGUSR2)
    assert told()[1]["RELOADING"] == "1"
    assert told()[1] == {"READY": "1"}


def test_the_watchdog_is_fed_twice_in_its_time(council: Council, manager: tuple[str, Told]) -> None:
    address, told = manager
    council.start(council.public, council.admin, NOTIFY_SOCKET=address, WATCHDOG_USEC="200000")
    said = [told()[1] for _ in range(6)]
    assert said.count({"WATCHDOG": "1"}) >= 4
