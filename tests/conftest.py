"""What every test gets: nothing of a person's own settings, processes that stop, no network but loopback."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import pytest
from hypothesis import settings

from tests.processes import Started, free_port

ROOT = Path(__file__).resolve().parent.parent


class Start(Protocol):
    def __call__(
        self,
        command: Sequence[str | Path],
        *,
        folder: Path | None = None,
        environ: Mapping[str, str] | None = None,
        name: str = "",
        descriptors: Sequence[int] = (),
    ) -> Started: ...


def _only_loopback(event: str, arguments: tuple[object, ...]) -> None:
    if event != "socket.connect":
        return
    address = arguments[1]
    if isinstance(address, tuple) and not str(address[0]).startswith(("127.", "::1", "localhost")):
        raise RuntimeError(f"a test reached for {address[0]}: tests talk to 127.0.0.1 only")


def pytest_configure() -> None:
    sys.addaudithook(_only_loopback)
    # A busy machine is slow now and then; and what decides whether work lands must say the same of the same work twice.
    settings.register_profile("here", deadline=None)
    settings.register_profile("ci", deadline=None, derandomize=True)
    settings.load_profile("ci" if os.environ.get("CI") else "here")


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a person has set for their own work must not change a test."""
    for name in ("FIG_HOME", "FIG_PYTHON", "FIG_VENV"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's folder."""
    return ROOT


@pytest.fixture(scope="session")
def fig() -> Path:
    """The `fig` command of the environment the tests run in."""
    return Path(sys.executable).parent / "fig"


@pytest.fixture
def port() -> Callable[[], int]:
    """Each call gives a port nobody listens on."""
    return free_port


@pytest.fixture
def dead_port() -> Iterator[Callable[[], int]]:
    """Each call gives a port where connections are refused, and nobody else comes to listen while the test runs."""
    held: list[socket.socket] = []

    def dead_port() -> int:
        held.append(socket.socket())
        held[-1].bind(("127.0.0.1", 0))
        return int(held[-1].getsockname()[1])

    yield dead_port
    for each in held:
        each.close()


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts programs (see `Started`), and stops them, the youngest first, when the test ends."""
    running: list[Started] = []

    def start(
        command: Sequence[str | Path],
        *,
        folder: Path | None = None,
        environ: Mapping[str, str] | None = None,
        name: str = "",
        descriptors: Sequence[int] = (),
    ) -> Started:
        running.append(Started(command, folder=folder, environ=environ, name=name, descriptors=descriptors))
        return running[-1]

    yield start
    for process in reversed(running):
        process.stop()
        print(f"--- {process.name}\n{process.log}")
