"""A form that overrides its method is legacy's, wherever in it the override stands.

Every other form passes untouched.
"""

from __future__ import annotations

import asyncio

import pytest

from proxy.asked import FORM_LIMIT
from proxy.generation import Limits
from proxy.stages import LIVE
from proxy.table import Claim, Pattern, Route
from tests.proxy.wire.stand import HOST, Runner, ScriptedBackend, a_stand, close, status_of

FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"
NAMED = Claim(
    Pattern.parse("/report"),
    methods=frozenset((b"POST",)),
    leads_to=Route("repairs", LIVE, "b1", "b0", names_method=True),
    at="routes.yaml:1",
    series=10,
)
BODIES = [  # law, body, whether legacy gets it
    ("no override", b"a=1&b=2", False),
    ("an override", b"a=1&_method=DELETE", True),
    ("at the beginning", b"_method=put", True),
    ("escaped", b"a=1&%5Fmethod=DELETE", True),
    ("in a value it is none", b"a=_method=DELETE", False),
    ("in another name it is none", b"a_method=DELETE", False),
    ("a long form may override at its end", b"a=" + b"x" * (FORM_LIMIT + 10), True),
]


def post(body: bytes, fields: bytes = FORM, *, chunked: bool = False) -> bytes:
    head = b"POST /report HTTP/1.1\r\n" + HOST + fields
    if chunked:
        chunks = b"".join(b"1\r\n%b\r\n" % body[at : at + 1] for at in range(len(body)))
        return head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


@pytest.mark.parametrize("chunked", [False, True], ids=["with a length", "in chunks"])
@pytest.mark.parametrize(("law", "body", "legacys"), BODIES, ids=[case[0] for case in BODIES])
def test_who_gets_a_form(run: Runner, law: str, body: bytes, legacys: bool, chunked: bool) -> None:
    async def main() -> None:
        legacy, repairs = ScriptedBackend(), ScriptedBackend()
        async with a_stand(legacy, repairs, claims=[NAMED]) as stand:
            both = post(body, chunked=chunked) + b"GET /next HTTP/1.1\r\n" + HOST + b"\r\n"
            assert (await stand.talk(both)).count(b"HTTP/1.1 200 OK") == 2
        got = legacy if legacys else repairs
        assert got.requests[0].startswith(b"POST /report HTTP/1.1\r\n")
        content = got.requests[0].partition(b"\r\n\r\n")[2]
        assert content == body or chunked
        assert len(repairs.requests) == (not legacys)
        assert legacy.requests[-1].startswith(b"GET /next ")

    run(main)


def test_who_waits_for_continue_before_sending_a_form_gets_it_from_the_proxy(run: Runner) -> None:
    async def main() -> None:
        legacy, repairs = ScriptedBackend(), ScriptedBackend()
        async with a_stand(legacy, repairs, claims=[NAMED]) as stand:
            reader, writer = await asyncio.open_connection("127.0.0.1", stand.port)
            expecting = FORM + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n"
            writer.write(b"POST /report HTTP/1.1\r\n" + HOST + expecting)
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            writer.write(b"a=1")
            assert status_of(await reader.readuntil(b"ok")) == 200
            assert b"Expect" not in repairs.requests[0]
            await close(writer)

    run(main)


def test_a_form_that_never_ends_is_refused_in_time(run: Runner) -> None:
    async def main() -> None:
        legacy, repairs = ScriptedBackend(), ScriptedBackend()
        async with a_stand(legacy, repairs, claims=[NAMED], limits=Limits(body_idle=0.2)) as stand:
            assert status_of(await stand.talk(post(b"a=1&b=2")[:-2], eof=False)) == 408
        assert legacy.requests == repairs.requests == []

    run(main)
