"""The keys of routes.yaml about a backend that is slow or fails: how long is waited, when it is asked again or left."""

from pydantic import Field

from notation.shape import Count, Duration, Percent, Spec
from proxy.fields import PathPattern
from proxy.standing import REMEMBERED


class TimeoutsSpec(Spec):
    connect: Duration = Field(
        2.0, description="To open a connection. 2s: on one network it takes a millisecond; this allows one lost packet."
    )
    first_byte: Duration = Field(
        60.0,
        description="From the request's end to the answer's first byte. 60s, as nginx has it: reports are slow.",
    )
    idle: Duration = Field(60.0, description="Silence inside an answer. 60s, as nginx has it.")


class RouteTimeoutsSpec(Spec):
    first_byte: Duration | None = Field(
        None, description="As a backend's, for this route alone; default: the backend's. A report may take longer."
    )
    idle: Duration | None = Field(None, description="The same, of silence inside an answer.")


class RetriesSpec(Spec):
    budget: Percent = Field(
        20.0,
        description="Requests sent beyond the citizens' own, as a share of these. 20%: one failing server cannot "
        "double the load.",
    )


class BreakerSpec(Spec):
    errors: Percent = Field(50.0, description="The share of errors that opens it. 50%: certain, not nervous.")
    of: Count = Field(
        20, description="Among how many of the last requests; 128 at most. 20: enough for quiet routes.", le=REMEMBERED
    )
    cool: Duration = Field(
        10.0, description="How long it stays open before one request tries again. 10s: a restart's time."
    )


class HealthSpec(Spec):
    path: PathPattern = Field("/healthz", description="What is asked.")
    every: Duration = Field(
        5.0, description="How often. 5s: a dead server is noticed before a citizen has reloaded twice."
    )
