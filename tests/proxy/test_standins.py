"""What routes.yaml says of failing becomes what a worker goes by."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from notation.marked_yaml import parse
from notation.problems import ConfigError
from proxy.breaker import Breaking
from proxy.compiler import Held, SeriesBook, make_generation
from proxy.config import checked, serving_problems
from proxy.generation import Generation, Probing
from proxy.plan import Forward
from proxy.sections import claims_of
from proxy.standins import stand_in
from proxy.table import Claim, Fallback, Pattern, Route, Timeouts

ROUTES = """\
version: 1
listen: 127.0.0.1:8080
backends:
  legacy: {url: http://127.0.0.1:8081}
  repairs:
    url: [http://127.0.0.1:9001, http://127.0.0.1:9002]
    health: {path: /up, every: 3s}
    connections: 8
    queue: 4
    retries: {budget: 5%}
    breaker: {errors: 25%, of: 40, cool: 3s}
  spare: {url: http://127.0.0.1:9003}
default: legacy
slices:
  repairs:
    backend: repairs
    stage: STAGE
    routes: [{path: /repairs/*, timeouts: {first_byte: 5m}}]
    assets: [/repairs/static/*]
    MORE
"""


def compiled(stage: str = "live", more: str = "owner: us@anytown.gov.uk") -> tuple[Generation, Claim, Route]:
    text = ROUTES.replace("STAGE", stage).replace("MORE", more)
    loaded = checked(parse(text, "routes.yaml"), Path("routes.yaml"), {})
    generation, sections = make_generation(1, loaded.spec, Held(), SeriesBook())
    claims = claims_of(sections)
    route = claims[0].leads_to
    assert isinstance(route, Route)
    return generation, claims[0], route


def test_a_backend_with_all_its_keys() -> None:
    generation, _, _ = compiled()
    repairs, legacy = generation.backends["repairs"], generation.backends["legacy"]
    assert [(server.host, server.port) for server in repairs.servers] == [("127.0.0.1", 9001), ("127.0.0.1", 9002)]
    assert len({server.number for each in generation.backends.values() for server in each.servers}) == 4
    assert repairs.number != legacy.number
    assert (repairs.connections, repairs.queue, repairs.budget) == (8, 4, 0.05)
    assert repairs.breaking == Breaking(0.25, 40, 3.0)
    assert repairs.health == Probing("/up", 3.0)
    assert (legacy.connections, legacy.queue, legacy.budget, legacy.breaking) == (256, 100, 0.2, Breaking())
    assert legacy.health is None


def test_a_route_with_its_own_times() -> None:
    generation, claim, _ = compiled()
    assert claim.timeouts == Timeouts(300.0, 0.0)
    assert claim.timeouts.over(generation.backends["repairs"]) == Timeouts(300.0, 60.0)


@pytest.mark.parametrize(
    ("assets", "problem"),
    [
        ("[/repairs/static/*, /repairs]", None),
        ("[/*]", None),
        ("[/repairsx/*]", "the asset '/repairsx/*' of slice 'repairs' is claimed by none of its routes"),
    ],
)
def test_an_asset_is_one_of_the_slices_paths(assets: str, problem: str | None) -> None:
    text = ROUTES.replace("STAGE", "live").replace("    MORE\n", "").replace("[/repairs/static/*]", assets)
    try:
        checked(parse(text, "routes.yaml"), Path("routes.yaml"), {})
        said = None
    except ConfigError as error:
        said = str(error.problems[0])
    assert (said is None) if problem is None else (problem in (said or ""))


def test_the_page_about_failing_shows_a_file_that_is_served(root: Path, tmp_path: Path) -> None:
    page = (root / "docs" / "staying-up.md").read_text(encoding="utf-8")
    (sample,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    loaded = checked(parse(sample, "routes.yaml"), tmp_path / "routes.yaml", {})
    assert serving_problems(loaded) == ()


ALL = frozenset({"connect", "breaker", "timeout", "reset", 502, 503, 504})


@pytest.mark.parametrize(
    ("stage", "more", "fallback"),
    [
        ("live", "owner: us@anytown.gov.uk", Fallback("legacy", ALL)),
        ("canary 10%", "owner: us@anytown.gov.uk", Fallback("legacy", ALL)),
        ("live", "fallback: {to: spare, on: [connect, 500]}", Fallback("spare", frozenset({"connect", 500}))),
        ("live", "fallback: none", None),
        ("retired", "owner: us@anytown.gov.uk", None),
        ("legacy", "owner: us@anytown.gov.uk", None),
    ],
)
def test_who_stands_in(stage: str, more: str, fallback: Fallback | None) -> None:
    _, claim, route = compiled(stage, more)
    assert route.fallback == fallback
    assert route.assets == ((Pattern.parse("/repairs/static/*"),) if stage in ("live", "canary 10%") else ())
    found = stand_in(Forward("repairs", b"/x", claim.series + 1, "stage", claim), b"/raw")
    assert (found and (found.plan.backend, found.plan.target, found.plan.series, found.on)) == (
        fallback and (fallback.to, b"/raw", claim.series, fallback.on)
    )
    assert stand_in(Forward("legacy", b"/x", claim.series, "stage legacy", claim), b"/raw") is None
