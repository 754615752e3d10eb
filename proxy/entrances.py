"""The addresses a worker serves: their sockets are taken in from, their certificates renewed, and closed."""

import asyncio
import socket
from collections.abc import Sequence
from functools import partial

from proxy.generation import Front
from proxy.wire.downstream import Downstream
from proxy.wire.handshakes import TlsListener
from proxy.wire.station import Door, Station
from proxy.wire.tls import ServerTls

# Connections the kernel keeps while a worker is busy or being replaced.
BACKLOG = 4096


class Entrance:
    """One address, with the sockets of it that are this worker's."""

    def __init__(self, station: Station, front: Front, sockets: Sequence[socket.socket]) -> None:
        self._station = station
        self._tls = ServerTls(front.certificates) if front.certificates else None
        hsts = b"Strict-Transport-Security: max-age=%d\r\n" % front.hsts if self._tls and front.hsts else b""
        self._door = Door(b"https" if self._tls else b"http", hsts)
        self._closed = list(sockets)
        self._open: list[socket.socket] = []
        self._servers: list[asyncio.AbstractServer | TlsListener] = []

    async def open(self) -> None:
        """Take in who comes on every socket that listens by now."""
        for listener in self._closed[:]:
            if not listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                continue
            self._closed.remove(listener)
            self._open.append(listener)
            if self._tls:
                accepting = TlsListener(self._station, self._door, self._tls, listener)
                accepting.open()
                self._servers.append(accepting)
            else:
                factory = partial(Downstream, self._station, self._door)
                server = await self._station.loop.create_server(factory, sock=listener, backlog=BACKLOG)
                self._servers.append(server)

    def renew(self, front: Front) -> None:
        """Present these certificates from the next handshake on."""
        if self._tls is not None and front.certificates:
            self._tls.renew(front.certificates)

    def close(self) -> None:
        """Take in nobody any more; the sockets stay open elsewhere, with who waits in them."""
        for server in self._servers:
            server.close()
        for listener in self._open:
            listener.close()  # the loop may have worked on a duplicate

    def end_handshakes(self) -> None:
        """Wait no longer for who has not asked for anything yet."""
        for server in self._servers:
            if isinstance(server, TlsListener):
                server.end_handshakes()
