"""A monolith, its dataset in a lake, and the repairs slice over both, for the tests of a file."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from aiohttp import web

from extractors import spec
from extractors.run import extract
from slices.cli import build
from slices.kit import Kit
from tests.demo.anytown import Monolith, Resident, running_monolith

ROOT = Path(__file__).resolve().parents[2]


def liberate(home: Path) -> None:
    """What `fig extract housing-repairs` does."""
    loaded = spec.load(home / "datasets.yaml", os.environ)
    extract(loaded.dataset("housing-repairs"), home, loaded.keys_file, lambda step: None)


@contextmanager
def served(kit: Kit) -> Iterator[str]:
    """A slice on a free port, in a thread of its own. -> its address"""
    loop, ready, stop, bound = asyncio.new_event_loop(), threading.Event(), asyncio.Event(), list[str]()

    async def serve() -> None:
        runner = web.AppRunner(kit.app())
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        bound.append("http://{}:{}".format(*runner.addresses[0][:2]))
        ready.set()
        await stop.wait()
        await runner.cleanup()

    def run() -> None:
        try:
            loop.run_until_complete(serve())
            loop.run_until_complete(loop.shutdown_default_executor())
        finally:
            loop.close()
            ready.set()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert ready.wait(20)
        yield bound[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(20)


@pytest.fixture(scope="session")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project's folder with the small council's database and its repairs in the lake; copied, never changed."""
    home = tmp_path_factory.mktemp("home")
    shutil.copy(ROOT / "datasets.yaml", home)
    (home / "keys.toml").touch(0o600)
    (home / "keys.toml").write_text(f'[keys.pseudonyms]\nsecret = "{"5a" * 32}"\n')
    with running_monolith(home / "data" / "anytown"):
        pass
    liberate(home)
    return home


@pytest.fixture(scope="module")
def home(lake: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the lake for one file of tests."""
    return Path(shutil.copytree(lake, tmp_path_factory.mktemp("copy") / "home"))


@pytest.fixture(scope="module")
def monolith(home: Path) -> Iterator[Monolith]:
    with running_monolith(home / "data" / "anytown") as running:
        yield running


@pytest.fixture(scope="module")
def kit(home: Path, monolith: Monolith) -> Kit:
    """The repairs slice, loaded."""
    built = build("repairs", home, monolith.address)
    built.load()
    return built


@pytest.fixture(scope="module")
def slice_address(kit: Kit) -> Iterator[str]:
    with served(kit) as address:
        yield address


@pytest.fixture
def old(monolith: Monolith) -> Iterator[Resident]:
    """A browser at the monolith."""
    with Resident(monolith.address) as browser:
        yield browser


@pytest.fixture
def new(slice_address: str) -> Iterator[Resident]:
    """A browser at the slice."""
    with Resident(slice_address) as browser:
        yield browser


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "slices")
