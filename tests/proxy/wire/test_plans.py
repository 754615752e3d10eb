"""Plans that are kept are the plans that would be made."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notation.marked_yaml import parse
from proxy.compiler import Held, rules_of
from proxy.config import checked
from proxy.generation import HeadLimits
from proxy.plan import Forward, Rules, make_plan
from proxy.wire import plans
from proxy.wire.grammar import read_request
from proxy.wire.heads import AskedByHead, RequestHead
from proxy.wire.plans import Plans, Visitors

ROUTES = """\
version: 1
listen: 127.0.0.1:8080
hosts: [a.gov.uk, b.gov.uk]
backends:
  legacy: {url: http://127.0.0.1:8081}
  one: {url: http://127.0.0.1:9001}
  two: {url: http://127.0.0.1:9002}
default: legacy
slices:
  one:
    backend: one
    stage: live
    routes:
      - /a/*
      - {path: /a/b, headers: {x-beta: "1"}}
      - {path: /a/c, cookies: {pilot: "yes"}}
      - {path: /a/d, query: {q: "1"}}
      - {path: /a/e, methods: [GET, POST], rewrite: /z}
      - {path: /h/*, host: b.gov.uk}
  two:
    backend: two
    stage: shadow
    shadow: {sample: 100%}
    routes: [/s/*, {regex: '/r/[0-9]+', priority: 1}]
redirects: [{from: /old/*, to: /a/*}]
gone: [/gone]
"""
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"


def rules(text: str = ROUTES) -> Rules:
    loaded = checked(parse(text, "routes.yaml"), Path("routes.yaml"), os.environ)
    return rules_of(loaded.spec, loaded.document.where, Held())


RULES = rules()
HALF = ROUTES.replace("stage: live", "stage: canary 50%\n    shadow: {sample: 100%}")
STICKY = HALF.replace("canary 50%", "canary 50%\n    sticky: {cookie: pilot}")


def request(method: bytes, target: bytes, host: bytes = b"a.gov.uk", lines: bytes = b"") -> RequestHead:
    head = read_request(b"%b %b HTTP/1.1\r\nHost: %b\r\n%b\r\n" % (method, target, host, lines), HeadLimits())
    assert isinstance(head, RequestHead), head
    return head


PATHS = ("/", "/a/b", "/a/c", "/a/d", "/a/e", "/a/x", "/a/%62", "/a//b", "/h/1", "/s/1", "/r/1", "/old/1", "/gone",
         "/a/../s/1", "/a%2Fb", "/.fig/health", "/a/%zz")  # fmt: skip
BEGINNINGS = st.tuples(
    st.sampled_from((b"GET", b"HEAD", b"POST", b"DELETE")),
    st.builds(lambda path, query: (path + query).encode(), st.sampled_from(PATHS),
              st.sampled_from(("", "?", "?q=1", "?q=2", "?_method=put"))),
    st.sampled_from((b"a.gov.uk", b"b.gov.uk", b"A.gov.uk:80", b"c.gov.uk")),
)  # fmt: skip
# fmt: off
LINES = st.sampled_from((b"", b"X-Beta: 1\r\n", b"Cookie: pilot=yes\r\n", b"Cookie: fig_wrote_one=9\r\n",
                         b"Content-Length: 3\r\n", b"X-Method: PUT\r\n", FORM + b"Content-Length: 3\r\n",
                         b"Transfer-Encoding: chunked\r\n"))
VISITORS = st.sampled_from((b"", b"Cookie: fig_visitor=x\r\n", b"Cookie: pilot=1\r\n", b"Cookie: fig_wrote_one=4\r\n",
                            *(b"Cookie: fig_visitor=%032x\r\n" % n for n in range(6)),
                            b"Cookie: a=b; fig_wrote_one=9; fig_visitor=%032x\r\n" % 3))
# fmt: on
# Few that begin alike, so that they meet.
REQUESTS = st.lists(BEGINNINGS, min_size=1, max_size=3).flatmap(
    lambda some: st.lists(st.builds(lambda begins, lines: request(*begins, lines), st.sampled_from(some), LINES))
)


@settings(max_examples=400, deadline=None)
@given(REQUESTS)
def test_a_plan_that_is_kept_is_the_plan_that_would_be_made(asked: list[RequestHead]) -> None:
    known = Plans(RULES, Visitors())
    for one in asked:
        assert known.plan(one) == make_plan(AskedByHead(one), RULES)


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from((rules(HALF), rules(STICKY))),
    st.lists(BEGINNINGS, min_size=1, max_size=2).flatmap(
        lambda some: st.lists(
            st.builds(lambda of, *lines: request(*of, b"".join(lines)), st.sampled_from(some), LINES, VISITORS)
        )
    ),
)
def test_so_is_one_of_a_canary_for_whoever_comes(by: Rules, asked: list[RequestHead]) -> None:
    visitors = Visitors()
    visitors.as_of = {b"one": 5}
    known = Plans(by, visitors)
    for one in asked:
        newcomer = visitors.newcomer
        plan = known.plan(one)
        assert plan == make_plan(AskedByHead(one), by, newcomer, visitors.as_of)
        given_away = isinstance(plan, Forward) and plan.visit is not None and plan.visit.newcomer == newcomer
        assert (visitors.newcomer != newcomer) is given_away


def test_a_canary_keeps_a_plan_for_each_side(monkeypatch: pytest.MonkeyPatch) -> None:
    known, made = Plans(rules(HALF), Visitors()), []
    monkeypatch.setattr(plans, "make_plan", lambda *those: made.append(1) or make_plan(*those))
    for _ in range(3):
        for n in range(20):
            known.plan(request(b"GET", b"/a/x", lines=b"Cookie: fig_visitor=%032x\r\n" % n))
    assert len(made) == 2


def test_a_plan_is_made_once_for_requests_that_look_the_same() -> None:
    known = Plans(RULES, Visitors())
    assert known.plan(request(b"GET", b"/s/1")) is known.plan(request(b"GET", b"/s/1"))


def test_where_a_field_or_a_cookie_decides_it_is_made_for_each() -> None:
    known = Plans(RULES, Visitors())
    for target, line in ((b"/a/b", b"X-Beta: 1\r\n"), (b"/a/c", b"Cookie: pilot=yes\r\n")):
        without, with_it = known.plan(request(b"GET", target)), known.plan(request(b"GET", target, lines=line))
        assert without.claim is not None
        assert with_it.claim is not None
        assert without.claim.at != with_it.claim.at


def test_who_wrote_to_legacy_is_not_given_the_plan_of_who_did_not() -> None:
    known = Plans(RULES, Visitors())
    wrote = request(b"GET", b"/a/x", lines=b"Cookie: fig_wrote_one=9\r\n")
    for _ in range(2):
        assert known.plan(request(b"GET", b"/a/x")) is known.plan(request(b"GET", b"/a/x"))
        assert known.plan(request(b"GET", b"/a/x")).reason == "stage"
        assert known.plan(wrote).reason == "wrote"


def test_what_is_kept_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "KNOWN", 5)
    known = Plans(RULES, Visitors())
    first = known.plan(request(b"GET", b"/s/0"))
    for number in range(1, 5):
        known.plan(request(b"GET", b"/s/%d" % number))
    assert known.plan(request(b"GET", b"/s/0")) is first
    known.plan(request(b"GET", b"/s/5"))  # one too many
    assert known.plan(request(b"GET", b"/s/0")) is not first


def test_a_long_target_is_not_kept() -> None:
    known, target = Plans(RULES, Visitors()), b"/s/" + b"x" * plans.LONGEST
    assert known.plan(request(b"GET", target)) is not known.plan(request(b"GET", target))
