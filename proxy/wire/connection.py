"""One connection from a citizen, as bytes: written to, held back, and ended so that what was said arrives."""

import asyncio
import fcntl
import socket
import struct
import termios
from array import array
from collections.abc import Sequence
from dataclasses import replace

from proxy.headers import Field
from proxy.trace import carried_on, reference_of
from proxy.wire.heads import RequestHead
from proxy.wire.log import Line
from proxy.wire.pages import Manner, own_answer
from proxy.wire.peer import Peer
from proxy.wire.station import NEVER, PLAIN, Door, Station

# Seconds that a citizen who was answered early may go on sending.
# RFC 9112 section 9.6: "If a server performs an immediate close of a TCP connection, there is a significant risk that
# the client will not be able to read the last HTTP response."
LINGER_SECONDS = 2.0


class Connection(asyncio.Protocol):
    """What a citizen's connection can do before anybody asks what its bytes mean."""

    __slots__ = ("_eof", "_paused", "_peer", "_unsent", "deadline", "door", "station", "transport")

    def __init__(self, station: Station, door: Door = PLAIN) -> None:
        self.station = station
        self.door = door
        self.transport: asyncio.Transport | None = None
        self.deadline = NEVER
        self._eof = False
        self._paused = False
        self._unsent = 0
        self._peer: Peer | None = None  # None while nobody is counted here

    def enter(self, address: str) -> int | None:
        """Count the citizen at `address`; the status to refuse it with, if there are too many."""
        self._peer = Peer(address, self.station.generation.trust, self.door.proto)
        return self.station.enter(self, self._peer.counts_as)

    def leave(self) -> None:
        """Give the citizen's place back: once, however often this is said."""
        peer, self._peer = self._peer, None
        if peer is not None:
            self.station.leave(self, peer.counts_as)

    def trace(self, told: Sequence[Field]) -> bytes:
        """The lines that name a request, which said `told` of itself, to a backend."""
        lines = self.station.trace()
        if not told:
            return lines
        return carried_on(lines, told, is_trusted=self._peer is not None and self._peer.is_trusted)

    def speaks_tls(self, request: RequestHead) -> bool:
        """Whether the citizen speaks TLS, to us or to a trusted proxy before us."""
        return self._peer is not None and self._peer.proto(request, self.station.generation.trust) == b"https"

    def begin_line(self, request: RequestHead | None, trace: bytes, began: float) -> Line | None:
        """The access log's line for a request, if it is to have one."""
        access, peer = self.station.access, self._peer
        if access is None or peer is None:
            return None
        return access.begin(peer.client(request, self.station.generation.trust), request, trace, began)

    def answer(
        self,
        status: int,
        trace: bytes,
        request: RequestHead | None,
        *,
        keep_alive: bool,
        location: bytes | None = None,
    ) -> int:
        """Write a whole answer of the proxy's own; the bytes of its body."""
        manner = Manner(date=self.station.date, hsts=self.door.hsts)
        if request is not None:
            manner = replace(manner, keep_alive=keep_alive, minor=request.minor, with_body=request.method != b"HEAD")
        data = own_answer(status, reference_of(trace), manner, location)
        self.write(data)
        return len(data) - data.index(b"\r\n\r\n") - 4

    def expired(self) -> None:
        """It waited too long."""
        self.abort()

    def write(self, data: bytes) -> None:
        """Bytes for the citizen; nothing to one who has left."""
        if self.transport is not None and data and not self.transport.is_closing():
            self.transport.write(data)

    def pause_reading(self) -> None:
        """Take no more for now."""
        if self.transport is not None and not self._paused:
            self._paused = True
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        """Take on."""
        if self.transport is not None and self._paused:
            self._paused = False
            self.transport.resume_reading()

    def close(self) -> None:
        """End it once everything written has gone; `expired` sees to a citizen who never takes it."""
        self.deadline = self.station.now + self.station.generation.limits.idle
        if self.transport is not None:
            self.transport.close()

    def abort(self) -> None:
        """End it at once."""
        if self.transport is not None:
            self.transport.abort()

    def reset(self) -> None:
        """End it at once, so that it shows: an answer without a length looks whole when its connection is closed."""
        if self.transport is None:
            return
        sock = self.transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def has_unread(self) -> bool:
        """Whether bytes have come that the loop has not shown yet."""
        sock = self.transport.get_extra_info("socket") if self.transport is not None else None
        unread = array("i", [0])
        if sock is not None:
            fcntl.ioctl(sock.fileno(), termios.FIONREAD, unread)
        return unread[0] > 0

    def part(self) -> None:
        """Say that nothing more will come, and read on for a moment, to no purpose but that the last answer arrives."""
        self.deadline = self.station.now + LINGER_SECONDS
        if self.transport is None:
            return
        self.resume_reading()
        if self._eof or not self.transport.can_write_eof():  # TLS parts in its own way
            self.transport.close()
        else:
            self.transport.write_eof()

    def still_sends(self) -> bool:
        """Whether a citizen who was parted from has taken more since this was last asked."""
        unsent = self.transport.get_write_buffer_size() if self.transport is not None else 0
        moved = unsent != self._unsent
        self._unsent = unsent
        return unsent > 0 and moved
