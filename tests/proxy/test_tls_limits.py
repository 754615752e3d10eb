"""A citizen in TLS counts from the moment of the accept: silent, speaking something else, gone, or served."""

from __future__ import annotations

import re
import resource
import signal
import socket
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from proxy.control import ask
from proxy.wire.handshakes import PAUSE_SECONDS
from tests.conftest import Start
from tests.processes import Started
from tests.proxy.conftest import Server
from tests.proxy.test_tls import citizen, get, make_certificate

NAME = "www.anytown.gov.uk"
PLAIN_HTTP = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
# The beginning of a record that promises 512 bytes of ClientHello (RFC 8446, 5.1), of which none come.
HALF_A_HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"


class Proxy:
    """A running `fig serve` with one listener in TLS."""

    def __init__(self, folder: Path, process: Started) -> None:
        self.folder = folder
        self.process = process
        self.port = int(process.wait_for(r"serving https://127\.0\.0\.1:(\d+)", seconds=20).group(1))
        self._opened: list[socket.socket] = []

    def connect(self, source: str = "127.0.0.1") -> socket.socket:
        """A citizen who has said nothing yet."""
        opened = socket.create_connection(("127.0.0.1", self.port), timeout=10, source_address=(source, 0))
        self._opened.append(opened)
        return opened

    def serves(self) -> bool:
        """Whether a citizen gets the backend's answer; the connection ends with it."""
        try:
            reply, tls = get(self.port, citizen(self.folder), NAME)
        except OSError:
            return False
        tls.close()
        return reply.endswith(b"legacy /")

    def status(self, what: str) -> object:
        return ask(self.folder, {"do": "status"})[what]

    @property
    def pid(self) -> int:
        """The process of its only worker."""
        workers = self.status("workers")
        assert isinstance(workers, list)
        return int(workers[0]["pid"])

    def descriptors(self) -> set[int]:
        return {int(each.name) for each in Path(f"/proc/{self.pid}/fd").iterdir()}

    def close(self) -> None:
        for each in self._opened:
            each.close()


def until(holds: Callable[[], bool]) -> None:
    """Until another process has come so far; AssertionError after ten seconds."""
    end = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.02)  # another process counts: nothing here could say when


def is_hung_up_on(opened: socket.socket) -> bool:
    """Whether the proxy ends the connection without a word; TimeoutError if it does neither."""
    try:
        return opened.recv(1) == b""
    except ConnectionError:
        return True


@pytest.fixture(params=["uvloop", "asyncio"])
def loop(request: pytest.FixtureRequest) -> str:
    return str(request.param)


Serve = Callable[..., Proxy]


@pytest.fixture
def serve(tmp_path: Path, backends: dict[str, Server], start: Start, fig: Path) -> Iterator[Serve]:
    make_certificate(tmp_path, "ca")
    make_certificate(tmp_path, "www", NAME, ca="ca")
    proxies: list[Proxy] = []

    def serve(limits: str, loop: str = "uvloop", workers: int = 1) -> Proxy:
        file = tmp_path / "routes.yaml"
        file.write_text(
            "version: 1\ngrace: 12s\n"
            f"listen: {{address: 127.0.0.1:0, tls: [{{cert: www.pem, key: www.key, names: [{NAME}]}}]}}\n"
            f"workers: {workers}\nlimits: {{{limits}}}\n"
            f"backends: {{legacy: {{url: http://127.0.0.1:{backends['legacy'].server_port}}}}}\ndefault: legacy\n"
        )
        proxies.append(Proxy(tmp_path, start([fig, "serve", "-c", file, "--loop", loop], name="proxy")))
        return proxies[-1]

    yield serve
    for proxy in proxies:
        proxy.close()


def test_who_says_nothing_counts_towards_all_connections(serve: Serve, loop: str) -> None:
    proxy = serve("connections: 3, head_time: 60s", loop)
    silent = [proxy.connect() for _ in range(3)]
    until(lambda: proxy.status("connections") == 3)
    assert is_hung_up_on(proxy.connect())
    assert not proxy.serves()
    proxy.process.wait_for(r"refused before its TLS handshake: too many connections \(503\)", seconds=10)
    refused = proxy.status("elsewhere")
    assert isinstance(refused, dict)
    assert refused["refused"] == {"hits": 2, "1xx": 0, "2xx": 0, "3xx": 0, "4xx": 0, "5xx": 0, "cut": 2}
    silent.pop().close()
    until(lambda: proxy.status("connections") == 2)
    assert proxy.serves(), "who has left is counted no more"
    assert proxy.status("connections") in (2, 3), "who was refused is not counted"


def test_who_says_nothing_counts_towards_its_address_in_all_workers(serve: Serve, loop: str) -> None:
    proxy = serve("per_address: 4, head_time: 60s", loop, workers=2)
    silent = [proxy.connect("127.0.0.9") for _ in range(4)]
    until(lambda: proxy.status("connections") == 4)
    assert is_hung_up_on(proxy.connect("127.0.0.9"))
    proxy.process.wait_for(r"refused before its TLS handshake: too many connections \(429\)", seconds=10)
    assert proxy.serves(), "another address is served"
    silent.pop().close()
    until(lambda: proxy.status("connections") == 3)
    proxy.connect("127.0.0.9")
    until(lambda: proxy.status("connections") == 4)


def test_who_says_nothing_has_head_time(serve: Serve, loop: str) -> None:
    proxy = serve("connections: 2, head_time: 1s", loop)
    silent = [proxy.connect() for _ in range(2)]
    until(lambda: proxy.status("connections") == 2)
    assert all(is_hung_up_on(each) for each in silent)
    until(lambda: proxy.status("connections") == 0)
    assert proxy.serves()


def speaks_http(opened: socket.socket) -> None:
    opened.sendall(PLAIN_HTTP)
    assert is_hung_up_on(opened)
    opened.close()


def leaves(opened: socket.socket) -> None:
    opened.close()


def resets(opened: socket.socket) -> None:
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    opened.close()


def leaves_within_its_hello(opened: socket.socket) -> None:
    opened.sendall(HALF_A_HELLO)
    opened.close()


@pytest.mark.parametrize("fails", [speaks_http, leaves, resets, leaves_within_its_hello])
def test_a_handshake_that_fails_gives_its_place_back(
    serve: Serve, loop: str, fails: Callable[[socket.socket], None]
) -> None:
    proxy = serve("connections: 3, head_time: 60s", loop)
    assert proxy.serves()
    until(lambda: proxy.status("connections") == 0)
    before = proxy.descriptors()
    for _ in range(60):
        fails(proxy.connect())
    until(proxy.serves)  # not at once: some may not even have been accepted yet
    until(lambda: proxy.status("connections") == 0)
    until(lambda: proxy.descriptors() == before)


def test_who_is_served_counts_once_until_it_leaves(serve: Serve, loop: str) -> None:
    proxy = serve("connections: 2, per_address: 2", loop)
    for _ in range(5):
        with citizen(proxy.folder).wrap_socket(proxy.connect(), server_hostname=NAME) as tls:
            for _ in range(2):
                tls.sendall(f"GET / HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode())
                reply = b""
                while not reply.endswith(b"legacy /"):
                    reply += tls.recv(65536)
            assert proxy.status("connections") == 1
            assert proxy.serves(), "there is room for a second one"
            until(lambda: proxy.status("connections") == 1)
        until(lambda: proxy.status("connections") == 0)


def test_a_handshake_under_way_does_not_hold_up_a_stop(serve: Serve, loop: str) -> None:
    proxy = serve("head_time: 60s", loop)
    silent = proxy.connect()
    until(lambda: proxy.status("connections") == 1)
    proxy.process.send(signal.SIGTERM)
    assert is_hung_up_on(silent)
    assert proxy.process.wait(seconds=8) == 0


def test_without_descriptors_it_rests_and_then_goes_on(serve: Serve, loop: str) -> None:
    proxy = serve("head_time: 60s", loop)
    assert proxy.serves()
    until(lambda: proxy.status("connections") == 0)
    soft, hard = resource.prlimit(proxy.pid, resource.RLIMIT_NOFILE)
    taken = proxy.descriptors()
    first_free = next(number for number in range(soft) if number not in taken)
    resource.prlimit(proxy.pid, resource.RLIMIT_NOFILE, (first_free, hard))
    began = time.monotonic()
    waiting = proxy.connect()
    line = rf"no new TLS connection for {PAUSE_SECONDS:g} s: Too many open files"
    proxy.process.wait_for(rf"(?s){line}.*{line}", seconds=10)
    rests = len(re.findall(line, proxy.process.log))
    assert rests <= (time.monotonic() - began) / PAUSE_SECONDS + 2, "it does not try again and again at once"
    resource.prlimit(proxy.pid, resource.RLIMIT_NOFILE, (soft, hard))
    with citizen(proxy.folder).wrap_socket(waiting, server_hostname=NAME) as tls:
        assert tls.version() == "TLSv1.3"
