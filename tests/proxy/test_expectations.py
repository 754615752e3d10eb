"""`tests:` of routes.yaml: what they cover, and what is said when one fails."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from fig import main
from notation.marked_yaml import parse
from notation.problems import ConfigError
from proxy.config import checked
from proxy.expectations import Verdict, hold

ROUTES = """\
version: 1
listen: 127.0.0.1:8080
backends: {legacy: {url: "http://127.0.0.1:8081"}, r: {url: "http://127.0.0.1:9001"}}
default: legacy
slices:
  repairs:
    backend: r
    stage: live
    routes:
      - /repairs/*
      - {path: /search, query: {type: repair}, cookies: {pilot: "yes"}}
redirects: [{from: /old/*, to: /repairs/*}]
gone: [/kiosk/*]
tests:
"""


def held(*tests: str) -> Verdict:
    text = ROUTES + "".join(f"  - {test}\n" for test in tests)
    loaded = checked(parse(text, "routes.yaml"), Path("routes.yaml"), {})
    return hold(loaded.spec, loaded.document)


def test_what_holds_and_what_it_covers() -> None:
    verdict = held(
        "{request: GET /repairs/42, slice: repairs, backend: r, outcome: backend, target: /repairs/42}",
        "{request: POST /repairs/42, slice: repairs, backend: legacy}",
        "{request: GET /search?type=repair, cookies: {pilot: 'yes'}, slice: repairs}",
        "{request: GET /search, headers: {x-a: '1'}, backend: legacy}",
        "{request: GET /old/7, outcome: redirect, target: /repairs/7}",
        "{request: GET /repairs/..%2Fx, outcome: refused}",
        "{request: GET https://www.anytown.gov.uk/elsewhere, backend: legacy}",
    )
    assert verdict.problems == ()
    assert str(verdict) == "7 of 7 tests hold; they cover 3 of 4 routes, redirects and gone paths (75%)"
    assert [claim.at for claim in verdict.uncovered] == ["routes.yaml:13"]


CASES = [  # expectation, the error
    (
        "{request: GET /repairs/42, backend: legacy}",
        (
            "15: GET /repairs/42: expected an answer of backend 'legacy', but backend 'r' answers\n"
            "    routes.yaml:10  route /repairs/* (slice repairs, stage live) -> r, asked for /repairs/42,"
            " because slice repairs is at stage live"
        ),
    ),
    (
        "{request: GET /search, slice: repairs}",
        (
            "15: GET /search: expected slice 'repairs', but no slice claims it\n"
            "    -> legacy, asked for /search, because no route claims it, so it goes to the default;"
            " routes.yaml:11 /search was passed over, for it asks for query type=repair and cookie pilot=yes"
        ),
    ),
    (
        "{request: GET /kiosk/1, slice: repairs, backend: r, outcome: redirect, target: /x}",
        (
            "15: GET /kiosk/1: expected the outcome redirect, but it is gone; expected slice 'repairs', but no slice"
            " claims it; expected an answer of backend 'r', but the proxy answers itself (gone); expected"
            " the target /x,"
            " but it is none\n    routes.yaml:13  route /kiosk/* -> 410 (gone), answered by the proxy,"
            " because routes.yaml:13 says that it is gone"
        ),
    ),
    (
        "{request: /repairs/42, slice: repairs}",
        "15: '/repairs/42' is not a request\n    write method and path: GET /repairs/42",
    ),
    (
        "{request: GET repairs, slice: repairs}",
        "15: 'repairs' is neither a path nor a URL\n    write /repairs/42, or https://www.anytown.gov.uk/repairs/42",
    ),
]


@pytest.mark.parametrize(("test", "error"), CASES)
def test_what_fails_is_said_in_full(test: str, error: str) -> None:
    (problem,) = held(test).problems
    assert str(problem) == f"routes.yaml:{error}"


def test_fig_check_runs_them(tmp_path: Path) -> None:
    path = tmp_path / "routes.yaml"
    path.write_text(ROUTES + "  - {request: GET /repairs/42, slice: repairs}\n  - {request: GET /a, slice: repairs}\n")
    came = CliRunner().invoke(main, ["check", str(path)])
    assert (came.exit_code, came.output) == (
        1,
        (
            "routes.yaml:16: GET /a: expected slice 'repairs', but no slice claims it\n"
            "    -> legacy, asked for /a, because no route claims it, so it goes to the default\n"
            f"{path}: 1 of 2 tests hold; they cover 1 of 4 routes, redirects and gone paths (25%)\n"
        ),
    )
    came = CliRunner().invoke(main, ["check", "--json", str(path)])
    assert json.loads(came.output)["tests"] == {str(path): {"run": 2, "claims": 4, "covered": 1}}


def test_an_expectation_of_nothing_is_refused() -> None:
    with pytest.raises(ConfigError) as raised:
        held("{request: GET /a}")
    assert str(raised.value) == (
        "routes.yaml:15: the test expects nothing\n    write what must become of it: slice, backend, outcome or target"
    )
