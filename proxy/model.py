"""All of routes.yaml as a person may write it: every key, its default, and the reason for the default."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from notation.read_again import read_again
from notation.shape import Count, Duration, Flag, Later, Percent, Size, Spec
from proxy.fields import (
    AccessLog,
    BackendUrl,
    Cause,
    CookieName,
    CookieValue,
    Factor,
    FieldName,
    FieldValue,
    Growth,
    Host,
    HostSetting,
    LedgerUrl,
    ListenAddress,
    Method,
    Name,
    Network,
    PathPattern,
    RedirectStatus,
    RedirectTarget,
    StageText,
    Version,
    Workers,
    listed,
)
from proxy.patience import BreakerSpec, HealthSpec, RetriesSpec, RouteTimeoutsSpec, TimeoutsSpec
from proxy.stages import LADDER, LEGACY, Stage


def _listeners(value: object) -> object:
    listeners = value if isinstance(value, list) else [value]
    return [one if isinstance(one, dict) else {"address": one} for one in listeners]


def _route(value: object) -> object:
    return {"path": value} if isinstance(value, str) else value


def _none(value: object) -> object:
    return None if value == "none" else value


class CertificateSpec(Spec):
    cert: str = Field(description="The certificate's file (PEM), its chain after it.")
    key: str = Field(description="The private key's file (PEM).")
    names: tuple[Host, ...] = Field(description="The names it is presented for.")


class ListenSpec(Spec):
    address: ListenAddress = Field(description="IP address and port; port 0 lets the system choose.")
    tls: tuple[CertificateSpec, ...] = Field((), description="Certificates; without them, plain HTTP.")
    hsts: Duration | None = Field(
        None,
        description="How long browsers shall come back in TLS only (Strict-Transport-Security); default: not said.",
    )


class PathsSpec(Spec):
    case: Literal["sensitive", "insensitive"] = Field(
        "sensitive", description="Whether /A and /a differ for the legacy. Sensitive, as RFC 3986 has it."
    )
    params: Literal["strip", "keep"] = Field(
        "strip", description="`strip`: `;jsessionid=…` does not count in matching, as Java servers read it."
    )


class LimitsSpec(Spec):
    head: Size = Field(
        32 * 2**10,
        description="Request line and fields together. 32 KiB, as nginx allows: portals have fat cookies.",
    )
    fields: Count = Field(
        200, description="Header fields of a request. 200: twice what Apache allows; a browser sends 20."
    )
    target: Size = Field(8 * 2**10, description="The request target. 8 KiB, as nginx and Apache allow.")
    body: Size = Field(2**30, description="A request's body. 1 GiB: planning applications come with drawings.")
    head_time: Duration = Field(
        10.0,
        description="From a request's first byte to the end of its head. 10s: a slow phone needs two.",
    )
    body_idle: Duration = Field(
        30.0, description="Silence inside a request's body. 30s: a phone comes out of a tunnel."
    )
    idle: Duration = Field(
        75.0,
        description="Silence between requests. 75s: longer than the 60s of common balancers, so that they close first.",
    )
    connections: Count = Field(
        10000, description="Open connections of citizens, all workers together. 10000: about 1 GiB of buffers at worst."
    )
    per_address: Count = Field(
        1024, description="Open connections from one address. 1024: a whole town hall behind one."
    )


class LogSpec(Spec):
    access: AccessLog = Field(
        "off", description="`off`, `all` or `sampled 1%`. Off: a line for each citizen is personal data."
    )
    format: Literal["json", "combined"] = Field(
        "json", description="`json`: an object a line; `combined`: as Apache and nginx write it, which says less."
    )
    file: str | None = Field(
        None,
        description="Where: a file, or a pipe; default: standard output, which systemd and containers keep. A file is "
        "made for its owner alone to read, and begun again when it was renamed.",
    )


class BackendTlsSpec(Spec):
    verify: Flag = Field(True, description="Whether its certificate is checked.")
    ca: str | None = Field(None, description="The file (PEM) of the authority that signed it; default: the system's.")
    cert: str | None = Field(None, description="The file (PEM) of the certificate that the proxy shows it.")
    key: str | None = Field(None, description="The file (PEM) of that certificate's private key.")


class BackendSpec(Spec):
    url: Annotated[
        tuple[BackendUrl, ...],
        BeforeValidator(listed, json_schema_input_type=BackendUrl | list[BackendUrl]),
        Field(min_length=1),
    ] = Field(description="Scheme, host and port of its server; or a list of several.")
    host: HostSetting = Field(
        "preserve",
        description="The Host it sees: `preserve` the citizen's, `backend` its own, or a name. Other than `preserve` "
        "needs `hosts`: its own address and the public one are translated both ways.",
    )
    links: Literal["keep", "rewrite"] = Field(
        "keep",
        description="`rewrite`: its own address in bodies becomes the public one (needs `hosts`).",
    )
    timeouts: TimeoutsSpec = Field(TimeoutsSpec(), description="How long it may take.")
    connections: Count = Field(
        256, description="Connections to it, all workers together. 256: what a small monolith's thread pool bears."
    )
    tls: BackendTlsSpec = Field(BackendTlsSpec(), description="How an https backend is checked.")
    retries: RetriesSpec = Field(RetriesSpec(), description="Asking again, when an attempt failed.")
    breaker: BreakerSpec = Field(BreakerSpec(), description="When to stop asking it.")
    queue: Count = Field(
        100,
        description="Requests that wait for a connection, all workers together; for the rest 503. 100: a longer one "
        "only waits longer.",
    )
    health: HealthSpec | None = Field(None, description="Probing it; default: it is judged by its answers.")
    cookies: tuple[CookieName, ...] = Field(
        (),
        description="The citizen's cookies it may see. Default: all, but none for a slice's backend, which never sees "
        "legacy's session.",
    )
    sandbox: Flag = Field(
        False, description="`true`: it may be sent copies of unsafe requests, because nothing it writes counts."
    )


class RouteSpec(Spec):
    path: PathPattern | None = Field(None, description="An exact path, or a prefix by path segment ending in `/*`.")
    regex: str | None = Field(
        None, description="An RE2 pattern for the whole path as it is matched; needs a `priority`."
    )
    methods: tuple[Method, ...] | None = Field(None, description="Only these methods; default: all.", min_length=1)
    rewrite: PathPattern | None = Field(
        None, description="The path the slice's backend is asked for; ends in `/*` if `path` does."
    )
    priority: int = Field(
        0,
        description="Higher wins over any other comparison; a regex must have other than 0.",
        ge=-1000,
        le=1000,
        strict=True,
    )
    host: Host | None = Field(None, description="Only under this public name.")
    query: Mapping[str, str] = Field(
        {}, description="Only with these query parameters, decoded; one that is there twice with two values is not met."
    )
    headers: Mapping[FieldName, FieldValue] = Field(
        {}, description="Only with these header fields; a value is the whole value, several lines joined by `, `."
    )
    cookies: Mapping[CookieName, CookieValue] = Field(
        {}, description="Only with these cookies; one that is there twice with two values is not met."
    )
    timeouts: RouteTimeoutsSpec | None = Field(
        None, description="How long its backend may take, where that is not as for other routes."
    )


class StickySpec(Spec):
    cookie: CookieName = Field(
        description="The cookie whose value seeds the visitor's bucket; until a visitor has it, legacy answers."
    )


class FallbackSpec(Spec):
    to: Name | None = Field(None, description="The backend that is asked instead; default: the slice's legacy.")
    on: tuple[Cause, ...] = Field(
        ("connect", "breaker", "timeout", "reset", 502, 503, 504),
        description="When: `connect`, `breaker`, `timeout`, `reset`, or a status. 500 and 404 may be true answers.",
    )


class ShadowSpec(Spec):
    sample: Percent = Field(
        25.0, description="The share of requests that is copied. 25%: enough to learn from, a quarter of the load."
    )
    methods: tuple[Method, ...] = Field(
        ("GET", "HEAD"), description="Which; others than safe ones need `sandbox: true`."
    )
    max_body: Size = Field(
        2**20, description="A larger answer is not compared. 1 MiB: pages are smaller, files need no comparing."
    )
    reverse: Flag = Field(
        False,
        description="`true`: at stage `live`, legacy is sent the copies of requests of no session, one a second.",
    )


class CompareSpec(Spec):
    ignore: tuple[str, ...] = Field(
        (),
        description="What differs and does not matter: `header:`, `cookie:`, `json:`, `css:`, `xml:` or `csv:` and a "
        "name or path, `text:` and an expression, `status` or `body`. [comparing.md](comparing.md) has examples.",
    )
    noise: Percent = Field(
        5.0, description="The share of requests on which legacy is asked twice, to learn what differs by itself."
    )
    keys: Mapping[str, str] = Field(
        {},
        description="The member that names the elements of a JSON array, by the array's path: `$.items: id`. Other "
        "arrays are compared by position.",
    )
    keep_values: Flag = Field(
        False, description="`true`: what differs is kept with its difference, redacted. Else its shape alone."
    )


# Written or not, a gate that nobody judges would promise what is not kept.
_UNJUDGED = Later(when_set=True)


class GatesSpec(Spec):
    requests: Annotated[Count, _UNJUDGED] = Field(
        300, description="Judged requests at least. 300: with none bad, under 1% bad for certain (rule of three)."
    )
    mismatch: Annotated[Percent, _UNJUDGED] = Field(2.0, description="Mismatches at most.")
    errors: Annotated[Growth, _UNJUDGED] = Field(2.0, description="Errors at most, above legacy's.")
    p95: Annotated[Factor, _UNJUDGED] = Field(
        1.3, description="The 95th percentile of the time taken at most, as a multiple of legacy's."
    )
    datasets: Mapping[Name, Duration] = Field(
        {},
        description="How old each dataset may be. Who has written to legacy stays there until a run of each has begun "
        "since; a mismatch waits for a newer commit of each.",
    )
    hold: Annotated[Duration, _UNJUDGED] = Field(
        3600.0, description="How long all of this must have been true. 1h: a burst of luck is shorter."
    )


class SliceSpec(Spec):
    owner: str | None = Field(None, description="Who answers for it; an e-mail address.")
    backend: Name = Field(description="The backend that is its service.")
    legacy: Name | None = Field(None, description="The monolith it grows round; default: `default`.")
    stage: StageText = Field(
        LEGACY,
        description="`legacy`, `shadow`, `canary N%`, `live` or `retired`. Nothing moves until somebody says so.",
    )
    routes: tuple[
        Annotated[RouteSpec, BeforeValidator(_route, json_schema_input_type=PathPattern | RouteSpec), read_again()], ...
    ] = Field(description="What it claims: a path, or a mapping.", min_length=1)
    writes: Literal["legacy", "own"] = Field(
        "legacy",
        description="`legacy`: unsafe methods go to legacy until `retired`, unless a route names them, so that rolling "
        "back loses no write; `own`: the slice is the system of record.",
    )
    sticky: StickySpec | None = Field(
        None, description="What seeds the visitor's bucket; default: a cookie of our own."
    )
    fallback: Annotated[
        FallbackSpec | None,
        BeforeValidator(_none, json_schema_input_type=Literal["none"] | FallbackSpec),
    ] = Field(FallbackSpec(), description="Who is asked when the candidate fails; or `none`.")
    assets: tuple[PathPattern, ...] = Field((), description="On 404 a safe request for these asks the other side.")
    shadow: ShadowSpec | None = Field(
        None, description="Copies to the side that does not answer; default: those below, at stage `shadow` alone."
    )
    repeatable: Flag = Field(False, description="`true`: legacy may be asked again with a citizen's session.")
    compare: CompareSpec | None = Field(None, description="How answers are compared.")
    gates: GatesSpec | None = Field(None, description="What must hold before it moves up.")
    ladder: tuple[StageText, ...] = Field(
        LADDER, description="The stages it climbs. Ten times more visitors a step, then half, then all.", min_length=1
    )
    promote: Annotated[Literal["manual", "auto"], Later()] = Field(
        "manual", description="Who climbs it: a person, or the gates alone."
    )


class RedirectSpec(Spec):
    from_: PathPattern = Field(alias="from", description="The path that is asked for.")
    to: RedirectTarget = Field(
        description="Where it leads: a path or an http(s) URL; ends in `/*` only if `from` does."
    )
    status: RedirectStatus = Field(301, description="301, 302, 303, 307 or 308. 301: old addresses are gone for good.")


class ExpectationSpec(Spec):
    request: str = Field(description="Method and path, or method and URL: `GET /repairs/42`.")
    headers: Mapping[FieldName, FieldValue] = Field({}, description="Header fields of the request.")
    cookies: Mapping[CookieName, CookieValue] = Field({}, description="Cookies of the request.")
    slice: Name | None = Field(None, description="The slice it must belong to.")
    backend: Name | None = Field(None, description="The backend that must answer.")
    outcome: Literal["backend", "redirect", "gone", "refused", "not_found"] | None = Field(
        None, description="What must become of it, as `fig explain --json` says it."
    )
    target: str | None = Field(None, description="What the backend must be asked for, or where a redirect must lead.")


class RoutesSpec(Spec):
    """The whole file."""

    version: Version = Field(description="Of this notation: 1.")
    listen: Annotated[
        tuple[ListenSpec, ...],
        BeforeValidator(
            _listeners, json_schema_input_type=ListenAddress | ListenSpec | list[ListenAddress | ListenSpec]
        ),
        Field(min_length=1),
    ] = Field(description="Where citizens' requests arrive: an address, a mapping, or a list of either.")
    admin: ListenAddress | None = Field(None, description="Where the admin pages and `/metrics` are; default: nowhere.")
    hosts: tuple[Host, ...] = Field((), description="The public names; others get 421. Default: any name.")
    trust: tuple[Network, ...] = Field(
        (), description="Peers whose Forwarded and X-Forwarded-* are believed, read from the right. Default: nobody."
    )
    paths: PathsSpec = Field(PathsSpec(), description="How the legacy reads paths.")
    limits: LimitsSpec = Field(LimitsSpec(), description="How much a citizen's connection may ask.")
    workers: Workers = Field(
        None, description="Processes that move bytes; `auto`: one for each core.", validate_default=False
    )
    grace: Duration = Field(
        30.0,
        description="How long requests may take to finish when a worker stops. 30s: container hosts kill after that.",
    )
    log: LogSpec = Field(LogSpec(), description="What is logged.")
    ledger: LedgerUrl | None = Field(
        None,
        description="Where what was seen is kept: a PostgreSQL database, `postgresql://fig:${LEDGER_PASSWORD}@db/fig`. "
        "Default: the file data/ledger.sqlite.",
    )
    keys: Annotated[str | None, Later()] = Field(
        None, description="The file of our own secrets, mode 0600, outside data/."
    )
    backends: Mapping[Name, BackendSpec] = Field(description="The servers that can answer, by name.", min_length=1)
    default: Name | None = Field(None, description="The backend for what no route claims; without it: 404.")
    slices: Mapping[Name, SliceSpec] = Field({}, description="The units of migration, by name.")
    redirects: tuple[Annotated[RedirectSpec, read_again()], ...] = Field((), description="Paths that lead elsewhere.")
    gone: tuple[PathPattern, ...] = Field((), description="Paths that are no more: 410.")
    tests: tuple[ExpectationSpec, ...] = Field((), description="What `fig check` holds true of this file.")

    def legacy_of(self, slice_name: str) -> str:
        """The backend the slice grows round: its own `legacy`, or `default`. Raises KeyError if neither is there."""
        legacy = self.slices[slice_name].legacy or self.default
        if legacy is None:
            raise KeyError(slice_name)
        return legacy

    def stage_of(self, slice_name: str) -> Stage:
        """What the file says; a hold may be lower."""
        return self.slices[slice_name].stage
