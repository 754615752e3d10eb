"""A slice at stage shadow: legacy answers citizens, and the candidate is asked the same, behind their backs."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from proxy.control import ask
from tests.conftest import Start
from tests.processes import Started
from tests.proxy.test_tls_limits import until

ROUTES = """\
version: 1
listen: 127.0.0.1:0
workers: 1
grace: 5s
backends:
  legacy: {{url: http://127.0.0.1:{legacy}}}
  repairs: {{url: http://127.0.0.1:{repairs}}}
default: legacy
slices:
  repairs:
    backend: repairs
    stage: shadow
    routes: [{{path: /jobs/*, rewrite: /api/jobs/*}}, /repairs/*]
    shadow: {{sample: {sample}, methods: [GET], max_body: 100KiB}}
"""


class Recorded(BaseHTTPRequestHandler):
    """Keeps what it was asked, and answers with as many bytes as the path ends in, or a few."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.asked.append((self.command, self.path, dict(self.headers)))  # type: ignore[attr-defined]
        size = self.path.rpartition("/")[2]
        body = b"x" * (int(size) if size.isdigit() else 3)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_POST = do_HEAD = do_GET

    def log_message(self, *_: object) -> None:
        """Nothing."""


class Backend(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Recorded)
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()


@pytest.fixture
def backends() -> Iterator[tuple[Backend, Backend]]:
    both = Backend(), Backend()
    yield both
    for each in both:
        each.shutdown()
        each.server_close()


class Shadowed:
    def __init__(
        self, backends: Sequence[Backend], folder: Path, start: Start, fig: Path, sample: str = "100%"
    ) -> None:
        self.folder = folder
        self.legacy, self.candidate = backends
        legacy, repairs = (each.server_port for each in backends)
        (folder / "routes.yaml").write_text(ROUTES.format(legacy=legacy, repairs=repairs, sample=sample))
        self.process: Started = start([fig, "serve", "-c", folder / "routes.yaml"], name="proxy")
        self.port = int(self.process.wait_for(r"serving http://127\.0\.0\.1:(\d+)", seconds=20).group(1))

    def ask(self, target: str, method: str = "GET", **headers: str) -> tuple[int, int]:
        """The status, and the bytes of the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request(method, target, headers={"Host": "www.anytown.gov.uk", **headers})
        reply = connection.getresponse()
        size = len(reply.read())
        connection.close()
        return reply.status, size

    def copies(self) -> dict[str, int]:
        """What became of them, as `fig status` says it."""
        return {row["name"]: row["copies"] for row in ask(self.folder, {"do": "status"})["backends"]}["repairs"]

    def copied(self) -> list[str]:
        return [target for _, target, _ in self.candidate.asked]


def test_each_safe_request_is_copied_as_the_slice_would_get_it(
    backends: tuple[Backend, Backend], tmp_path: Path, start: Start, fig: Path
) -> None:
    proxy = Shadowed(backends, tmp_path, start, fig)
    targets = ["/repairs/7?page=2", "/jobs/9", *(f"/repairs/{size}" for size in (0, 1, 65_536, 99_999))]
    for target in targets:
        assert proxy.ask(target, **{"Cookie": "JSESSIONID=1", "Fig-Shadow": "no"})[0] == 200
    until(lambda: len(proxy.candidate.asked) >= len(targets))
    assert sorted(proxy.copied()) == sorted("/api/jobs/9" if each == "/jobs/9" else each for each in targets)
    assert [target for _, target, _ in proxy.legacy.asked] == targets
    said = {headers["X-Request-Id"]: headers for _, _, headers in proxy.candidate.asked}
    for _, _, headers in proxy.legacy.asked:
        copy = said[headers["X-Request-Id"]]
        assert (copy["Host"], copy["Fig-Shadow"]) == ("www.anytown.gov.uk", "1")
        assert "Fig-Shadow" not in headers
        assert headers["Cookie"] == "JSESSIONID=1"
        assert "Cookie" not in copy  # legacy's session is never a slice's


def test_a_copy_cannot_write(backends: tuple[Backend, Backend], tmp_path: Path, start: Start, fig: Path) -> None:
    proxy = Shadowed(backends, tmp_path, start, fig)
    assert proxy.ask("/repairs/1", "POST", **{"Content-Length": "0"})[0] == 200
    assert proxy.ask("/repairs/1", "HEAD")[0] == 200  # not among its methods
    for target in ("/repairs/logout", "/repairs/7/delete", "/repairs/7?_method=DELETE", "/repairs/%64elete/1"):
        assert proxy.ask(target)[0] == 200
    assert proxy.ask("/repairs/1", **{"X-HTTP-Method-Override": "PUT"})[0] == 200
    assert proxy.ask("/elsewhere")[0] == 200  # of no slice
    assert proxy.ask("/repairs/last")[0] == 200
    until(lambda: proxy.copied() != [])
    assert proxy.copied() == ["/repairs/last"]


def test_an_answer_that_is_too_large_is_the_citizens_all_the_same(
    backends: tuple[Backend, Backend], tmp_path: Path, start: Start, fig: Path
) -> None:
    proxy = Shadowed(backends, tmp_path, start, fig)
    assert proxy.ask("/repairs/5000000") == (200, 5_000_000)
    assert proxy.ask("/repairs/102401") == (200, 102_401)
    assert proxy.ask("/repairs/102400") == (200, 102_400)
    until(lambda: "/repairs/102400" in proxy.copied())
    copies = proxy.copies()
    assert (copies["large"], copies["full"], copies["cut"]) == (2, 0, 0)
    # Its beginning had gone to the candidate before it was seen to be too large, or nothing had.
    assert set(proxy.copied()) <= {"/repairs/102400", "/repairs/102401", "/repairs/5000000"}


def test_a_candidate_that_is_not_there_costs_no_citizen_anything(
    backends: tuple[Backend, Backend], tmp_path: Path, start: Start, fig: Path
) -> None:
    proxy = Shadowed(backends, tmp_path, start, fig)
    proxy.candidate.shutdown()
    proxy.candidate.server_close()
    assert [proxy.ask(f"/repairs/{n}") for n in range(20)] == [(200, n) for n in range(20)]
    assert proxy.candidate.asked == []
    until(lambda: sum(proxy.copies()[what] for what in ("failed", "busy")) == 20)


def test_no_more_than_the_sample_is_copied(
    backends: tuple[Backend, Backend], tmp_path: Path, start: Start, fig: Path
) -> None:
    proxy = Shadowed(backends, tmp_path, start, fig, sample="50%")
    for n in range(200):
        proxy.ask(f"/repairs/{n}")
    until(lambda: len(proxy.candidate.asked) > 60)  # fewer once in ten million runs
    assert len(proxy.candidate.asked) < 140
