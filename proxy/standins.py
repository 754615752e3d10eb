"""Who else could answer a request, when who was asked fails or does not have it. Pure."""

from dataclasses import dataclass

from proxy.claims import Pattern, Route
from proxy.paths import BadPath, PathRules, read_path
from proxy.plan import Forward


@dataclass(frozen=True, slots=True)
class StandIn:
    """Who answers if the backend of a plan fails, and for which causes."""

    plan: Forward
    on: frozenset[str | int]


def stand_in(plan: Forward, target: bytes) -> StandIn | None:
    """The fallback of a plan that sends to a candidate; `target`: what the citizen asked for, raw."""
    claim = plan.claim
    route = claim.leads_to if claim is not None and plan.reason == "stage" else None
    if claim is None or not isinstance(route, Route) or route.fallback is None:
        return None
    fallback = route.fallback
    return StandIn(Forward(fallback.to, target, claim.series, "fallback", claim, visit=plan.visit), fallback.on)


def other_side(plan: Forward, target: bytes, paths: PathRules) -> Forward | None:
    """Who is asked for an asset that the side which was asked first does not have; `target` is raw.

    A page of one side is often shown with style sheets that only this side has, and they are asked for without
    anything that tells whose page it was.
    """
    claim = plan.claim
    route = claim.leads_to if claim is not None else None
    if claim is None or not isinstance(route, Route) or not route.assets or plan.reason in ("fallback", "assets"):
        return None
    path, mark, query = target.partition(b"?")
    readings = read_path(path, paths)
    if isinstance(readings, BadPath):
        return None
    matched = readings.canonical if paths.case_sensitive else readings.folded().canonical
    if not any(_claims(pattern, matched) for pattern in route.assets):
        return None
    if plan.backend == route.backend:
        return Forward(route.legacy, target, claim.series, "assets", claim, visit=plan.visit)
    path = claim.pattern.replace(readings.canonical, route.rewrite) if route.rewrite else readings.canonical
    return Forward(route.backend, path + mark + query, claim.series + 1, "assets", claim, visit=plan.visit)


def _claims(pattern: Pattern, path: bytes) -> bool:
    if pattern.is_prefix:
        return path == pattern.path or path.startswith(pattern.path + b"/")
    return path == pattern.path
