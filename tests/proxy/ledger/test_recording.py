"""The keeper of a running proxy writes the ledger; what is wrong with it disturbs no citizen, is said, and heals."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from urllib.request import urlopen

import pytest

from proxy.ledger.reads import Ledger, Unreadable
from tests.conftest import Start
from tests.proxy.conftest import Proxy, Server

EVER = (0, 2**40)


def until(found: Callable[[], object], wanted: object, seconds: float = 20) -> None:
    """Wait until something is so."""
    end = monotonic() + seconds
    while (last := found()) != wanted:
        assert monotonic() < end, f"{last!r} is not {wanted!r}"
        sleep(0.05)  # another process' doing


def hits(home: Path) -> dict[tuple[str, str], int]:
    try:
        with Ledger.of(home) as ledger:
            return {(each.slice, each.side): each.hits.hits for each in ledger.by_slice(*EVER)}
    except Unreadable:
        return {}


def ask(proxy: Proxy, count: int, path: str = "/a") -> None:
    for _ in range(count):
        with urlopen(f"{proxy.url}{path}") as answer:
            assert answer.status == 200


def ledger_of(proxy: Proxy) -> dict[str, Any]:
    told: Any = proxy.status()["ledger"]
    return dict(told)


def trouble(proxy: Proxy) -> str | None:
    text: str | None = ledger_of(proxy)["trouble"]
    return text


def kill_keeper(proxy: Proxy) -> None:
    keeper: Any = proxy.status()["keeper"]
    os.kill(keeper["pid"], signal.SIGKILL)


def test_what_citizens_were_answered_is_in_the_ledger_within_moments(proxy: Proxy) -> None:
    ask(proxy, 7)
    ask(proxy, 3, "/repairs/1")
    until(lambda: hits(proxy.folder), {("", "legacy"): 7, ("repairs", "legacy"): 3})
    proxy.write("live")
    proxy.ask(do="reload")
    ask(proxy, 2, "/repairs/1")
    until(lambda: hits(proxy.folder), {("", "legacy"): 7, ("repairs", "legacy"): 3, ("repairs", "slice"): 2})
    with Ledger.of(proxy.folder) as ledger:
        assert ledger.moved(*EVER) == 2 / 12
    assert ledger_of(proxy) == {"place": "data/ledger.sqlite", "trouble": None, "since": None, "set_aside": []}


def test_a_proxy_that_stops_has_written_everything(proxy: Proxy) -> None:
    ask(proxy, 2)
    until(lambda: hits(proxy.folder), {("", "legacy"): 2})
    ask(proxy, 5)
    proxy.process.stop()
    assert hits(proxy.folder) == {("", "legacy"): 7}


def test_a_slice_that_comes_later_is_written_too(proxy: Proxy) -> None:
    ask(proxy, 1, "/parks/1")
    text = proxy.text("legacy") + "  parks: {backend: repairs, routes: [/parks/*]}\n"
    proxy.file.write_text(text)
    assert proxy.ask(do="reload")["ok"]
    ask(proxy, 4, "/parks/1")
    until(lambda: hits(proxy.folder), {("", "legacy"): 1, ("parks", "legacy"): 4})


def test_a_locked_file_disturbs_nobody_and_heals(proxy: Proxy) -> None:
    ask(proxy, 2)
    until(lambda: hits(proxy.folder), {("", "legacy"): 2})
    other = sqlite3.connect(proxy.folder / "data" / "ledger.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    ask(proxy, 3)
    until(lambda: trouble(proxy), "data/ledger.sqlite: another process has it locked (database is locked)")
    ask(proxy, 3)
    other.execute("ROLLBACK")
    other.close()
    until(lambda: trouble(proxy), None)
    until(lambda: hits(proxy.folder), {("", "legacy"): 8})
    assert proxy.process.log.count("keeper: the ledger cannot be written") == 1
    assert proxy.process.log.count("keeper: the ledger is written again") == 1


def test_a_keeper_that_cannot_even_begin_with_its_ledger_says_so_and_goes_on(
    tmp_path: Path, backends: dict[str, Server], start: Start, fig: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "installed" / "sqlalchemy.py"
    broken.parent.mkdir()
    broken.write_text("raise ImportError('half of it is missing')\n")
    monkeypatch.setenv("PYTHONPATH", str(broken.parent))
    proxy = Proxy(tmp_path, backends, start, fig)
    until(lambda: trouble(proxy), "data/ledger.sqlite: ImportError: half of it is missing")
    keeper: Any = proxy.status()["keeper"]
    ask(proxy, 3)
    shown = subprocess.run([fig, "status", "-c", proxy.file], capture_output=True, text=True, check=True).stdout
    assert ": data/ledger.sqlite: ImportError: half of it is missing; what is counted waits in memory" in shown
    broken.unlink()
    until(lambda: trouble(proxy), None)
    until(lambda: hits(proxy.folder), {("", "legacy"): 3})
    assert proxy.status()["keeper"] == keeper
    assert proxy.process.log.count("keeper: the ledger cannot be written") == 1


def test_a_broken_file_is_set_aside_and_a_new_one_begun(proxy: Proxy, fig: Path) -> None:
    ask(proxy, 2)
    until(lambda: hits(proxy.folder), {("", "legacy"): 2})
    kill_keeper(proxy)
    file = proxy.folder / "data" / "ledger.sqlite"
    with file.open("r+b") as broken:
        broken.write(os.urandom(8192))
    for end in ("-wal", "-shm"):
        file.with_name(file.name + end).unlink(missing_ok=True)
    ask(proxy, 3)
    until(lambda: len(ledger_of(proxy)["set_aside"]), 1)
    until(lambda: trouble(proxy), None)
    ask(proxy, 1)
    until(lambda: hits(proxy.folder), {("", "legacy"): 6})
    (aside,) = ledger_of(proxy)["set_aside"]
    assert f"it is set aside as data/{aside}, and a new one is begun" in proxy.process.log
    said = subprocess.run([fig, "status", "-c", proxy.file], capture_output=True, text=True, check=True).stdout
    assert f"ledger: data/{aside} was broken and is set aside" in said


def test_bytes_that_are_overwritten_while_it_is_written(proxy: Proxy) -> None:
    ask(proxy, 2)
    until(lambda: hits(proxy.folder), {("", "legacy"): 2})
    file = proxy.folder / "data" / "ledger.sqlite"
    for path in (file, file.with_name("ledger.sqlite-wal")):
        with path.open("r+b") as broken:
            broken.write(b"\xff" * path.stat().st_size)
    ask(proxy, 3)
    until(lambda: len(ledger_of(proxy)["set_aside"]), 1)
    until(lambda: trouble(proxy), None)
    ask(proxy, 1)
    # What stood in the broken one is not written again.
    until(lambda: hits(proxy.folder), {("", "legacy"): 4})


def test_a_file_that_is_removed_is_begun_again(proxy: Proxy) -> None:
    ask(proxy, 2)
    until(lambda: hits(proxy.folder), {("", "legacy"): 2})
    for path in (proxy.folder / "data").glob("ledger.sqlite*"):
        path.unlink()
    ask(proxy, 3)
    until(lambda: hits(proxy.folder), {("", "legacy"): 3})


def test_a_place_that_cannot_be_written_disturbs_nobody_and_heals(proxy: Proxy) -> None:
    ask(proxy, 1)
    until(lambda: hits(proxy.folder), {("", "legacy"): 1})
    kill_keeper(proxy)
    data = proxy.folder / "data"
    for path in data.glob("ledger.sqlite*"):
        path.rename(path.with_name(f"kept-{path.name}"))
    (data / "ledger.sqlite").mkdir()
    ask(proxy, 3)
    until(lambda: trouble(proxy), "data/ledger.sqlite: Is a directory")
    (data / "ledger.sqlite").rmdir()
    for path in data.glob("kept-*"):
        path.rename(path.with_name(path.name.removeprefix("kept-")))
    until(lambda: hits(proxy.folder), {("", "legacy"): 4})
    until(lambda: trouble(proxy), None)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, of two megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "none", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("whoever runs this may not mount")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def fill(file: Path) -> None:
    """Until there is no more room."""
    with file.open("wb", buffering=0) as full, contextlib.suppress(OSError):
        while True:
            full.write(b"x" * 4096)


def test_a_full_disk_disturbs_nobody_and_heals(
    small_disk: Path, backends: dict[str, Server], start: Start, fig: Path
) -> None:
    proxy = Proxy(small_disk, backends, start, fig)
    ask(proxy, 1)
    until(lambda: hits(proxy.folder), {("", "legacy"): 1})
    full = small_disk / "other"
    fill(full)
    ask(proxy, 3, "/repairs/1")
    until(lambda: (trouble(proxy) or "").partition(" (")[0], "data/ledger.sqlite: the disk is full")
    ask(proxy, 3, "/repairs/1")
    metrics = urlopen(f"http://{proxy.status()['admin']}/metrics").read().decode()
    assert "stranglerfig_ledger_trouble 1" in metrics
    said = subprocess.run([fig, "status", "-c", proxy.file], capture_output=True, text=True, check=True).stdout
    assert "the disk is full" in said
    assert "what is counted waits in memory" in said
    full.unlink()
    until(lambda: hits(proxy.folder), {("", "legacy"): 1, ("repairs", "legacy"): 6})
    until(lambda: trouble(proxy), None)
    proxy.process.stop()
