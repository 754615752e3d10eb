"""Visitors of a moving slice on real sockets: who answers them, which cookies they get, and what caches are told."""

from __future__ import annotations

import asyncio
import ipaddress
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from time import time

import pytest

from proxy.asked import Asked
from proxy.plan import make_plan
from proxy.stages import LIVE, RETIRED, Stage
from proxy.table import Claim, Fallback, Pattern, Route
from proxy.translate.place import Place, Translation, ports_of
from proxy.visitors import Visiting, bucket_of
from tests.proxy.wire.stand import HOST, OK, Runner, ScriptedBackend, Stand, Step, a_stand, status_of

LEGACYS = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nlegacy"
SLICES = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nslice"
VISITOR = re.compile(rb"\r\nSet-Cookie: (fig_visitor=([0-9a-f]{32}); Path=/; Max-Age=7776000; HttpOnly; SameSite=Lax)")
WROTE = re.compile(rb"\r\nSet-Cookie: (fig_wrote_repairs=(\d+); Path=/; Max-Age=(\d+); HttpOnly; SameSite=Lax)")
IN, OUT = (next(b"%032x" % n for n in range(99) if (bucket_of(b"%032x" % n, b"repairs") < 5_000) is inside)
           for inside in (True, False))  # fmt: skip


HALF = Stage("canary", 50.0)


def a_claim(stage: Stage = HALF, **more: object) -> Claim:
    share = int(stage.percent * 100) if stage.percent else None
    route = Route("repairs", stage, "b1", "b0", names_method=False, visiting=Visiting(b"repairs", share))
    return Claim(Pattern.parse("/repairs/*"), None, replace(route, **more), "routes.yaml:1", series=10)  # type: ignore[arg-type]


def asked(target: bytes = b"/repairs/1", method: bytes = b"GET", fields: bytes = b"", visitor: bytes = b"") -> bytes:
    cookie = b"Cookie: a=b; fig_visitor=" + visitor + b"\r\n" if visitor else b""
    return method + b" " + target + b" HTTP/1.1\r\n" + HOST + cookie + fields + b"\r\n"


def post(fields: bytes = b"", visitor: bytes = b"", target: bytes = b"/repairs/1") -> bytes:
    return asked(target, b"POST", b"Content-Length: 0\r\n" + fields, visitor)


def both() -> tuple[ScriptedBackend, ScriptedBackend]:
    return ScriptedBackend([[LEGACYS]]), ScriptedBackend([[SLICES]])


def fields_of(reply: bytes) -> list[bytes]:
    """Those that tell what is kept where, in their order."""
    head = reply.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]
    return [line for line in head if line.startswith((b"Vary", b"Cache-Control", b"Set-Cookie"))]


def test_a_visitor_stays_on_one_side_over_requests_connections_and_workers(run: Runner) -> None:
    async def main() -> None:
        async with a_stand(*both(), claims=[a_claim()], workers=3) as stand:
            for visitor, side in ((IN, b"slice"), (OUT, b"legacy")):
                for worker in range(3):
                    reply = await stand.talk(asked(visitor=visitor) * 20, worker=worker)
                    assert reply.count(side) == 20
                    assert b"Set-Cookie" not in reply, "who has an id gets no other"

    run(main)


def test_the_first_request_goes_where_the_later_ones_go(run: Runner) -> None:
    async def main() -> None:
        sides: dict[bytes, int] = {}
        async with a_stand(*both(), claims=[a_claim()], workers=2) as stand:
            for _ in range(60):
                first = await stand.talk(asked())
                cookie = VISITOR.search(first)
                assert cookie is not None, first
                later = await stand.talk(asked(visitor=cookie[2]), worker=1)
                side = first.rpartition(b"\r\n")[2]
                assert side == later.rpartition(b"\r\n")[2]
                sides[side] = sides.get(side, 0) + 1
                assert cookie[2] not in sides, "nobody gets another's id"
                sides[cookie[2]] = 1
        assert sides[b"slice"] > 5, "fewer once in a thousand million runs"
        assert sides[b"legacy"] > 5

    run(main)


def test_the_share_is_what_was_asked_for(run: Runner) -> None:
    async def main() -> None:
        async with a_stand(*both(), claims=[a_claim(Stage("canary", 20.0))]) as stand:
            reply = await stand.talk(asked() * 2_000)
            ids = VISITOR.findall(reply)
            assert len({each for _, each in ids}) == 2_000
            assert 300 < reply.count(b"slice") < 500, "outside once in ten thousand million runs"
            assert stand.hits(11) == reply.count(b"slice")

    run(main)


def test_the_cookie_is_secure_where_the_citizen_speaks_tls(run: Runner) -> None:
    async def main() -> None:
        trust = (ipaddress.ip_network("127.0.0.0/8"),)
        async with a_stand(*both(), claims=[a_claim()], trust=trust) as stand:
            secure = await stand.talk(asked(fields=b"X-Forwarded-Proto: https\r\n"))
            assert re.search(rb"Set-Cookie: fig_visitor=\w{32}; [^\r]*; SameSite=Lax; Secure\r\n", secure)
            assert b"Secure" not in await stand.talk(asked())
        async with a_stand(*both(), claims=[a_claim()]) as stand:
            assert b"Secure" not in await stand.talk(asked(fields=b"X-Forwarded-Proto: https\r\n")), "a stranger's word"

    run(main)


@pytest.mark.parametrize("stage", [Stage("legacy"), Stage("shadow"), LIVE, RETIRED], ids=str)
def test_no_cookie_where_no_canary_claims_the_route(run: Runner, stage: Stage) -> None:
    async def main() -> None:
        plain = a_claim(stage, visiting=Visiting(b"repairs", None) if stage == LIVE else None)
        async with a_stand(*both(), claims=[plain]) as stand:
            assert fields_of(await stand.talk(asked())) == []
        async with a_stand(*both(), claims=[a_claim()]) as stand:
            assert fields_of(await stand.talk(asked(b"/elsewhere"))) == []
            assert fields_of(await stand.talk(asked(b"/repairs/..%2fx"))) in ([], [b"Cache-Control: no-store"])

    run(main)


def answered(fields: bytes) -> list[Step]:
    return [b"HTTP/1.1 200 OK\r\n" + fields + b"Content-Length: 2\r\n\r\nok"]


CACHED = [  # what the backend says, what a known visitor gets, what a newcomer gets beside the cookie
    (b"", [b"Vary: Cookie"], [b"Vary: Cookie", b"Cache-Control: private"]),
    (
        b"Cache-Control: public, s-maxage=60, max-age=5\r\nVary: Accept\r\n",
        [b"Cache-Control: max-age=5", b"Vary: Accept", b"Vary: Cookie"],
        [b"Cache-Control: max-age=5, private", b"Vary: Accept", b"Vary: Cookie"],
    ),
    (
        b"Vary: Cookie, Accept\r\nCache-Control: private\r\n",
        [b"Vary: Cookie, Accept", b"Cache-Control: private"],
        [b"Vary: Cookie, Accept", b"Cache-Control: private"],
    ),
    (b"Cache-Control: no-store\r\n", [b"Cache-Control: no-store"], [b"Cache-Control: no-store, private"]),
]


@pytest.mark.parametrize(("said", "known", "new"), CACHED)
def test_caches_keep_visitors_apart(run: Runner, said: bytes, known: Sequence[bytes], new: Sequence[bytes]) -> None:
    async def main() -> None:
        sides = ScriptedBackend([answered(said)]), ScriptedBackend([answered(said)])
        async with a_stand(*sides, claims=[a_claim()]) as stand:
            for visitor in (IN, OUT):
                assert fields_of(await stand.talk(asked(visitor=visitor))) == known
            got = fields_of(await stand.talk(asked()))
            assert (got[:-1], got[-1].startswith(b"Set-Cookie: fig_visitor=")) == (new, True)
            elsewhere = [line for line in said.split(b"\r\n") if line]
            assert fields_of(await stand.talk(asked(b"/elsewhere"))) == elsewhere, "other routes' answers are untouched"

    run(main)


def test_a_304_and_a_head_say_so_too(run: Runner) -> None:
    async def main() -> None:
        sides = [ScriptedBackend([[b"HTTP/1.1 304 Not Modified\r\nCache-Control: public\r\n\r\n"]]) for _ in range(2)]
        async with a_stand(*sides, claims=[a_claim()]) as stand:
            for visitor in (IN, OUT):
                assert fields_of(await stand.talk(asked(visitor=visitor))) == [b"Vary: Cookie"]
                assert fields_of(await stand.talk(asked(method=b"HEAD", visitor=visitor))) == [b"Vary: Cookie"]

    run(main)


def noted(reply: bytes) -> re.Match[bytes] | None:
    return WROTE.search(reply)


@pytest.mark.parametrize("stage", [HALF, LIVE], ids=str)
def test_who_writes_to_legacy_reads_from_legacy(run: Runner, stage: Stage) -> None:
    async def main() -> None:
        async with a_stand(*both(), claims=[a_claim(stage)]) as stand:
            assert b"slice" in await stand.talk(asked(visitor=IN))
            before = time()
            reply = await stand.talk(post(visitor=IN))
            assert b"legacy" in reply
            cookie = noted(reply)
            assert cookie is not None, reply
            assert before < int(cookie[2]) <= time() + 1
            assert cookie[3] == b"86400", "no datasets are named: until any nightly run has come"
            assert b"Cache-Control: private" in fields_of(reply)
            back = b"Cookie: fig_wrote_repairs=" + cookie[2] + b"; fig_visitor=" + IN + b"\r\n"
            assert b"legacy" in await stand.talk(asked(fields=back))
            stand.station.visitors.as_of = {b"repairs": int(cookie[2]) - 1, b"planning": int(cookie[2])}
            assert b"legacy" in await stand.talk(asked(fields=back)), "not everything is in the datasets yet"
            stand.station.visitors.as_of = {b"repairs": int(cookie[2])}
            assert b"slice" in await stand.talk(asked(fields=back))

    run(main)


def test_datasets_say_when_it_is_over_or_at_most_a_month(run: Runner) -> None:
    async def main() -> None:
        claim = a_claim(visiting=Visiting(b"repairs", 5_000, has_datasets=True))
        async with a_stand(*both(), claims=[claim]) as stand:
            cookie = noted(await stand.talk(post(visitor=OUT)))
            assert cookie is not None
            assert cookie[3] == b"2592000"

    run(main)


NOT_NOTED = [  # law, request, what legacy answers
    ("a read", asked(visitor=OUT), LEGACYS),
    ("a write that was refused", post(visitor=IN), b"HTTP/1.1 422 No\r\nContent-Length: 0\r\n\r\n"),
    ("a write of no slice", post(visitor=IN, target=b"/elsewhere"), LEGACYS),
]


@pytest.mark.parametrize(("law", "request_", "reply"), NOT_NOTED, ids=[case[0] for case in NOT_NOTED])
def test_what_writes_nothing_is_not_noted(run: Runner, law: str, request_: bytes, reply: bytes) -> None:
    async def main() -> None:
        async with a_stand(ScriptedBackend([[reply]]), ScriptedBackend(), claims=[a_claim()]) as stand:
            assert noted(await stand.talk(request_)) is None, law

    run(main)


def test_a_write_that_the_slice_takes_is_the_slices_and_an_override_is_not(run: Runner) -> None:
    async def main() -> None:
        async with a_stand(*both(), claims=[a_claim(names_method=True)]) as stand:
            reply = await stand.talk(post(visitor=IN))
            assert b"slice" in reply
            assert noted(reply) is None
            form = b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 11\r\n"
            overriding = asked(method=b"POST", fields=form, visitor=IN) + b"_method=PUT"
            for each in (post(b"X-HTTP-Method-Override: PUT\r\n", IN), overriding, asked(b"/repairs/1?_method=PUT")):
                reply = await stand.talk(each)
                assert b"legacy" in reply
                assert noted(reply) is not None

    run(main)


def test_a_slice_that_fails_falls_back_and_the_visitor_stays_its(run: Runner, dead_port: Callable[[], int]) -> None:
    async def main() -> None:
        legacy = ScriptedBackend([[LEGACYS]])
        fallback = Fallback("b0", frozenset(("connect",)))
        async with a_stand(legacy, dead_port(), claims=[a_claim(Stage("canary", 100.0), fallback=fallback)]) as stand:
            reply = await stand.talk(asked())
            cookie = VISITOR.search(reply)
            assert b"legacy" in reply
            assert cookie is not None, "the journey has begun"
            assert fields_of(reply)[0] == b"Vary: Cookie"
            assert stand.hits(11) == 1, "the candidate's error"

    run(main)


def test_retired_never_falls_back(run: Runner, dead_port: Callable[[], int]) -> None:
    async def main() -> None:
        legacy, slice_ = both()
        async with a_stand(legacy, slice_, claims=[a_claim(RETIRED, visiting=None)]) as stand:
            for each in (asked(visitor=OUT), post(), post(b"X-HTTP-Method-Override: PUT\r\n")):
                reply = await stand.talk(each)
                assert b"slice" in reply
                assert fields_of(reply) == []
        async with a_stand(legacy, dead_port(), claims=[a_claim(RETIRED, visiting=None)]) as stand:
            assert status_of(await stand.talk(asked())) == 502
            assert status_of(await stand.talk(post())) == 502
        assert legacy.requests == []

    run(main)


def test_an_asset_that_one_side_does_not_have_is_the_others(run: Runner) -> None:
    async def main() -> None:
        legacy = ScriptedBackend([[b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"]])
        claim = a_claim(assets=(Pattern.parse("/repairs/static/*"),))
        async with a_stand(legacy, ScriptedBackend([[SLICES]]), claims=[claim]) as stand:
            reply = await stand.talk(asked(b"/repairs/static/a.css", visitor=OUT))
            assert b"slice" in reply
            assert fields_of(reply) == [b"Vary: Cookie"]

    run(main)


def test_a_session_seeds_the_bucket_and_nothing_is_set(run: Runner) -> None:
    async def main() -> None:
        claim = a_claim(visiting=Visiting(b"repairs", 5_000, b"sid"))
        async with a_stand(*both(), claims=[claim]) as stand:
            assert b"legacy" in await stand.talk(asked(visitor=IN)), "legacy begins the session"
            for seed, side in ((IN, b"slice"), (OUT, b"legacy")):
                reply = await stand.talk(asked(fields=b"Cookie: sid=" + seed + b"\r\n") * 5)
                assert reply.count(side) == 5
                assert b"Set-Cookie" not in reply

    run(main)


def test_what_is_drawn_is_spent_by_a_plan_alone(run: Runner) -> None:
    """No dice in the plan: the same values give the same plan, and what is handed in is what is set."""

    async def main() -> None:
        async with a_stand(*both(), claims=[a_claim()]) as stand:
            station = stand.station
            one = Asked(b"GET", b"/repairs/1", None, b"")
            assert make_plan(one, station.generation.rules, IN) == make_plan(one, station.generation.rules, IN)
            await _spends(stand, asked(b"/elsewhere"), spends=False)
            await _spends(stand, asked(visitor=IN), spends=False)
            await _spends(stand, asked(), spends=True)

    run(main)


async def _spends(stand: Stand, request_: bytes, *, spends: bool) -> None:
    drawn = stand.station.visitors.newcomer
    reply = await stand.talk(request_)
    assert (drawn in reply) is spends
    assert (stand.station.visitors.newcomer != drawn) is spends


def test_a_backend_of_another_name_is_translated_first(run: Runner) -> None:
    said = (
        b"Set-Cookie: s=1; Domain=legacy.internal\r\nLocation: http://legacy.internal/b\r\nCache-Control: public\r\n"
        b"Content-Type: text/html\r\n"
    )
    page = b'<a href="http://legacy.internal/">'
    answer: list[Step] = [b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%b\r\n" % (len(page), said), page]

    async def main() -> None:
        own = ((b"legacy.internal", ports_of(80)),)
        named = Translation(Place(b"http", b"legacy.internal"), own, links=True)
        sides = ScriptedBackend([answer]), ScriptedBackend([answer])
        async with a_stand(*sides, claims=[a_claim()], hosts=[b"www.anytown.gov.uk"], translation=named) as stand:
            reply = await stand.talk(asked())
            assert b"legacy.internal" not in reply
            assert b"http://www.anytown.gov.uk/b\r\n" in reply
            assert fields_of(reply)[1:3] == [b"Vary: Cookie", b"Cache-Control: private"]
            assert VISITOR.search(reply)

    run(main)


def test_answers_that_are_streamed_and_pipelined_are_whole(run: Runner) -> None:
    async def main() -> None:
        chunked: list[Step] = [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", b"0\r\n\r\n"]
        sides = ScriptedBackend([chunked, [OK]]), ScriptedBackend([chunked, [OK]])
        async with a_stand(*sides, claims=[a_claim()]) as stand:
            reply = await stand.talk(asked() + asked(visitor=IN))
            assert reply.count(b"HTTP/1.1 200 OK") == 2
            assert len(VISITOR.findall(reply)) == 1

    run(main)


def test_two_first_requests_at_once_are_two_visitors(run: Runner) -> None:
    async def main() -> None:
        async with a_stand(*both(), claims=[a_claim()]) as stand:
            replies = await asyncio.gather(*(stand.talk(asked()) for _ in range(20)))
            assert len({each for reply in replies for _, each in VISITOR.findall(reply)}) == 20

    run(main)
