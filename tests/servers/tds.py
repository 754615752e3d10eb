"""The wire of a SQL Server and nothing behind it: a driver connects, logs in, asks, and gets what a test has laid out.

TDS 7.4 as [MS-TDS] has it, without TLS. It knows no SQL: what each statement is answered with is the test's own. So
it proves what a driver makes of each type's bytes and how it is driven, never that a statement is right.
"""

from __future__ import annotations

import re
import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.servers import wire
from tests.servers.tds_types import LATIN1, kind
from tests.servers.wire import Fails, Gone, Rows, Server, Wire, exactly

BATCH, RPC, ATTENTION, TRANSACTION, LOGIN, PRELOGIN, ANSWER = 1, 3, 6, 14, 16, 18, 4
SIZE = 4096  # of a packet
HOLDS_MORE, HOLDS_COUNT, HOLDS_ERROR, HOLDS_ATTENTION = 0x01, 0x10, 0x02, 0x20  # what a DONE may say
BEGIN, COMMIT, ROLLBACK = 5, 7, 8
TRANSACTIONS = {BEGIN: "begin", COMMIT: "commit", ROLLBACK: "rollback"}
READ_ONLY_INTENT = 0x20  # in the login's type flags


def url(server: Server, database: str) -> str:
    return f"mssql://reader:{server.password}@127.0.0.1:{server.port}/{database}?encrypt=no"


@contextmanager
def serving(answers: wire.Answers, password: str = "s3cr3t") -> Iterator[Server]:
    """`with tds.serving(answers) as server:` then `tds.url(server, "housing")`."""
    with wire.serving("tests.servers.tds", answers, password) as server:
        yield server


@dataclass(slots=True)
class Session:
    client: socket.socket
    wire: Wire

    def serve(self) -> None:
        """One request, answered."""
        code, body = self._message()
        if code == PRELOGIN:
            self._send(_prelogin())
        elif code == LOGIN:
            self._send(self._login(body))
        elif code == ATTENTION:
            self._attended()
        elif code == BATCH:
            self._run(body[int.from_bytes(body[:4], "little") :].decode("utf-16-le"))
        elif code == TRANSACTION:
            self._transact(body[int.from_bytes(body[:4], "little") :])
        else:  # a call of a procedure: nothing here asks for one
            self._send(_error(Fails(2812, f"this wire does not know requests of kind {code}"), "") + _done(HOLDS_ERROR))

    def _message(self) -> tuple[int, bytes]:
        body = b""
        while True:
            head = exactly(self.client, 8)
            body += exactly(self.client, int.from_bytes(head[2:4], "big") - 8)
            if head[1] & 1:
                return head[0], body

    def _send(self, body: bytes) -> None:
        for at in range(0, len(body) or 1, SIZE - 8):
            self._packet(body[at : at + SIZE - 8], is_last=at + SIZE - 8 >= len(body))

    def _packet(self, piece: bytes, *, is_last: bool) -> None:
        self.client.sendall(bytes([ANSWER, is_last]) + (len(piece) + 8).to_bytes(2, "big") + bytes(4) + piece)

    def _login(self, body: bytes) -> bytes:
        who, database = _text(body, 40), _text(body, 68)
        offset, size = int.from_bytes(body[44:46], "little"), int.from_bytes(body[46:48], "little")
        hidden = body[offset : offset + size * 2]
        password = bytes(((byte ^ 0xA5) << 4 | (byte ^ 0xA5) >> 4) & 0xFF for byte in hidden).decode("utf-16-le")
        if password != self.wire.password:
            return _error(Fails(18456, f"Login failed for '{who}': {password} is wrong"), "") + _done(HOLDS_ERROR)
        self.wire.tell("login", [who, database, bool(body[26] & READ_ONLY_INTENT)])
        changes = _changed(1, _short(database), _short("")) + _changed(7, b"\x05" + LATIN1, b"\0")
        size_said = _changed(4, _short(str(SIZE)), _short(str(SIZE)))
        program = "Microsoft SQL Server"
        known = b"\x01\x74\0\0\x04" + _short(program) + bytes([16, 0, 0x03, 0xE8])
        return changes + size_said + b"\xad" + len(known).to_bytes(2, "little") + known + _done(0)

    def _run(self, sql: str) -> None:
        self.wire.tell("said", sql)
        answer = self.wire.answer(sql)
        if isinstance(answer, Fails):
            self._send(_error(answer, sql) + _done(HOLDS_ERROR))
        elif answer is None:
            self._send(_done(0))
        else:
            self._rows(answer)

    def _transact(self, body: bytes) -> None:
        """Begun: it gets a name of eight bytes; ended: the name is taken away, and begun anew if that was asked for."""
        name, code = b"\x08" + b"transact", int.from_bytes(body[:2], "little")
        self.wire.tell("said", TRANSACTIONS[code])
        if code == BEGIN:
            return self._send(_changed(8, name, b"\0") + _done(0))
        again = _changed(8, name, b"\0") if body[3] & 1 else b""
        return self._send(_changed(9 if code == COMMIT else 10, b"\0", name) + again + _done(0))

    def _rows(self, answer: Rows) -> None:
        kinds = [kind(native) for _, native in answer.columns]
        ready, rows = bytearray(_described(answer)), 0
        if answer.endless:
            self.wire.tell("sending")
        for row in answer.each():
            ready.append(0xD1)
            for each, value in zip(kinds, row, strict=True):
                ready += each.null if value is None else each.write(value)
            rows += 1
            while len(ready) > SIZE - 8:
                if self._is_cancelled():
                    return self._attended(bytes(ready))  # with the rest of what was begun: a row is never cut
                self._packet(bytes(ready[: SIZE - 8]), is_last=False)
                del ready[: SIZE - 8]
        if answer.cut:
            self._packet(bytes(ready), is_last=False)
            raise Gone
        end = _done(HOLDS_COUNT, rows) if answer.failing is None else _error(answer.failing, "") + _done(HOLDS_ERROR)
        return self._send(bytes(ready) + end)

    def _is_cancelled(self) -> bool:
        """An attention may come while rows go out, also while the client reads none."""
        readable, _, _ = select.select([self.client], [self.client], [])
        if not readable:
            return False
        code, _ = self._message()
        assert code == ATTENTION, code
        return True

    def _attended(self, rest: bytes = b"") -> None:
        self._send(rest + _done(HOLDS_ATTENTION))
        self.wire.tell("attention")


def _text(body: bytes, at: int) -> str:
    offset, size = int.from_bytes(body[at : at + 2], "little"), int.from_bytes(body[at + 2 : at + 4], "little")
    return body[offset : offset + size * 2].decode("utf-16-le")


def _short(text: str) -> bytes:
    return bytes([len(text)]) + text.encode("utf-16-le")


def _long(text: str) -> bytes:
    return len(text).to_bytes(2, "little") + text.encode("utf-16-le")


def _changed(what: int, new: bytes, old: bytes) -> bytes:
    known = bytes([what]) + new + old
    return b"\xe3" + len(known).to_bytes(2, "little") + known


def _prelogin() -> bytes:
    """The version, no encryption, the instance asked for, no second result at a time."""
    options = ((0, bytes([16, 0, 0x03, 0xE8, 0, 0])), (1, b"\x02"), (2, b"\0"), (3, b""), (4, b"\0"))
    at, head, tail = len(options) * 5 + 1, b"", b""
    for code, value in options:
        head += bytes([code]) + (at + len(tail)).to_bytes(2, "big") + len(value).to_bytes(2, "big")
        tail += value
    return head + b"\xff" + tail


def _error(failed: Fails, sql: str) -> bytes:
    line = 1 + len(re.findall("\n", sql))
    known = failed.number.to_bytes(4, "little") + bytes([1, 14]) + _long(failed.message) + _short("wire") + _short("")
    known += line.to_bytes(4, "little")
    return b"\xaa" + len(known).to_bytes(2, "little") + known


def _done(status: int, rows: int = 0) -> bytes:
    return b"\xfd" + status.to_bytes(2, "little") + b"\xc1\0" + rows.to_bytes(8, "little")


def _described(answer: Rows) -> bytes:
    said = b"\x81" + len(answer.columns).to_bytes(2, "little")
    for name, native in answer.columns:
        each = kind(native)
        said += each.user_type.to_bytes(4, "little") + b"\x09\0" + each.info  # may be NULL, may be changed
        said += (b"\x01" + _long("t") if each.is_long else b"") + _short(name)
    return said


def main() -> None:
    wire.run(Session)
