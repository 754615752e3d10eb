"""Which route, slice, stage and backend a request falls to, and why. Pure; decided by the very code that serves."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from itertools import takewhile
from typing import Literal
from urllib.parse import urlsplit

from notation.problems import ConfigError, Problem
from proxy.asked import Asked
from proxy.compiler import Held, WhereIs, rules_of
from proxy.ends import translation_of
from proxy.headers import CONNECTION, HOST, KEEP, OVERRIDE, nominated, request_kind
from proxy.model import RoutesSpec
from proxy.paths import Readings, read_path
from proxy.plan import Answer, Forward, Rules, because, make_plan
from proxy.table import Claim, Route

Outcome = Literal["backend", "redirect", "gone", "refused", "not_found", "health"]
_OUTCOMES: dict[int, Outcome] = {200: "health", 404: "not_found", 410: "gone", 400: "refused", 421: "refused"}


PASSED_OVER = 5  # claims named that were passed over; more would not be read


@dataclass(frozen=True, slots=True)
class Explanation:
    """What `fig explain` says. `at`: `routes.yaml:12`.

    `target`: what the backend is asked for, or where a redirect leads; `host`: the Host that the backend sees;
    `renamed`: the same, where it is another than the citizen's.
    """

    outcome: Outcome
    backend: str | None
    slice: str | None
    route: str | None
    at: str | None
    stage: str | None
    target: str | None
    status: int | None
    because: str
    host: str | None = None
    renamed: str | None = None

    def as_json(self) -> dict[str, object]:
        """The value that `fig explain --json` prints."""
        return {name: value for name, value in asdict(self).items() if name != "renamed"}

    def __str__(self) -> str:
        place = f"{self.at}  " if self.at else ""
        route = f"route {self.route} " if self.route else ""
        of = f"(slice {self.slice}, stage {self.stage}) " if self.slice else ""
        asked = f", asked for {self.target}" if self.target else ""
        asked += f" as Host {self.renamed}" if self.renamed else ""
        leads = {
            "backend": f"-> {self.backend}{asked}",
            "redirect": f"-> {self.status} to {self.target}",
        }.get(self.outcome, f"-> {self.status} ({self.outcome.replace('_', ' ')}), answered by the proxy")
        return f"{place}{route}{of}{leads}\nbecause {self.because}"


def asked_for(method: str, url: str, hosts: Iterable[str], headers: Iterable[str] = ()) -> Asked:
    """A request as a person writes it: a path or a URL, and header fields as `Name: value`. Raises ConfigError."""
    if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", method):
        raise ConfigError([Problem(None, f"'{method}' is not a method", "write GET, POST and the like")])
    parts = urlsplit(url) if re.match(r"https?://", url, re.IGNORECASE) else None
    if parts is None and not url.startswith("/"):
        what = f"'{url}' is neither a path nor a URL"
        raise ConfigError([Problem(None, what, "write /repairs/42, or https://www.anytown.gov.uk/repairs/42")])
    host = parts.hostname if parts else next(iter(hosts), None)
    target = url if parts is None else (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    fields: list[tuple[bytes, bytes]] = []
    overrides = False
    ends_here: frozenset[bytes] = frozenset()
    for header in headers:
        name, colon, value = header.partition(":")
        if not colon:
            raise ConfigError([Problem(None, f"'{header}' is not a header field", "write it as: Name: value")])
        kind = request_kind(name.strip().encode())
        if kind == HOST:
            host = value.strip().partition(":")[0]
        elif kind == CONNECTION:
            ends_here |= nominated(value.strip().encode())
        elif kind in (KEEP, OVERRIDE):  # the others never reach the table
            fields.append((name.strip().lower().encode(), value.strip().encode()))
            overrides = overrides or kind == OVERRIDE
    path, mark, query = target.partition("?")
    return Asked(
        method.encode(),
        path.encode(),
        query.encode() if mark else None,
        (host or "").lower().rstrip(".").encode(),
        overrides,
        [field for field in fields if field[0] not in ends_here],
    )


def explain(asked: Asked, spec: RoutesSpec, where: WhereIs, held: Held) -> Explanation:
    """The fate of one request under this file and these holds."""
    return explain_among(rules_of(spec, where, held), asked, spec)


def explain_among(rules: Rules, asked: Asked, spec: RoutesSpec) -> Explanation:
    """The same under rules that were made of this file."""
    explanation = explain_by(rules, asked)
    if explanation.backend is None:
        return explanation
    translation = translation_of(explanation.backend, spec)
    if translation is None or translation.name is None:
        own = spec.backends[explanation.backend].url[0].authority
        return replace(explanation, host=asked.host.decode("latin-1") or own)
    name = translation.name.authority.decode("latin-1")
    return replace(explanation, host=name, renamed=name)


def explain_by(rules: Rules, asked: Asked) -> Explanation:
    """The fate of one request under these rules."""
    plan = make_plan(asked, rules)
    claim = plan.claim
    route = claim.leads_to if claim and isinstance(claim.leads_to, Route) else None
    why = "; ".join((because(plan), *_decided(plan, rules, asked)))
    common = {
        "slice": route.slice if route else None,
        "route": str(claim) if claim else None,
        "at": claim.at if claim else None,
        "stage": str(route.stage) if route else None,
    }
    match plan:
        case Forward(backend, target):
            to = target.decode("latin-1")
            return Explanation("backend", backend, target=to, status=None, because=why, **common)
        case Answer(status, location=location):
            outcome = "redirect" if location is not None else _OUTCOMES[status]
            leads = location.decode("latin-1") if location is not None else None
            return Explanation(outcome, None, target=leads, status=status, because=why, **common)


def _decided(plan: Forward | Answer, rules: Rules, asked: Asked) -> Iterator[str]:
    """Which predicates were met, and which claims would have come first had theirs been."""
    if plan.claim is None and plan.reason not in ("default", "no default"):
        return
    if plan.claim and plan.claim.needs:
        yield f"it has what the route asks for, {plan.claim.needs}"
    if plan.claim and plan.claim.priority:
        yield f"the route has priority {plan.claim.priority}"
    readings = read_path(asked.path, rules.paths)
    assert isinstance(readings, Readings)
    path = (readings if rules.paths.case_sensitive else readings.folded()).canonical
    better = list(takewhile(lambda rival: rival is not plan.claim, rules.table.rivals(path)))
    for rival in better[:PASSED_OVER]:
        yield f"{rival.at} {rival} was passed over, for it asks for {_lacking(rival, asked)}"
    if len(better) > PASSED_OVER:
        yield f"so were {len(better) - PASSED_OVER} more"


def _lacking(claim: Claim, asked: Asked) -> str:
    lacks = []
    if claim.methods is not None and asked.method not in claim.methods:
        lacks.append(" or ".join(sorted(method.decode() for method in claim.methods)))
    if claim.needs and not claim.needs.met_by(asked):
        lacks.append(str(claim.needs.unmet_by(asked)))
    return " and for ".join(lacks)
