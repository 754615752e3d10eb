"""What is done with a request: which backend, which target, or which answer of our own. Pure.

No clock, no dice, no sockets.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

from proxy.asked import FORM_LIMIT, IDEMPOTENT, SAFE, Asked, form_overrides
from proxy.cookies import VISITOR
from proxy.paths import BadPath, PathRules, read_path
from proxy.table import Ambiguous, Claim, Gone, Redirect, Route, Shadowing, Table
from proxy.visitors import BUCKETS, Visit, visit_of

__all__ = [
    "DEFAULT_SERIES", "FIRST_FREE_SERIES", "FORM_LIMIT", "HEALTH_PATH", "HEALTH_SERIES", "IDEMPOTENT",
    "NOT_FOUND_SERIES", "REFUSED_SERIES", "SAFE", "Answer", "Asked", "Forward", "Reason", "Rules", "because",
    "form_overrides", "make_plan",
]  # fmt: skip

# The proxy's own health, for a balancer in front of it, which asks by address and not by name.
HEALTH_PATH = b"/.fig/health"

Reason = Literal[
    "default", "no default", "stage legacy", "stage shadow", "stage", "writes to legacy", "overrides its method",
    "canary", "wrote",
    "redirect", "gone", "health", "other host", "bad path", "ambiguous", "fallback", "assets",
]  # fmt: skip


@dataclass(slots=True)
class Forward:
    """Sent to `backend` as `target`; counted in `series`.

    `shadowing`: how it is copied, if it may be; `if_overridden`: its body is a form, and may name another method; then
    (see `form_overrides`) this is the plan; `visit`: where its slice tells visitors apart. Not frozen, like `Answer`:
    one is made for every request, and freezing trebles what that takes.
    """

    backend: str
    target: bytes
    series: int
    reason: Reason
    claim: Claim | None = None
    if_overridden: "Forward | None" = None
    shadowing: Shadowing | None = None
    visit: Visit | None = None

    @property
    def by_slice(self) -> bool:
        """Whether the slice's backend answers, and not legacy or who stands in."""
        return self.claim is not None and self.series != self.claim.series


@dataclass(slots=True)
class Answer:
    """Answered by the proxy: a redirect, gone, not found, its health, or a refusal.

    `detail` is for the log and for `explain`.
    """

    status: int
    series: int
    reason: Reason
    location: bytes | None = None
    claim: Claim | None = None
    detail: str = ""


# Rows of counters that every generation has, whatever its table: the default, and what the proxy answers itself.
DEFAULT_SERIES, NOT_FOUND_SERIES, REFUSED_SERIES, HEALTH_SERIES, FIRST_FREE_SERIES = range(5)


@dataclass(frozen=True, slots=True)
class Rules:
    """What a plan is made from, beside the request. `hosts` empty: every name is ours."""

    table: Table
    default: str | None
    hosts: frozenset[bytes]
    paths: PathRules


_NOTHING_KNOWN: Mapping[bytes, int] = MappingProxyType({})


def make_plan(
    asked: Asked, rules: Rules, newcomer: bytes | None = None, as_of: Mapping[bytes, int] = _NOTHING_KNOWN
) -> Forward | Answer:
    """The plan for one request.

    `newcomer`: an id drawn at random, for a visitor who has none, and spent if the plan's visit has it; without, legacy
    answers such a visitor of a canary. `as_of`: by slice, the second up to which its datasets know what legacy knows.

    Counters: a claim's first series counts what legacy or the proxy answered, the next one what the slice answered.
    """
    path = asked.path
    if path == HEALTH_PATH:  # a balancer asks by address, whatever the hosts
        return Answer(200, HEALTH_SERIES, "health")
    # RFC 9110 section 15.5.20: "…reject a target URI that does not match an origin for which the server has been
    # configured…"
    if rules.hosts and asked.host not in rules.hosts:
        return Answer(421, REFUSED_SERIES, "other host", detail=f"the host {_shown(asked.host)} is not one of hosts:")
    if path == b"*":  # RFC 9110, 9.3.7: OPTIONS of the server, not of a resource
        if rules.default is None:
            return Answer(204, HEALTH_SERIES, "health")
        return Forward(rules.default, path, DEFAULT_SERIES, "default")
    readings = read_path(path, rules.paths)
    if isinstance(readings, BadPath):
        return Answer(400, REFUSED_SERIES, "bad path", detail=readings.why)
    claim = rules.table.match(readings if rules.paths.case_sensitive else readings.folded(), asked)
    if claim is None:
        if rules.default is None:
            return Answer(404, NOT_FOUND_SERIES, "no default")
        return Forward(rules.default, asked.target, DEFAULT_SERIES, "default")
    if isinstance(claim, Ambiguous):
        one, other = map(_shown, claim.readings)
        return Answer(
            400,
            REFUSED_SERIES,
            "ambiguous",
            detail=f"the path reads as {one} and as {other}, which do not lead to the same place",
        )
    return _as_claimed(asked, claim, readings.canonical, newcomer, as_of)


def _as_claimed(
    asked: Asked, claim: Claim, canonical: bytes, newcomer: bytes | None, as_of: Mapping[bytes, int]
) -> Forward | Answer:
    match claim.leads_to:
        case Route() as route:
            if route.visiting is None:
                return _to_side(asked, claim, route, canonical)
            writes = not asked.is_safe
            visit = visit_of(asked.lines, route.visiting, newcomer, as_of, writes=writes)
            return _to_side(asked, claim, route, canonical, visit)
        case Redirect(to, status):
            location = claim.pattern.replace(canonical, to)
            if asked.query is not None:
                location += (b"&" if b"?" in location else b"?") + asked.query
            return Answer(status, claim.series, "redirect", location, claim)
        case Gone():
            return Answer(410, claim.series, "gone", claim=claim)


def _to_side(asked: Asked, claim: Claim, route: Route, canonical: bytes, visit: Visit | None = None) -> Forward:
    reason = _why_legacy(asked, route, visit)
    if reason is not None:
        # Whoever wrote sees what the slice does not know yet: that the two differ there tells nothing.
        shadowing = _copied(asked, route) if reason in ("stage shadow", "canary") else None
        return Forward(route.legacy, asked.target, claim.series, reason, claim, None, shadowing, visit)
    plan = as_slice(asked, claim, route, canonical)
    plan.shadowing, plan.visit = _copied(asked, route), visit
    if asked.has_body and route.stage.name != "retired" and asked.carries_form:
        overridden = replace(visit, writes=True) if visit is not None else None
        plan.if_overridden = Forward(
            route.legacy, asked.target, claim.series, "overrides its method", claim, visit=overridden
        )
    return plan


def _why_legacy(asked: Asked, route: Route, visit: Visit | None) -> Reason | None:
    """Why a request of a slice goes to legacy; None if it goes to the slice."""
    stage = route.stage.name
    if stage == "legacy":
        return "stage legacy"
    if stage == "shadow":
        return "stage shadow"
    if stage == "retired":
        return None
    # A route that names the method promises that its slice submits legacy's own form; an overridden method is not the
    # one it named.
    if asked.overrides_method:
        return "overrides its method"
    if asked.method not in SAFE and not route.names_method:
        return "writes to legacy"
    if visit is None:
        return None
    return "wrote" if visit.stays else "canary" if visit.is_outside else None


def as_slice(asked: Asked, claim: Claim, route: Route, canonical: bytes) -> Forward:
    """The slice's backend is asked."""
    path = claim.pattern.replace(canonical, route.rewrite) if route.rewrite else canonical
    target = path if asked.query is None else path + b"?" + asked.query
    return Forward(route.backend, target, claim.series + 1, "stage", claim)


def as_legacy(asked: Asked, claim: Claim, route: Route) -> Forward:
    """Legacy is asked, in its own words."""
    return Forward(route.legacy, asked.target, claim.series, "stage legacy", claim)


def _copied(asked: Asked, route: Route) -> Shadowing | None:
    """How the exchange is copied, if it is in the sample; whether the copy might act is judged later."""
    shadowing = route.shadowing
    if shadowing is None or asked.method not in shadowing.methods or (asked.has_body and asked.method in SAFE):
        return None
    return shadowing


def because(plan: Forward | Answer) -> str:
    """The reason of a plan, as a sentence for people."""
    claim = plan.claim
    name = claim.leads_to.slice if claim and isinstance(claim.leads_to, Route) else ""
    stage = str(claim.leads_to.stage) if claim and isinstance(claim.leads_to, Route) else ""
    at = claim.at if claim else ""
    return {
        "default": "no route claims it, so it goes to the default",
        "no default": "no route claims it and there is no default:",
        "stage legacy": f"slice {name} is at stage legacy",
        "stage shadow": f"slice {name} is at stage shadow: legacy answers" + _asked_behind(plan),
        "stage": f"slice {name} is at stage {stage}" + _place(plan),
        "canary": f"slice {name} is at stage {stage}" + _place(plan),
        "wrote": f"this visitor has written to legacy, and the datasets of slice {name} are not newer yet",
        "writes to legacy": f"slice {name} writes to legacy, and its route does not name this method",
        "overrides its method": f"it overrides its method, so it counts as unsafe, and slice {name} writes to legacy",
        "redirect": f"{at} redirects it",
        "gone": f"{at} says that it is gone",
        "assets": f"it is an asset of slice {name}, and the side that was asked first does not have it",
        "fallback": f"slice {name} failed, and this is who is asked instead",
        "health": "this is the proxy's own health path",
        "other host": "",
        "bad path": "",
        "ambiguous": "",
    }[plan.reason] or (plan.detail if isinstance(plan, Answer) else "")


def _place(plan: Forward | Answer) -> str:
    """Where the visitor of a canary falls."""
    visit = plan.visit if isinstance(plan, Forward) else None
    if visit is None or visit.visiting.share is None:
        return ""
    share = f"{visit.visiting.share * 100 / BUCKETS:g}"
    if visit.bucket is not None:
        falls = f"{(visit.bucket + 1) * 100 / BUCKETS:g}"
        return f", and this visitor falls at {falls}, {'above' if visit.is_outside else 'within'} {share}"
    if visit.visiting.sticky is not None:
        return f": legacy answers until there is the cookie {visit.visiting.sticky.decode()}, which then decides"
    cookie = VISITOR.decode()
    return f": of visitors without the cookie {cookie} the slice gets {share}% for good (--cookie {cookie}=… tells)"


def _asked_behind(plan: Forward | Answer) -> str:
    """Who is asked the same behind the citizen's back, and how often."""
    if not isinstance(plan, Forward) or plan.shadowing is None or plan.claim is None:
        return ""
    route = plan.claim.leads_to
    assert isinstance(route, Route)
    return f", and {plan.shadowing.sample * 100:g}% of such requests are copied to {route.backend}"


def _shown(text: bytes) -> str:
    return repr(text.decode("latin-1"))
