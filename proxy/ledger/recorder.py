"""The thread of the keeper that writes the ledger, about once a second. Whatever it meets disturbs nobody.

While it cannot write, what was counted stays in the shared map: nothing is lost, and it is written when it can be.
"""

import asyncio
import contextlib
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from time import monotonic, thread_time, time

from proxy.counters import Counters
from proxy.findings import Finding, Findings
from proxy.ledger.place import Place, place_of

SECONDS = 1.0
# Of the time of a processor, the share that writing may take: where 10,000 routes all count, it writes less often.
SHARE = 0.2
# Seconds between two attempts while it cannot be written: 1, 2, 4, then this.
LONGEST_PAUSE = 5.0
# Seconds for which a keeper that ends waits for the last of it.
LAST_SECONDS = 0.8
# The same where the supervisor is gone, and nobody waits for the keeper.
ORPHAN_SECONDS = 20.0
# Seconds for which the thread waits for the keeper's loop to hand findings over; else they come with the next.
LOOP_SECONDS = 0.5


class OnLoop:
    """Findings, which belong to an event loop, for another thread."""

    def __init__(self, findings: Findings, loop: asyncio.AbstractEventLoop) -> None:
        self._findings = findings
        self._loop = loop

    def drain(self) -> tuple[Finding, ...]:
        """What has come; nothing while the loop is too busy to say."""
        drained: Future[tuple[Finding, ...]] = Future()

        def hand_over() -> None:
            if drained.set_running_or_notify_cancel():
                drained.set_result(self._findings.drain())

        self._loop.call_soon_threadsafe(hand_over)
        try:
            return drained.result(LOOP_SECONDS)
        except TimeoutError:
            return () if drained.cancel() else drained.result()

    def returned(self, drained: Sequence[Finding]) -> None:
        """They come again."""
        self._loop.call_soon_threadsafe(self._findings.returned, drained)


class Recorder:
    """Begins to write when it is first told where. `say`: a line for the log; `trouble`: hears what is wrong, and None
    once it heals. Both are called from the thread.
    """

    def __init__(
        self,
        home: Path,
        counters: Counters,
        findings: OnLoop,
        say: Callable[[str], None],
        trouble: Callable[[str | None], None],
    ) -> None:
        self._home = home
        self._counters = counters
        self._findings = findings
        self._say = say
        self._tell = trouble
        self._names: dict[int, tuple[str, str]] = {}
        self._place: Place = place_of(home)
        self._trouble: str | None = None
        self._finished = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)  # a disk that hangs ends with us

    def take_in(self, url: str | None, names: Mapping[int, tuple[str, str]]) -> None:
        """Where the ledger is (`ledger:`), and what further series count for."""
        self._place = place_of(self._home, url)
        self._names = {**self._names, **names}
        if self._thread.ident is None:
            self._thread.start()

    def finish(self) -> None:
        """Write what is left, and end."""
        self._finished.set()

    async def wait(self, seconds: float) -> None:
        """For the end, but no longer than that."""
        if self._thread.ident is not None:
            await asyncio.to_thread(self._thread.join, seconds)

    def _run(self) -> None:
        """To the end: whatever stops the writing is said like any other trouble, and it is begun again."""
        pause = SECONDS
        while True:
            try:
                self._write()
            except Exception as error:  # also one of importing: a keeper goes on without its ledger, and says so
                text = f"{self._place.name}: {type(error).__name__}: {error}".splitlines()[0]
                self._hear(self._place.without_secret(text))
            else:
                return
            if self._finished.wait(pause):
                return
            pause = min(pause * 2, LONGEST_PAUSE)

    def _write(self) -> None:
        # Half a second of importing, which nothing else of the keeper waits for.
        from proxy.ledger.clerk import Clerk
        from proxy.ledger.writing import Succeeded

        clerk = Clerk(self._home, self._counters, secrets.token_hex(8), self._say, self._findings)
        with contextlib.closing(clerk):
            pause, is_last = 0.0, False
            while not is_last:
                is_last = self._finished.wait(pause)
                began, cpu = monotonic(), thread_time()
                try:
                    trouble = clerk.attempt(self._place, self._names, time())
                except Succeeded:
                    self._say("the ledger is written by another keeper from now on")
                    return
                if trouble is None:
                    pause = max(SECONDS - (monotonic() - began), (thread_time() - cpu) / SHARE, 0.0)
                else:
                    pause = min(max(pause * 2, SECONDS), LONGEST_PAUSE) if self._trouble else SECONDS
                self._hear(trouble)

    def _hear(self, trouble: str | None) -> None:
        if (trouble is None) != (self._trouble is None):
            self._say(
                "the ledger is written again, with what was counted meanwhile"
                if trouble is None
                else f"the ledger cannot be written: {trouble}; what is counted waits in memory"
            )
        if trouble != self._trouble:
            self._trouble = trouble
            self._tell(trouble)
