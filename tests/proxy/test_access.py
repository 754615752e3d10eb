"""A line of the access log: every field where it belongs, and nothing a citizen sends can forge one."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.access import LINE_LIMIT, NOWHERE, Entry, combined_line, json_line, shown, where_json
from proxy.claims import Claim, Pattern, Redirect, Route
from proxy.plan import DEFAULT_SERIES, Answer, Forward
from proxy.stages import parse
from proxy.trace import opening

TRACE = opening(b"5f0c", b"0123456789abcdef") % (31, 0xFEDC, 0xFEDC)
ROUTE = Route("repairs", parse("canary 10%"), "repairs", "legacy", names_method=False)
CLAIM = Claim(Pattern(b"/repairs", is_prefix=True), None, ROUTE, "routes.yaml:12", 5)
BEGAN = 1_795_597_200.25  # 25 November 2026, 09:00:00.25
FIELDS = [(b"User-Agent", b'Mozilla/5.0 "X"'), (b"REFERER", b"https://www.anytown.gov.uk/"), (b"Cookie", b"secret")]


WHERE = where_json(Forward("repairs", b"/7", 6, "stage", CLAIM), "10.0.0.7:9001")


def entry(**changes: object) -> Entry:
    values: dict[str, object] = {
        "client": b"203.0.113.9",
        "method": b"GET",
        "target": b"/repairs/7?street=High%20Street",
        "host": b"www.anytown.gov.uk",
        "minor": 1,
        "trace": TRACE,
        "fields": FIELDS,
    }
    return Entry(**{**values, **changes})  # type: ignore[arg-type]


def test_json_says_all_of_it() -> None:
    line = json_line(entry(), BEGAN, 200, 1234, 0.0271828, "whole", WHERE)
    assert line.endswith(b"}\n")
    assert json.loads(line) == {
        "time": "2026-11-25T09:00:00.250Z",
        "id": "5f0c-1f",
        "trace": "0123456789abcdef000000000000fedc",
        "span": "000000000000fedc",
        "client": "203.0.113.9",
        "method": "GET",
        "host": "www.anytown.gov.uk",
        "target": "/repairs/7?street=High%20Street",
        "status": 200,
        "bytes": 1234,
        "seconds": 0.027183,
        "slice": "repairs",
        "side": "slice",
        "backend": "repairs",
        "stage": "canary 10%",
        "route": "/repairs/*",
        "address": "10.0.0.7:9001",
        "outcome": "whole",
    }


def test_combined_is_what_everybody_reads() -> None:
    line = combined_line(entry(), BEGAN, 200, 1234)
    assert line == (
        b'203.0.113.9 - - [25/Nov/2026:09:00:00 +0000] "GET /repairs/7?street=High%20Street HTTP/1.1" 200 1234 '
        b'"https://www.anytown.gov.uk/" "Mozilla/5.0 \\x22X\\x22"\n'
    )


def test_who_left_before_an_answer_has_no_status() -> None:
    assert json.loads(json_line(entry(), BEGAN, 0, 0, 1.0, "cut", WHERE))["status"] is None
    assert b'HTTP/1.1" - 0 "' in combined_line(entry(), BEGAN, 0, 0)


def test_what_could_not_be_read_has_no_request() -> None:
    unread = entry(method=b"", target=b"", host=b"", fields=())
    assert json.loads(json_line(unread, BEGAN, 400, 9, 0.0, "refused", NOWHERE))["method"] == ""
    assert b'] "-" 400 9 "-" "-"\n' in combined_line(unread, BEGAN, 400, 9)


SIDES = [
    ("the slice's own", Forward("repairs", b"/", 6, "stage", CLAIM), ("repairs", "slice", "repairs", "/repairs/*")),
    ("legacy's, of a slice", Forward("legacy", b"/", 5, "writes to legacy", CLAIM), ("repairs", "legacy", "legacy",
     "/repairs/*")),
    ("legacy's", Forward("legacy", b"/", DEFAULT_SERIES, "default"), (None, "legacy", "legacy", None)),
    ("a redirect", Answer(301, 7, "redirect", b"/b", Claim(Pattern(b"/a", is_prefix=False), None,
     Redirect(Pattern(b"/b", is_prefix=False), 301), "routes.yaml:3", 7)), (None, "proxy", None, "/a")),
    ("refused", None, (None, "proxy", None, None)),
]  # fmt: skip


@pytest.mark.parametrize(("whose", "plan", "expected"), SIDES, ids=[case[0] for case in SIDES])
def test_where_a_request_went(whose: str, plan: Forward | Answer | None, expected: tuple[str | None, ...]) -> None:
    where = json.loads(b"{%b}" % where_json(plan, ""))
    assert (where["slice"], where["side"], where["backend"], where["route"]) == expected
    assert where["address"] is None


FORGED = [
    ("a quote", b'/a"b', b"/a\\u0022b"),
    ("a backslash", b"/a\\", b"/a\\u005c"),
    ("a line", b"/a\r\n{}", b"/a\\u000d\\u000a{}"),
    ("a terminal", b"/\x1b[2J\x7f", b"/\\u001b[2J\\u007f"),
    ("beyond ASCII", b"/\xc3\xa9", b"/\\u00c3\\u00a9"),
]


@pytest.mark.parametrize(("what", "value", "text"), FORGED, ids=[case[0] for case in FORGED])
def test_a_value_cannot_end_itself(what: str, value: bytes, text: bytes) -> None:
    assert shown(value, 100) == text
    assert json.loads(b'"%b"' % text) == value.decode("latin-1")


ANY = st.binary(max_size=40) | st.binary(min_size=500, max_size=4000)


@given(ANY, ANY, ANY, ANY, ANY)
def test_whatever_is_sent_a_line_is_one_line(
    client: bytes, method: bytes, target: bytes, host: bytes, agent: bytes
) -> None:
    one = entry(client=client, method=method, target=target, host=host, fields=[(b"user-agent", agent)])
    line = json_line(one, BEGAN, 200, 0, 0.0, "whole", WHERE)
    assert line.isascii()
    assert (line.count(b"\n"), line[-1:]) == (1, b"\n")
    said = json.loads(line)
    assert len(said) == 18
    assert said["outcome"] == "whole"
    combined = combined_line(one, BEGAN, 200, 0)
    assert combined.isascii()
    assert (combined.count(b"\n"), combined.count(b'"')) == (1, 6)
    assert re.fullmatch(rb'[^ ]* - - \[[^]]+\] "[^"]*" 200 0 "[^"]*" "[^"]*"\n', combined)


LONG = b"\xff" * 40_000


@pytest.mark.parametrize("value", [LONG, b"a" * 40_000, b'\\"' * 20_000], ids=["escaped", "plain", "quotes"])
def test_the_longest_line_goes_into_a_pipe_in_one_piece(value: bytes) -> None:
    long = "a" * 40_000
    route = Route(long, parse("canary 99.99%"), long, long, names_method=False)
    claim = Claim(Pattern(long.encode(), is_prefix=True), None, route, "routes.yaml:12", 5)
    trace = TRACE.replace(b"5f0c-1f", b"a" * 128)
    where = where_json(Forward(long, b"/7", 6, "stage", claim), long)
    fields = [(b"user-agent", value), (b"referer", value)]
    one = Entry(value, value, value, value, 1, trace, fields)
    json_ = json_line(one, BEGAN, 599, 10**15, 10.0**7, "refused", where)
    for line in (json_, combined_line(one, BEGAN, 599, 10**15)):
        assert len(line) <= LINE_LIMIT
        assert line.count(b"\n") == 1
    said = json.loads(json_)
    assert said["target"].endswith("...")


def test_values_are_cut_between_escapes() -> None:
    for limit in range(3, 40):
        text = shown(b'ab"' * 100, limit)
        assert len(text) <= limit
        json.loads(b'"%b"' % text)
        assert len(shown(b'ab"' * 100, limit, b"\\x%02x")) <= limit
