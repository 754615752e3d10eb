"""Stages changed by an edit of routes.yaml, and by no command: noticed, and recorded as commands record theirs.

What is served is compared with what data/changes.jsonl says of each slice last. So nothing is recorded twice, and what
was edited while nothing ran is recorded at the next start.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from proxy.holds import Change, Holds, note_change, read_change
from proxy.model import RoutesSpec
from proxy.stages import LEGACY, effective

# Seconds after a new file for whoever edited it by a command to record that.
SETTLE_SECONDS = 5.0
WHY = "edited"

Stages = Mapping[str, str]


def stages_of(spec: RoutesSpec, holds: Holds) -> Stages:
    """Where each slice is, whether everything is bypassed or not."""
    return {name: str(effective(each.stage, holds.held_at(name))) for name, each in spec.slices.items()}


def last_recorded(home: Path) -> Stages:
    """By slice, the stage that the last line of it says. Raises OSError."""
    path, found = home / "data" / "changes.jsonl", {}
    with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
        found.update({change.slice: change.after for change in map(read_change, file) if change})
    found.pop("*", None)
    return found


def unrecorded(before: Stages, now: Stages, file: str, when: str) -> list[Change]:
    """What nobody said. A slice that comes was legacy's until then, and what it had is legacy's again when it goes."""
    legacy = str(LEGACY)
    changed = ((name, before.get(name, legacy), now.get(name, legacy)) for name in sorted({*before, *now}))
    return [Change(name, old, new, "edit", file, when, WHY) for name, old, new in changed if old != new]


class Edits:
    """Of one file. `now`: where slices are by what is served; `say`: a line for the log."""

    def __init__(self, home: Path, file: str, now: Callable[[], Stages], say: Callable[[str], None]) -> None:
        self._home = home
        self._file = file
        self._now = now
        self._say = say
        self._known: Stages | None = None  # as of the last look
        self._when = ""  # the file came that is to be looked at; empty for none
        self._news = asyncio.Event()

    def served(self) -> None:
        """A file is served by."""
        self._when = datetime.now(UTC).isoformat(timespec="seconds")
        self._news.set()

    def held(self) -> None:
        """A hold has changed, which who changed it records in a moment."""
        if self._when:
            self._news.set()

    async def follow(self, is_ours: Callable[[], bool]) -> None:
        """Record what was edited, until cancelled; `is_ours`: whether it is still us who serves."""
        while True:
            await self._news.wait()
            while self._news.is_set():
                self._news.clear()
                await asyncio.sleep(SETTLE_SECONDS)
            if is_ours():
                await self._look()

    async def _look(self) -> None:
        now, when, self._when = self._now(), self._when, ""
        try:
            before = {**(self._known or now), **await asyncio.to_thread(last_recorded, self._home)}
            for change in unrecorded(before, now, self._file, when):
                await asyncio.to_thread(note_change, self._home, change)
            self._known = now
        except OSError as error:
            self._say(f"data/changes.jsonl: what was edited cannot be recorded: {error.strerror}; it is tried again")
            self._when = self._when or when
            self._news.set()
