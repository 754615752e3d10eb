"""Backends that keep every byte they get, and answer as they are told; each request on its own thread."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

# Given the head and the connection, which it may do anything with; what it returns is sent.
Answers = Callable[[bytes, socket.socket], bytes]


def page(text: bytes = b"<p>ok</p>", *fields: bytes) -> bytes:
    """A reply that is the same each time."""
    lines = (b"HTTP/1.1 200 OK", b"Date: Wed, 25 Nov 2026 12:00:00 GMT", b"Content-Type: text/html", *fields)
    return b"\r\n".join((*lines, b"Content-Length: %d" % len(text), b"", text))


class Raw:
    """Listens at `port`; `requests`: head and body of each, as they came."""

    def __init__(self, answers: Answers | None = None) -> None:
        self.answers = answers or (lambda head, connection: page())
        self.requests: list[bytes] = []
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def asked_for(self, part: bytes) -> list[bytes]:
        """The requests with this in their first line."""
        return [each for each in self.requests if part in each.partition(b"\r\n")[0]]

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        held = b""
        with connection, contextlib.suppress(OSError):
            while True:
                while b"\r\n\r\n" not in held:
                    held += self._more(connection)
                head, _, held = held.partition(b"\r\n\r\n")
                left = head.lower().partition(b"\r\ncontent-length: ")[2].partition(b"\r\n")[0]
                while len(held) < int(left or b"0"):
                    held += self._more(connection)
                body, held = held[: int(left or b"0")], held[int(left or b"0") :]
                self.requests.append(head + b"\r\n\r\n" + body)
                connection.sendall(self.answers(head, connection))

    @staticmethod
    def _more(connection: socket.socket) -> bytes:
        data = connection.recv(65536)
        if not data:
            raise OSError("it has closed")
        return data


@contextlib.contextmanager
def raw(*answers: Answers | None) -> Iterator[list[Raw]]:
    """A backend for each."""
    made = [Raw(each) for each in answers]
    try:
        yield made
    finally:
        for each in made:
            each.close()
