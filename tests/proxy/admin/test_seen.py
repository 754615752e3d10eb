"""What has been seen, on the pages and by the API: hits of the ledger, differences, both answers; markup is text."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from time import thread_time, time

import aiohttp
import pytest

from proxy.admin import api_model
from proxy.admin.seen import SPANS, NotSeen, Seen, ignore_line
from proxy.findings import Findings
from tests.proxy.admin.conftest import Admin
from tests.proxy.admin.looked_at import NASTY, fill, findings, serving

Ask = Callable[[str], Awaitable[tuple[int, str]]]


def asked(admin: Admin, seen: Seen, questions: Callable[[Ask], Awaitable[None]]) -> None:
    """The application, asked over real sockets."""

    async def main() -> None:
        async with serving(admin, seen) as address, aiohttp.ClientSession(address) as session:

            async def ask(path: str) -> tuple[int, str]:
                async with session.get(path) as answer:
                    return answer.status, await answer.text()

            await questions(ask)

    asyncio.run(main())


def test_the_pages_show_hits_differences_and_both_answers_and_no_markup_of_theirs(admin: Admin, tmp_path: Path) -> None:
    now = time()
    fill(tmp_path, now)

    async def questions(ask: Ask) -> None:
        status, text = await ask("/")
        assert status == 200
        assert (
            '<strong class="big">18%</strong> of the site is answered by slices: 10 of 57 hits in the last hour' in text
        )
        assert text.count('<rect class="slice"') == 1
        assert text.count('<rect class="legacy"') == 2

        status, text = await ask("/slices/repairs?span=day")
        assert status == 200
        assert "<strong>in the last day</strong>" in text
        order = [text.index(path) for path in ("css:p[", "json:$.cost")]
        assert order == sorted(order)  # the most frequent first
        assert 'value="ignore: [&#34;json:$.cost&#34;]"' in text
        assert re.search(r'<td class="number">9</td>', text)
        assert 'href="/slices/repairs/answers/1"' in text
        assert "<script>alert" not in text

        status, text = await ask("/slices/repairs/answers/1")
        assert status == 200
        assert "<code>  &#34;cost&#34;: 12.5<del>0</del>,</code>" in text
        assert "<script>alert" not in text
        for path in ("/slices/repairs/answers/2", "/slices/planning/answers/1", "/slices/repairs/answers/x"):
            assert (await ask(path))[0] == 404

        status, text = await ask("/slices/planning")
        assert "None in the last 7 days" in text

    asked(admin, Seen(tmp_path, findings(now)), questions)


def test_the_api_says_the_same(admin: Admin, tmp_path: Path) -> None:
    now = time()
    fill(tmp_path, now)

    async def questions(ask: Ask) -> None:
        moments = api_model.OverTime.model_validate_json((await ask("/api/v1/hits"))[1]).moments
        assert [(each.legacy, each.slice) for each in moments[-2:]] == [(7, 0), (40, 10)]
        of_repairs = api_model.OverTime.model_validate_json((await ask("/api/v1/hits?slice=repairs"))[1]).moments
        assert [(each.legacy, each.slice) for each in of_repairs[-2:]] == [(7, 0), (0, 10)]
        found = api_model.Differences.model_validate_json((await ask("/api/v1/slices/repairs/differences"))[1])
        assert [(each.count, each.ignore) for each in found.differences] == [
            (9, ignore_line(f'css:p["{NASTY}"]')), (3, 'ignore: ["json:$.cost"]'),
        ]  # fmt: skip
        pairs = api_model.Pairs.model_validate_json((await ask("/api/v1/slices/repairs/answers"))[1]).pairs
        assert [asdict_of(each.differences[0]) for each in pairs] == [("json:$.cost", "value")]
        both = api_model.Answers.model_validate_json((await ask("/api/v1/slices/repairs/answers/1"))[1])
        assert '"cost": 12.5,' in both.candidate.body
        assert ("content-type", "application/json") in both.control.fields

    asked(admin, Seen(tmp_path, findings(now)), questions)


def asdict_of(place: api_model.Place) -> tuple[str, str]:
    return place.path, place.kind


def test_a_ledger_that_cannot_be_read_is_said_and_the_rest_is_shown(admin: Admin, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "ledger.sqlite").write_text("this is no ledger" * 1000)

    async def questions(ask: Ask) -> None:
        assert "hits since the proxy was started" in (await ask("/"))[1]
        status, text = await ask("/slices/repairs")
        assert (status, "The differences cannot be read:" in text) == (200, True)
        assert "data/ledger.sqlite: the file is no ledger, or broken" in (await ask("/health"))[1]
        assert (await ask("/api/v1/slices/repairs/differences"))[0] == 503
        assert (await ask("/api/v1/hits"))[1] == '{"moments":[]}'

    asked(admin, Seen(tmp_path, Findings()), questions)


def test_moments_are_all_there_is_a_step_for(tmp_path: Path) -> None:
    async def main() -> None:
        seen = Seen(tmp_path, Findings())
        with pytest.raises(NotSeen):
            await seen.differences("repairs")
        fill(tmp_path, time())
        for span in SPANS.values():
            assert len(await seen.over_time(span)) == span.steps

    asyncio.run(main())


def test_reading_the_ledger_takes_none_of_the_loops_time(tmp_path: Path) -> None:
    """Of this thread's own processor time, so that other tests do not count; 20 ms is what a keeper may be deaf for."""
    fill(tmp_path, time())

    async def main() -> None:
        seen = Seen(tmp_path, Findings())
        await seen.over_time(SPANS["hour"])  # what is imported once
        longest, asking = 0.0, asyncio.create_task(ask_often(seen))
        while not asking.done():
            began = thread_time()
            await asyncio.sleep(0)  # one turn of the loop is what is measured
            longest = max(longest, thread_time() - began)
        await asking
        assert longest < 0.02

    asyncio.run(main())


async def ask_often(seen: Seen) -> None:
    for number in range(50):
        await seen.over_time(SPANS["day"], str(number))
