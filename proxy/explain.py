"""Which route, slice, stage and backend a request falls to, and why. Pure; decided by the very code that serves."""

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal
from urllib.parse import urlsplit

from notation.problems import ConfigError, Problem
from proxy.compiler import Held, SeriesBook, WhereIs, make_generation
from proxy.headers import METHOD_OVERRIDES
from proxy.model import RoutesSpec
from proxy.plan import Answer, Asked, Forward, because, make_plan
from proxy.table import Route

Outcome = Literal["backend", "redirect", "gone", "refused", "not_found", "health"]
_OUTCOMES: dict[int, Outcome] = {200: "health", 404: "not_found", 410: "gone", 400: "refused", 421: "refused"}


@dataclass(frozen=True, slots=True)
class Explanation:
    """What `fig explain` says. `at`: `routes.yaml:12`; `target`.

    What the backend is asked for, or where a redirect leads.
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

    def as_json(self) -> dict[str, object]:
        """The value that `fig explain --json` prints."""
        return asdict(self)

    def __str__(self) -> str:
        place = f"{self.at}  " if self.at else ""
        route = f"route {self.route} " if self.route else ""
        of = f"(slice {self.slice}, stage {self.stage}) " if self.slice else ""
        asked = f", asked for {self.target}" if self.target else ""
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
    names = {}
    for header in headers:
        name, colon, value = header.partition(":")
        if not colon:
            raise ConfigError([Problem(None, f"'{header}' is not a header field", "write it as: Name: value")])
        names[name.strip().lower().encode()] = value.strip()
    named = names.get(b"host")
    path, mark, query = target.partition("?")
    return Asked(
        method.encode(),
        path.encode(),
        query.encode() if mark else None,
        (named or host or "").partition(":")[0].lower().encode(),
        bool(METHOD_OVERRIDES & names.keys()),
    )


def explain(asked: Asked, spec: RoutesSpec, where: WhereIs, held: Held) -> Explanation:
    """The fate of one request under this file and these holds."""
    generation, claims = make_generation(1, spec, where, held, SeriesBook())
    for claim in claims:
        generation.rules.table.add(claim)
    plan = make_plan(asked, generation.rules)
    claim_of = plan.claim
    route = claim_of.leads_to if claim_of and isinstance(claim_of.leads_to, Route) else None
    common = {
        "slice": route.slice if route else None,
        "route": str(claim_of.pattern) if claim_of else None,
        "at": claim_of.at if claim_of else None,
        "stage": str(route.stage) if route else None,
    }
    match plan:
        case Forward(backend, target):
            return Explanation(
                "backend", backend, target=target.decode("latin-1"), status=None, because=because(plan), **common
            )
        case Answer(status, location=location):
            outcome = "redirect" if location is not None else _OUTCOMES[status]
            to = location.decode("latin-1") if location is not None else None
            return Explanation(outcome, None, target=to, status=status, because=because(plan), **common)
