"""Mismatches that may be a dataset's age wait for its next commit; commits are seen in the log of the lake."""

from __future__ import annotations

from pathlib import Path

from proxy.claims import Claim, Pattern, Route
from proxy.commits import newest
from proxy.compare.values import Reply
from proxy.doubts import DOUBTS, DOUBTS_BYTES, PATIENCE, SETTLE, Doubt, Doubts
from proxy.exchanged import Exchanged
from proxy.stages import SHADOW
from tests.notation.lake_bench import Bench


def doubt(at: float = 0.0, size: int = 10, **seen: int) -> Doubt:
    route = Route("repairs", SHADOW, "repairs", "legacy", False)
    claim = Claim(Pattern.parse("/repairs/*"), None, route, "", 4)
    reply = Reply(200, (), bytes(size))
    exchanged = Exchanged(claim, route, "legacy", b"GET / HTTP/1.1\r\n\r\n", b"", b"http", "192.0.2.1", b"", reply, 1)
    return Doubt(exchanged, reply, seen, at)


def test_it_is_asked_again_once_every_dataset_has_a_newer_commit_that_has_settled() -> None:
    doubts = Doubts()
    held = doubt(jobs=3, homes=-1)
    assert doubts.hold(held)
    assert doubts.datasets == {"jobs", "homes"}
    assert doubts.due({"jobs": 3, "homes": -1}, 5.0) == ([], [])
    assert doubts.due({"jobs": 4, "homes": -1}, 50.0) == ([], [])
    assert doubts.due({"jobs": 4, "homes": 0}, 100.0) == ([], [])  # the service may not have read it yet
    assert doubts.due({"jobs": 4, "homes": 0}, 100.0 + SETTLE) == ([held], [])
    assert doubts.due({"jobs": 4, "homes": 0}, 200.0) == ([], [])
    assert len(doubts) == 0


def test_one_that_waited_too_long_is_given_up() -> None:
    doubts = Doubts()
    held = doubt(at=10.0, jobs=3)
    doubts.hold(held)
    assert doubts.due({"jobs": 3}, 10.0 + PATIENCE) == ([], [])
    assert doubts.due({"jobs": 3}, 11.0 + PATIENCE) == ([], [held])


def test_what_is_held_is_bounded() -> None:
    doubts = Doubts()
    assert [doubts.hold(doubt(jobs=1)) for _ in range(DOUBTS + 1)] == [True] * DOUBTS + [False]
    doubts = Doubts()
    assert doubts.hold(doubt(size=DOUBTS_BYTES // 2, jobs=1))
    assert not doubts.hold(doubt(size=DOUBTS_BYTES // 2, jobs=1))
    doubts.due({"jobs": 2}, 0.0)
    doubts.due({"jobs": 2}, SETTLE)
    assert doubts.hold(doubt(size=DOUBTS_BYTES // 2, jobs=1)), "what was let go makes room"


def test_a_commit_of_the_lake_is_seen(tmp_path: Path) -> None:
    assert newest(tmp_path, ["jobs"]) == {"jobs": -1}
    bench = Bench(tmp_path)
    bench.run([1, 2], removes=None)
    assert newest(bench.home, ["jobs", "homes"]) == {"jobs": 0, "homes": -1}
    bench.run([3])
    assert newest(bench.home, ["jobs"]) == {"jobs": 1}
