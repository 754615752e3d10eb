"""A slice is as new as the oldest of the datasets it names; their logs are read once a commit."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from proxy import newness
from proxy.newness import Newness, follow
from tests.proxy.test_plan import load

ROUTES = """\
version: 1
listen: 127.0.0.1:8080
backends: {legacy: {url: http://127.0.0.1:8081}, b: {url: http://127.0.0.1:9001}}
default: legacy
slices:
  repairs: {backend: b, routes: [/a], gates: {datasets: {jobs: 24h, wards: 24h}}}
  planning: {backend: b, routes: [/b], gates: {datasets: {jobs: 24h}}}
  parking: {backend: b, routes: [/c]}
"""


def commit(home: Path, dataset: str, number: int, second: int, year: int = 2026) -> None:
    """As a run leaves it: a line of the log says when it began."""
    log = home / "data" / "lake" / dataset / "_delta_log"
    log.mkdir(parents=True, exist_ok=True)
    meta = {"run": "r", "began": f"{year}-01-01T00:00:{second:02}+00:00", "cursor": None}
    line = json.dumps({"commitInfo": {"fig": json.dumps(meta)}}, separators=(",", ":"))
    beside = log / f".{number}"
    beside.write_text(line + "\n")
    beside.rename(log / f"{number:020}.json")


MIDNIGHT = 1_767_225_600


def test_the_oldest_dataset_counts(tmp_path: Path) -> None:
    spec, known = load(ROUTES).spec, Newness(tmp_path)
    assert known.of(spec) == {b"repairs": 0, b"planning": 0}
    commit(tmp_path, "jobs", 0, 5)
    assert known.of(spec) == {b"repairs": 0, b"planning": MIDNIGHT + 5}
    commit(tmp_path, "wards", 0, 3)
    assert known.of(spec) == {b"repairs": MIDNIGHT + 3, b"planning": MIDNIGHT + 5}
    commit(tmp_path, "wards", 1, 9)
    assert known.of(spec) == {b"repairs": MIDNIGHT + 5, b"planning": MIDNIGHT + 5}


def test_a_log_that_is_broken_says_nothing_new(tmp_path: Path) -> None:
    spec, known = load(ROUTES).spec, Newness(tmp_path)
    commit(tmp_path, "jobs", 0, 5)
    assert known.of(spec)[b"planning"] == MIDNIGHT + 5
    (tmp_path / "data" / "lake" / "jobs" / "_delta_log" / f"{1:020}.json").write_text('{"commitInfo": \n')
    assert known.of(spec)[b"planning"] == MIDNIGHT + 5
    assert Newness(tmp_path).of(spec)[b"planning"] == 0


def test_each_change_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(newness, "EVERY", 0.01)
    told: asyncio.Queue[Mapping[bytes, int]] = asyncio.Queue()

    async def main() -> None:
        stopping = asyncio.Event()
        watching = asyncio.create_task(follow(tmp_path, lambda: load(ROUTES).spec, told.put, stopping))
        async with asyncio.timeout(10):
            assert (await told.get())[b"planning"] == 0
            for number, second in ((0, 5), (1, 7)):
                commit(tmp_path, "jobs", number, second)
                assert (await told.get())[b"planning"] == MIDNIGHT + second
        stopping.set()
        await watching

    asyncio.run(main())
    assert told.empty()
