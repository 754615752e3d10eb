"""A listener in TLS: who comes counts from the moment of the accept, through a handshake that may never end.

The loops' own servers show a connection only once its handshake is done; until then it would be outside every limit.
"""

import asyncio
import contextlib
import errno
import socket
from functools import partial

from proxy.plan import REFUSED_SERIES
from proxy.wire.downstream import Downstream
from proxy.wire.station import Door, Station
from proxy.wire.tls import ServerTls

# Connections taken in before citizens who are here already are looked at again: each takes about 0.1 ms.
ACCEPTS = 16
# Seconds without a new connection when there is no descriptor or memory for one; those that wait stay in the kernel.
PAUSE_SECONDS = 0.25
# accept(2): errors of the one connection that was about to be accepted, or none was there; the listener is well.
_PASSING = frozenset(
    (
        *(errno.EAGAIN, errno.EINTR, errno.ECONNABORTED, errno.EPERM, errno.EPROTO, errno.ENETDOWN, errno.ENOPROTOOPT),
        *(errno.EHOSTDOWN, errno.ENONET, errno.EHOSTUNREACH, errno.EOPNOTSUPP, errno.ENETUNREACH),
    )
)


class TlsListener:
    """Accepts, counts, refuses whoever is one too many, and sees the others through their handshake."""

    def __init__(self, station: Station, door: Door, tls: ServerTls, listener: socket.socket) -> None:
        listener.setblocking(False)
        self._station = station
        self._door = door
        self._tls = tls
        self._listener = listener
        self._handshakes: set[asyncio.Task[None]] = set()
        self._pause: asyncio.TimerHandle | None = None

    def open(self) -> None:
        """Take in who comes from now on."""
        self._pause = None
        self._station.loop.add_reader(self._listener, self.accept)

    def close(self) -> None:
        """Take in nobody any more; the handshakes under way go on."""
        self._station.loop.remove_reader(self._listener)
        if self._pause is not None:
            self._pause.cancel()

    def end_handshakes(self) -> None:
        """Nobody has asked for anything in them yet."""
        for handshake in self._handshakes:
            handshake.cancel()

    def accept(self) -> None:
        """Take in some of those who wait; the loop calls again while there are more."""
        for _ in range(ACCEPTS):
            try:
                accepted, address = self._listener.accept()
            except OSError as error:
                if error.errno not in _PASSING:
                    self._rest(error)
                return
            self._enter(accepted, address[0])

    def _rest(self, error: OSError) -> None:
        """Without this the loop would call again at once, for ever."""
        self._station.say(f"no new TLS connection for {PAUSE_SECONDS:g} s: {error.strerror or error}")
        self._station.loop.remove_reader(self._listener)
        self._pause = self._station.loop.call_later(PAUSE_SECONDS, self.open)

    def _enter(self, accepted: socket.socket, address: str) -> None:
        citizen = Downstream(self._station, self._door)
        over = citizen.enter(address)
        if over is not None:
            # An error page would need a handshake, which is the very work that is refused.
            citizen.leave()
            accepted.close()
            self._station.say(f"refused before its TLS handshake: too many connections ({over})")
            self._station.counters.count_cut(REFUSED_SERIES)
            return
        handshake = self._station.loop.create_task(self._shake_hands(accepted, citizen))
        self._handshakes.add(handshake)
        # Not at the end of the task itself: one that is cancelled before its first step has no end.
        handshake.add_done_callback(partial(self._ended, accepted, citizen))

    async def _shake_hands(self, accepted: socket.socket, citizen: Downstream) -> None:
        # OSError: it spoke no TLS, or none that is spoken here, or was silent, or left.
        with contextlib.suppress(OSError):
            await self._station.loop.connect_accepted_socket(
                lambda: citizen,
                accepted,
                ssl=self._tls.context,
                ssl_handshake_timeout=self._station.generation.limits.head_time,
            )

    def _ended(self, accepted: socket.socket, citizen: Downstream, handshake: asyncio.Task[None]) -> None:
        """Who has come through keeps the one place it has until it is lost; the others give it back now."""
        self._handshakes.discard(handshake)
        if citizen.transport is None:  # it never came through, or has and is gone
            citizen.leave()
            accepted.close()
