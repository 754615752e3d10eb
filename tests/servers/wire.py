"""What a pretended database is made of: a process with a door, what it has been told to answer, and what it was asked.

It knows no SQL. What each statement is answered with is the test's own. It is a process of its own, since a driver may
hold Python's lock while it waits for an answer.
"""

from __future__ import annotations

import json
import pickle
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import chain, repeat
from pathlib import Path
from typing import BinaryIO, Protocol


@dataclass(frozen=True, slots=True)
class Fails:
    """What a statement is refused with."""

    number: int
    message: str


@dataclass(frozen=True, slots=True)
class Rows:
    """What a statement is answered with: columns as name and type, `("JOB_NO", "decimal(9,0)")`, and rows.

    Endless: the last row is sent again and again. Failing: after the rows it says why there are no more. Cut: behind
    the last of them it hangs up, and there should be more. Stalling: nothing comes until the client breaks it off.
    """

    columns: Sequence[tuple[str, str]]
    rows: Sequence[Sequence[object]] = ()
    endless: bool = False
    failing: Fails | None = None
    cut: bool = False
    stalling: bool = False

    def each(self) -> Iterator[Sequence[object]]:
        return chain(self.rows, repeat(self.rows[-1])) if self.endless else iter(self.rows)


Answer = Rows | Fails | None  # None: done, and nothing to show
Answers = Sequence[tuple[str, Answer]]  # a pattern found in the statement -> its answer; the first that fits


@dataclass(slots=True)
class Server:
    """What a test has of it: `server.port`, `server.said`."""

    process: subprocess.Popen[bytes]
    password: str
    port: int = 0
    said: list[str] = field(default_factory=list)  # every statement, in order
    logins: list[list[object]] = field(default_factory=list)  # who, into which database, only to read?
    attentions: int = 0
    told: threading.Condition = field(default_factory=threading.Condition)
    laid: int = 0
    sending: bool = False  # endless rows are on their way

    def lay(self, answers: Answers) -> None:
        """From now on it answers so."""
        before = self.laid
        assert self.process.stdin
        pickle.dump((self.password, answers), self.process.stdin)
        self.process.stdin.flush()
        self.wait(lambda: self.laid > before)

    def wait(self, until: Callable[[], bool]) -> None:
        with self.told:
            assert self.told.wait_for(until, 30), self.said

    def listen(self) -> None:
        """Its events, one a line, until it ends."""
        assert self.process.stdout
        for line in self.process.stdout:
            what, value = json.loads(line)
            with self.told:
                match what:
                    case "port":
                        self.port = value
                    case "laid":
                        self.laid += 1
                    case "said":
                        self.said.append(value)
                    case "login":
                        self.logins.append(value)
                    case "sending":
                        self.sending = True
                    case "attention":
                        self.attentions += 1
                self.told.notify_all()


@contextmanager
def serving(module: str, answers: Answers, password: str) -> Iterator[Server]:
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-c", f"from {module} import main; main()"]
    with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        server = Server(process, password)
        listening = threading.Thread(target=server.listen)
        listening.start()
        try:
            server.lay(answers)
            yield server
        finally:
            process.kill()
            process.wait()
            listening.join()


class Gone(Exception):
    """The client has hung up."""


def exactly(client: socket.socket, size: int) -> bytes:
    """So many bytes. Raises Gone."""
    read = b""
    while len(read) < size:
        piece = client.recv(size - len(read))
        if not piece:
            raise Gone
        read += piece
    return read


class Session(Protocol):
    """One connection."""

    def serve(self) -> None:
        """One request, answered. Raises Gone."""


@dataclass(slots=True)
class Wire:
    """The process's own side: who may log in, and what is answered."""

    session: Callable[[socket.socket, Wire], Session]
    password: str = ""
    answers: Answers = ()
    lock: threading.Lock = field(default_factory=threading.Lock)

    def tell(self, what: str, value: object = None) -> None:
        with self.lock:
            print(json.dumps([what, value]), flush=True)

    def answer(self, sql: str) -> Answer:
        return next((answer for pattern, answer in self.answers if re.search(pattern, sql)), None)

    def accept(self, door: socket.socket) -> None:
        while True:
            client, _ = door.accept()
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(Gone, OSError):
            session = self.session(client, self)
            while True:
                session.serve()

    def listen(self, orders: BinaryIO) -> None:
        with suppress(EOFError):
            while True:
                self.password, self.answers = pickle.load(orders)  # from the test that started us
                self.tell("laid")


def run(session: Callable[[socket.socket, Wire], Session]) -> None:
    """The process: its door in a thread of its own, what it is told from the test until that ends."""
    wire, door = Wire(session), socket.create_server(("127.0.0.1", 0))
    wire.tell("port", door.getsockname()[1])
    threading.Thread(target=wire.accept, args=(door,), daemon=True).start()
    wire.listen(sys.stdin.buffer)
