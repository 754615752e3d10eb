"""What a supervisor holds and can hand to the next: as a message, and the descriptors beside it (SCM_RIGHTS, unix(7)).

estate -> {"pid": 4711, "listeners": [{"address": "127.0.0.1:8080", "sockets": 2, "shared": false}], ...}, (7, 8, ...)
"""

import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from proxy.addresses import address
from proxy.compiler import Given
from proxy.sockets import Listener

# Descriptors of one message (SCM_MAX_FD of the kernel).
A_MESSAGE = 253


@dataclass(frozen=True, slots=True)
class Estate:
    """Held by one supervisor, or by two while one takes over from the other.

    `busy`: the rows of the counters that workers write to; `book`: the numbers given so
    far; `began`: when counting began, as the machine's monotonic clock has it.
    """

    pid: int
    lock: int
    counters: int
    layout: str
    rows: int
    busy: tuple[int, ...]
    book: Given
    generation: int
    began: float
    listeners: tuple[Listener, ...]
    admin: Listener | None


def written(estate: Estate) -> tuple[dict[str, Any], tuple[int, ...]]:
    """The message, and the descriptors in their order."""
    message = {
        "pid": estate.pid,
        "layout": estate.layout,
        "rows": estate.rows,
        "busy": estate.busy,
        "book": estate.book,
        "generation": estate.generation,
        "began": estate.began,
        "listeners": [_listener(each) for each in estate.listeners],
        "admin": _listener(estate.admin) if estate.admin else None,
    }
    sockets = [each for listener in (*estate.listeners, estate.admin) if listener for each in listener.sockets]
    return message, (estate.lock, estate.counters, *(each.fileno() for each in sockets))


def read(message: dict[str, Any], descriptors: Sequence[int]) -> Estate:
    """What `written` made, in another process. Raises KeyError, ValueError and the like for anything else."""
    lock, counters, *others = descriptors
    left = iter(others)
    listeners = tuple(_taken(each, left) for each in message["listeners"])
    return Estate(
        message["pid"],
        lock,
        counters,
        message["layout"],
        message["rows"],
        tuple(message["busy"]),
        message["book"],
        message["generation"],
        message["began"],
        listeners,
        _taken(message["admin"], left) if message["admin"] else None,
    )


def send_descriptors(connection: socket.socket, descriptors: Sequence[int]) -> None:
    """Each message of them with a blank, which means nothing before a line of JSON."""
    for at in range(0, len(descriptors), A_MESSAGE):
        socket.send_fds(connection, [b" "], list(descriptors[at : at + A_MESSAGE]))


def receive_line(connection: socket.socket) -> tuple[bytes, tuple[int, ...]]:
    """One line, and the descriptors that came before its end. Raises EOFError, OSError."""
    data, descriptors = b"", []
    while not data.endswith(b"\n"):
        more, fds, _, _ = socket.recv_fds(connection, 1 << 20, A_MESSAGE)
        descriptors += fds
        if not more:
            raise EOFError
        data += more
    return data, tuple(descriptors)


def _listener(listener: Listener) -> dict[str, Any]:
    return {"address": str(listener.address), "sockets": len(listener.sockets), "shared": listener.shared}


def _taken(message: dict[str, Any], descriptors: Iterator[int]) -> Listener:
    sockets = tuple(socket.socket(fileno=next(descriptors)) for _ in range(message["sockets"]))
    return Listener(address(message["address"]), sockets, message["shared"])
