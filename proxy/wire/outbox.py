"""A worker's frames on their way to the keeper: nobody waits for them, and they never grow beyond a limit.

outbox = Outbox(loop, copies); outbox.put(frame) or counted_as_dropped()
"""

import asyncio
import socket
from collections import deque
from itertools import islice

from proxy.copies import MESSAGE

# Seconds for which frames are gathered, unless they fill a message before. To send each by itself wakes the keeper for
# each: a copy costs a worker 5 us so, and 3 us gathered (measured). Nobody waits for a copy.
GATHER_SECONDS = 0.005
# Bytes a worker holds while the keeper does not keep up: a second of a busy site's pages.
LIMIT = 8 * 1024 * 1024


class Outbox:
    """Frames are gathered for a moment and sent in one call."""

    __slots__ = ("_begun", "_copies", "_due", "_frames", "_loop", "_waiting", "held")

    def __init__(self, loop: asyncio.AbstractEventLoop, copies: socket.socket) -> None:
        copies.setblocking(False)
        self._loop = loop
        self._copies = copies
        self._frames: deque[bytes] = deque()
        self._due: asyncio.TimerHandle | None = None  # when what is gathered is sent
        self._waiting = False  # for the keeper to take what is there
        self._begun = 0
        self.held = 0  # bytes

    def next_number(self) -> int:
        """Tells exchanges that are sent in several frames apart, modulo 2**32."""
        self._begun = (self._begun + 1) & 0xFFFFFFFF
        return self._begun

    def put(self, frame: bytes) -> bool:
        """Take a frame along; False if it is dropped, because too much is held already."""
        if self.held + len(frame) > LIMIT:
            return False
        if not self._frames and not self._waiting:
            self._due = self._loop.call_later(GATHER_SECONDS, self._send)
        self._frames.append(frame)
        self.held += len(frame)
        if self._due is not None and self.held >= MESSAGE:
            self._due.cancel()
            self._due = None
            self._loop.call_soon(self._send)
        return True

    def _send(self) -> None:
        self._due = None
        while self._frames:
            taken, length = 0, 0
            for frame in self._frames:
                if taken and length + len(frame) > MESSAGE:
                    break
                taken += 1
                length += len(frame)
            message = b"".join(islice(self._frames, taken))
            try:
                self._copies.send(message)
            except BlockingIOError:
                self._wait()
                return
            except OSError:  # nobody holds the other end, or it is more than the kernel ever takes: not to be had
                pass
            for _ in range(taken):
                self._frames.popleft()
            self.held -= length
        self._wait_no_more()

    def _wait(self) -> None:
        if not self._waiting:
            self._waiting = True
            self._loop.add_writer(self._copies, self._send)

    def _wait_no_more(self) -> None:
        if self._waiting:
            self._waiting = False
            self._loop.remove_writer(self._copies)
