"""The judge before real backends and a real jury: legacy's noise is learned, stale data wait, counts add up."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from proxy.asking import Asking
from proxy.claims import Claim, Pattern, Route, Shadowing
from proxy.commits import newest
from proxy.compare.values import USUAL, Comparing, Reply
from proxy.copies import Outcome
from proxy.counters import Counters
from proxy.exchanged import Exchanged, Failure
from proxy.findings import Findings
from proxy.generation import Backend, Generation, Server
from proxy.judge import Judge
from proxy.jury import Jury
from proxy.noise import RARELY, ROUNDS
from proxy.pacing import Pacer
from proxy.paths import PathRules
from proxy.plan import Rules
from proxy.stages import LIVE, SHADOW, Stage
from proxy.sums import verdict_sums
from proxy.table import Table
from proxy.verdicts import Told, told

SERIES = 4
# Seconds between two second reads: the real second is for a monolith, not for a test.
GAP = 0.02

Answer = Callable[[], bytes]


def page(text: str) -> bytes:
    """JSON that says `text`."""
    body = b'{"text": "%b"}' % text.encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


def changing(letters: str = "abcdefgh") -> Answer:
    """Another text each time."""
    numbers = itertools.count()
    return lambda: page(letters[next(numbers) % len(letters)])


@dataclass
class Side:
    """One backend: what it answers, and the heads of what it was asked."""

    answer: Answer
    heads: list[bytes] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                self.heads.append(await reader.readuntil(b"\r\n\r\n"))
                answer = self.answer()
                if not answer:
                    break
                writer.write(answer)
        writer.transport.abort()

    def reply(self) -> Reply:
        """As a citizen got it."""
        head, _, body = self.answer().partition(b"\r\n\r\n")
        first, *lines = head.split(b"\r\n")
        fields = [line.partition(b": ") for line in lines]
        return Reply(int(first[9:12]), tuple((name.lower(), value) for name, _, value in fields), body)


class Scene:
    def __init__(self, judge: Judge, asking: Asking, counters: Counters, route: Route, old: Side, new: Side) -> None:
        self.judge, self.asking, self.counters = judge, asking, counters
        self.old, self.new = old, new
        self.claim = Claim(Pattern.parse("/repairs/*"), None, route, "", SERIES)

    async def exchange(self, target: str = "/repairs/1", fields: str = "") -> None:
        """A citizen was answered, and the other side is asked."""
        route = self.claim.leads_to
        assert isinstance(route, Route)
        head = f"GET {target} HTTP/1.1\r\nHost: www.anytown.gov.uk\r\n{fields}\r\n".encode()
        live = route.stage == LIVE
        reply = (self.new if live else self.old).reply()
        answered_by, other = ("slice", "legacy") if live else ("legacy", "slice")
        exchanged = Exchanged(
            self.claim, route, answered_by, head, b"", b"http", "192.0.2.1", b"X-Request-Id: 1\r\n", reply, 100
        )  # type: ignore[arg-type]
        again = await self.judge.begins(exchanged)
        answer = await self.asking.ask(exchanged, other)  # type: ignore[arg-type]
        assert answer is not None
        self.judge.answered(exchanged, answer, again=again)

    def told(self) -> Told:
        return told(verdict_sums(self.counters.fd, [(SERIES, SERIES + 2)]))

    def counts(self) -> dict[str, int]:
        """What came of the exchanges, but for what there is none of."""
        said = self.told()
        waiting = {f"waits {cause}": count for cause, count in said.waiting.items()}
        return {name: count for name, count in {**said.judged, **said.unjudged, **waiting}.items() if count}

    async def until(self, **wanted: int) -> None:
        async with asyncio.timeout(60):
            while self.counts() != {name.replace("_", " "): count for name, count in wanted.items()}:
                await asyncio.sleep(0.01)  # what is waited for happens in other processes

    async def until_read_again(self, reads: int) -> None:
        async with asyncio.timeout(60):
            while self.judge._patterns.of(SERIES).reads < reads:
                await asyncio.sleep(0.01)  # as above


@contextlib.asynccontextmanager
async def a_scene(
    old: Answer,
    new: Answer,
    *,
    stage: Stage = SHADOW,
    comparing: Comparing = USUAL,
    repeatable: bool = False,
    home: Path = Path(),
    datasets: tuple[str, ...] = (),
    counters: Counters | None = None,
) -> AsyncIterator[Scene]:
    counters = counters or Counters.create(1)
    sides = Side(old), Side(new)
    shadowing = Shadowing(1.0, frozenset((b"GET",)), 100_000, reverse=True)
    route = Route(
        "repairs", stage, "new", "old", False, None, None, shadowing, comparing, repeatable, datasets=datasets
    )
    async with contextlib.AsyncExitStack() as stack:
        backends = {}
        for number, (name, side) in enumerate(zip(("old", "new"), sides, strict=True)):
            server = await asyncio.start_server(side.serve, "127.0.0.1", 0)
            await stack.enter_async_context(server)
            at = Server("127.0.0.1", server.sockets[0].getsockname()[1], number)
            backends[name] = Backend(name, (at,), name.encode(), 1.0, 2.0, 2.0, cookies=None, number=number)
        asking = await stack.enter_async_context(Asking())
        asking.take_in(Generation(1, Rules(Table(), None, frozenset(), PathRules()), backends))
        asking._pacers["old"] = Pacer(GAP)  # see GAP
        jury = await stack.enter_async_context(Jury(1))
        judge = await stack.enter_async_context(
            Judge(counters, asking, jury, Findings(), lambda names: newest(home, names), dice=lambda: 0.4)
        )
        yield Scene(judge, asking, counters, route, *sides)


@pytest.fixture(autouse=True)
def _sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.rereading.TURN_SECONDS", 0.01)
    monkeypatch.setattr("proxy.rereading.GAP", GAP)
    monkeypatch.setattr("proxy.judge.LOOK_SECONDS", 0.02)
    monkeypatch.setattr("proxy.confirming.LOOK_SECONDS", 0.02)


def test_equal_answers_match_and_what_is_ignored_is_said_to_be() -> None:
    async def main() -> None:
        async with a_scene(lambda: page("a"), lambda: page("a")) as scene:
            await scene.exchange()
            await scene.until(matched=1)
        ignoring = replace(USUAL, ignore=("json:$.text",))
        async with a_scene(lambda: page("a"), lambda: page("b"), comparing=ignoring) as scene:
            await scene.exchange()
            await scene.until(ignored=1)

    asyncio.run(main())


def test_a_mismatch_waits_for_five_second_reads_and_counts_then() -> None:
    async def main() -> None:
        async with a_scene(lambda: page("a"), lambda: page("b")) as scene:
            for done in range(1, 5):
                await scene.exchange()
                await scene.until(waits_learning=done)
                await scene.until_read_again(done)
            assert scene.judge.findings.of() == ()
            await scene.exchange()
            await scene.until(mismatched=5)
            (finding,) = scene.judge.findings.of("repairs")
            assert (finding.pattern, finding.path, finding.kind) == ("/repairs/*", "json:$.text", "value")
            assert (finding.count, finding.examples) == (5, ("GET /repairs/1",))
            reads = 5 + ROUNDS  # and as often as it takes to see that it persists
            assert scene.told().second_reads == reads
            assert len(scene.old.heads) == reads
            assert all(b"Fig-Shadow: 1" in head for head in scene.old.heads)

    asyncio.run(main())


def test_what_legacy_does_not_agree_with_itself_about_is_ignored() -> None:
    async def main() -> None:
        async with a_scene(changing(), changing("ABCDEF")) as scene:
            for done in range(1, 6):
                await scene.exchange()
                await scene.until_read_again(done)
            await scene.exchange()
            await scene.until(ignored=6)
            assert scene.judge.findings.of() == ()

    asyncio.run(main())


@pytest.mark.parametrize("session", ["Cookie: JSESSIONID=1\r\n", "Authorization: Basic YTpi\r\n"])
def test_legacy_is_never_asked_again_with_a_session_and_its_routes_do_not_wait_for_ever(session: str) -> None:
    async def main() -> None:
        async with a_scene(lambda: page("a"), lambda: page("b")) as scene:
            for _ in range(RARELY - 1):
                await scene.exchange(fields=session)
            await scene.until(waits_learning=RARELY - 1)
            assert scene.told().routes_untaught == 0
            await scene.exchange(fields=session)
            await scene.until(mismatched=RARELY)
            assert scene.told().routes_untaught == 1
            assert scene.old.heads == []

    asyncio.run(main())


def test_on_a_repeatable_route_it_is() -> None:
    async def main() -> None:
        async with a_scene(lambda: page("a"), lambda: page("a"), repeatable=True) as scene:
            await scene.exchange(fields="Cookie: JSESSIONID=1\r\n")
            await scene.until_read_again(1)
            assert b"Cookie: JSESSIONID=1" in scene.old.heads[0]

    asyncio.run(main())


def test_second_reads_come_one_at_a_time_and_paced() -> None:
    async def main() -> None:
        loop, times = asyncio.get_running_loop(), []

        def slow() -> bytes:
            times.append(loop.time())
            return page("a")

        async with a_scene(slow, lambda: page("a")) as scene:
            scene.asking._pacers["old"] = Pacer(0.1)  # see GAP
            times.clear()
            replies = len(times)
            await asyncio.gather(*(scene.exchange(f"/repairs/{number}") for number in range(12)))
            await scene.until_read_again(5)
            assert len(scene.old.heads) >= 5
            # Each exchange asks `slow` once itself, at the beginning; the others are second reads.
            asked = times[replies + 12 :]
            assert all(later - earlier > 0.09 for earlier, later in itertools.pairwise(asked))

    asyncio.run(main())


CANDIDATES = [  # what the candidate does, what comes of it
    ("answers nothing", lambda: b"", "no answer", {"waits learning": 1}),
    ("answers garbage", lambda: b"\x00\x01garbage\r\n\r\n", "no answer", {"waits learning": 1}),
    ("answers 500", lambda: b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", "status", {"waits learning": 1}),
    ("answers too much", lambda: page("b" * 200_000), "", {"large": 1}),
]


@pytest.mark.parametrize(("new", "kind", "counts"), [c[1:] for c in CANDIDATES], ids=[c[0] for c in CANDIDATES])
def test_a_candidate_that_fails_is_a_mismatch_and_one_that_says_too_much_is_not_judged(
    new: Answer, kind: str, counts: Mapping[str, int]
) -> None:
    async def main() -> None:
        async with a_scene(lambda: page("a"), new) as scene:
            await scene.exchange()
            await scene.until(**{name.replace(" ", "_"): count for name, count in counts.items()})
            if kind:
                for _ in range(4):
                    await scene.exchange()
                await scene.until(mismatched=5)
                assert [each.kind for each in scene.judge.findings.of()] == [kind]

    asyncio.run(main())


def test_at_live_the_answers_are_still_told_from_legacys_side() -> None:
    async def main() -> None:
        async with a_scene(lambda: page("long ago"), lambda: page("now"), stage=LIVE, repeatable=True) as scene:
            for _ in range(5):
                await scene.exchange()
            await scene.until(mismatched=5)
            (finding,) = scene.judge.findings.of()
            assert (finding.control, finding.candidate) == ("text of 8", "text of 3")

    asyncio.run(main())


def test_a_mismatch_that_the_next_commit_explains_is_stale_and_one_that_persists_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.doubts.SETTLE", 0.05)
    log = tmp_path / "data" / "lake" / "jobs" / "_delta_log"
    log.mkdir(parents=True)
    (log / f"{0:020}.json").touch()
    data = {"new": "old data"}

    async def main() -> None:
        async with a_scene(
            lambda: page("new data"), lambda: page(data["new"]), home=tmp_path, datasets=("jobs",)
        ) as scene:
            for _ in range(2):
                await scene.exchange()
            await scene.until(waits_stale=2)
            data["new"] = "new data"
            (log / f"{1:020}.json").touch()
            await scene.until(stale=2)
            for _ in range(6):
                await scene.exchange()
            await scene.until(stale=2, matched=6)
            data["new"] = "wrong data"
            await scene.exchange()
            await scene.until(stale=2, matched=6, waits_stale=1)
            (log / f"{2:020}.json").touch()
            await scene.until_read_again(5)
            await scene.until(stale=2, matched=6, mismatched=1)

    asyncio.run(main())


def test_what_never_came_to_be_judged_is_counted_by_cause_and_a_keepers_end_loses_no_count() -> None:
    async def main() -> None:
        counters = Counters.create(1)
        async with a_scene(lambda: page("a"), lambda: page("b"), counters=counters) as scene:
            await scene.exchange(fields="Cookie: JSESSIONID=1\r\n")
            for outcome in Outcome:
                scene.judge.missed(SERIES, outcome)
            await scene.until(busy=1, lost=1, withheld=1, paced=1, waits_learning=1)
        async with a_scene(lambda: page("a"), lambda: page("a"), counters=counters) as scene:
            await scene.until(busy=1, lost=1, withheld=1, paced=1, learning=1)
            await scene.exchange()
            await scene.until(busy=1, lost=1, withheld=1, paced=1, learning=1, matched=1)

    asyncio.run(main())


def test_both_answers_can_be_looked_at_side_by_side() -> None:
    async def main() -> None:
        async with a_scene(lambda: page("a"), lambda: page("b")) as scene:
            for _ in range(6):
                await scene.exchange("/repairs/7?name=Ada")
            await scene.until(mismatched=6)
            await scene.exchange("/repairs/7?name=Ada")
            await scene.until(mismatched=7)
            pair, *_ = scene.judge.findings.pairs("repairs")
            assert [json.loads(each.body) for each in (pair.control, pair.candidate)] == [{"text": "a"}, {"text": "b"}]
            assert pair.example == "GET /repairs/7"
            assert [each.path for each in pair.differences] == ["json:$.text"]

    asyncio.run(main())


def test_a_pair_that_waited_is_shown_when_it_counts() -> None:
    async def main() -> None:
        async with a_scene(lambda: page("a"), lambda: page("b")) as scene:
            await scene.exchange("/repairs/7?name=Ada")
            await scene.until(waits_learning=1)
            assert scene.judge.findings.pairs() == ()
            for _ in range(4):
                await scene.exchange("/repairs/8")
            await scene.until(mismatched=5)
            pairs = scene.judge.findings.pairs("repairs")
            assert len(pairs) == 5
            assert pairs[-1].example == "GET /repairs/7"
            assert [json.loads(each.body) for each in (pairs[-1].control, pairs[-1].candidate)] == [
                {"text": "a"},
                {"text": "b"},
            ]
            assert [each.path for each in pairs[-1].differences] == ["json:$.text"]
        async with a_scene(changing(), changing("ABCDEF")) as scene:  # noise alone is shown to nobody
            for done in range(1, 6):
                await scene.exchange()
                await scene.until_read_again(done)
            await scene.until(ignored=5)
            assert scene.judge.findings.pairs() == ()

    asyncio.run(main())


def test_a_failure_of_legacy_as_the_side_asked_second_is_no_mismatch() -> None:
    async def main() -> None:
        async with a_scene(lambda: b"", lambda: page("a"), stage=LIVE) as scene:
            await scene.exchange()
            await scene.until(cut=1)
            assert Failure.FAILED.value == "failed"

    asyncio.run(main())
