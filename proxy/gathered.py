"""Exchanges that come in several frames, until they are whole. Pure: frames in, frames out.

gathered = Gathered(); gathered.take(begin) is None, gathered.take(piece) is None, gathered.take(end) -> all of it
"""

from collections import OrderedDict
from dataclasses import replace

from proxy.copies import Frame, Kind

# Bytes that are held of exchanges that are not whole: 64 with answers of the largest `max_body` that is usual.
LIMIT = 64 * 1024 * 1024


class Gathered:
    """What one worker has begun to tell. What is too much, or never ends, goes first come, first gone."""

    def __init__(self) -> None:
        self._begun: OrderedDict[int, tuple[Frame, list[bytes]]] = OrderedDict()
        self._held = 0
        self.lost: list[Frame] = []  # how those began that were let go; to be taken by who counts

    def take(self, frame: Frame) -> Frame | None:
        """The exchange that this frame completes, as if it had come whole."""
        if frame.kind == Kind.WHOLE:
            return frame
        if frame.kind == Kind.BEGIN:
            self._let_go(frame.number)  # of a worker that was replaced in the midst of it
            self._begun[frame.number] = frame, [frame.data]
            self._hold(len(frame.data))
            return None
        known = self._begun.get(frame.number)
        if known is None:
            return None
        first, parts = known
        if frame.kind == Kind.PIECE:
            parts.append(frame.data)
            self._hold(len(frame.data))
            return None
        self._let_go(frame.number)
        if frame.kind == Kind.ABANDONED:
            return None
        return replace(first, kind=Kind.WHOLE, micros=frame.micros, data=b"".join(parts))

    def _hold(self, size: int) -> None:
        self._held += size
        while self._held > LIMIT:
            number, (first, _) = next(iter(self._begun.items()))
            self._let_go(number)
            self.lost.append(first)

    def _let_go(self, number: int) -> None:
        known = self._begun.pop(number, None)
        if known is not None:
            self._held -= sum(map(len, known[1]))
