"""An asset that one side does not have is asked of the other; and how long a route's backend may take."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from proxy.paths import PathRules
from proxy.plan import Forward
from proxy.stages import LIVE, Stage
from proxy.standins import other_side
from proxy.table import Claim, Pattern, Route, Timeouts
from tests.proxy.wire.stand import HOST, OK, Runner, ScriptedBackend, Silence, Step, a_stand, status_of

MISSING = b"HTTP/1.1 404 No\r\nContent-Length: 4\r\n\r\nnone"
HALF: list[Step] = [b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nha", Silence()]
FOUND = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfound"
ROUTE = Route("repairs", LIVE, "b1", "b0", names_method=True, assets=(Pattern.parse("/repairs/static/*"),))
SLICE = Claim(Pattern.parse("/repairs/*"), None, ROUTE, "routes.yaml:1", series=10)


def asked(target: bytes, method: bytes = b"GET", fields: bytes = b"") -> bytes:
    return method + b" " + target + b" HTTP/1.1\r\n" + HOST + fields + b"\r\n"


ASKED = [  # law, request, whether legacy is asked too
    ("an asset", asked(b"/repairs/static/a.css?v=1"), True),
    ("its head alone", asked(b"/repairs/static/a.css", b"HEAD"), True),
    ("in another spelling", asked(b"/repairs/./static//a.css"), True),
    ("another path", asked(b"/repairs/1"), False),
    ("a path that only begins like it", asked(b"/repairs/statics/a.css"), False),
    ("a write", asked(b"/repairs/static/a.css", b"POST", b"Content-Length: 0\r\n"), False),
    ("what overrides its method", asked(b"/repairs/static/a.css?_method=PUT"), False),
]


@pytest.mark.parametrize(("law", "request_", "both"), ASKED, ids=[case[0] for case in ASKED])
def test_what_the_candidate_does_not_have_is_asked_of_legacy(
    run: Runner, law: str, request_: bytes, both: bool
) -> None:
    async def main() -> None:
        headless = request_.startswith(b"HEAD")
        legacy = ScriptedBackend([[FOUND[:-5] if headless else FOUND]])
        candidate = ScriptedBackend([[MISSING[:-4] if headless else MISSING]])
        async with a_stand(legacy, candidate, claims=[SLICE]) as stand:
            overrides = b"_method" in request_
            assert status_of(await stand.talk(request_)) == (200 if both or overrides else 404), law
            assert len(legacy.requests) == (both or overrides)
            assert stand.hits(11) == (not both and not overrides)
        if both:
            assert legacy.requests[0].startswith(request_.partition(b" HTTP")[0]), "as it was asked for"

    run(main)


def test_and_the_other_way_round_in_a_canary() -> None:
    route = replace(ROUTE, stage=Stage("canary", 10.0), rewrite=Pattern.parse("/v2/*"))
    claim = replace(SLICE, leads_to=route)
    by_legacy = Forward("b0", b"/repairs/static/a%2Ecss?v=1", 10, "stage legacy", claim)
    assert other_side(by_legacy, by_legacy.target, PathRules()) == Forward(
        "b1", b"/v2/static/a.css?v=1", 11, "assets", claim
    )


def test_what_neither_has_is_a_404_of_the_last(run: Runner) -> None:
    async def main() -> None:
        legacy, candidate = ScriptedBackend([[MISSING]]), ScriptedBackend([[MISSING]])
        async with a_stand(legacy, candidate, claims=[SLICE]) as stand:
            reply = await stand.talk(asked(b"/repairs/static/a.css") * 2)
            assert reply.count(b"HTTP/1.1 404") == 2
        assert (len(legacy.requests), len(candidate.requests)) == (2, 2)

    run(main)


def test_a_side_that_cannot_be_asked_does_not_make_it_worse(run: Runner, dead_port: Callable[[], int]) -> None:
    async def main() -> None:
        candidate = ScriptedBackend([[MISSING]])
        async with a_stand(dead_port(), candidate, claims=[SLICE]) as stand:
            assert status_of(await stand.talk(asked(b"/repairs/static/a.css"))) == 404

    run(main)


def test_a_route_has_its_own_times(run: Runner) -> None:
    async def main() -> None:
        late = asyncio.Event()
        backend = ScriptedBackend([[late, OK], [Silence()], HALF, [OK]])
        route = Route("repairs", LIVE, "b0", "b0", names_method=True)
        patient = Claim(Pattern.parse("/report"), None, route, "routes.yaml:1", 10, timeouts=Timeouts(first_byte=30.0))
        hasty = Claim(Pattern.parse("/hasty"), None, route, "routes.yaml:2", 12, timeouts=Timeouts(0.1, 0.1))
        async with a_stand(backend, claims=[patient, hasty], first_byte=0.3) as stand:
            waiting = asyncio.create_task(stand.talk(asked(b"/report")))
            while not backend.requests:
                await asyncio.sleep(0.005)  # the backend has no event for its first request
            assert status_of(await stand.talk(asked(b"/hasty"))) == 504
            assert (await stand.talk(asked(b"/hasty"))).endswith(b"ha"), "cut within its answer"
            assert not waiting.done()
            late.set()
            assert status_of(await waiting) == 200
            assert status_of(await stand.talk(asked(b"/other"))) == 200, "its backend's times again"

    run(main)
