"""What the fuzzer goes by: when what came through is what was sent."""

from __future__ import annotations

import pytest

from tests.wire.agreement import origin_form, replies_disagree, requests_disagree
from tests.wire.reader import Message, read_reply, read_request

ONE = b"GET http://a/x HTTP/1.1\r\nHost: a\r\n\r\n"
TWO = b"POST /y HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"


def request(data: bytes) -> Message:
    message = read_request(data)
    assert message is not None
    return message


@pytest.mark.parametrize(
    ("target", "form"),
    [(b"/a?b", b"/a?b"), (b"http://a/b?c", b"/b?c"), (b"HTTP://a:80", b"/"), (b"http://a?b", b"/?b"), (b"*", b"*")],
)
def test_the_origin_form_of_a_target(target: bytes, form: bytes) -> None:
    assert origin_form(target) == form


def test_requests_agree_in_their_order() -> None:
    both = b"\r\n" + ONE + TWO
    assert requests_disagree(both, [request(ONE.replace(b"http://a", b"")), request(TWO)]) == ""
    assert requests_disagree(both, [request(TWO)]) == ""
    assert requests_disagree(both, []) == ""
    assert requests_disagree(both, [request(TWO), request(ONE)]) != ""
    assert requests_disagree(both, [request(ONE), request(ONE)]) != ""
    assert requests_disagree(both, [request(TWO.replace(b"abc", b"abd"))]) != ""


def test_a_reply_agrees_or_is_an_error_or_is_cut() -> None:
    sent = b"HTTP/1.1 103 A\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    same = read_reply(
        b"HTTP/1.1 200 Fine\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 0, b"GET", ended=False
    )
    other = read_reply(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno", 0, b"GET", ended=False)
    error = read_reply(b"HTTP/1.1 502 No\r\nContent-Length: 2\r\n\r\nno", 0, b"GET", ended=False)
    assert same is not None
    assert other is not None
    assert error is not None
    for got, agrees in (([same], True), ([error], True), ([other], False)):
        assert (replies_disagree(sent, b"GET", ended=True, got=got, was_cut=False) == "") is agrees
    assert replies_disagree(sent, b"GET", ended=True, got=[], was_cut=True) == ""
    assert replies_disagree(sent, b"GET", ended=True, got=[], was_cut=False) != ""
    assert replies_disagree(b"nonsense", b"GET", ended=True, got=[same], was_cut=False) != ""
