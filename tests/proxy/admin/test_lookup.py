"""The table for those who look: in match order, searched, paged; and the process that reads it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from proxy.admin.looking import Looking
from proxy.admin.lookup import A_PAGE, Lookup

HEAD = """\
version: 1
listen: 127.0.0.1:0
backends:
  legacy: {url: http://127.0.0.1:9}
  repairs: {url: http://127.0.0.1:19}
default: legacy
slices:
  repairs:
    backend: repairs
    stage: live
    routes:
"""
FEW = (
    HEAD
    + """\
      - /repairs/*
      - {path: /repairs/report, methods: [GET, POST]}
      - {path: /jobs/*, rewrite: /v2/jobs/*}
      - {regex: '/r/(\\d+)', priority: 10}
      - {path: /search, query: {type: repair}}
redirects: [{from: /old/*, to: /repairs/*, status: 301}]
gone: [/kiosk/*]
"""
)
FREE: dict[str, Any] = {"bypass": False, "stages": {}}
ALL = {"ask": "routes", "search": "", "slice": "", "page": 1, "held": FREE}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "routes.yaml"
    path.write_text(FEW)
    return path


def shown(answer: dict[str, Any]) -> list[str]:
    return [f"{row['at'].partition(':')[2]} {row['pattern']} -> {row['leads_to']}" for row in answer["routes"]]


def test_claims_are_in_match_order_with_the_lines_they_were_written_on(file: Path) -> None:
    answer = Lookup(file, {}).answer(ALL)
    assert shown(answer) == [
        r"15 /r/(\d+) -> slice repairs", "13 /repairs/report -> slice repairs", "16 /search -> slice repairs",
        "12 /repairs/* -> slice repairs", "18 /kiosk/* -> gone", "14 /jobs/* -> slice repairs, as /v2/jobs/*",
        "17 /old/* -> 301 to /repairs/*",
    ]  # fmt: skip
    assert (answer["total"], answer["found"], answer["pages"]) == (7, 7, 1)


SEARCHES = [
    ("repairs", ["13", "12", "14", "15", "16", "17"]),
    ("POST", ["13"]),
    ("query type", ["16"]),
    ("yaml:18", ["18"]),
    ("301 old", ["17"]),
    ("nothing", []),
]


@pytest.mark.parametrize(("words", "lines"), SEARCHES)
def test_all_words_are_searched_for_in_what_is_shown(file: Path, words: str, lines: list[str]) -> None:
    answer = Lookup(file, {}).answer({**ALL, "search": words})
    assert sorted(row.split()[0] for row in shown(answer)) == sorted(lines)
    assert answer["total"] == 7


def test_only_the_routes_of_one_slice_can_be_asked_for(file: Path) -> None:
    assert Lookup(file, {}).answer({**ALL, "slice": "repairs"})["found"] == 5
    assert Lookup(file, {}).answer({**ALL, "slice": "nobody"})["found"] == 0


def test_ten_thousand_routes_come_in_pages_that_miss_nothing(file: Path) -> None:
    file.write_text(HEAD + "".join(f"      - /area/{n}/*\n" for n in range(10_000)))
    lookup = Lookup(file, {})
    first = lookup.answer(ALL)
    assert (first["found"], first["pages"]) == (10_000, 10_000 // A_PAGE)
    seen = [row["pattern"] for page in range(1, 101) for row in lookup.answer({**ALL, "page": page})["routes"]]
    assert len(seen) == len(set(seen)) == 10_000
    assert lookup.answer({**ALL, "page": 10**6})["page"] == 100
    assert lookup.answer({**ALL, "search": "area/4711/"})["routes"][0]["number"] > 0


def test_the_file_and_what_is_held_are_followed(file: Path) -> None:
    lookup = Lookup(file, {})
    asked = {"ask": "explain", "method": "GET", "url": "/repairs/1", "headers": [], "held": FREE}
    assert lookup.answer(asked)["backend"] == "repairs"
    held = {**asked, "held": {"bypass": False, "stages": {"repairs": "legacy"}}}
    assert (lookup.answer(held)["backend"], lookup.answer(held)["stage"]) == ("legacy", "legacy")
    assert lookup.answer({**asked, "held": {"bypass": True, "stages": {}}})["backend"] == "legacy"
    file.write_text("version: 2\n")
    broken = lookup.answer(asked)
    assert not broken["ok"]
    assert any(problem.startswith("routes.yaml:1: version") for problem in broken["problems"])
    file.write_text(FEW)
    assert lookup.answer(asked)["backend"] == "repairs"
    assert lookup.answer({**asked, "headers": ["no colon"]})["problems"][0].startswith("'no colon' is not a header")


def test_the_process_answers_dies_and_is_started_again(file: Path) -> None:
    async def main() -> None:
        looking = Looking(file.parent)
        answers = await asyncio.gather(*(looking.ask("routes.yaml", ALL) for _ in range(3)))
        assert [answer["total"] for answer in answers] == [7, 7, 7]
        process = looking._process
        assert process is not None
        os.kill(process.pid, signal.SIGKILL)
        await process.wait()
        assert (await looking.ask("routes.yaml", ALL))["total"] == 7
        await looking.end()

    asyncio.run(main())


def test_who_gives_up_waiting_leaves_nothing_for_the_next(file: Path) -> None:
    async def main() -> None:
        looking = Looking(file.parent)
        waiting = asyncio.create_task(looking.ask("routes.yaml", {**ALL, "search": "kiosk"}))
        while looking._process is None:
            await asyncio.sleep(0)  # until the process is there, and no longer
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert (await looking.ask("routes.yaml", ALL))["found"] == 7
        await looking.end()

    asyncio.run(main())


def test_answers_are_lines_of_json(file: Path) -> None:
    assert "\n" not in json.dumps(Lookup(file, {}).answer(ALL))
