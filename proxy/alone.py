"""One proxy a folder: the lock in `data/proxy.lock`, which names the process that holds it."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


class AlreadyRunning(Exception):
    """Another supervisor serves from this folder."""


@contextlib.contextmanager
def alone(home: Path) -> Iterator[int]:
    """Hold the folder's lock, whose descriptor this is. Raises AlreadyRunning."""
    data = home / "data"
    data.mkdir(exist_ok=True)
    with (data / "proxy.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            raise AlreadyRunning(
                f"a proxy already serves from {home} (process {holder})\n    stop it, or serve from another folder"
            ) from error
        name_holder(lock.fileno())
        yield lock.fileno()


def name_holder(lock: int) -> None:
    """Write into the lock that this process holds it."""
    os.ftruncate(lock, 0)
    os.pwrite(lock, str(os.getpid()).encode(), 0)
