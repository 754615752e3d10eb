"""What has been seen, on the pages and by the API: hits of the ledger, differences, both answers; markup is text."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from time import thread_time, time

import aiohttp
import pytest
from aiohttp import web
from sqlalchemy import insert

from proxy.admin import api_model
from proxy.admin.app import close, make_app
from proxy.admin.seen import SPANS, NotSeen, Seen, ignore_line
from proxy.compare.values import Difference, Kind, Reply
from proxy.counters import Counters
from proxy.findings import Findings
from proxy.ledger.engines import writing
from proxy.ledger.place import place_of
from proxy.ledger.schema import HITS, differences, hits, metadata, routes
from tests.proxy.admin.conftest import Admin

NASTY = "<script>alert('x')</script>"
MINUTE = 60


def fill(home: Path, now: float) -> None:
    """A ledger of two slices: hits of this minute and of the one before, and differences with markup in them."""
    at = int(now) // MINUTE * MINUTE
    day = int(now) // 86_400 * 86_400
    engine = writing(place_of(home))
    metadata.create_all(engine)
    none = dict.fromkeys(HITS, 0)
    with engine.begin() as connection:
        for number, name in enumerate(("", "repairs", "planning"), 1):
            connection.execute(insert(routes).values(id=number, slice=name, pattern=f"/{name}/*"))
        for moment, route, side, count in ((at, 1, "legacy", 40), (at, 2, "slice", 10), (at - MINUTE, 2, "legacy", 7)):
            row = {**none, "at": moment, "route": route, "side": side, "answers_2xx": count}
            connection.execute(insert(hits["minute"]).values(row))
        for number, (path, kind, count) in enumerate(
            (("json:$.cost", "value", 3), (f'css:p["{NASTY}"]', "missing", 9))
        ):
            connection.execute(
                insert(differences).values(
                    day=day, id=str(number), slice="repairs", pattern="/repairs/*", path=path, kind=kind,
                    control="99.99", candidate=NASTY, count=count, first=now - 60, last=now,
                    example=f"GET /repairs/{NASTY}", control_value="12.50", candidate_value=NASTY,
                )
            )  # fmt: skip
    engine.dispose()


def findings(now: float) -> Findings:
    """One pair of answers that differ, with markup in them."""
    found = Findings()
    differs = (Difference("json:$.cost", Kind.VALUE, "99.99", "99.9"),)
    fields = ((b"content-type", b"application/json"), (b"x-note", NASTY.encode()))
    control = Reply(200, fields, b'{\n  "cost": 12.50,\n  "note": "<script>alert(1)</script>"\n}')
    candidate = Reply(200, fields, b'{\n  "cost": 12.5,\n  "note": "<script>alert(1)</script>"\n}')
    found.add("repairs", "/repairs/*", differs, f"GET /repairs/{NASTY}", now)
    found.show("repairs", "/repairs/*", differs, f"GET /repairs/{NASTY}", (control, candidate), now)
    return found


Ask = Callable[[str], Awaitable[tuple[int, str]]]


def asked(admin: Admin, seen: Seen, questions: Callable[[Ask], Awaitable[None]]) -> None:
    """The application in this process, before the real supervisor, asked over real sockets."""

    async def main() -> None:
        counters = Counters.create(1)
        app = make_app(admin.home, "127.0.0.1", 0, counters, seen)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        async with aiohttp.ClientSession(f"http://{host}:{port}") as session:

            async def ask(path: str) -> tuple[int, str]:
                async with session.get(path) as answer:
                    return answer.status, await answer.text()

            await questions(ask)
        await close(app)
        await runner.cleanup()
        counters.close()

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
            await asyncio.sleep(0)
            longest = max(longest, thread_time() - began)
        await asking
        assert longest < 0.02

    asyncio.run(main())


async def ask_often(seen: Seen) -> None:
    for number in range(50):
        await seen.over_time(SPANS["day"], str(number))
