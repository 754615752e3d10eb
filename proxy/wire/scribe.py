"""The thread that writes a worker's lines: a disk or a reader that is stuck holds it up, and nobody else.

What waits is bounded; what does not fit or cannot be written is lost, and counted.
"""

import contextlib
import os
import select
import threading
from collections.abc import Iterator
from queue import SimpleQueue

from proxy.access import LINE_LIMIT
from proxy.logfile import STANDARD_OUTPUT, is_file, open_log

# Bytes that wait to be written: a second or two of a busy worker's lines, little beside what its connections take.
WAITING_LIMIT = 1024 * 1024
# Milliseconds between two looks at a pipe that takes nothing; a stop is heard as late.
LOOK_MILLIS = 200


class Scribe:
    """`written`, `lost`: lines so far; `why`: the last reason for a loss. Each is moved by one thread alone.

    A file is opened anew when its name leads to another one, so that a log that was renamed is begun again.
    """

    def __init__(self) -> None:
        self.written = 0
        self.lost = 0
        self.why = ""
        self._queue: SimpleQueue[tuple[str | None, bytes] | None] = SimpleQueue()
        self._given = 0  # bytes: moved by the worker
        self._done = 0  # bytes: moved by the thread
        self._thread: threading.Thread | None = None
        self._ends = False
        self._path: str | None = None
        self._descriptor = -1
        self._torn = False

    def write(self, path: str | None, lines: bytes) -> bool:
        """Hand lines over, for a file or, None, for standard output; False if too much waits already."""
        if self._given - self._done + len(lines) > WAITING_LIMIT:
            return False
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="access log", daemon=True)
            self._thread.start()
        self._given += len(lines)
        self._queue.put((path, lines))
        return True

    def stop(self, seconds: float) -> None:
        """Write what waits, for that long at most."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join(seconds)
            self._ends = True

    def _work(self) -> None:
        while (given := self._queue.get()) is not None:
            path, lines = given
            before = self.written
            try:
                self._write(self._open(path), lines)
            except OSError as error:
                self.lost += lines.count(b"\n") - (self.written - before)
                self.why = error.strerror or str(error)
            self._done += len(lines)

    def _open(self, path: str | None) -> int:
        if path is None:
            return STANDARD_OUTPUT
        if self._descriptor >= 0:
            with contextlib.suppress(OSError):
                if path == self._path and os.path.samestat(os.stat(path), os.fstat(self._descriptor)):  # noqa: PTH116
                    return self._descriptor
            os.close(self._descriptor)
            self._descriptor = -1
        self._descriptor, self._path, self._torn = open_log(path), path, False
        return self._descriptor

    def _write(self, descriptor: int, lines: bytes) -> None:
        if self._torn:  # a disk filled within a line: what comes now begins a new one
            self._put(descriptor, b"\n")
            self.written -= 1
        for piece in (lines,) if is_file(descriptor) else _pieces(lines):
            self._put(descriptor, piece)

    def _put(self, descriptor: int, data: bytes) -> None:
        while data:
            try:
                count = os.write(descriptor, data)
            except BlockingIOError:
                self._wait(descriptor)
                continue
            self.written += data.count(b"\n", 0, count)
            self._torn = data[count - 1] != 0x0A
            data = data[count:]

    def _wait(self, descriptor: int) -> None:
        poll = select.poll()
        poll.register(descriptor, select.POLLOUT)
        while not poll.poll(LOOK_MILLIS):
            if self._ends:
                raise OSError("its reader took no more")


def _pieces(lines: bytes) -> Iterator[bytes]:
    """Whole lines, as many as go into a pipe in one piece."""
    at = 0
    while at < len(lines):
        end = lines.rfind(b"\n", at, at + LINE_LIMIT) + 1
        yield lines[at:end]
        at = end
