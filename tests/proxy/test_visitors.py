"""Visitors fall where they fall for good: evenly, for each slice anew, and never back when a canary grows."""

from __future__ import annotations

import subprocess
import sys
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.asked import Asked
from proxy.compiler import Held, make_generation
from proxy.compiler import SeriesBook as Book
from proxy.config import Loaded
from proxy.cookies import first_cookie
from proxy.plan import Answer, Forward, Rules, make_plan
from proxy.stages import Stage, parse
from proxy.visitors import BUCKETS, Visiting, bucket_of, visit_of
from tests.proxy.test_plan import ask, load

VISITORS = 100_000
IDS = st.binary(min_size=16, max_size=16).map(lambda drawn: drawn.hex().encode())
SLICES = st.sampled_from((b"repairs", b"planning", b"a", b"council-tax.v2"))
FIRST, LAST = b"0" * 32, b"f" * 32


def drawn(seed: int) -> list[bytes]:
    dice = Random(seed)
    return [dice.randbytes(16).hex().encode() for _ in range(VISITORS)]


def test_visitors_fall_evenly() -> None:
    """Pearson's chi-square over 100 bins: 149 is passed by chance once in a thousand draws, and the draw is fixed."""
    for name in (b"repairs", b"planning"):
        bins = [0] * 100
        for visitor in drawn(1):
            bins[bucket_of(visitor, name) * 100 // BUCKETS] += 1
        even = VISITORS / 100
        assert sum((count - even) ** 2 / even for count in bins) < 149


def test_so_do_the_values_of_a_session_that_only_counts_up() -> None:
    buckets = [bucket_of(b"%032d" % n, b"repairs") for n in range(VISITORS)]
    for share in (1, 100, 1_000, 5_000):
        within = sum(bucket < share for bucket in buckets)
        expected = VISITORS * share / BUCKETS
        assert abs(within - expected) < 4 * expected**0.5, share


def test_slices_are_independent() -> None:
    """Of those who are in a tenth of one slice, a tenth is in a tenth of another."""
    both = sum(bucket_of(each, b"repairs") < 1_000 and bucket_of(each, b"planning") < 1_000 for each in drawn(2))
    assert abs(both - VISITORS / 100) < 4 * (VISITORS / 100) ** 0.5


def test_where_a_visitor_falls_is_written_in_stone() -> None:
    """Another program, another machine, another release: the same bucket, or everybody would be moved at once."""
    assert [bucket_of(FIRST, b"repairs"), bucket_of(LAST, b"repairs"), bucket_of(FIRST, b"planning")] == GOLDEN
    program = "from proxy.visitors import bucket_of; print(bucket_of(b'0' * 32, b'repairs'))"
    for seed in ("1", "2"):
        said = subprocess.run(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
        )
        assert int(said.stdout) == GOLDEN[0]


GOLDEN = [3509, 8549, 6444]


@given(IDS, SLICES, st.integers(1, BUCKETS), st.integers(1, BUCKETS))
def test_raising_a_canary_moves_nobody_back(visitor: bytes, name: bytes, one: int, other: int) -> None:
    asked = Asked(b"GET", b"/", None, b"", fields=[(b"cookie", b"fig_visitor=" + visitor)])
    low, high = (visit_of(asked.lines, Visiting(name, share), None, {}, writes=False) for share in sorted((one, other)))
    assert low is not None
    assert high is not None
    assert low.is_outside or not high.is_outside
    assert low.bucket == high.bucket
    everybody = visit_of(asked.lines, Visiting(name, BUCKETS), None, {}, writes=False)
    assert everybody is not None
    assert not everybody.is_outside


COOKIES = [  # law, lines, value
    ("the only one", b"Cookie: a=1\r\n", b"1"),
    ("among others", b"Accept: x\r\nCookie: b=2; a=1; c=3\r\nTE: a=5\r\n", b"1"),
    ("without blanks", b"cookie: b=2;a=1\r\n", b"1"),
    ("the first of two", b"Cookie: a=1; a=2\r\n", b"1"),
    ("of several lines", b"Cookie: b=2\r\nCOOKIE: a=1\r\n", b"1"),
    ("with more equal signs", b"Cookie: a=1=2\r\n", b"1=2"),
    ("of no value", b"Cookie: a=\r\n", b""),
    ("not one whose name ends so", b"Cookie: ba=1\r\n", None),
    ("not one whose value holds it", b"Cookie: b=a=1\r\n", None),
    ("not another field", b"X-Cookie: a=1\r\nX: Cookie: a=1\r\n", None),
    ("nothing", b"", None),
]


@pytest.mark.parametrize(("law", "lines", "value"), COOKIES, ids=[case[0] for case in COOKIES])
def test_a_cookie_is_found(law: str, lines: bytes, value: bytes | None) -> None:
    assert first_cookie(lines, b"a") == value, law


CANARY = """\
version: 1
listen: 127.0.0.1:8080
backends:
  legacy: {url: http://127.0.0.1:8081}
  repairs: {url: http://127.0.0.1:9001}
default: legacy
slices:
  repairs:
    backend: repairs
    stage: %s
    routes:
      - /repairs/*
      - {path: /repairs/report, methods: [GET, POST]}
    gates: {datasets: {housing: 24h}}
%s"""
IN, OUT = (next(b"%032x" % n for n in range(99) if (bucket_of(b"%032x" % n, b"repairs") < 1_000) is inside)
           for inside in (True, False))  # fmt: skip


def text(stage: str, more: str = "") -> str:
    return CANARY % (stage, more)


def rules(stage: str, more: str = "", held: Held | None = None) -> Rules:
    loaded: Loaded = load(text(stage, more))
    generation, sections = make_generation(1, loaded.spec, held or Held(), Book(), {})
    for each in sections.values():
        for claim in each.claims:
            generation.rules.table.add(claim)
    return generation.rules


def plan(of: Rules, line: str, cookies: bytes = b"", newcomer: bytes | None = None, as_of: int = 0) -> Forward:
    method, path = line.encode().split()
    path, mark, query = path.partition(b"?")
    asked = Asked(method, path, query if mark else None, b"", fields=[(b"cookie", cookies)] if cookies else [])
    made = make_plan(asked, of, newcomer, {b"repairs": as_of} if as_of else {})
    assert not isinstance(made, Answer)
    return made


MINE = b"fig_visitor="
PLANS = [  # law, stage and more, request, cookies, the id at hand, backend, reason, whether the id is spent
    ("who is within is the slice's", "canary 10%", "", "GET /repairs/1", MINE + IN, OUT, "repairs", "stage", False),
    ("who is not is legacy's", "canary 10%", "", "GET /repairs/1", MINE + OUT, IN, "legacy", "canary", False),
    ("a newcomer falls at once", "canary 10%", "", "GET /repairs/1", b"", IN, "repairs", "stage", True),
    ("on either side", "canary 10%", "", "GET /repairs/1", b"x=1", OUT, "legacy", "canary", True),
    ("a value that is no id is none", "canary 10%", "", "GET /repairs/1", MINE + b"me", IN, "repairs", "stage", True),
    ("a write is legacy's", "canary 10%", "", "POST /repairs/1", MINE + IN, None, "legacy", "writes to legacy", False),
    ("or, where the route names it, the side's", "canary 10%", "", "POST /repairs/report", MINE + IN, None, "repairs",
     "stage", False),
    ("whichever it is", "canary 10%", "", "POST /repairs/report", MINE + OUT, None, "legacy", "canary", False),
    ("an override is legacy's", "canary 100%", "", "GET /repairs/1?_method=PUT", MINE + IN, None, "legacy",
     "overrides its method", False),
    ("all of them", "canary 100%", "", "GET /repairs/1", MINE + OUT, None, "repairs", "stage", False),
    ("elsewhere nobody is a newcomer", "canary 10%", "", "GET /other", b"", IN, "legacy", "default", False),
    ("nor at live", "live", "", "GET /repairs/1", b"", OUT, "repairs", "stage", False),
    ("nor in the shadow", "shadow", "", "GET /repairs/1", b"", IN, "legacy", "stage shadow", False),
    ("a session decides", "canary 10%", "    sticky: {cookie: sid}\n", "GET /repairs/1", b"sid=" + IN, OUT, "repairs",
     "stage", False),
    ("alone", "canary 10%", "    sticky: {cookie: sid}\n", "GET /repairs/1", MINE + IN, IN, "legacy", "canary", False),
    ("and an empty one is none", "canary 100%", "    sticky: {cookie: sid}\n", "GET /repairs/1", b"sid=", IN, "legacy",
     "canary", False),
    ("retired is all the slice's", "retired", "", "GET /repairs/1", MINE + OUT, IN, "repairs", "stage", False),
    ("its writes too", "retired", "", "POST /repairs/1", b"fig_wrote_repairs=9", IN, "repairs", "stage", False),
    ("and overrides", "retired", "", "POST /repairs/1?_method=PUT", b"", IN, "repairs", "stage", False),
]  # fmt: skip


@pytest.mark.parametrize(
    ("law", "stage", "more", "line", "cookies", "newcomer", "backend", "reason", "spent"),
    PLANS,
    ids=[case[0] for case in PLANS],
)
def test_who_answers(
    law: str, stage: str, more: str, line: str, cookies: bytes, newcomer: bytes | None, backend: str, reason: str,
    spent: bool,
) -> None:  # fmt: skip
    made = plan(rules(stage, more), line, cookies, newcomer)
    assert (made.backend, made.reason) == (backend, reason), law
    assert made.by_slice is (backend == "repairs")
    assert (made.visit is not None and made.visit.newcomer is not None) is spent
    if spent:
        assert made.visit is not None
        assert made.visit.newcomer == newcomer
        assert plan(rules(stage, more), line, MINE + (newcomer or b"")).backend == backend, "and the next one follows"


@pytest.mark.parametrize("stage", ["canary 100%", "live"])
def test_who_wrote_stays_with_legacy_until_the_datasets_are_newer(stage: str) -> None:
    of = rules(stage)
    wrote = MINE + IN + b"; fig_wrote_repairs=1000"
    for as_of, backend in ((0, "legacy"), (999, "legacy"), (1000, "repairs"), (2000, "repairs")):
        made = plan(of, "GET /repairs/1", wrote, as_of=as_of)
        assert (made.backend, made.reason) == (backend, "wrote" if backend == "legacy" else "stage")
    assert plan(of, "POST /repairs/report", wrote).backend == "legacy", "a journey stays where it is"
    for other in (b"fig_wrote_planning=1000", b"fig_wrote_repairs=soon", b"fig_wrote_repairs=-1"):
        assert plan(of, "GET /repairs/1", MINE + IN + b"; " + other).backend == "repairs"


def test_a_hold_caps_a_canary_and_a_bypass_ends_it() -> None:
    everybody = [MINE + b"%032x" % n for n in range(400)]

    def moved(stage: str, held: Held) -> int:
        of = rules(stage, held=held)
        return sum(plan(of, "GET /repairs/1", each).by_slice for each in everybody)

    assert moved("canary 50%", Held()) > 150
    assert moved("canary 50%", Held(stages={"repairs": parse("canary 10%")})) == moved("canary 10%", Held()) < 80
    assert moved("live", Held(stages={"repairs": Stage("canary", 10.0)})) == moved("canary 10%", Held())
    assert moved("canary 50%", Held(stages={"repairs": parse("shadow")})) == 0
    assert moved("canary 100%", Held(bypass=True)) == 0


SLICE = "slice repairs is at stage canary"
UNKNOWN = ": of visitors without the cookie fig_visitor the slice gets 10% for good (--cookie fig_visitor=… tells)"
NO_SESSION = ": legacy answers until there is the cookie sid, which then decides"
WROTE = "this visitor has written to legacy, and the datasets of slice repairs are not newer yet"
SAID = [  # stage, more, cookie, because
    ("canary 10%", "", None, f"{SLICE} 10%{UNKNOWN}"),
    ("canary 10%", "", MINE + IN, f"{SLICE} 10%, and this visitor falls at 1.1, within 10"),
    ("canary 10%", "", MINE + OUT, f"{SLICE} 10%, and this visitor falls at 1.1, above 10"),
    ("canary 0.05%", "    sticky: {cookie: sid}\n", None, f"{SLICE} 0.05%{NO_SESSION}"),
    ("live", "", b"fig_wrote_repairs=99999999999", WROTE),
]


@pytest.mark.parametrize(("stage", "more", "cookie", "because"), SAID)
def test_fig_explain_says_side_and_why(stage: str, more: str, cookie: bytes | None, because: str) -> None:
    said = ask("GET /repairs/1", *([f"Cookie: {cookie.decode()}"] if cookie else []), text=text(stage, more))
    visitor = (cookie or b"").removeprefix(MINE)
    falls = f"falls at {(bucket_of(visitor, b'repairs') + 1) / 100:g},"
    assert said.because == because.replace("falls at 1.1,", falls)
    assert said.backend == ("repairs" if "within" in because else "legacy")
