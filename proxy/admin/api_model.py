"""What the JSON API takes and says. The OpenAPI file is generated from these, and what is said goes through them."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from proxy.admin.orders import WHY_LIMIT
from proxy.stages import CANARY, NAMES

# A stage as routes.yaml writes it; whether a canary's share is one is said with the answer.
_STAGE = rf"^(?:{'|'.join(name for name in NAMES if name != 'canary')}|{CANARY.pattern.removesuffix(chr(92) + 'Z')})$"
Stage = Annotated[str, StringConstraints(pattern=_STAGE)]
Method = Annotated[str, StringConstraints(pattern=r"^[A-Z]{1,20}$")]
Url = Annotated[str, StringConstraints(pattern=r"^(?:/|https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?/)", max_length=2048)]
HeaderField = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]+: ?[ -~]*$", max_length=512)]
Why = Annotated[str, StringConstraints(pattern=r"\S", max_length=WHY_LIMIT)]
# What to write, for whoever wrote something else or nothing.
WANTED = {
    "stage": "write legacy, shadow, canary 10%, live or retired",
    "method": "write GET, POST and the like",
    "url": "write /repairs/42, or https://www.anytown.gov.uk/repairs/42",
    "header": "write it as Name: value",
    "why": "write the reason, which stands in the history",
}


class Said(BaseModel):
    """Something the API says; what the proxy knows beyond it is left out."""

    model_config = ConfigDict(extra="ignore", title=None)


class Taken(BaseModel):
    """Something the API takes; what it does not know is refused."""

    model_config = ConfigDict(extra="forbid")


class Problems(Said):
    """It was not done."""

    ok: Literal[False]
    problems: list[str]


class Hold(Said):
    """Nobody is answered above this stage."""

    stage: str
    who: str
    when: str
    why: str


class Bypass(Said):
    """Everything goes to legacy."""

    who: str
    when: str
    why: str


class Hits(Said):
    """Answers by side, since the proxy was started."""

    legacy: int
    slice: int


class Statuses(Said):
    """Answers of both sides by status class, and those that ended before their end."""

    model_config = ConfigDict(extra="ignore", validate_by_alias=True, validate_by_name=True)
    of_1xx: int = Field(alias="1xx")
    of_2xx: int = Field(alias="2xx")
    of_3xx: int = Field(alias="3xx")
    of_4xx: int = Field(alias="4xx")
    of_5xx: int = Field(alias="5xx")
    cut: int


class Verdicts(Said):
    """What comparing concluded, since the proxy was started. `causes`: why exchanges are unjudged."""

    matched: int
    mismatched: int
    ignored: int
    judged: int
    unjudged: int
    causes: dict[str, int]


class Slice(Said):
    """A slice as it stands. `stage`: the lower of the file's and the hold's; legacy while the bypass is on."""

    name: str
    owner: str | None
    stage: str
    file_stage: str
    hold: Hold | None
    ladder: list[str]
    backend: str
    legacy: str
    hits: Hits
    statuses: Statuses
    verdicts: Verdicts


class Slices(Said):
    """Every slice."""

    slices: list[Slice]


class Address(Said):
    """One address of a backend."""

    address: str
    health: Literal["up", "down", "not known"]
    ejected: bool
    in_flight: int


class Backend(Said):
    """A backend, over all workers."""

    name: str
    breaker: Literal["closed", "open", "half-open"]
    in_flight: int
    connections: int
    queued: int
    refused: int
    retries: int
    fallbacks: int
    copies: dict[str, int]
    addresses: list[Address]


class Worker(Said):
    """A worker and the generation that it serves by; 0: it is not there yet."""

    index: int
    pid: int | None
    generation: int
    state: str


class Keeper(Said):
    """The process that answers this."""

    pid: int | None
    state: str


class Status(Said):
    """How the whole proxy stands. `problems`: of a file that was changed and is not taken in."""

    generation: int
    config: str
    problems: list[str]
    listen: list[str]
    bypass: Bypass | None
    uptime: float
    connections: int
    in_flight: int
    workers: list[Worker]
    keeper: Keeper
    slices: list[Slice]
    backends: list[Backend]


class Route(Said):
    """One line of the table; `number`: its place in match order."""

    number: int
    at: str
    pattern: str
    kind: Literal["exact", "prefix", "regex"]
    methods: str
    asks: str
    priority: int
    slice: str
    stage: str
    leads_to: str


class Routes(Said):
    """A page of the table."""

    total: int
    found: int
    page: int
    pages: int
    routes: list[Route]


class Explanation(Said):
    """Where a request would go, and why."""

    outcome: Literal["backend", "redirect", "gone", "refused", "not_found", "health"]
    backend: str | None
    slice: str | None
    route: str | None
    at: str | None
    stage: str | None
    target: str | None
    status: int | None
    because: str
    host: str | None


class Change(Said):
    """Who moved what. `slice`: `*` for the bypass."""

    slice: str
    before: str
    after: str
    by: str
    who: str
    when: str
    why: str


class Changes(Said):
    """The newest first."""

    changes: list[Change]


class Moment(Said):
    """What was answered in one step of time, by side."""

    label: str
    legacy: int
    slice: int


class OverTime(Said):
    """The oldest first, each step of time there is; times are UTC. Empty where the ledger cannot be read."""

    moments: list[Moment]


class Difference(Said):
    """One way in which answers differed. `control` and `candidate`: shapes; `first` and `last`: seconds since 1970.

    The values, redacted, are there with `compare: {keep_values: true}`; `ignore`: what to write under `compare:`.
    """

    pattern: str
    path: str
    kind: str
    control: str
    candidate: str
    count: int
    first: float
    last: float
    example: str
    control_value: str | None
    candidate_value: str | None
    ignore: str


class Differences(Said):
    """Of the last 7 days, the most frequent first."""

    differences: list[Difference]


class Place(Said):
    """Where one pair of answers differs, and how."""

    path: str
    kind: str
    control: str
    candidate: str


class Pair(Said):
    """Two answers to one request that differ. `at`: seconds since 1970."""

    number: int
    at: float
    pattern: str
    example: str
    differences: list[Place]


class Pairs(Said):
    """The newest first, of the last 200 that the keeper has in its memory."""

    pairs: list[Pair]


class Reply(Said):
    """One answer, redacted; its body as text."""

    status: int
    fields: list[tuple[str, str]]
    body: str


class Answers(Pair):
    """Both answers: legacy's, and the slice's."""

    control: Reply
    candidate: Reply


class Done(Said):
    """Every worker serves by it."""

    ok: Literal[True]
    change: Change


class RoutesAsked(Taken):
    """Which lines of the table."""

    search: str = Field("", max_length=200, description="All of these words must stand in the line.")
    slice: str = Field("", max_length=200, description="Only the routes of this slice.")
    page: int = Field(1, ge=1, le=9_999_999, description="Of a hundred lines; after the last comes the last.")


class HitsAsked(Taken):
    """Which picture."""

    span: Literal["hour", "day", "month"] = Field("hour", description="By minute, by hour, by day.")
    slice: str | None = Field(None, max_length=200, description="Only this slice's hits.")


class ExplainAsked(Taken):
    """A request, as `fig explain` takes it."""

    method: Method = Field("GET", description="In capitals.")
    url: Url = Field(description="A path with its query, or a URL.")
    header: list[HeaderField] = Field(
        default_factory=list, max_length=20, description="A header field, `Name: value`; may be given again."
    )


class HoldOrder(Taken):
    """Hold a slice at a stage below the file's; above where it is held now, that raises the hold."""

    stage: Stage
    why: Why


class ResumeOrder(Taken):
    """Clear a slice's hold."""

    why: Why


class BypassOrder(Taken):
    """Everything to legacy, or back to the stages."""

    on: bool
    why: Why


Schema = dict[str, Any]
