"""A ledger and findings with markup in them, and the admin application in this process to look at them."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from aiohttp import web
from sqlalchemy import insert

from proxy.admin.app import close, make_app
from proxy.admin.seen import Seen
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


@contextlib.asynccontextmanager
async def serving(admin: Admin, seen: Seen) -> AsyncIterator[str]:
    """The application, before the real supervisor, on a real socket; its address."""
    counters = Counters.create(1)
    app = make_app(admin.home, "127.0.0.1", 0, counters, seen)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    yield f"http://{host}:{port}"
    await close(app)
    await runner.cleanup()
    counters.close()


@contextlib.contextmanager
def served(admin: Admin, seen: Seen) -> Iterator[str]:
    """The same from a thread, for who waits."""
    loop, ready, over = asyncio.new_event_loop(), threading.Event(), asyncio.Event()
    addresses: list[str] = []

    async def main() -> None:
        async with serving(admin, seen) as address:
            addresses.append(address)
            ready.set()
            await over.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(main()))
    thread.start()
    try:
        assert ready.wait(30)
        yield addresses[0]
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
        loop.close()
