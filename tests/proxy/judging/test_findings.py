"""Differences grouped for people, and the last pairs of answers: bounded, and each told to the ledger once."""

from __future__ import annotations

from proxy.compare.values import Difference, Kind, Reply
from proxy.findings import EXAMPLES, GROUPS, PAIRS, PAIRS_BYTES, Findings

COST = Difference("json:$.cost", Kind.VALUE, "99.9", "99.99")
LABEL = Difference("css:label", Kind.VALUE, "text of 5", "text of 6", ("Phone", "Mobile"))


def test_differences_of_one_place_are_one_group() -> None:
    findings = Findings()
    for number in range(7):
        findings.add("repairs", "/repairs/*", (COST,), f"GET /repairs/{number}", 100.0 + number)
    findings.add("repairs", "/repairs/*", (COST, LABEL), "GET /repairs/9", 200.0)
    findings.add("rates", "/rates", (COST,), "GET /rates", 150.0)
    cost, rates, label = findings.of()
    assert (cost.slice, cost.pattern, cost.path, cost.kind) == ("repairs", "/repairs/*", "json:$.cost", "value")
    assert (cost.count, cost.first, cost.last) == (8, 100.0, 200.0)
    assert cost.examples[:2] == ("GET /repairs/9", "GET /repairs/6")
    assert len(cost.examples) == EXAMPLES
    assert (cost.control, cost.candidate, cost.values) == ("99.9", "99.99", None)
    assert label.values == ("Phone", "Mobile")
    assert findings.of("rates") == (rates,)


def test_what_is_new_is_drained_once_and_comes_again_if_it_could_not_be_kept() -> None:
    findings = Findings()
    findings.add("repairs", "/repairs/*", (COST,), "GET /repairs/1", 1.0)
    findings.add("repairs", "/repairs/*", (COST,), "GET /repairs/2", 2.0)
    (first,) = findings.drain()
    assert first.count == 2
    assert findings.drain() == ()
    findings.add("repairs", "/repairs/*", (COST,), "GET /repairs/3", 3.0)
    findings.returned((first,))
    (again,) = findings.drain()
    assert (again.count, again.first, again.last) == (3, 1.0, 3.0)
    assert findings.of()[0].count == 3


def test_groups_are_bounded_and_what_still_happens_stays() -> None:
    findings = Findings()
    for number in range(GROUPS + 50):
        findings.add("a", "/*", (Difference(f"json:$.{number}", Kind.VALUE, "9", "9"), COST), "GET /", float(number))
    assert len(findings.of()) == GROUPS
    assert findings.of()[0].count == GROUPS + 50
    assert len(findings.drain()) == GROUPS


def test_the_last_pairs_are_shown_latest_first_within_their_bounds() -> None:
    findings = Findings()
    small = Reply(200, ((b"a", b"b"),), b"x")
    for number in range(PAIRS + 10):
        findings.show("repairs", "/repairs/*", (COST,), f"GET /{number}", (small, small), float(number))
    shown = findings.pairs("repairs")
    assert len(shown) == PAIRS
    assert shown[0].example == f"GET /{PAIRS + 9}"
    assert findings.pair(shown[0].number) == shown[0]
    assert findings.pair(1) is None
    large = Reply(200, (), bytes(PAIRS_BYTES // 5))
    for _ in range(10):
        findings.show("rates", "/rates", (COST,), "GET /rates", (large, large), 0.0)
    assert sum(pair.size for pair in findings.pairs()) <= PAIRS_BYTES
    assert findings.pairs("repairs") == ()
    assert len(findings.pairs("rates")) == 2


def test_a_pair_that_waits_is_shown_to_nobody_until_it_is_judged() -> None:
    findings, small = Findings(), Reply(200, (), b"x")
    first, second = (
        findings.show("repairs", "/repairs/*", (COST, LABEL), f"GET /{at}", (small, small), 1.0, waits=True)
        for at in range(2)
    )
    assert first is not None
    assert findings.pairs() == ()
    assert findings.pair(first) is None
    findings.judged(first, (COST,))
    findings.judged(second, ())
    (pair,) = findings.pairs("repairs")
    assert (pair.number, pair.differences) == (first, (COST,))
    assert findings.pair(first) == pair
    for _ in range(PAIRS):
        findings.show("rates", "/rates", (COST,), "GET /rates", (small, small), 2.0)
    findings.judged(first, (COST,))  # it has gone
    assert findings.pairs("repairs") == ()
    assert len(findings.pairs()) == PAIRS
