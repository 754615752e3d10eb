"""The real third-party application, and ours in front of it."""

from __future__ import annotations

import shutil
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import Start
from tests.processes import Started

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Helpdesk:
    """A running django-helpdesk: its address, and the file its database is."""

    address: str
    database: Path


@dataclass(frozen=True, slots=True)
class Proxy:
    """A running `fig serve`: its address, its routes.yaml, and the process."""

    address: str
    routes: Path
    process: Started

    def write(self, text: str) -> None:
        """Puts `text` in place of routes.yaml, as an editor does: written beside it, then renamed."""
        draft = self.routes.with_name("routes.yaml.new")
        draft.write_text(text, encoding="utf-8")
        draft.rename(self.routes)


def run_helpdesk(start: Start, folder: Path, database: str = "", name: str = "") -> Helpdesk:
    """On SQLite in a new folder, or on the PostgreSQL database of a url; with `name`, it goes by no other."""
    folder.mkdir(exist_ok=True)
    environ = {"HELPDESK_DATABASE": database, "HELPDESK_NAME": name}
    process = start([sys.executable, HERE / "helpdesk_app.py", folder], name="helpdesk", environ=environ)
    return Helpdesk(process.wait_for(r"helpdesk: (http://\S+)", seconds=60)[1], folder / "helpdesk.sqlite3")


def run_copy(start: Start, helpdesk: Helpdesk, folder: Path) -> Helpdesk:
    """A second instance: its own database and files, with all that the first has by now."""
    folder.mkdir()
    with (
        closing(sqlite3.connect(helpdesk.database)) as its,
        closing(sqlite3.connect(folder / "helpdesk.sqlite3")) as own,
    ):
        its.backup(own)
    its_folder = helpdesk.database.parent
    shutil.copy(its_folder / "secret", folder)
    shutil.copytree(its_folder / "media", folder / "media")
    return run_helpdesk(start, folder)


@pytest.fixture
def helpdesk(start: Start, tmp_path: Path) -> Helpdesk:
    return run_helpdesk(start, tmp_path / "helpdesk")


@pytest.fixture
def answering(start: Start) -> str:
    """The address of a new service, whose every answer begins with 'the new service'."""
    process = start([sys.executable, HERE / "answering.py", "the new service:"], name="answering")
    return process.wait_for(r"answering: (http://\S+)")[1]


@pytest.fixture
def serve(start: Start, fig: Path, tmp_path: Path, port: Callable[[], int]) -> Callable[[str], Proxy]:
    """Runs `fig serve` on a routes.yaml that begins with the given backends and slices."""

    def serve(routes: str) -> Proxy:
        home = tmp_path / "home"
        home.mkdir()
        listen, admin = port(), port()
        file = home / "routes.yaml"
        file.write_text(routes, encoding="utf-8")
        command = [fig, "serve", "-c", file, "--workers", "2"]
        command += ["--listen", f"127.0.0.1:{listen}", "--admin", f"127.0.0.1:{admin}"]
        process = start(command, folder=home, name="fig serve")
        process.wait_for(rf"serving http://127\.0\.0\.1:{listen} ")
        return Proxy(f"http://127.0.0.1:{listen}", file, process)

    return serve
