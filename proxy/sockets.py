"""The listening sockets.

Opened once, held by the supervisor for its life, so that a queue outlives the worker that serves it.
"""

import errno
import socket
from dataclasses import dataclass

from proxy.addresses import Address

# Connections the kernel keeps for a worker that is busy or being replaced; the kernel cuts it to net.core.somaxconn.
BACKLOG = 4096
# Sockets of a worker from which on one more or less does not unbalance them.
MANY = 4


class CannotListen(Exception):
    """An address that cannot be had: which, why, and what to do."""

    def __init__(self, address: Address, why: str, hint: str) -> None:
        super().__init__(f"cannot listen on {address}: {why}\n    {hint}")


@dataclass(frozen=True, slots=True)
class Listener:
    """One address, with as many sockets for each worker, among which the kernel spreads connections.

    That is SO_REUSEPORT (socket(7)). `shared`: the one socket of somebody else's, from which every worker takes.
    """

    address: Address
    sockets: tuple[socket.socket, ...]
    shared: bool = False

    def of_worker(self, place: int, workers: int) -> tuple[socket.socket, ...]:
        """The sockets that the worker at that place takes connections from; together they leave none out."""
        return self.sockets if self.shared else self.sockets[place::workers]

    def widened(self, workers: int) -> "Listener":
        """With sockets added, bound but not listening yet, until each of that many workers has as many as the others.

        None is ever closed: connections wait in it. Where each has MANY already, one more or less is no matter.
        """
        if self.shared or len(self.sockets) >= MANY * workers:
            return self
        added = [_bind(self.address, reuse_port=True) for _ in range(-len(self.sockets) % workers)]
        return Listener(self.address, (*self.sockets, *added))

    def open(self) -> None:
        """Let every socket listen."""
        for each in self.sockets:
            if not each.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                each.listen(BACKLOG)

    def close(self) -> None:
        """Give the address back."""
        for each in self.sockets:
            each.close()


def listen(address: Address, workers: int) -> Listener:
    """Bind `address` once for each worker; port 0 becomes the port the system chose. Raises CannotListen."""
    # Without SO_REUSEPORT this bind fails if anybody else has the port, even another stranglerfig: two would share
    # citizens.
    _bind(address, reuse_port=False).close()
    first = _bind(address, reuse_port=True)
    listener = Listener(Address(address.host, first.getsockname()[1]), (first,))
    try:
        listener = listener.widened(workers)
        listener.open()
    except (CannotListen, OSError) as error:
        listener.close()
        raise error if isinstance(error, CannotListen) else _explained(address, error) from error
    return listener


def _bind(address: Address, *, reuse_port: bool) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if reuse_port:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind((address.host, address.port))
        bound.setblocking(False)
    except OSError as error:
        bound.close()
        raise _explained(address, error) from error
    return bound


def _explained(address: Address, error: OSError) -> CannotListen:
    if error.errno == errno.EADDRINUSE:
        hint = f"stop that program, or choose another port; find it with: ss -ltnp 'sport = :{address.port}'"
        return CannotListen(address, "another program has the port", hint)
    if error.errno == errno.EACCES:
        hint = (
            f"ports below 1024 need the capability CAP_NET_BIND_SERVICE; or listen on a higher one than {address.port}"
        )
        return CannotListen(address, "not allowed", hint)
    if error.errno == errno.EADDRNOTAVAIL:
        return CannotListen(address, "this machine has no such address", "list its addresses with: ip addr")
    return CannotListen(address, error.strerror or str(error), "choose another address")
