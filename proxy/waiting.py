"""Copies that wait for their turn at a candidate: a page and its pictures come at once, and are soon asked. Pure."""

from collections import deque
from collections.abc import Iterator

from proxy.copies import Frame

# Copies that wait for one candidate: a page with all that belongs to it.
WAITING = 64
# Bytes of them, for all candidates: as much as a worker may hold.
WAITING_BYTES = 8 * 1024 * 1024
# Seconds one may wait: an answer that is asked for much later differs by its time alone.
PATIENCE = 1.0


class Waiting:
    """`bytes`: of all that wait."""

    def __init__(self) -> None:
        self.bytes = 0
        self._rows: dict[str, deque[tuple[float, Frame]]] = {}

    def put(self, backend: str, frame: Frame, now: float) -> bool:
        """False if there is no room for it. `now`, in seconds, only ever grows."""
        row = self._rows.setdefault(backend, deque())
        if len(row) >= WAITING or self.bytes + len(frame.data) > WAITING_BYTES:
            return False
        row.append((now, frame))
        self.bytes += len(frame.data)
        return True

    def next(self, backend: str) -> Frame | None:
        """Who has waited longest for a backend."""
        row = self._rows.get(backend)
        if not row:
            self._rows.pop(backend, None)
            return None
        _, frame = row.popleft()
        self.bytes -= len(frame.data)
        return frame

    def tired(self, now: float) -> Iterator[Frame]:
        """Those that have waited for too long, who wait no more."""
        for backend, row in list(self._rows.items()):
            while row and now - row[0][0] >= PATIENCE and (frame := self.next(backend)) is not None:
                yield frame
