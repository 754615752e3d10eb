"""One exchange as the keeper knows it, read from a worker's frames. Values only."""

from dataclasses import dataclass
from typing import Literal

from proxy.claims import Claim, Route
from proxy.compare.values import Reply

Side = Literal["legacy", "slice"]


@dataclass(frozen=True, slots=True)
class Exchanged:
    """A request of a citizen's and what was answered. `claim`: the line of the table that claimed it (its `series`
    names it for as long as the proxy runs, `claim.leads_to` is its Route); `answered_by`: the side that answered;
    `head`: the request's as it came; `body`: empty but for an unsafe one that a sandbox may be sent; `peer`: the
    citizen's address; `reference`: its id; `micros`: how long the answer took.
    """

    claim: Claim
    route: Route
    answered_by: Side
    head: bytes
    body: bytes
    peer: str
    reference: str
    reply: Reply
    micros: int
