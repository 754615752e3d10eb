"""What has been seen, for the pages: hits over time and history from the ledger, differences and answers of the keeper.

The ledger is read on threads, and what it said serves everybody for a few seconds.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, time
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from proxy.admin import history
from proxy.admin.picture import Moment
from proxy.compare.suggest import quoted
from proxy.findings import Findings
from proxy.holds import Change

if TYPE_CHECKING:
    from proxy.ledger.reads import Grouped, Ledger

# Seconds for which an answer of the ledger serves: it is written once a second, and a picture moves by the minute.
FRESH_SECONDS = 5.0
# Answers that are kept: each slice's, for each span, of who looks at them.
KEPT = 100
# Seconds that differences are kept in the ledger, and shown.
DIFFERENCES_SECONDS = 7 * 86_400
# Groups of differences that are shown of a slice: more are not one problem but a slice that is not ready.
GROUPS_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Span:
    """How far a picture goes back: `steps` of the ledger's step. `label`: of a moment, as strftime has it."""

    said: str
    step: str
    seconds: int
    steps: int
    label: str


SPANS: Mapping[str, Span] = MappingProxyType(
    {
        "hour": Span("in the last hour", "minute", 60, 60, "%H:%M"),
        "day": Span("in the last day", "hour", 3600, 24, "%d %b %H:%M"),
        "month": Span("in the last 30 days", "day", 86_400, 30, "%d %b"),
    }
)
T = TypeVar("T")


class NotSeen(Exception):
    """The ledger cannot be read just now; the text says why."""


def ignore_line(path: str) -> str:
    """What to write under `compare:` so that what differs there does not count."""
    return f"ignore: [{quoted(path)}]"


class Seen:
    """`url`: where the ledger is, as the supervisor last said (`ledger:`)."""

    def __init__(self, home: Path, findings: Findings) -> None:
        self.findings = findings
        self.url: str | None = None
        self._home = home
        self._answers: OrderedDict[object, tuple[float, Any]] = OrderedDict()
        self._asking = asyncio.Lock()

    async def over_time(self, span: Span, name: str | None = None) -> Sequence[Moment]:
        """Hits by side, a moment for each step, also where nobody asked. Nothing where the ledger cannot be read."""
        now = time()
        since = int(now) // span.seconds * span.seconds - (span.steps - 1) * span.seconds
        try:
            found = await self._ask(
                ("over time", span, name, since), lambda ledger: ledger.over_time(span.step, since, now + 1, name)
            )
        except NotSeen:
            return ()
        hits = {(moment.at, moment.side): moment.hits.hits for moment in found}
        return [
            Moment(
                datetime.fromtimestamp(at, UTC).strftime(span.label),
                hits.get((at, "legacy"), 0),
                hits.get((at, "slice"), 0),
            )
            for at in range(since, since + span.steps * span.seconds, span.seconds)
        ]

    async def changes(self, name: str | None = None) -> Sequence[Change]:
        """Who moved what, the newest first: by the ledger, or by the file that it is written from."""
        return await asyncio.to_thread(history.read, self._home, name)

    async def differences(self, name: str) -> "Sequence[Grouped]":
        """How a slice's answers differed in the last days, the most frequent first. Raises NotSeen."""
        since = time() - DIFFERENCES_SECONDS
        return await self._ask(
            ("differences", name), lambda ledger: ledger.differences(name, since, limit=GROUPS_SHOWN)
        )

    async def problem(self) -> str | None:
        """Why the ledger cannot be read."""
        try:
            await self._ask("history", lambda ledger: ledger.history(limit=1))
        except NotSeen as error:
            return str(error)
        return None

    async def _ask(self, key: object, question: "Callable[[Ledger], T]") -> T:
        async with self._asking:  # one at a time: who comes meanwhile asks the same, mostly
            kept = self._answers.get(key)
            if kept is None or kept[0] < monotonic():
                answer = await asyncio.to_thread(self._read, question)
                kept = self._answers[key] = (monotonic() + FRESH_SECONDS, answer)
                self._answers.move_to_end(key)
                while len(self._answers) > KEPT:
                    self._answers.popitem(last=False)
            answered: T = kept[1]
            return answered

    def _read(self, question: "Callable[[Ledger], T]") -> T:
        # Half a second of importing, which nothing else of the keeper waits for.
        from proxy.ledger.reads import Ledger, Unreadable

        try:
            with Ledger.of(self._home, self.url) as ledger:
                return question(ledger)
        except Unreadable as error:
            raise NotSeen(str(error)) from None
