"""A backend that knows only its own name, behind the proxy: to the byte, both ways, over real sockets."""

from __future__ import annotations

import asyncio
import gzip
import ipaddress
import re
import zlib
from dataclasses import replace

import pytest

from proxy.claims import Claim, Fallback, Pattern, Route
from proxy.headers import Network
from proxy.stages import Stage
from proxy.translate.place import Place, Translation, ports_of
from tests.processes import free_port
from tests.proxy.wire.stand import (
    HOST,
    Close,
    Reset,
    Runner,
    ScriptedBackend,
    Step,
    a_stand,
    close,
    read_all,
    status_of,
)

OWN = ((b"legacy.internal", ports_of(80)),)
NAMED = Translation(Place(b"http", b"legacy.internal"), OWN)
LINKED = Translation(Place(b"http", b"legacy.internal"), OWN, links=True)
KEPT_NAME = Translation(None, OWN, links=True)
HOSTS = (b"www.anytown.gov.uk",)
SAID = b"Via: 1.1 stranglerfig\r\nX-Forwarded-For: 127.0.0.1\r\nForwarded: for=127.0.0.1\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
HTML = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
GET = b"GET /a HTTP/1.1\r\n" + HOST
PAGE = b'<a href="http://legacy.internal/a">' * 30
TURNED = PAGE.replace(b"http://legacy.internal", b"http://www.anytown.gov.uk")


def talked(
    run: Runner, request: bytes, *script: Step, translation: Translation = NAMED, piece: int = 0,
    trust: list[Network] | None = None, claims: list[Claim] | None = None,
) -> tuple[bytes, bytes, list[str]]:  # fmt: skip
    """What the backend got, what the citizen got, and what the log says."""
    seen: list[bytes] = []
    log: list[str] = []

    async def main() -> None:
        backend = ScriptedBackend((script or (OK,),))
        async with a_stand(
            backend, hosts=HOSTS, translation=translation, trust=trust or (), claims=claims or ()
        ) as stand:
            seen.append(await stand.talk(request, piece=piece))
            seen.insert(0, backend.requests[0] if backend.requests else b"")
            log.extend(stand.log)

    run(main)
    return seen[0], seen[1], log


def without_trace(request: bytes) -> bytes:
    """The request without the lines that name it anew each time."""
    return re.sub(rb"(?:traceparent|X-Request-ID): [^\r]*\r\n", b"", request, flags=re.IGNORECASE)


REQUESTS = [  # law, request, what the backend gets
    ("its own Host, and no word of another", GET + b"X-A: 1\r\n\r\n",
     b"GET /a HTTP/1.1\r\nHost: legacy.internal\r\nX-A: 1\r\n" + SAID + b"\r\n"),
    ("the page it comes from is its own", GET + b"Origin: http://www.anytown.gov.uk\r\n"
     b"Referer: http://www.anytown.gov.uk/b?c\r\n\r\n",
     b"GET /a HTTP/1.1\r\nHost: legacy.internal\r\nOrigin: http://legacy.internal\r\n"
     b"Referer: http://legacy.internal/b?c\r\n" + SAID + b"\r\n"),
    ("a foreign page is foreign", GET + b"Origin: https://www.anytown.gov.uk\r\nReferer: http://evil.example/\r\n\r\n",
     b"GET /a HTTP/1.1\r\nHost: legacy.internal\r\nOrigin: https://www.anytown.gov.uk\r\n"
     b"Referer: http://evil.example/\r\n" + SAID + b"\r\n"),
    ("a value of the query", b"GET /a?next=http%3A%2F%2Fwww.anytown.gov.uk%2Fb HTTP/1.1\r\n" + HOST + b"\r\n",
     b"GET /a?next=http%3A%2F%2Flegacy.internal%2Fb HTTP/1.1\r\nHost: legacy.internal\r\n" + SAID + b"\r\n"),
    ("a form, with its new length",
     b"POST /a HTTP/1.1\r\n" + HOST + b"Content-Type: application/x-www-form-urlencoded\r\n"
     b"Content-Length: 37\r\n\r\nnext=http://www.anytown.gov.uk/b&x=y+",
     b"POST /a HTTP/1.1\r\nHost: legacy.internal\r\nContent-Type: application/x-www-form-urlencoded\r\n"
     b"Content-Length: 34\r\n" + SAID + b"\r\nnext=http://legacy.internal/b&x=y+"),
    ("a form in chunks has a length then", b"POST /a HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n"
     b"Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\n\r\n"
     b"3\r\nn=h\r\n1b\r\nttp://www.anytown.gov.uk/b&\r\n0\r\n\r\n",
     b"POST /a HTTP/1.1\r\nHost: legacy.internal\r\nContent-Type: application/x-www-form-urlencoded; charset=utf-8\r\n"
     b"Content-Length: 27\r\n" + SAID + b"\r\nn=http://legacy.internal/b&"),
    ("another body stays", b"POST /a HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"
     b"Content-Length: 32\r\n\r\n[\"http://www.anytown.gov.uk/b..\"]",
     b"POST /a HTTP/1.1\r\nHost: legacy.internal\r\nContent-Type: application/json\r\nContent-Length: 32\r\n" + SAID
     + b"\r\n[\"http://www.anytown.gov.uk/b..\""),
    ("a form in a coding stays", b"POST /a HTTP/1.1\r\n" + HOST + b"Content-Type: application/x-www-form-urlencoded\r\n"
     b"Content-Encoding: br\r\nContent-Length: 27\r\n\r\nn=http://www.anytown.gov.uk",
     b"POST /a HTTP/1.1\r\nHost: legacy.internal\r\nContent-Type: application/x-www-form-urlencoded\r\n"
     b"Content-Encoding: br\r\nContent-Length: 27\r\n" + SAID + b"\r\nn=http://www.anytown.gov.uk"),
]  # fmt: skip


@pytest.mark.parametrize(("law", "request_", "got"), REQUESTS, ids=[case[0] for case in REQUESTS])
@pytest.mark.parametrize("piece", [0, 7])
def test_what_the_backend_gets(run: Runner, law: str, request_: bytes, got: bytes, piece: int) -> None:
    seen, reply, _ = talked(run, request_, piece=piece)
    assert without_trace(seen) == got
    assert status_of(reply) == 200


def test_a_form_over_the_limit_passes_as_it_is(run: Runner) -> None:
    form = b"n=http://www.anytown.gov.uk&x=" + b"x" * 65_536
    kind = b"Content-Type: application/x-www-form-urlencoded\r\n"
    framings = (b"Content-Length: %d\r\n\r\n%b" % (len(form), form),
                b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(form), form))  # fmt: skip
    for framing in framings:
        seen, reply, _ = talked(run, b"POST /a HTTP/1.1\r\n" + HOST + kind + framing, piece=4096)
        assert b"Host: legacy.internal\r\n" in seen
        assert b"n=http://www.anytown.gov.uk&x=xxx" in seen
        assert status_of(reply) == 200


def test_a_citizen_who_waits_to_be_told_to_send_the_form_is_told(run: Runner) -> None:
    head = b"POST /a HTTP/1.1\r\n" + HOST + b"Content-Type: application/x-www-form-urlencoded\r\n"
    head += b"Expect: 100-continue\r\nContent-Length: 27\r\n\r\n"

    async def main() -> None:
        backend = ScriptedBackend()
        async with a_stand(backend, hosts=HOSTS, translation=NAMED) as stand:
            reader, writer = await asyncio.open_connection("127.0.0.1", stand.port)
            writer.write(head)
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            writer.write(b"n=http://www.anytown.gov.uk")
            assert b"200 OK" in await reader.readuntil(b"\r\n\r\n")
            await close(writer)
        assert b"Expect" not in backend.requests[0]
        assert backend.requests[0].endswith(b"\r\n\r\nn=http://legacy.internal")

    run(main)


REPLIES = [  # the public side: the Host field, whom the proxy trusts, what its peer tells, the Location then
    (b"www.anytown.gov.uk", False, b"", b"http://www.anytown.gov.uk/b"),
    (b"WWW.Anytown.GOV.uk.:80", False, b"", b"http://www.anytown.gov.uk/b"),
    (b"www.anytown.gov.uk:8443", False, b"", b"http://www.anytown.gov.uk:8443/b"),
    (b"www.anytown.gov.uk", True, b"X-Forwarded-Proto: https\r\n", b"https://www.anytown.gov.uk/b"),
    (b"www.anytown.gov.uk:443", True, b"Forwarded: for=1.2.3.4;proto=https\r\n", b"https://www.anytown.gov.uk/b"),
    (b"www.anytown.gov.uk", False, b"X-Forwarded-Proto: https\r\n", b"http://www.anytown.gov.uk/b"),
]  # fmt: skip


@pytest.mark.parametrize(("host", "trusted", "told", "location"), REPLIES)
def test_the_public_name_is_the_one_of_hosts_and_the_rest_is_as_the_citizen_sees_it(
    run: Runner, host: bytes, trusted: bool, told: bytes, location: bytes
) -> None:
    trust: list[Network] = [ipaddress.ip_network("127.0.0.0/8")] if trusted else []
    reply = b"HTTP/1.1 302 Found\r\nLocation: http://legacy.internal/b\r\nContent-Length: 0\r\n\r\n"
    request = b"GET /a HTTP/1.1\r\nHost: " + host + b"\r\n" + told + b"\r\n"
    _, got, _ = talked(run, request, reply, trust=trust)
    assert b"\r\nLocation: " + location + b"\r\n" in got


def test_an_unknown_name_is_written_nowhere(run: Runner) -> None:
    seen, got, _ = talked(run, b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n")
    assert (seen, status_of(got)) == (b"", 421)


def test_interim_replies_and_websockets_are_translated_too(run: Runner) -> None:
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: <http://legacy.internal/a.css>; rel=preload\r\n\r\n"
    _, got, _ = talked(run, GET + b"\r\n", hints + OK)
    assert b"103 Early Hints\r\nLink: <http://www.anytown.gov.uk/a.css>; rel=preload\r\n" in got
    socket = b"Connection: Upgrade\r\nUpgrade: websocket\r\nOrigin: http://www.anytown.gov.uk\r\n\r\n"
    switched = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    seen, got, _ = talked(run, GET + socket, switched + b"Set-Cookie: a=1; Domain=legacy.internal\r\n\r\nhi", Close())
    assert b"Origin: http://legacy.internal\r\n" in seen
    assert b"Set-Cookie: a=1; Domain=www.anytown.gov.uk\r\n" in got
    assert got.endswith(b"hi")


def test_what_a_slice_is_asked_for_under_another_path_is_public_again(run: Runner) -> None:
    route = Route("jobs", Stage("live"), "b0", "b0", names_method=False, rewrite=Pattern.parse("/api/jobs/*"))
    claim = Claim(Pattern.parse("/jobs/*"), None, route, "routes.yaml:1", 4)
    request = b"GET /jobs/7 HTTP/1.1\r\n" + HOST + b"\r\n"
    for translation, name in ((NAMED, b"legacy.internal"), (Translation(None, ()), b"www.anytown.gov.uk")):
        reply = b"HTTP/1.1 302 Found\r\nLocation: http://" + name + b"/api/jobs/8\r\n"
        reply += b"Set-Cookie: a=1; Path=/api/jobs\r\nContent-Length: 0\r\n\r\n"
        seen, got, _ = talked(run, request, reply, claims=[claim], translation=translation)
        assert seen.startswith(b"GET /api/jobs/7 HTTP/1.1\r\nHost: " + name + b"\r\n")
        assert b"Location: http://www.anytown.gov.uk/jobs/8\r\nSet-Cookie: a=1; Path=/jobs\r\n" in got


FORM = (
    b"POST /jobs/7 HTTP/1.1\r\n" + HOST + b"Origin: http://www.anytown.gov.uk\r\nContent-Length: 27\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\n\r\nn=http://www.anytown.gov.uk"
)


@pytest.mark.parametrize("named", [True, False], ids=["legacy has another name", "the slice has"])
def test_who_stands_in_gets_the_request_in_its_own_words(run: Runner, named: bool) -> None:
    fallback = Fallback("b0", frozenset({"connect"}))
    route = Route("jobs", Stage("live"), "b1", "b0", names_method=True, fallback=fallback)
    claim = Claim(Pattern.parse("/jobs/*"), frozenset({b"POST"}), route, "routes.yaml:1", 4)

    async def main() -> None:
        location = b"http://legacy.internal/a" if named else b"http://www.anytown.gov.uk/a"
        reply = b"HTTP/1.1 302 Found\r\nLocation: " + location + b"\r\nContent-Length: 0\r\n\r\n"
        legacy = ScriptedBackend([(reply,)])
        async with a_stand(legacy, free_port(), hosts=HOSTS, claims=[claim]) as stand:
            generation = stand.station.generation
            one = "b0" if named else "b1"
            renamed = replace(generation.backends[one], translation=NAMED)
            stand.station.generation = replace(generation, backends={**generation.backends, one: renamed})
            got = await stand.talk(FORM)
        name = b"legacy.internal" if named else b"www.anytown.gov.uk"
        assert b"\r\nLocation: http://www.anytown.gov.uk/a\r\n" in got
        assert legacy.requests[0].startswith(b"POST /jobs/7 HTTP/1.1\r\nHost: " + name + b"\r\nOrigin: http://" + name)
        assert legacy.requests[0].endswith(b"\r\n\r\nn=http://" + name)
        assert b"Content-Length: %d\r\n" % len(b"n=http://" + name) in legacy.requests[0]

    run(main)


def test_what_is_sent_again_is_what_was_translated(run: Runner) -> None:
    request = b"PUT" + FORM[4:]

    async def main() -> None:
        backend = ScriptedBackend([(Reset(),), (OK,)])
        async with a_stand([backend, backend], hosts=HOSTS, translation=NAMED) as stand:
            assert status_of(await stand.talk(request)) == 200
        first, again = map(without_trace, backend.requests)
        assert first == again
        assert again.endswith(b"\r\n\r\nn=http://legacy.internal")

    run(main)


# Bodies.


def body_of(reply: bytes) -> bytes:
    """The first reply's body, whatever frames it."""
    head, _, body = reply.partition(b"\r\n\r\n")
    if b"transfer-encoding: chunked" not in head.lower():
        return body
    out = b""
    while True:
        size, _, body = body.partition(b"\r\n")
        if not int(size, 16):
            assert body == b"\r\n"
            return out
        out, body = out + body[: int(size, 16)], body[int(size, 16) + 2 :]


def chunked(data: bytes, size: int) -> bytes:
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def test_links_are_public_whatever_the_framing(run: Runner) -> None:
    framings: list[tuple[Step, ...]] = [
        (HTML + b"Content-Length: %d\r\n\r\n" % len(PAGE) + PAGE,),
        (HTML + b"Content-Length: %d\r\n\r\n" % len(PAGE), PAGE[:500], PAGE[500:]),
        (HTML + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(PAGE, 7),),
        (HTML + b"\r\n" + PAGE, Close()),
    ]
    for script in framings:
        for minor in (b"1", b"0"):
            _, got, _ = talked(run, b"GET /a HTTP/1." + minor + b"\r\n" + HOST + b"\r\n", *script, translation=LINKED)
            assert body_of(got) == TURNED
            assert b"\r\nAccept-Ranges: none\r\n" in got


def test_a_whole_page_keeps_a_length_its_own(run: Runner) -> None:
    _, got, _ = talked(run, GET + b"\r\n", HTML + b"Content-Length: %d\r\n\r\n" % len(PAGE) + PAGE, translation=LINKED)
    assert b"\r\nContent-Length: %d\r\n" % len(TURNED) in got


def test_through_gzip_asked_for_as_such(run: Runner) -> None:
    packed = gzip.compress(PAGE)
    head = HTML + b'Content-Encoding: gzip\r\nContent-MD5: x\r\nETag: "v1"\r\n'
    for script in ((head + b"Content-Length: %d\r\n\r\n" % len(packed) + packed,),
                   (head + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(packed, 3),)):  # fmt: skip
        request = GET + b"Accept-Encoding: br, gzip\r\nRange: bytes=0-5\r\n\r\n"
        seen, got, _ = talked(run, request, *script, translation=LINKED)
        assert b"Accept-Encoding: gzip\r\n" in seen
        assert b"Range" not in seen
        assert gzip.decompress(body_of(got)) == TURNED
        assert b'\r\nContent-Encoding: gzip\r\nETag: W/"v1"\r\nAccept-Ranges: none\r\n' in got


def test_a_citizen_who_has_the_page_is_told_so(run: Runner) -> None:
    request = GET + b'If-None-Match: W/"v1"\r\nAccept-Encoding: deflate\r\n\r\n'
    seen, got, _ = talked(run, request, b'HTTP/1.1 304 Not Modified\r\nETag: "v1"\r\n\r\n', translation=LINKED)
    assert b'If-None-Match: "v1"\r\nAccept-Encoding: identity\r\n' in seen
    assert got.startswith(b'HTTP/1.1 304 Not Modified\r\nETag: W/"v1"\r\nAccept-Ranges: none\r\n')


def test_head_says_nothing_of_a_length_that_would_be_another(run: Runner) -> None:
    request = b"HEAD /a HTTP/1.1\r\n" + HOST + b"\r\n"
    _, got, _ = talked(run, request, HTML + b"Content-Length: 5\r\n\r\n", translation=LINKED)
    assert b"Content-Length" not in got
    image = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 5\r\n\r\n"
    _, got, _ = talked(run, request, image, translation=LINKED)
    assert b"\r\nContent-Length: 5\r\n" in got


def test_other_bodies_pass_as_they_are(run: Runner) -> None:
    for kind in (b"image/png", b"text/plain", b"application/octet-stream"):
        reply = b"HTTP/1.1 200 OK\r\nContent-Type: " + kind + b"\r\nContent-Encoding: br\r\nContent-Length: 22\r\n\r\n"
        _, got, _ = talked(run, GET + b"\r\n", reply + b"http://legacy.internal", translation=LINKED)
        assert body_of(got) == b"http://legacy.internal"


def test_links_alone_leave_the_name(run: Runner) -> None:
    seen, got, _ = talked(run, GET + b"Origin: http://www.anytown.gov.uk\r\n\r\n",
                          HTML + b"Content-Length: %d\r\n\r\n" % len(PAGE) + PAGE, translation=KEPT_NAME)  # fmt: skip
    assert seen.startswith(b"GET /a HTTP/1.1\r\n" + HOST + b"Origin: http://www.anytown.gov.uk\r\n")
    assert b"X-Forwarded-Host: www.anytown.gov.uk\r\n" in seen
    assert body_of(got) == TURNED


BOMB = gzip.compress(b" " * 2**20)
BEFORE: list[tuple[str, bytes, str]] = [  # law, reply, the reason in the log
    ("another coding", HTML + b"Content-Encoding: br\r\nContent-Length: 2\r\n\r\nxx", "a body in br, which"),
    ("too long", HTML + b"Content-Length: 67108865\r\n\r\n", "a body of 67108865 bytes to look through"),
    ("a bomb", HTML + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(BOMB) + BOMB,
     "grows more than 100"),
    ("no gzip", HTML + b"Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello", "a gzip body that is damaged"),
    ("cut short", HTML + b"Content-Encoding: gzip\r\nContent-Length: 50\r\n\r\n" + gzip.compress(PAGE)[:50],
     "that is cut short"),
    ("a part", HTML.replace(b"200 OK", b"206 Partial Content") + b"Content-Length: 2\r\n\r\nxx", "a part of a body"),
]  # fmt: skip


@pytest.mark.parametrize(("law", "reply", "why"), BEFORE, ids=[case[0] for case in BEFORE])
def test_what_cannot_be_translated_is_an_error_before_the_first_byte(
    run: Runner, law: str, reply: bytes, why: str
) -> None:
    _, got, log = talked(run, GET + b"\r\n", reply, translation=LINKED)
    assert status_of(got) == 502
    assert b"legacy" not in got
    assert any(why in line for line in log), log


def test_a_page_that_cannot_be_translated_trips_no_breaker(run: Runner) -> None:
    async def main() -> None:
        backend = ScriptedBackend([*[(BEFORE[0][1],)] * 40, (OK,)])
        async with a_stand(backend, hosts=HOSTS, translation=LINKED) as stand:
            for _ in range(40):
                assert status_of(await stand.talk(GET + b"\r\n")) == 502
            assert status_of(await stand.talk(GET + b"\r\n")) == 200
        assert len(backend.requests) == 41, "each was asked for once"

    run(main)


def test_and_after_it_the_answer_is_seen_to_be_cut(run: Runner) -> None:
    packer = zlib.compressobj(wbits=31)
    first = packer.compress(PAGE) + packer.flush(zlib.Z_SYNC_FLUSH)
    head = HTML + b"Content-Encoding: gzip\r\nContent-Length: 100000\r\n\r\n"
    ends: list[tuple[bytes, bytes]] = [
        (head + first, b"no more of it"),  # damaged
        (head + first, packer.copy().compress(b" " * 2**24) + packer.copy().flush()),  # a bomb
        (HTML + b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(first, 9)[:-5], b"0\r\n\r\n"),
    ]

    async def main() -> None:
        for begin, more in ends:
            gate = asyncio.Event()
            backend = ScriptedBackend([(begin, gate, more)])
            async with a_stand(backend, hosts=HOSTS, translation=LINKED) as stand:
                reader, writer = await asyncio.open_connection("127.0.0.1", stand.port)
                writer.write(GET + b"Accept-Encoding: gzip\r\n\r\n")
                got = await reader.readuntil(b"\r\n\r\n")
                assert b"Transfer-Encoding: chunked\r\n" in got
                gate.set()
                got += await read_all(reader)
                assert not got.endswith(b"\r\n0\r\n\r\n")
                assert stand.counters.tally(0).cut == 1
                await close(writer)

    run(main)
