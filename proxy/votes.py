"""A backend's breaker, moved by the votes of all workers: its moments and the failures lie in the shared map.

Nobody else's cells are written and nothing is locked. The breaker is open if the latest opening of any worker is later
than the latest closing of any; failures are counted over all workers when one more comes, so it trips at low traffic
too, wherever the requests fell.
"""

from proxy.breaker import TRANSITIONS, Breaking, Event, State, state_of
from proxy.standing import ASKED, CLOSED, CLOSED_AFTER, OPENED, TRYING, Standing


class Votes:
    """One worker's part in one breaker. All moments in milliseconds of the machine's monotonic clock."""

    __slots__ = ("_breaking", "_standing")

    def __init__(self, standing: Standing, breaking: Breaking) -> None:
        self._standing = standing
        self._breaking = breaking

    def state(self, now: int) -> State:
        """Its state, for the whole process group."""
        standing = self._standing
        return state_of(standing.latest(OPENED), standing.latest(CLOSED), now, self._breaking.cool)

    def failed(self, now: int) -> bool:
        """A request failed. Whether that opened it; one that comes late, when it is not closed, changes nothing."""
        self._standing.fail()
        closed = self.state(now) is State.CLOSED
        if not closed or self._standing.failures(self._breaking.of) < self._breaking.enough:
            return False
        self._move(State.CLOSED, Event.TRIPPED, now)
        return True

    def may_try(self, now: int) -> bool:
        """Whether this worker may send the one request that a half-open breaker lets through.

        It writes its own claim, then looks at the others': whoever sees another's gives way. So two never try at
        once; if both see each other neither does, and the next request tries. A claim lapses after `cool`.
        """
        standing = self._standing
        if standing.mine[TRYING] and now - standing.mine[TRYING] < self._breaking.cool * 1000:
            return False
        standing.mine[TRYING] = now
        live = [row[TRYING] for row in standing.rows if row[TRYING] and now - row[TRYING] < self._breaking.cool * 1000]
        if len(live) == 1:
            return True
        standing.mine[TRYING] = 0
        return False

    def tried(self, now: int, *, proved: bool) -> None:
        """The one request has its outcome."""
        if self.state(now) is State.HALF_OPEN:
            self._move(State.HALF_OPEN, Event.PROVED if proved else Event.FAILED, now)
        self.withdraw()

    def withdraw(self) -> None:
        """The one request was given up by its citizen: another may try."""
        self._standing.mine[TRYING] = 0

    def _move(self, state: State, event: Event, now: int) -> None:
        mine = self._standing.mine
        if TRANSITIONS[state, event] is State.OPEN:
            mine[OPENED] = max(now, self._standing.latest(CLOSED) + 1)
        else:
            mine[CLOSED_AFTER] = self._standing.total(ASKED)
            mine[CLOSED] = max(now, self._standing.latest(OPENED))
