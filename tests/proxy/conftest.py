"""A whole proxy as a process, before two backends that say their names."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from proxy.control import ask
from tests.conftest import Start
from tests.processes import Started

ROUTES = """\
version: 1
listen: 127.0.0.1:0
admin: 127.0.0.1:0
workers: {workers}
grace: 5s
backends:
  legacy: {{url: http://127.0.0.1:{legacy}}}
  repairs: {{url: http://127.0.0.1:{repairs}}}
default: legacy
slices:
  repairs:
    backend: repairs
    stage: {stage}
    routes: [/repairs/*]
"""


class Named(BaseHTTPRequestHandler):
    """Answers every request with the name of its server and the path."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = f"{self.server.name} {self.path}".encode()  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, name: str) -> None:
        super().__init__(("127.0.0.1", 0), Named)
        self.name = name
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self) -> None:
        self.shutdown()
        self.server_close()


@pytest.fixture
def backends() -> Iterator[dict[str, Server]]:
    servers = {name: Server(name) for name in ("legacy", "repairs")}
    yield servers
    for server in servers.values():
        server.stop()


class Proxy:
    """A running `fig serve`, and the file it serves by."""

    def __init__(
        self,
        folder: Path,
        backends: dict[str, Server],
        start: Start,
        fig: Path,
        workers: int = 2,
        arguments: Sequence[str] = (),
    ) -> None:
        self.folder = folder
        self.file = folder / "routes.yaml"
        self._ports = {name: server.server_port for name, server in backends.items()}
        self._workers = workers
        self.write("legacy")
        self.process: Started = start([fig, "serve", "-c", self.file, *arguments], name="proxy")
        self.port = int(self.process.wait_for(r"serving http://127\.0\.0\.1:(\d+)", seconds=20).group(1))

    def text(self, stage: str) -> str:
        return ROUTES.format(stage=stage, workers=self._workers, **self._ports)

    def write(self, stage: str) -> None:
        """As editors do: whole, by renaming."""
        beside = self.file.with_suffix(".new")
        beside.write_text(self.text(stage))
        beside.replace(self.file)

    def ask(self, **message: object) -> dict[str, object]:
        return ask(self.folder, dict(message))

    def status(self) -> dict[str, object]:
        return self.ask(do="status")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture
def proxy(tmp_path: Path, backends: dict[str, Server], start: Start, fig: Path) -> Proxy:
    return Proxy(tmp_path, backends, start, fig)
