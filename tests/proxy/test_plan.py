"""What is done with a request: the decisions, one by one, and what `fig explain` says of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from notation.marked_yaml import parse
from notation.problems import ConfigError
from proxy.compiler import Held, rules_of
from proxy.config import Loaded, checked
from proxy.explain import Explanation, asked_for, explain
from proxy.plan import Forward, make_plan
from proxy.stages import LEGACY
from proxy.table import Shadowing

ROUTES = """\
version: 1
listen: 127.0.0.1:8080
hosts: [www.anytown.gov.uk, repairs.anytown.gov.uk]
backends:
  legacy: {url: http://127.0.0.1:8081}
  repairs: {url: http://127.0.0.1:9001}
  planning: {url: http://127.0.0.1:9002}
default: legacy
slices:
  repairs:
    backend: repairs
    stage: live
    routes:
      - /repairs/*
      - {path: /repairs/report, methods: [GET, POST]}
      - {path: /jobs/*, rewrite: /api/v2/jobs/*}
  planning:
    backend: planning
    stage: legacy
    routes: [/planning/*]
redirects:
  - {from: /old-repairs/*, to: /repairs/*}
  - {from: /council, to: "https://www.example.gov.uk/?from=us", status: 308}
gone: [/kiosk/*]
"""


def load(text: str = ROUTES) -> Loaded:
    path = Path("routes.yaml")
    return checked(parse(text, "routes.yaml"), path, os.environ)


def ask(line: str, *headers: str, held: Held | None = None, text: str = ROUTES) -> Explanation:
    loaded = load(text)
    method, url = line.split(" ", 1)
    asked = asked_for(method, url, loaded.spec.hosts, headers)
    return explain(asked, loaded.spec, loaded.document.where, held or Held())


CASES = [  # request, outcome, backend or status, target, at
    ("GET /repairs/42", "backend", "repairs", "/repairs/42", "routes.yaml:14"),
    ("GET /repairs", "backend", "repairs", "/repairs", "routes.yaml:14"),
    ("GET /repairsx", "backend", "legacy", "/repairsx", None),
    ("GET /repairs/./%7Ea?q=%2f;x", "backend", "repairs", "/repairs/~a?q=%2f;x", "routes.yaml:14"),
    ("GET /planning/./%7Ea?q", "backend", "legacy", "/planning/./%7Ea?q", "routes.yaml:20"),
    ("GET /jobs/7", "backend", "repairs", "/api/v2/jobs/7", "routes.yaml:16"),
    ("POST /repairs/42", "backend", "legacy", "/repairs/42", "routes.yaml:14"),
    ("PURGE /repairs/42", "backend", "legacy", "/repairs/42", "routes.yaml:14"),
    ("POST /repairs/report", "backend", "repairs", "/repairs/report", "routes.yaml:15"),
    ("DELETE /repairs/report", "backend", "legacy", "/repairs/report", "routes.yaml:14"),
    ("POST /repairs/report?_method=DELETE", "backend", "legacy", "/repairs/report?_method=DELETE", "routes.yaml:15"),
    ("GET /repairs/42?a=1&_method=PUT", "backend", "legacy", "/repairs/42?a=1&_method=PUT", "routes.yaml:14"),
    ("GET /repairs/42?x_method=PUT", "backend", "repairs", "/repairs/42?x_method=PUT", "routes.yaml:14"),
    ("GET /old-repairs/7?a=b", "redirect", 301, "/repairs/7?a=b", "routes.yaml:22"),
    ("GET /council?a=b", "redirect", 308, "https://www.example.gov.uk/?from=us&a=b", "routes.yaml:23"),
    ("GET /kiosk/1", "gone", 410, None, "routes.yaml:24"),
    ("GET /repairs/..%2Fplanning", "refused", 400, None, None),
    ("GET /a%00", "refused", 400, None, None),
    ("GET http://other.gov.uk/repairs", "refused", 421, None, None),
    ("GET https://WWW.ANYTOWN.GOV.UK/repairs/1", "backend", "repairs", "/repairs/1", "routes.yaml:14"),
    ("GET http://10.1.2.3/.fig/health", "health", 200, None, None),
]


@pytest.mark.parametrize(("line", "outcome", "who", "target", "at"), CASES, ids=[case[0] for case in CASES])
def test_every_decision(line: str, outcome: str, who: object, target: str | None, at: str | None) -> None:
    said = ask(line)
    assert (said.outcome, said.backend or said.status, said.target, said.at) == (outcome, who, target, at)
    assert said.because


@pytest.mark.parametrize(
    ("setting", "host", "shown"),
    [
        ("preserve", "www.anytown.gov.uk", "-> legacy, asked for /a\n"),
        ("backend", "127.0.0.1:8081", "-> legacy, asked for /a as Host 127.0.0.1:8081\n"),
        ("legacy.internal", "legacy.internal", "-> legacy, asked for /a as Host legacy.internal\n"),
    ],
)
def test_the_host_that_the_backend_will_see_is_told(setting: str, host: str, shown: str) -> None:
    text = ROUTES.replace("{url: http://127.0.0.1:8081}", f"{{url: 'http://127.0.0.1:8081', host: {setting}}}")
    said = ask("GET /a", text=text)
    assert said.as_json()["host"] == host
    assert shown in str(said)


def test_an_override_in_a_field_counts_as_unsafe() -> None:
    assert ask("GET /repairs/42", "X-HTTP-Method-Override: DELETE").backend == "legacy"
    assert ask("POST /repairs/report", "x-method-override: PUT").backend == "legacy"


FORM = ("Content-Type: application/x-www-form-urlencoded",)


@pytest.mark.parametrize(
    ("line", "headers", "has_body", "waits"),
    [
        ("POST /repairs/report", FORM, True, True),
        ("POST /repairs/report", ("Content-Type: Multipart/Form-Data; boundary=x",), True, True),
        ("GET /repairs/42", FORM, True, True),  # some servers read a form whatever the method
        ("POST /repairs/report", ("Content-Type: application/json",), True, False),
        ("POST /repairs/report", FORM, False, False),
        ("POST /repairs/42", FORM, True, False),  # legacy's already
        ("POST /planning/report", FORM, True, False),
        ("POST /repairs/report?_method=PUT", FORM, True, False),
    ],
)
def test_a_form_that_would_go_to_a_slice_decides_with_its_body(
    line: str, headers: tuple[str, ...], has_body: bool, waits: bool
) -> None:
    loaded = load()
    method, url = line.split(" ")
    asked = asked_for(method, url, loaded.spec.hosts, headers)
    asked.has_body = has_body
    plan = make_plan(asked, rules_of(loaded.spec, loaded.document.where, Held()))
    assert isinstance(plan, Forward)
    if waits:
        assert plan.if_overridden is not None
        assert (plan.backend, plan.if_overridden.backend) == ("repairs", "legacy")
        assert plan.if_overridden.target == url.encode()
        assert plan.if_overridden.series + 1 == plan.series
    else:
        assert plan.if_overridden is None


def test_without_a_default_there_is_nothing() -> None:
    text = ROUTES.replace("default: legacy\n", "").replace("    backend: ", "    legacy: legacy\n    backend: ")
    said = ask("GET /elsewhere", text=text)
    assert (said.outcome, said.status) == ("not_found", 404)
    assert said.because == "no route claims it and there is no default:"


def test_a_hold_goes_above_the_file_and_a_bypass_above_everything() -> None:
    held = Held(stages={"repairs": LEGACY})
    assert ask("GET /repairs/42", held=held).backend == "legacy"
    assert ask("GET /kiosk/1", held=held).outcome == "gone"
    assert ask("GET /kiosk/1", held=Held(bypass=True)).backend == "legacy"
    assert ask("GET /old-repairs/7", held=Held(bypass=True)).target == "/old-repairs/7"


def test_where_the_legacy_does_not_mind_case_nor_does_matching() -> None:
    text = ROUTES.replace("backends:", "paths: {case: insensitive}\nbackends:", 1)
    said = ask("GET /REPAIRS/Forty%C3%A9", text=text)
    assert (said.backend, said.target) == ("repairs", "/REPAIRS/Forty%C3%A9")
    assert ask("GET /REPAIRS/1").backend == "legacy"
    assert ask("GET /Jobs/Seven", text=text).target == "/api/v2/jobs/Seven"


def test_it_explains_itself_in_a_sentence() -> None:
    assert str(ask("GET /repairs/42")) == (
        "routes.yaml:14  route /repairs/* (slice repairs, stage live) -> repairs, asked for /repairs/42\n"
        "because slice repairs is at stage live"
    )
    assert str(ask("GET /kiosk/1")) == (
        "routes.yaml:24  route /kiosk/* -> 410 (gone), answered by the proxy\n"
        "because routes.yaml:24 says that it is gone"
    )
    assert str(ask("GET /repairs/..%2Fplanning")) == (
        "-> 400 (refused), answered by the proxy\n"
        "because the path reads as '/repairs/..%2Fplanning' and as '/planning', which do not lead to the same place"
    )


PREDICATES = ROUTES.replace(
    "      - /repairs/*\n",
    """      - /repairs/*
      - {path: /repairs/*, headers: {X-Beta: "1"}, rewrite: /beta/*}
      - {path: /repairs/*, query: {type: two words}}
      - {path: /repairs/*, cookies: {pilot: "yes"}, methods: [GET, HEAD]}
      - {regex: '/r/[0-9]+', priority: 10, host: repairs.anytown.gov.uk, rewrite: /one}
""",
)


def test_it_says_which_predicate_decided() -> None:
    came = ask("GET /repairs/7?type=two+words", "x-beta: 1", "Cookie: pilot=yes; a=b", text=PREDICATES)
    assert (came.at, came.target) == ("routes.yaml:17", "/repairs/7?type=two+words")
    assert came.because == "slice repairs is at stage live; it has what the route asks for, cookie pilot=yes"
    came = ask("POST /repairs/7?type=two+words", "x-beta: 2", "Cookie: pilot=yes", text=PREDICATES)
    assert came.at == "routes.yaml:16"
    assert came.because == (
        "slice repairs writes to legacy, and its route does not name this method; it has what the route asks for,"
        " query type=two words; routes.yaml:17 /repairs/* was passed over, for it asks for GET or HEAD;"
        " routes.yaml:15 /repairs/* was passed over, for it asks for header x-beta: 1"
    )
    came = ask("GET https://repairs.anytown.gov.uk/r/7", text=PREDICATES)
    assert (came.route, came.target) == ("/r/[0-9]+", "/one")
    assert came.because == (
        "slice repairs is at stage live; it has what the route asks for, host repairs.anytown.gov.uk;"
        " the route has priority 10"
    )
    assert ask("GET https://www.anytown.gov.uk/r/7", text=PREDICATES).because == (
        "no route claims it, so it goes to the default; routes.yaml:18 /r/[0-9]+ was passed over, for it asks for host"
        " repairs.anytown.gov.uk"
    )


def test_fields_that_a_proxy_removes_are_not_matched() -> None:
    text = PREDICATES.replace("X-Beta", "x-my-beta")
    assert ask("GET /repairs/7", "X-My-Beta: 1", text=text).at == "routes.yaml:15"
    assert ask("GET /repairs/7", "X_My_Beta: 1", text=text).at == "routes.yaml:14"
    assert ask("GET /repairs/7", "X-My-Beta: 1", "Connection: close, x-my-beta", text=text).at == "routes.yaml:14"


def test_every_reading_of_a_path_is_matched_with_the_predicates() -> None:
    text = PREDICATES.replace("gone: [/kiosk/*]", "gone: [/kiosk/*]\ntests: []")
    assert ask("GET /repairs//7", "x-beta: 1", text=text).target == "/beta/7"
    assert ask("GET https://repairs.anytown.gov.uk/r/./7", text=text).outcome == "refused"
    assert ask("GET https://www.anytown.gov.uk/r/./7", text=text).backend == "legacy"


@pytest.mark.parametrize(
    ("method", "url", "headers", "problem"),
    [
        ("GE T", "/a", [], "'GE T' is not a method\n    write GET, POST and the like"),
        (
            "GET",
            "repairs",
            [],
            "'repairs' is neither a path nor a URL\n    write /repairs/42, or https://www.anytown.gov.uk/repairs/42",
        ),
        ("GET", "/a", ["X-A"], "'X-A' is not a header field\n    write it as: Name: value"),
    ],
)
def test_a_question_it_cannot_read(method: str, url: str, headers: list[str], problem: str) -> None:
    with pytest.raises(ConfigError) as raised:
        asked_for(method, url, (), headers)
    assert str(raised.value) == problem


def test_stage_shadow_copies_a_quarter_of_the_safe_requests_without_being_told_how() -> None:
    text = ROUTES.replace("stage: legacy", "stage: shadow")
    loaded = load(text)
    by = rules_of(loaded.spec, loaded.document.where, Held())
    plans = [make_plan(asked_for(method, "/planning/1", loaded.spec.hosts), by) for method in ("GET", "POST")]
    copied, not_copied = (plan.shadowing if isinstance(plan, Forward) else plan for plan in plans)
    assert copied == Shadowing(0.25, frozenset({b"GET", b"HEAD"}), 2**20, reverse=False)
    assert not_copied is None
    said = "slice planning is at stage shadow: legacy answers"
    assert ask("GET /planning/1", text=text).because == f"{said}, and 25% of such requests are copied to planning"
    assert ask("POST /planning/1", text=text).because == said
