"""What becomes of an exchange whose attempt failed: the same backend again, another one, or nothing more."""

from time import monotonic
from typing import TYPE_CHECKING

from proxy.breaker import FAILURES, State
from proxy.plan import SAFE, Forward
from proxy.retrying import UNSENT, Attempt, Cause, may_fall_back, may_retry, within
from proxy.standing import ASKED, EXTRA, FALLBACKS, RETRIES
from proxy.standins import other_side, stand_in
from proxy.wire.pool import Pool, pool_for

if TYPE_CHECKING:
    from proxy.wire.exchange import Exchange
    from proxy.wire.heads import ReplyHead
    from proxy.wire.lane import Lane


class Attempts:
    """What an exchange has tried. `sent`: some backend has seen some of it; `tried`: addresses of the present one.

    `proves`: it is the one request that a half-open breaker lets through; `missed`: one side did not have it.
    """

    __slots__ = ("missed", "proves", "repeats", "sent", "tried")

    def __init__(self) -> None:
        self.sent = False
        self.missed = self.proves = False
        self.repeats = 0
        self.tried: list[Lane] = []


def refusal(exchange: "Exchange") -> tuple[str, Cause] | None:
    """Why its backend is not asked, and the cause; None if it is."""
    pool = exchange.pool
    # One that is down is asked all the same if nobody else would be: the keeper may ask it the wrong thing.
    if pool.down and exchange.may_repeat and exchange.request.method in SAFE:
        other = stand_in(exchange.plan, exchange.request.target)
        if other is not None and may_fall_back(Attempt("down", sent=False, is_safe=True, is_idempotent=True), other.on):
            return "the keeper found it down", "down"
    state = pool.votes.state(pool.millis())
    if state is State.CLOSED:
        return None
    if state is State.OPEN or not pool.votes.may_try(pool.millis()):
        return "its breaker is open", "breaker"
    exchange.attempts = exchange.attempts or Attempts()
    exchange.attempts.proves = True
    return None


def _prove(exchange: "Exchange", *, proved: bool) -> None:
    """Tell a half-open breaker how its one request ended, if this was it."""
    if exchange.attempts is not None and exchange.attempts.proves:
        exchange.attempts.proves = False
        exchange.pool.votes.tried(exchange.pool.millis(), proved=proved)


def withdraw(exchange: "Exchange") -> None:
    """Its citizen left: if it was the one request, another may be."""
    if exchange.attempts is not None and exchange.attempts.proves:
        exchange.attempts.proves = False
        exchange.pool.votes.withdraw()


def rescued(exchange: "Exchange", cause: Cause, why: str) -> bool:
    """Whether somebody is asked in the place of who failed; the failure is counted as the backend's."""
    attempts = exchange.attempts = exchange.attempts or Attempts()
    pool, request = exchange.pool, exchange.request
    if exchange.lane is not None:
        attempts.tried.append(exchange.lane)
    attempts.sent = attempts.sent or cause not in UNSENT
    attempt = Attempt(
        cause,
        attempts.sent,
        is_safe=request.method in SAFE and exchange.may_repeat,  # nor does it override its method
        is_idempotent=exchange.may_repeat,
        others=len(attempts.tried) < len(pool.lanes),
        repeats=attempts.repeats,
    )
    if exchange.is_held and may_retry(attempt) and (cause == "connect" or affords(pool)):
        if cause != "connect":
            attempts.repeats += 1
            pool.mine[RETRIES] += 1
        exchange.drop()
        exchange.again(pool.choose(attempts.tried))
        return True
    if cause == "queue":
        withdraw(exchange)
    elif cause not in ("breaker", "down"):
        pool.failed()
        _prove(exchange, proved=False)
    return exchange.is_held and _fell_back(exchange, attempt, why)


def _fell_back(exchange: "Exchange", attempt: Attempt, why: str) -> bool:
    plan, pool, station = exchange.plan, exchange.pool, exchange.citizen.station
    other = stand_in(plan, exchange.request.target)
    if other is None or not may_fall_back(attempt, other.on) or (attempt.sent and not affords(pool)):
        return False
    pool.mine[FALLBACKS] += 1
    station.counters.count(plan.series, 5, int((monotonic() - exchange.started) * 1e6))
    station.say(
        f"{exchange.request.method.decode('latin-1')} {plan.target.decode('latin-1')}: "
        f"backend {plan.backend}: {why}; {other.plan.backend} is asked instead"
    )
    exchange.drop()
    assert exchange.attempts is not None
    exchange.attempts.tried.clear()
    exchange.attempts.repeats = 0
    exchange.elsewhere(other.plan, _pool(exchange, other.plan))
    return True


def _pool(exchange: "Exchange", plan: Forward) -> Pool:
    return pool_for(exchange.citizen.station, exchange.generation, plan.backend)


def affords(pool: Pool) -> bool:
    """Whether the backend's budget has room for a request beyond the citizens' own, which is then counted."""
    if not within(pool.backend.budget, *pool.standing.lately(pool.millis() // 1000)):
        return False
    pool.mine[EXTRA] += 1
    return True


def is_accepted(exchange: "Exchange", reply: "ReplyHead") -> bool:
    """Whether the citizen gets this answer; if not, somebody else is asked already."""
    pool, lane, status = exchange.pool, exchange.lane, reply.status
    assert lane is not None
    why = f"it answered with {status}"
    if status in FAILURES:
        lane.failed()
        return not rescued(exchange, status, why)
    lane.fails = 0
    other = stand_in(exchange.plan, exchange.request.target) if status >= 404 else None
    if other is not None and status in other.on:
        return not rescued(exchange, status, why)
    pool.mine[ASKED] += 1
    _prove(exchange, proved=True)
    return status != 404 or not _asked_other_side(exchange)


def _asked_other_side(exchange: "Exchange") -> bool:
    """Whether an asset that this side does not have is asked of the other."""
    request = exchange.request
    if not (exchange.is_held and exchange.may_repeat and request.method in SAFE):
        return False
    plan = other_side(exchange.plan, request.target, exchange.generation.rules.paths)
    if plan is None:
        return False
    exchange.attempts = attempts = exchange.attempts or Attempts()
    attempts.missed = attempts.sent = True
    attempts.tried.clear()
    exchange.drop()
    exchange.elsewhere(plan, _pool(exchange, plan))
    return True
