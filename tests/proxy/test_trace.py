"""A request's id and its place in a trace: carried on when it is in order, begun anew when not (W3C Trace Context)."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.trace import carried_on, opening, reference_of, span_of, trace_of

TRACE, PARENT = b"4bf92f3577b34da6a3ce929d0e0e4736", b"00f067aa0ba902b7"
HALF, DRAW = b"0123456789abcdef", 0xFEDC
NEW = opening(b"5f0c", HALF) % (31, DRAW, DRAW)
OURS = b"000000000000fedc"
LINES = re.compile(
    rb"X-Request-Id: [!-~]{1,128}\r\n(tracestate: [\t -~\x80-\xff]+\r\n)?"
    rb"traceparent: 00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-0[0-3]\r\n"
)


def test_a_trace_begins() -> None:
    assert NEW == b"X-Request-Id: 5f0c-1f\r\ntraceparent: 00-%b%b-%b-01\r\n" % (HALF, OURS, OURS)
    assert (reference_of(NEW), trace_of(NEW), span_of(NEW)) == ("5f0c-1f", HALF + OURS, OURS)


VALID = [
    ("sampled", b"00-%b-%b-01", b"01"),
    ("not sampled", b"00-%b-%b-00", b"00"),
    ("sampled, its id is random", b"00-%b-%b-03", b"03"),
    ("flags nobody has defined go", b"00-%b-%b-ff", b"03"),
    ("a later version", b"01-%b-%b-01", b"01"),
    ("a later version that says more", b"cc-%b-%b-01-what-the-future-brings", b"01"),
    ("a later version that says more, and it is nothing", b"cc-%b-%b-01-", b"01"),
]


@pytest.mark.parametrize(("what", "told", "flags"), VALID, ids=[case[0] for case in VALID])
def test_a_trace_is_carried_on_with_a_span_of_ours(what: str, told: bytes, flags: bytes) -> None:
    lines = carried_on(NEW, [(b"TraceParent", told % (TRACE, PARENT))], is_trusted=False)
    assert lines == b"X-Request-Id: 5f0c-1f\r\ntraceparent: 00-%b-%b-%b\r\n" % (TRACE, OURS, flags)
    assert (trace_of(lines), span_of(lines)) == (TRACE, OURS)


INVALID = [
    ("empty", b""),
    ("a version that is none", b"ff-%b-%b-01" % (TRACE, PARENT)),
    ("version 00 that says more", b"00-%b-%b-01-more" % (TRACE, PARENT)),
    ("version 00 with a dash at its end", b"00-%b-%b-01-" % (TRACE, PARENT)),
    ("a later version, something else at the end", b"cc-%b-%b-01.what" % (TRACE, PARENT)),
    ("a trace of zeros", b"00-%b-%b-01" % (b"0" * 32, PARENT)),
    ("a parent of zeros", b"00-%b-%b-01" % (TRACE, b"0" * 16)),
    ("capitals", b"00-%b-%b-01" % (TRACE.upper(), PARENT)),
    ("no hexadecimal", b"00-%b-%b-01" % (b"g" * 32, PARENT)),
    ("a trace too short", b"00-%b-%b-01" % (TRACE[1:], PARENT)),
    ("a trace too long", b"00-%b0-%b-01" % (TRACE, PARENT)),
    ("a parent too short", b"00-%b-%b-01" % (TRACE, PARENT[1:])),
    ("flags too long", b"00-%b-%b-001" % (TRACE, PARENT)),
    ("flags that are none", b"00-%b-%b-0x" % (TRACE, PARENT)),
    ("no flags", b"00-%b-%b" % (TRACE, PARENT)),
    ("other separators", b"00_%b_%b_01" % (TRACE, PARENT)),
    ("blanks inside", b"00-%b- %b-01" % (TRACE, PARENT)),
]


@pytest.mark.parametrize(("what", "told"), INVALID, ids=[case[0] for case in INVALID])
def test_what_is_no_trace_is_begun_anew_without_its_state(what: str, told: bytes) -> None:
    assert carried_on(NEW, [(b"traceparent", told), (b"tracestate", b"a=1")], is_trusted=True) == NEW


def test_two_parents_are_none() -> None:
    told = (b"traceparent", b"00-%b-%b-01" % (TRACE, PARENT))
    assert carried_on(NEW, [told, told], is_trusted=True) == NEW


def test_a_state_without_a_parent_goes() -> None:
    assert carried_on(NEW, [(b"tracestate", b"a=1")], is_trusted=True) == NEW


def test_a_state_stays_with_its_trace_as_one_list() -> None:
    told = [(b"tracestate", b"a=1"), (b"traceparent", b"00-%b-%b-01" % (TRACE, PARENT)), (b"Tracestate", b"b=2")]
    lines = carried_on(NEW, told, is_trusted=False)
    assert b"\r\ntracestate: a=1,b=2\r\ntraceparent: 00-%b-" % TRACE in lines


IDS = [
    ("a trusted peer's", [b"7d3e1f90"], True, b"7d3e1f90"),
    (
        "of a kind in use",
        [b"Root=1-67891233-abcdef012345678912345678"],
        True,
        b"Root=1-67891233-abcdef012345678912345678",
    ),
    ("a stranger's", [b"7d3e1f90"], False, b"5f0c-1f"),
    ("two", [b"a", b"b"], True, b"5f0c-1f"),
    ("none", [b""], True, b"5f0c-1f"),
    ("one that could forge a line", [b'a" status=200'], True, b"5f0c-1f"),
    ("markup", [b"<script>"], True, b"5f0c-1f"),
    ("beyond ASCII", [b"\xe9"], True, b"5f0c-1f"),
    ("as long as may be", [b"a" * 128], True, b"a" * 128),
    ("too long", [b"a" * 129], True, b"5f0c-1f"),
]


@pytest.mark.parametrize(("whose", "told", "trusted", "kept"), IDS, ids=[case[0] for case in IDS])
def test_an_id_is_believed_of_a_trusted_peer_and_in_order(
    whose: str, told: list[bytes], trusted: bool, kept: bytes
) -> None:
    lines = carried_on(NEW, [(b"x-request-id", value) for value in told], is_trusted=trusted)
    assert reference_of(lines) == kept.decode()


NAMES = st.sampled_from((b"traceparent", b"TRACESTATE", b"X-Request-ID", b"forwarded", b"x-forwarded-for"))
VALUES = st.one_of(
    st.from_regex(rb"[\t -~\x80-\xff]{0,80}", fullmatch=True),
    st.sampled_from([told % (TRACE, PARENT) for _, told, _ in VALID]),
)


@given(st.lists(st.tuples(NAMES, VALUES), max_size=6), st.booleans())
def test_whatever_is_told_the_lines_are_in_order(told: list[tuple[bytes, bytes]], trusted: bool) -> None:
    lines = carried_on(NEW, told, is_trusted=trusted)
    assert LINES.fullmatch(lines), lines
    assert span_of(lines) == OURS
