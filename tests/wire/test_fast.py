"""The fast path says of a head what the law says, or nothing: real heads of many programs, and mutations of them."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator, Sequence
from operator import attrgetter
from time import process_time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from proxy.caching import kept_apart, kept_private
from proxy.generation import HeadLimits
from proxy.headers import SPECIAL_IN_REPLIES, SPECIAL_NAMES
from proxy.wire import compiled, fast, patterns
from proxy.wire.compose import reply_bytes, request_bytes
from proxy.wire.grammar import read_reply, read_request
from proxy.wire.heads import ReplyHead, RequestHead
from tests.wire.heads import REPLIES, REQUESTS

LIMIT = 64 * 1024
USUAL, SMALL = HeadLimits(), HeadLimits(head=900, target=60, fields=6)
REQUEST_SAYS = attrgetter(
    "chunked", "fields", "has_body", "host", "host_name", "is_last_hop", "keep_alive", "length", "method", "minor",
    "overrides", "target", "told", "upgrades",
)  # fmt: skip
REPLY_SAYS = attrgetter(
    "chunked", "fields", "has_body", "has_date", "keep_alive", "length", "minor", "reason", "status", "to_websocket"
)
RULE = settings(max_examples=1500, deadline=None)


@pytest.fixture(autouse=True, scope="module", params=["patterns", "compiled"])
def way(request: pytest.FixtureRequest) -> Iterator[None]:
    """Everything here is held for both ways of cutting a head."""
    try:
        cut = compiled.load() if request.param == "compiled" else patterns
    except ImportError as error:
        pytest.skip(f"{error}; this builds it, where gcc, libc6-dev and python3-dev are installed: {compiled.BUILD}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fast, "_cut_request", cut.cut_request)
        patch.setattr(fast, "_cut_reply", cut.cut_reply)
        yield


def agree_on_request(data: bytes, limits: HeadLimits = USUAL) -> bool:
    """Whether the fast path took the head; fails unless it then says what the law says."""
    found = fast.read_request(data, limits)
    if found is None:
        return False
    head, end = found
    law = read_request(data[: data.index(b"\r\n\r\n") + 4], limits)
    assert isinstance(law, RequestHead), law
    assert data[:end].endswith(b"\r\n\r\n")
    assert data.index(b"\r\n\r\n") + 4 == end
    said = b"Via: 1.1 stranglerfig\r\n"
    assert request_bytes(head, b"/t", head.host, said, head.lines) == request_bytes(
        law, b"/t", law.host, said, law.lines
    )
    assert REQUEST_SAYS(head) == REQUEST_SAYS(law)
    return True


def agree_on_reply(data: bytes, method: bytes = b"GET") -> bool:
    """Whether the fast path took the head; fails unless it then says what the law says."""
    found = fast.read_reply(data, method, LIMIT)
    if found is None:
        return False
    head, end = found
    law = read_reply(data[: data.index(b"\r\n\r\n") + 4], method)
    assert isinstance(law, ReplyHead), law
    assert data.index(b"\r\n\r\n") + 4 == end
    assert written(head) == written(law)
    assert REPLY_SAYS(head) == REPLY_SAYS(law)
    return True


def written(reply: ReplyHead) -> Sequence[bytes]:
    return [
        reply_bytes(reply, lines, minor=minor, keep_alive=stays, chunked=False, date=b"Date: now\r\n", hsts=hsts)
        for minor in (0, 1)
        for stays in (False, True)
        for hsts in (b"", b"Strict-Transport-Security: max-age=1\r\n")
        for lines in (reply.lines, kept_apart(reply.lines), kept_private(reply.lines))  # of a canary: for a visitor
    ]


@pytest.mark.parametrize(("name", "head", "is_plain"), [(name, *case) for name, case in REQUESTS.items()], ids=REQUESTS)
def test_a_real_request_is_read_alike_and_fast_where_it_is_usual(name: str, head: bytes, is_plain: bool) -> None:
    for rest in (b"", b"GET /next HTTP/1.1\r\n", b"\r\n\r\n", b"\x00\xff"):
        assert agree_on_request(head + rest) is is_plain, name


@pytest.mark.parametrize(("name", "head", "is_plain"), [(name, *case) for name, case in REPLIES.items()], ids=REPLIES)
def test_a_real_reply_is_read_alike_and_fast_where_it_is_usual(name: str, head: bytes, is_plain: bool) -> None:
    for rest in (b"", b"<html>", b"\r\n\r\n"):
        assert agree_on_reply(head + rest) is is_plain, name
    agree_on_reply(head, b"HEAD")


@pytest.mark.parametrize("name", sorted(SPECIAL_NAMES))
def test_a_name_of_which_more_becomes_is_never_passed_as_it_is(name: bytes) -> None:
    head = b"GET / HTTP/1.1\r\nHost: a\r\n%b: 1\r\n\r\n"
    for spelling in (name, name.title(), name.upper()):
        if agree_on_request(head % spelling):
            assert spelling.lower() in (b"content-length", b"connection")


@pytest.mark.parametrize("name", sorted(SPECIAL_IN_REPLIES))
def test_so_it_is_in_replies(name: bytes) -> None:
    for spelling in (name, name.title(), name.upper()):
        agree_on_reply(b"HTTP/1.1 200 OK\r\n%b: 1\r\nContent-Length: 1\r\n\r\n" % spelling)


def test_a_head_that_is_not_whole_is_left() -> None:
    for head, _ in REQUESTS.values():
        assert all(fast.read_request(head[:size], USUAL) is None for size in range(len(head)))


@pytest.mark.parametrize("letter", string.ascii_letters + string.digits)
def test_a_head_that_does_not_fit_takes_no_more_time_than_its_length(letter: str) -> None:
    line = f"{letter}-x: 1\r\n".encode()
    begun = process_time()
    assert fast.read_request(b"GET / HTTP/1.1\r\nHost: a\r\n" + line * 3000, USUAL) is None
    assert fast.read_reply(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n" + line * 3000, b"GET", LIMIT) is None
    assert process_time() - begun < 2  # a millisecond; with two ways to match a line, longer than anybody waits


NAMES = st.sampled_from(sorted({*SPECIAL_NAMES, *SPECIAL_IN_REPLIES, b"x-forwarded-for", b"fig-shadow", b"a", b"cookie",
                                b"x_y", b"x-requested-with", b"expect", b"te-", b"dates"}))  # fmt: skip
SPELT = st.builds(lambda name, how: how(name), NAMES, st.sampled_from((bytes.lower, bytes.title, bytes.upper)))
VALUES = st.sampled_from((b"", b"1", b"0", b"keep-alive", b"Keep-Alive", b"close", b"chunked", b"a, keep-alive", b"x y",
                          b" x", b"x ", b"x\t", b"\xe9", b"\x00", b"12345678901234567890", b"-1", b"\x7f"))  # fmt: skip
COLONS = st.sampled_from((b": ", b": ", b": ", b":", b":  ", b" : ", b":\t"))
ENDS = st.sampled_from((b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b"\r\n "))
LINE = st.builds(lambda *parts: b"".join(parts), SPELT, COLONS, VALUES, ENDS)


@st.composite
def mutated(draw: st.DrawFn, heads: Sequence[bytes]) -> bytes:
    """A real head with lines put in, taken out, doubled or moved, and bytes changed."""
    lines = re.findall(rb"[^\n]*\n", draw(st.sampled_from(heads)))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(1, len(lines) - 1))
        match draw(st.integers(0, 3)):
            case 0:
                lines.insert(at, draw(LINE))
            case 1 if len(lines) > 2:
                lines.pop(min(at, len(lines) - 2))
            case 2:
                lines.insert(at, draw(st.sampled_from(lines[:-1])))
            case _:
                lines.insert(at, lines.pop(draw(st.integers(1, len(lines) - 1))))
    head = bytearray(b"".join(lines))
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(head) - 1))
        head[at : at + draw(st.integers(0, 1))] = draw(
            st.sampled_from((b"", b" ", b"\t", b"\r", b"\n", b"\0", b":", b"#", b"%", b"A", b"z", b"\x80", b"_", b"1"))
        )
    return bytes(head)


@RULE
@given(mutated([head for head, _ in REQUESTS.values()]), st.sampled_from((USUAL, SMALL)))
@example(b"GET /#a HTTP/1.1\r\nHost: a\r\n\r\n", USUAL)
@example(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n",
         USUAL)  # fmt: skip
def test_no_mutation_of_a_request_is_read_in_two_ways(data: bytes, limits: HeadLimits) -> None:
    agree_on_request(data, limits)


@RULE
@given(mutated([head for head, _ in REPLIES.values()]), st.sampled_from((b"GET", b"HEAD", b"POST")))
def test_no_mutation_of_a_reply_is_read_in_two_ways(data: bytes, method: bytes) -> None:
    agree_on_reply(data, method)
