"""One exchange as the keeper knows it, read from a worker's frames. Values only."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from proxy.claims import Claim, Route
from proxy.compare.values import Reply
from proxy.trace import reference_of

Side = Literal["legacy", "slice"]


class Failure(StrEnum):
    """Why there is no answer to compare with."""

    FAILED = "failed"  # no connection, or no whole answer that a citizen could have got
    LATE = "late"  # none within the backend's `timeouts`
    LARGE = "large"  # larger than `max_body`


@dataclass(frozen=True, slots=True)
class Exchanged:
    """A request of a citizen's and what was answered. `claim`: the line of the table that claimed it (its `series`
    names it for as long as the proxy runs, `claim.leads_to` is `route`); `answered_by`: the side that answered;
    `head`: the request's as it came; `body`: framed, empty but for an unsafe one that a sandbox may be sent; `peer`:
    the citizen's address, who came by `proto`; `trace`: the lines that name it to a backend; `micros`: how long the
    answer took.
    """

    claim: Claim
    route: Route
    answered_by: Side
    head: bytes
    body: bytes
    proto: bytes
    peer: str
    trace: bytes
    reply: Reply
    micros: int

    @property
    def reference(self) -> str:
        """Its id, as the citizen, the log and the backends know it."""
        return reference_of(self.trace)

    @property
    def size(self) -> int:
        """Bytes, about."""
        return len(self.head) + len(self.body) + len(self.reply.body)


def sides(exchanged: Exchanged, answer: Reply | Failure) -> tuple[Reply | Failure, Reply | Failure]:
    """What legacy and what the slice answered: a verdict always takes legacy as the reference."""
    return (exchanged.reply, answer) if exchanged.answered_by == "legacy" else (answer, exchanged.reply)
