"""One attempt to write the ledger after the other: opened where that is due, written, kept small; faults are said.

A file that is past use is set aside and a new one begun; one that was renamed or removed is noticed, and begun again.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from time import monotonic
from typing import Protocol

from sqlalchemy import Connection, Engine

from proxy.counters import Counters
from proxy.findings import Finding
from proxy.ledger.differing import note_differences
from proxy.ledger.engines import drop_cache, writing
from proxy.ledger.place import Place
from proxy.ledger.schema import HOUR
from proxy.ledger.stage_changes import ChangesFile
from proxy.ledger.trouble import is_broken, put_aside, said
from proxy.ledger.upkeep import LATE, keep_up
from proxy.ledger.versions import bring_up
from proxy.ledger.writing import Names, Succeeded, Writer

# Seconds that may go into rolling up at once; then what was counted meanwhile is written.
UPKEEP_SECONDS = 0.25


class Found(Protocol):
    """Where findings come from, and go back to if they cannot be written."""

    def drain(self) -> Sequence[Finding]: ...

    def returned(self, drained: Sequence[Finding]) -> None: ...


class Clerk:
    """For one keeper. `name`: no other keeper has it; `log`: for what nobody shall miss."""

    def __init__(self, home: Path, counters: Counters, name: str, log: Callable[[str], None], found: Found) -> None:
        self._map = counters.identity
        self._log = log
        self._found = found
        self._writer = Writer(counters, name)
        self._changes = ChangesFile(home)
        self._engine: Engine | None = None
        self._place: Place | None = None
        self._inode = 0
        self._upkeep: Iterator[None] = iter(())
        self._hour = 0

    def attempt(self, place: Place, names: Names, now: float) -> str | None:
        """Write what there is, at `now`; what is wrong, or None. Raises Succeeded when another keeper writes it."""
        try:
            self._write(self._open(place), names, now)
        except Succeeded:
            self.close()
            raise
        except Exception as error:  # whatever it is, it disturbs nobody
            self.close()
            return self._mend(error, place, now)
        return None

    def close(self) -> None:
        """Let go of the ledger; the next attempt opens it."""
        if self._engine is not None:
            self._engine.dispose()
        self._engine = None
        self._upkeep, self._hour = iter(()), 0
        self._writer.forget()
        self._changes.forget()

    def _open(self, place: Place) -> Engine:
        if self._engine is not None and (place != self._place or _inode(place) != self._inode):
            self.close()
        if self._engine is None:
            engine = writing(place)
            try:
                bring_up(engine)
            except BaseException:
                engine.dispose()
                raise
            self._engine, self._place, self._inode = engine, place, _inode(place)
        return self._engine

    def _write(self, engine: Engine, names: Names, now: float) -> None:
        self._writer.names = names
        findings = self._found.drain()

        def more(connection: Connection) -> None:
            self._changes.note(connection)
            note_differences(connection, findings)

        try:
            self._writer.write(engine, now, more)
        except BaseException:
            self._found.returned(findings)
            raise
        self._changes.noted()
        self._keep_up(engine, now)
        drop_cache(engine)

    def _keep_up(self, engine: Engine, now: float) -> None:
        """Each hour, when what was counted in the one before is written; a piece at a time."""
        hour = int(now - LATE - 1) // HOUR
        if hour != self._hour:
            self._hour, self._upkeep = hour, keep_up(engine, now, self._map)
        until = monotonic() + UPKEEP_SECONDS
        for _ in self._upkeep:
            if monotonic() > until:
                return

    def _mend(self, error: Exception, place: Place, now: float) -> str:
        text = said(error, place)
        if place.file is None or not is_broken(error):
            return text
        try:
            aside = put_aside(place.file, now)
        except OSError as failed:
            return f"{text}; it cannot be set aside: {failed.strerror}"
        self._log(f"{text}; it is set aside as data/{aside.name}, and a new one is begun")
        return f"{text}; it is set aside as data/{aside.name}"


def _inode(place: Place) -> int:
    """Which file has its name; 0 for none. Raises OSError."""
    if place.file is None:
        return 0
    try:
        return place.file.stat().st_ino
    except FileNotFoundError:
        return 0
