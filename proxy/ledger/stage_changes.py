"""Changes of stage, as data/changes.jsonl has them, a line each: what is not in the ledger yet.

Whoever changes a stage writes its line first, synced, with no keeper and no ledger needed; so no change is lost.
"""

from hashlib import blake2b
from pathlib import Path

from sqlalchemy import Connection

from proxy.holds import read_change
from proxy.ledger.many import replace
from proxy.ledger.schema import changes


class ChangesFile:
    """Read on from where it was read last."""

    def __init__(self, home: Path) -> None:
        self._path = home / "data" / "changes.jsonl"
        self._read = self._reading = 0

    def forget(self) -> None:
        """Another ledger: it is to have every line."""
        self._read = self._reading = 0

    def note(self, connection: Connection) -> None:
        """Write the new lines into the ledger; one that is there already stays as it is."""
        try:
            size = self._path.stat().st_size
        except FileNotFoundError:
            return
        if size < self._read:  # it was cut, or begun again
            self._read = 0
        if size == self._read:
            return
        with self._path.open("rb") as file:
            file.seek(self._read)
            whole, end, _ = file.read().rpartition(b"\n")
        if not end:
            return
        self._reading = self._read + len(whole) + 1
        rows = [
            (_id(line), each.when, each.slice, each.before, each.after, each.by, each.who, each.why)
            for line in whole.splitlines()
            if (each := read_change(line))
        ]
        replace(connection, changes, rows)

    def noted(self) -> None:
        """What `note` wrote is on the disk."""
        self._read = self._reading


def _id(line: bytes) -> str:
    return blake2b(line, digest_size=12).hexdigest()
