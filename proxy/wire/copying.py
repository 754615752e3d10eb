"""One exchange that is shadowed: its request as the candidate gets it, and its answer, on their way to the keeper."""

from random import random
from typing import TYPE_CHECKING

from proxy import copies
from proxy.claims import Route
from proxy.copies import Cause
from proxy.copyable import may_be_copied
from proxy.standing import NOT_COPIED, Standing
from proxy.wire.heads import ReplyHead
from proxy.wire.outbox import Outbox
from proxy.wire.peer import Peer
from proxy.wire.translator import copy_for

if TYPE_CHECKING:
    from proxy.wire.exchange import Exchange

# Bytes of an exchange that are gathered and sent at once: any page but a large one, and half of what a message takes.
GATHERED = 64 * 1024


def copying_of(exchange: "Exchange", peer: Peer) -> "Copying | None":
    """The copying of an exchange whose plan has it copied; None where it is not in the sample, or might act."""
    plan, station, generation = exchange.plan, exchange.citizen.station, exchange.generation
    assert plan.claim is not None
    assert plan.copied_as is not None
    route, outbox = plan.claim.leads_to, station.outbox
    assert isinstance(route, Route)
    assert route.shadowing is not None
    if outbox is None or random() >= route.shadowing.sample:  # noqa: S311  # no secret
        return None
    asked = exchange.request
    if not may_be_copied(asked.method, asked.target, overrides=asked.overrides):
        return None
    candidate = generation.backends[route.backend]
    request = copy_for(exchange, peer, candidate, plan.copied_as)
    standing = station.standing(candidate.number)
    return Copying(outbox, standing, candidate.number, station.number, request, route.shadowing.max_body)


class Copying:
    """Gathers what passes, and lets the keeper have it; given up, and counted, where it would be too much."""

    __slots__ = ("_begun", "_candidate", "_number", "_outbox", "_parts", "_request", "_room", "_size", "_standing")

    def __init__(
        self, outbox: Outbox, standing: Standing, candidate: int, number: int, request: bytes, max_body: int
    ) -> None:
        """`candidate`: the number of its backend; `request`: the head that it is to get."""
        self._outbox = outbox
        self._standing = standing
        self._candidate = candidate
        self._number = number
        self._request = request
        self._parts: list[bytes] | None = []  # None once it is given up
        self._size = len(request)
        self._room = max_body
        self._begun = False

    def head_came(self, reply: ReplyHead) -> None:
        """The head of the answer, without the fields that belong to the connection."""
        if self._parts is not None:
            head = b"HTTP/1.1 %d %b\r\n%b\r\n" % (reply.status, reply.reason, reply.lines)
            self._parts.append(head)
            self._size += len(head)

    def content_came(self, content: bytes) -> None:
        """Bytes of its body."""
        if self._parts is None:
            return
        self._room -= len(content)
        if self._room < 0:
            self.give_up(Cause.LARGE)
            return
        self._parts.append(content)
        self._size += len(content)
        if self._size > GATHERED:
            self._pass_on()

    def ended(self) -> None:
        """The answer is whole."""
        parts = self._parts
        if parts is None:
            return
        if not self._begun:
            self._put(copies.whole(self._candidate, self._number, self._request, parts))
        elif self._pass_on():
            self._put(copies.end(self._candidate, self._number))
        self._parts = None

    def give_up(self, cause: Cause) -> None:
        """No more of it will come."""
        if self._parts is None:
            return
        self._parts = None
        self._standing.mine[NOT_COPIED[cause]] += 1
        if self._begun:
            self._outbox.put(copies.abandoned(self._candidate, self._number, cause))

    def _pass_on(self) -> bool:
        """Send what was gathered, in pieces that a message takes; False if it is given up."""
        parts = self._parts
        if parts is None:
            return False
        if not self._begun:
            self._begun = True
            self._put(copies.begin(self._candidate, self._number, self._request))
        gathered = b"".join(parts)
        for at in range(0, len(gathered), GATHERED):
            self._put(copies.piece(self._candidate, self._number, gathered[at : at + GATHERED]))
        if self._parts is not None:
            self._parts = []
        self._size = 0
        return self._parts is not None

    def _put(self, frame: bytes) -> None:
        if self._parts is not None and not self._outbox.put(frame):
            self.give_up(Cause.FULL)
