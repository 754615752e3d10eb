"""From two answers to a verdict: who asks legacy again, has the jury compare, and counts what comes of it.

    async with Judge(counters, asking, jury, findings, commits) as judge: Shadows(…, judge)

Nothing here is waited for by a citizen. Whatever goes wrong with one exchange leaves it unjudged, and that is counted.
"""

import asyncio
import sys
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import replace
from random import random
from time import monotonic, time
from types import TracebackType

from proxy.asking import Asking
from proxy.compare.values import Reply, Unjudged, Verdict
from proxy.confirming import Confirming
from proxy.copies import Outcome
from proxy.counters import Counters
from proxy.doubts import Doubt, Doubts, Versions
from proxy.exchanged import Exchanged, Failure, sides
from proxy.findings import Findings
from proxy.heard import Compared, understood
from proxy.judging import Mismatch, Patterns, Reached, Waits, conclude, may_pass
from proxy.juror import Case
from proxy.jury import Jury
from proxy.noise import Learning
from proxy.rereading import Rereading
from proxy.sums import waiting
from proxy.verdicts import Verdicts

# Seconds between two looks at the lake, while a mismatch waits for a commit.
LOOK_SECONDS = 5.0
_MISSED = {
    Outcome.BUSY: Unjudged.BUSY,
    Outcome.LOST: Unjudged.LOST,
    Outcome.WITHHELD: Unjudged.WITHHELD,
    Outcome.PACED: Unjudged.PACED,
}

Commits = Callable[[Iterable[str]], Versions]


class Judge:
    """Judges as long as it is entered. `findings`: gets what counts; `dice`: of 0 to 1."""

    def __init__(
        self,
        counters: Counters,
        asking: Asking,
        jury: Jury,
        findings: Findings,
        commits: Commits,
        dice: Callable[[], float] = random,
    ) -> None:
        self.findings = findings
        self._counters = counters
        self._asking = asking
        self._jury = jury
        self._commits = commits
        self._dice = dice
        self._patterns = Patterns()
        self._doubts = Doubts()
        self._tasks: set[asyncio.Task[None]] = set()
        self._rereading = Rereading(asking, self._verdicts, self._learn, self._start, dice)
        self._confirming = Confirming(self._rereading, self._again, self._release)

    async def __aenter__(self) -> "Judge":
        for series in waiting(self._counters.fd):  # of a keeper before us
            self._verdicts(series).let_go()
        self._start(self._look_at_the_lake())
        self._start(self._confirming.run())
        return self

    async def __aexit__(self, _: type[BaseException] | None, __: object, ___: TracebackType | None) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # What the copies bring.

    async def begins(self, exchanged: Exchanged) -> bool:
        """Before the other side is asked. Whether legacy is to be asked again when it has been."""
        return await self._rereading.begins(exchanged, self._patterns.of(exchanged.claim.series))

    def answered(self, exchanged: Exchanged, answer: Reply | Failure, *, again: bool) -> None:
        """Both sides have been asked. `again`: what `begins` said."""
        self._start(self._judge(exchanged, answer, again=again))

    def missed(self, series: int, outcome: Outcome) -> None:
        """Nothing is known of an exchange of the sample. What a worker gave up, it counts itself."""
        if (unjudged := _MISSED.get(outcome)) is not None:
            self._verdicts(series).unjudged(unjudged)

    # A verdict.

    def _verdicts(self, series: int) -> Verdicts:
        return Verdicts(self._counters.judged(series))

    async def _judge(self, exchanged: Exchanged, answer: Reply | Failure, *, again: bool) -> None:
        try:
            unjudged = await self._try(exchanged, answer, again=again)
        except Exception as error:  # of one exchange; whatever it is, it must not look like a match
            print(f"keeper: judging failed: {error!r}", file=sys.stderr, flush=True)  # noqa: T201  # the log
            unjudged = Unjudged.FAILED
        if unjudged is not None:
            self._verdicts(exchanged.claim.series).unjudged(unjudged)

    async def _try(self, exchanged: Exchanged, answer: Reply | Failure, *, again: bool) -> Unjudged | None:
        """Why there is no verdict; None if there is one, or it waits."""
        control, candidate = sides(exchanged, answer)
        if Failure.LARGE in (control, candidate):
            return Unjudged.LARGE
        if isinstance(control, Failure):
            return Unjudged.CUT
        learning = self._patterns.of(exchanged.claim.series)
        if again:
            self._rereading.wish(exchanged, control, learning)
        compared = await self._compare(exchanged, control, candidate, shown=True)
        if isinstance(compared, Unjudged):
            return compared
        learning.compared(compared.differences)
        concluded = conclude(compared.differences, ignored=compared.ignored, learning=learning)
        self._verdicts(exchanged.claim.series).is_untaught(untaught=learning.cannot_learn)
        if _differs(concluded) and self._may_be_stale(exchanged, concluded):
            return self._doubt(exchanged, control)
        return self._conclude(exchanged, compared, learning)

    def _conclude(self, exchanged: Exchanged, compared: Compared, learning: Learning) -> Unjudged | None:
        series = exchanged.claim.series
        self._confirming.doubt(exchanged, compared.differences, learning)
        concluded = conclude(compared.differences, ignored=compared.ignored, learning=learning)
        mismatch = _mismatch(exchanged, compared.example, concluded)
        if isinstance(concluded, Reached):
            self._reached(self._shown(mismatch, compared) if concluded.counting else mismatch, concluded)
            if not learning.doubted:  # else when more is known
                self._release(series)
            return None
        if not self._patterns.has_room(series):
            return Unjudged.LEARNING
        self._patterns.wait(self._shown(mismatch, compared))
        self._verdicts(series).waits(Unjudged.LEARNING, 1)
        return None

    def _shown(self, mismatch: Mismatch, compared: Compared) -> Mismatch:
        """With both answers kept; to be looked at when it is judged, for only now are they here."""
        if compared.shown is None:
            return mismatch
        where, found = (mismatch.slice, mismatch.pattern), (mismatch.differences, mismatch.example)
        return replace(mismatch, pair=self.findings.show(*where, *found, compared.shown, mismatch.at, waits=True))

    def _reached(self, mismatch: Mismatch, reached: Reached) -> None:
        self._verdicts(mismatch.series).reached(reached.verdict)
        self.findings.judged(mismatch.pair, reached.counting)
        if reached.verdict is Verdict.MISMATCHED:
            where = mismatch.slice, mismatch.pattern
            self.findings.add(*where, reached.counting, mismatch.example, mismatch.at)

    def _release(self, series: int) -> None:
        """Judge what waited for more to be known of a pattern, if that has come."""
        for mismatch, reached in self._patterns.released(series):
            self._verdicts(series).waits(Unjudged.LEARNING, -1)
            self._reached(mismatch, reached)

    async def _compare(
        self, exchanged: Exchanged, control: Reply, candidate: Reply | Failure, *, shown: bool
    ) -> Compared | Unjudged:
        why = "none in time" if candidate is Failure.LATE else "none"
        reply = candidate if isinstance(candidate, Reply) else why
        heard = await self._jury.hear(Case(control, reply, exchanged.route.comparing, _example(exchanged), shown))
        if isinstance(heard, Unjudged):
            return heard
        try:
            return understood(heard)
        except ValueError:
            return Unjudged.FAILED

    async def _learn(self, exchanged: Exchanged, control: Reply, again: Reply, learning: Learning) -> None:
        """Legacy was asked the same twice."""
        compared = await self._compare(exchanged, control, again, shown=False)
        if isinstance(compared, Compared):
            learning.read_again(compared.differences)
            self._release(exchanged.claim.series)

    # Data that are not there yet.

    def _may_be_stale(self, exchanged: Exchanged, concluded: Reached | Waits) -> bool:
        return bool(exchanged.route.datasets) and all(map(may_pass, concluded.counting))

    def _doubt(self, exchanged: Exchanged, control: Reply) -> Unjudged | None:
        """It waits for the next commit of the slice's datasets."""
        seen = self._commits(exchanged.route.datasets)
        if not self._doubts.hold(Doubt(exchanged, control, seen, monotonic())):
            return Unjudged.STALE
        self._verdicts(exchanged.claim.series).waits(Unjudged.STALE, 1)
        return None

    async def _look_at_the_lake(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if not len(self._doubts):
                continue
            versions = await asyncio.to_thread(self._commits, self._doubts.datasets)
            ripe, late = self._doubts.due(versions, monotonic())
            for doubt in late:
                self._settle(doubt, Unjudged.STALE)
            for doubt in ripe:  # one after the other: nobody waits for them
                try:
                    self._settle(doubt, await self._ask_both(doubt))
                except Exception as error:  # as in _judge
                    print(f"keeper: judging failed: {error!r}", file=sys.stderr, flush=True)  # noqa: T201
                    self._settle(doubt, Unjudged.FAILED)

    def _settle(self, doubt: Doubt, unjudged: Unjudged | None) -> None:
        verdicts = self._verdicts(doubt.exchanged.claim.series)
        verdicts.waits(Unjudged.STALE, -1)
        if unjudged is not None:
            verdicts.unjudged(unjudged)

    async def _ask_both(self, doubt: Doubt) -> Unjudged | None:
        """Ask again, now that the data are newer; where legacy must not be asked again, its answer of then stands."""
        exchanged = doubt.exchanged
        compared = await self._again(exchanged, doubt.control)
        if compared is None or isinstance(compared, Unjudged):
            return compared or Unjudged.STALE
        learning = self._patterns.of(exchanged.claim.series)
        concluded = conclude(compared.differences, ignored=compared.ignored, learning=learning)
        return self._conclude(exchanged, compared, learning) if _differs(concluded) else Unjudged.STALE

    async def _again(self, exchanged: Exchanged, control: Reply | None = None) -> Compared | Unjudged | None:
        """Both sides' second answers, compared; None without them. `control`: legacy's, if it must not be asked."""
        if control is None or self._rereading.may(exchanged):
            second = await self._rereading.in_turn(exchanged)
            control = second if isinstance(second, Reply) else None
        if control is None:
            return None
        candidate = await self._asking.ask(exchanged, "slice")
        if candidate is None or candidate is Failure.LARGE:
            return None
        return await self._compare(exchanged, control, candidate, shown=True)


def _differs(concluded: Reached | Waits) -> bool:
    return isinstance(concluded, Waits) or concluded.verdict is Verdict.MISMATCHED


def _example(exchanged: Exchanged) -> str:
    """Method and path of a request: a query's values are nobody's business."""
    method, target, _ = exchanged.head.partition(b"\r\n")[0].split(b" ")
    return f"{method.decode('latin-1')} {target.partition(b'?')[0].decode('latin-1')}"


def _mismatch(exchanged: Exchanged, example: str, concluded: Reached | Waits) -> Mismatch:
    claim = exchanged.claim
    return Mismatch(claim.series, exchanged.route.slice, str(claim), example, concluded.counting, time())
