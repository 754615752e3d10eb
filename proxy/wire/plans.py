"""Plans that were made before: most requests look like one that came, and their plan is the same.

It is, as far as nothing decided but the method, the host, the target, whether there is a body, and on which side of a
canary the visitor is. A plan for which anything else of the head was looked at (a field, a cookie) is for that request
alone, and is made anew each time.
"""

import os
from collections.abc import Mapping

from proxy.cookies import WROTE
from proxy.plan import Answer, Forward, Rules, make_plan
from proxy.visitors import ID_BYTES, Visit, Visiting, visit_of
from proxy.wire.heads import AskedByHead, RequestHead

Key = tuple[bytes, bytes, bytes, bool]

# Kept at once, a megabyte a worker at most: more than the pages, pictures and scripts that a site is mostly asked for.
KNOWN = 1000
# Bytes of a host and a target of which a plan is kept: a longer target is hardly asked for twice.
LONGEST = 512


class Visitors:
    """What is known of visitors beside their requests. `newcomer`: the id of the next who has none.

    `as_of`: by slice, the second up to which its datasets know what legacy knows.
    """

    __slots__ = ("as_of", "newcomer")

    def __init__(self) -> None:
        self.as_of: Mapping[bytes, int] = {}
        self.draw()

    def draw(self) -> None:
        """The id at hand is given to somebody."""
        self.newcomer = os.urandom(ID_BYTES).hex().encode()


class _Sides:
    """The plans for one key whose visitors a canary tells apart: `plans` by `_side_of`, each once it was made."""

    __slots__ = ("plans", "visiting", "writes")

    def __init__(self, visiting: Visiting, *, writes: bool) -> None:
        self.visiting = visiting
        self.writes = writes
        self.plans: dict[tuple[bool, bool], Forward] = {}


def _side_of(visit: Visit) -> tuple[bool, bool]:
    """What of a visit decides about a plan."""
    return visit.stays, visit.is_outside


class Plans:
    """By one generation's rules. All of them are forgotten when there are too many: what is often asked is soon back.

    A plan that is found costs 0.2 us in place of 2; one that is not, 0.2 us more (measured). Where a canary tells
    visitors apart, one that is found costs 4 us in place of 9.
    """

    __slots__ = ("_known", "_rules", "_sides", "_unless", "_visitors")

    def __init__(self, rules: Rules, visitors: Visitors) -> None:
        self._rules = rules
        self._visitors = visitors
        self._known: dict[Key, Forward | Answer] = {}
        # Plans for those alone who do not have a certain cookie.
        self._unless: dict[Key, tuple[bytes, Forward]] = {}
        # Plans of a canary, whose visit is of somebody before.
        self._sides: dict[Key, _Sides] = {}

    def plan(self, request: RequestHead) -> Forward | Answer:
        """The plan for one request, as `make_plan` makes it. Nobody changes it: others may be given the same."""
        key = (request.method, request.host_name, request.target, request.has_body)
        plan = self._known.get(key)
        if plan is None or request.overrides:
            return self._found(key, request) or self._made(key, request)
        return plan

    def _found(self, key: Key, request: RequestHead) -> Forward | None:
        if request.overrides:
            return None
        sides = self._sides.get(key)
        if sides is not None:
            return self._visited(sides, request)
        cookie, plan = self._unless.get(key, (b"", None))
        return None if plan is None or cookie in request.lines else plan

    def _visited(self, sides: _Sides, request: RequestHead) -> Forward | None:
        visitors = self._visitors
        visit = visit_of(request.lines, sides.visiting, visitors.newcomer, visitors.as_of, writes=sides.writes)
        assert visit is not None  # there is one for each request of a canary
        plan = sides.plans.get(_side_of(visit))
        if plan is None:
            return None
        if visit.newcomer is not None:
            visitors.draw()
        # Not by `replace`, which takes four times as long.
        return Forward(plan.backend, plan.target, plan.series, plan.reason, plan.claim, None, plan.shadowing, visit)

    def _made(self, key: Key, request: RequestHead) -> Forward | Answer:
        asked, visitors = AskedByHead(request), self._visitors
        plan = make_plan(asked, self._rules, visitors.newcomer, visitors.as_of)
        visit = plan.visit if isinstance(plan, Forward) else None
        if visit is not None and visit.newcomer is not None:
            visitors.draw()
        if asked.looked_on or request.overrides or len(request.target) + len(request.host_name) > LONGEST:
            return plan
        self._keep(key, plan, visit)
        return plan

    def _keep(self, key: Key, plan: Forward | Answer, visit: Visit | None) -> None:
        if len(self._known) + len(self._unless) + len(self._sides) >= KNOWN:
            for kept in (self._known, self._unless, self._sides):
                kept.clear()
        visiting = plan.claim.visiting if plan.claim is not None else None
        if visiting is None or isinstance(plan, Answer):
            self._known[key] = plan
        elif visit is None:
            self._unless[key] = WROTE + visiting.slice, plan
        elif visiting.share is not None:
            sides = self._sides.setdefault(key, _Sides(visiting, writes=visit.writes))
            sides.plans[_side_of(visit)] = plan
