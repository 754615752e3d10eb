"""What can be wrong with the ledger, in a sentence for people; and a broken file, which is set aside."""

import errno
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from proxy.ledger.place import BROKEN, Place

# By the driver's own words for them (sqlite.org/rescode.html).
_SAYINGS = {
    "SQLITE_FULL": "the disk is full",
    "SQLITE_BUSY": "another process has it locked",
    "SQLITE_LOCKED": "another process has it locked",
    "SQLITE_READONLY": "it may not be written",
    "SQLITE_CANTOPEN": "it cannot be opened",
    "SQLITE_PERM": "it may not be opened",
    "SQLITE_IOERR": "the disk does not do what it is told",
    "SQLITE_CORRUPT": "the file is broken",
    "SQLITE_NOTADB": "the file is no ledger, or broken",
}


def said(error: BaseException, place: Place) -> str:
    """What is wrong, where, and never a password or a value."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    if isinstance(cause, sqlite3.Error):
        text = _of_sqlite(cause)
    elif isinstance(cause, OSError):
        text = "the disk is full" if cause.errno == errno.ENOSPC else cause.strerror or str(cause)
    else:
        text = (str(cause).strip() or type(cause).__name__).splitlines()[0]
    return f"{place.name}: {place.without_secret(text)}"


def _of_sqlite(error: sqlite3.Error) -> str:
    name = getattr(error, "sqlite_errorname", "")
    saying = next((text for start, text in _SAYINGS.items() if name == start or name.startswith(f"{start}_")), "")
    return f"{saying} ({error})" if saying else str(error)


def is_broken(error: BaseException) -> bool:
    """Whether the file itself is past use: what was kept in it cannot be added to any more."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    name = getattr(cause, "sqlite_errorname", "")
    return name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB"))


def put_aside(file: Path, now: float) -> Path:
    """Rename a broken ledger, and what SQLite keeps beside it, so that a new one can begin. Raises OSError."""
    moment = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    aside = file.with_name(f"{file.name}{BROKEN}{moment}")
    for end in ("-wal", "-shm", ""):
        beside = file.with_name(file.name + end)
        if beside.exists():
            beside.replace(aside.with_name(aside.name + end))
    return aside
