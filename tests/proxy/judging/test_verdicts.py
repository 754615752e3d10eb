"""Counts of verdicts: the keeper's own cells in the shared map, summed by slice."""

from __future__ import annotations

from proxy.compare.values import Unjudged, Verdict
from proxy.copies import Cause
from proxy.counters import MAX_SERIES, VERDICT_CELLS, Counters
from proxy.sums import drop_sums, verdict_sums, waiting
from proxy.verdicts import Verdicts, told


def test_verdicts_are_counted_by_route_and_summed_by_slice() -> None:
    counters = Counters.create(2)
    one, two, other = (Verdicts(counters.judged(series)) for series in (4, 6, 8))
    one.reached(Verdict.MATCHED)
    one.reached(Verdict.MATCHED)
    one.reached(Verdict.IGNORED)
    one.reread()
    two.reached(Verdict.MISMATCHED)
    two.unjudged(Unjudged.LIMIT)
    other.reached(Verdict.MISMATCHED)
    said = told(verdict_sums(counters.fd, [(4, 8)]))
    assert said.judged == {"matched": 2, "mismatched": 1, "ignored": 1}
    assert said.second_reads == 1
    assert {cause: count for cause, count in said.unjudged.items() if count} == {"limit": 1}
    assert set(said.unjudged) == {str(cause) for cause in Unjudged}
    assert said.as_json()["judged"] == 4


def test_what_waits_is_unjudged_until_it_is_judged_and_when_its_keeper_dies() -> None:
    counters = Counters.create(1)
    verdicts = Verdicts(counters.judged(4))
    verdicts.waits(Unjudged.LEARNING, 1)
    verdicts.waits(Unjudged.LEARNING, 1)
    verdicts.waits(Unjudged.STALE, 1)
    verdicts.waits(Unjudged.LEARNING, -1)

    def learning() -> tuple[object, int]:
        said = told(verdict_sums(counters.fd, [(4, 6)]))
        causes = said.as_json()["causes"]
        assert isinstance(causes, dict)
        return causes["learning"], said.waiting["learning"]

    assert waiting(counters.fd) == [4]
    assert learning() == (1, 1)
    Verdicts(counters.judged(4)).let_go()  # by the next keeper
    assert learning() == (1, 0)
    assert waiting(counters.fd) == []
    verdicts.waits(Unjudged.LEARNING, -1)  # by the one before, which is not gone yet
    assert learning() == (1, 0)


def test_the_cells_hold_every_cause_and_the_last_pair_of_series() -> None:
    counters = Counters.create(1)
    verdicts = Verdicts(counters.judged(MAX_SERIES - 2))
    for cause in Unjudged:
        verdicts.unjudged(cause)
    assert len(verdicts.cells) == VERDICT_CELLS
    assert counters.gauge(0, 0) == 0, "what follows is the workers'"
    assert told(verdict_sums(counters.fd, [(MAX_SERIES - 2, MAX_SERIES)])).unjudged == dict.fromkeys(
        map(str, Unjudged), 1
    )


def test_what_never_reached_the_keeper_is_counted_by_the_workers() -> None:
    counters = Counters.create(2)
    for worker, cause in ((0, 0), (1, 0), (1, 2)):
        counters.writer(worker).count_drop(6, cause)
    dropped = drop_sums(counters.fd, 2, [(4, 8)])
    assert dropped == [2, 0, 1, 0]
    unjudged = told(verdict_sums(counters.fd, [(4, 8)]), dropped).unjudged
    assert (unjudged["full"], unjudged["large"], unjudged["cut"]) == (2, 0, 1)
    assert [cause.name for cause in Cause] == ["FULL", "LARGE", "CUT"]
    assert drop_sums(counters.fd, 2, [(4, 6)]) == [0, 0, 0, 0]
