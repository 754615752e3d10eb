"""The wire of an Oracle 19c and nothing behind it, as its thin driver speaks it: TNS packets, TTC messages, O5LOGON.

Derived from the client's half, which Oracle publishes (python-oracledb, UPL or Apache 2.0); no document of the server's
half is public. It knows no SQL: what each statement is answered with is the test's own.
"""

from __future__ import annotations

import hashlib
import secrets
import select
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tests.servers import wire
from tests.servers.tns_types import UTF8, UTF16, Kind, clear, kind, text, ub
from tests.servers.wire import Fails, Gone, Rows, Server, Wire, exactly

CONNECT, ACCEPT, DATA, MARKER = 1, 2, 6, 12  # packets
BREAK, RESET = 1, 2  # markers
PROTOCOL, TYPES, CALL, ERROR, ROW_HEADER, ROW, PARAMETERS, STATUS, DESCRIBED, BEFORE = 1, 2, 3, 4, 6, 7, 8, 9, 16, 17
LOGOFF = 9  # a call
FETCHES = 0x40  # of an execute's options
FIELDS = 12  # which fields messages have: those of 19c
VERSION = 317  # of TNS: packets with lengths of four bytes, breaks in line
SIZE = 2**15  # of a packet
DONE, CANCELLED, REFUSED = 1403, 1013, 1017  # ORA-01403: no data found; what a break ends with; no such login


def url(server: Server, service: str) -> str:
    return f"oracle://reader:{server.password}@127.0.0.1:{server.port}/{service}"


@contextmanager
def serving(answers: wire.Answers, password: str = "s3cr3t") -> Iterator[Server]:
    """`with tns.serving(answers) as server:` then `tns.url(server, "HOUSING")`."""
    with wire.serving("tests.servers.tns", answers, password) as server:
        yield server


class _Cancelled(Exception):
    """The client has asked for the end of what it asked for."""


@dataclass(slots=True)
class Reader:
    body: bytes
    at: int = 0

    def raw(self, size: int) -> bytes:
        self.at += size
        return self.body[self.at - size : self.at]

    def byte(self) -> int:
        return self.raw(1)[0]

    def ub(self) -> int:
        return int.from_bytes(self.raw(self.byte()), "big")

    def clear(self) -> bytes:
        size = self.byte()
        if size != 0xFE:
            return self.raw(size)
        pieces = []
        while size := self.ub():
            pieces.append(self.raw(size))
        return b"".join(pieces)

    def text(self) -> str:
        return self.clear().decode() if self.ub() else ""

    def skip(self, fields: str) -> None:
        """b: a byte; n: a number."""
        for each in fields:
            if each == "b":
                self.byte()
            else:
                self.ub()


@dataclass(slots=True)
class Cursor:
    answer: Rows
    rows: Iterator[Sequence[object]]
    kinds: list[Kind]


@dataclass(slots=True)
class Session:
    client: socket.socket
    wire: Wire
    connected: bool = False
    who: str = ""
    salt: bytes = field(default_factory=lambda: secrets.token_bytes(10))
    ours: bytes = field(default_factory=lambda: secrets.token_bytes(48))
    cursors: dict[int, Cursor] = field(default_factory=dict)

    def serve(self) -> None:
        """One packet, answered."""
        code, body = self._packet()
        if code == CONNECT:
            if len(body) <= 66:  # what it wants to be connected to comes in a packet of its own
                self._packet()
            self._send(_accepted(), ACCEPT)
            self.connected = True
        elif code == MARKER:
            if body[2] != RESET:  # what was asked for has been answered already
                self._broken()
        else:
            try:
                self._messages(Reader(body, 2))
            except _Cancelled:
                self._broken()

    def _packet(self) -> tuple[int, bytes]:
        head = exactly(self.client, 8)
        size = int.from_bytes(head[:4] if self.connected else head[:2], "big")
        return head[4], exactly(self.client, size - 8)

    def _send(self, body: bytes, code: int = DATA) -> None:
        flags = bytes(2) if code == DATA else b""
        for at in range(0, len(body), SIZE):
            piece = flags + body[at : at + SIZE]
            size = len(piece) + 8
            head = size.to_bytes(4, "big") if self.connected else size.to_bytes(2, "big") + b"\0\0"
            self.client.sendall(head + bytes([code, 0, 0, 0]) + piece)

    def _broken(self) -> None:
        """A break ends in this order: ours, the client's word that it has heard, ours that we have; then the error."""
        self._send(bytes([1, 0, BREAK]), MARKER)
        while self._packet() != (MARKER, bytes([1, 0, RESET])):
            continue
        self._send(bytes([1, 0, RESET]), MARKER)
        self._send(_ended(CANCELLED, "ORA-01013: user requested cancel of current operation"))
        self.wire.tell("attention")

    def _messages(self, asked: Reader) -> None:
        code = asked.byte()
        while code == BEFORE:  # cursors that are to be closed, ahead of what is asked for
            asked.raw(2)
            asked.byte()
            for _ in range(asked.ub()):
                self.cursors.pop(asked.ub(), None)
            code = asked.byte()
        if code == PROTOCOL:
            self._send(_protocol())
        elif code == TYPES:
            self._send(bytes([TYPES, 0, 0]))
        else:
            assert code == CALL, code
            call, _ = asked.raw(2)
            self._call(call, asked)

    def _call(self, call: int, asked: Reader) -> None:
        match call:
            case 118:  # who is there?
                self._greeted(asked)
            case 115:  # how to prove it
                self._login(asked)
            case 94:  # execute
                self._execute(asked)
            case 5:  # fetch
                cursor, rows = asked.ub(), asked.ub()
                self._send(self._rows(cursor, rows))
            case 4 | 78:  # execute again, and fetch
                cursor, rows = asked.ub(), asked.ub()
                self.cursors[cursor].rows = self.cursors[cursor].answer.each()
                self._send(self._rows(cursor, rows))
            case _:
                self._send(bytes([STATUS]) + ub(0) + ub(0))
                if call == LOGOFF:
                    raise Gone

    def _greeted(self, asked: Reader) -> None:
        self._pairs(asked)
        key = _verifier(self.wire.password, self.salt)
        said = {"AUTH_SESSKEY": _encrypted(key, self.ours), "AUTH_VFR_DATA": self.salt}
        self._send(_parameters({name: value.hex().upper() for name, value in said.items()}))

    def _login(self, asked: Reader) -> None:
        """The two halves of a key, each under the password; then the password under the key."""
        said = self._pairs(asked)
        theirs = _decrypted(_verifier(self.wire.password, self.salt), bytes.fromhex(said["AUTH_SESSKEY"]))
        mixed = bytes(a ^ b for a, b in zip(self.ours[16:40], theirs[16:40], strict=True))
        key = (hashlib.md5(mixed[:16]).digest() + hashlib.md5(mixed[16:]).digest())[:24]
        password = _decrypted(key, bytes.fromhex(said["AUTH_PASSWORD"]))[16:]
        if password[: -password[-1]] != self.wire.password.encode():
            return self._send(_ended(REFUSED, "ORA-01017: invalid username/password; logon denied"))
        self.wire.tell("login", [self.who, "", False])
        proof = _encrypted(key, secrets.token_bytes(16) + b"SERVER_TO_CLIENT")
        known = {"AUTH_VERSION_NO": str(19 << 24), "AUTH_SESSION_ID": "1", "AUTH_SERIAL_NUM": "1"}
        return self._send(_parameters({"AUTH_SVR_RESPONSE": proof.hex().upper(), **known}))

    def _pairs(self, asked: Reader) -> dict[str, str]:
        has_name = asked.byte()
        asked.skip("nnb")
        count = asked.ub()
        asked.skip("bb")
        self.who = asked.clear().decode() if has_name else ""
        said = {}
        for _ in range(count):
            name, value = asked.text(), asked.text()
            asked.ub()
            said[name] = value
        return said

    def _execute(self, asked: Reader) -> None:
        options, cursor = asked.ub(), asked.ub()
        asked.skip("bnbnbbn")
        rows = asked.ub()
        asked.skip("nbnbbbbbbnnbbbnbnnbnb" + "bnbnb" + "bn")
        if cursor:  # asked for before; now it is known that LOBs are wanted as LONGs
            return self._send(self._rows(cursor, rows))
        sql = asked.clear().decode()
        self.wire.tell("said", sql)
        answer = self.wire.answer(sql)
        if isinstance(answer, Fails):
            return self._send(_ended(answer.number, f"ORA-{answer.number:05}: {answer.message}"))
        if answer is None:
            return self._send(_ended())
        cursor = max(self.cursors, default=0) + 1
        kinds = [kind(native) for _, native in answer.columns]
        self.cursors[cursor] = Cursor(answer, answer.each(), kinds)
        described = _described([name for name, _ in answer.columns], kinds)
        if not options & FETCHES:
            return self._send(described + _ended(cursor=cursor))
        return self._send(described + self._rows(cursor, rows))

    def _rows(self, number: int, wanted: int) -> bytes:
        cursor = self.cursors[number]
        if cursor.answer.stalling:
            self.wire.tell("sending")
            select.select([self.client], [], [])
        if cursor.answer.endless:
            self.wire.tell("sending")
        readable, _, _ = select.select([self.client], [], [], 0)
        if readable:
            code, body = self._packet()
            assert (code, body[2]) == (MARKER, 3), (code, body)
            raise _Cancelled
        sent = bytes([ROW_HEADER, 0]) + ub(0) * 6
        for _ in range(wanted):
            row = next(cursor.rows, None)
            if row is None:
                if cursor.answer.cut:
                    self._send(sent)
                    raise Gone
                if failing := cursor.answer.failing:
                    return sent + _ended(failing.number, f"ORA-{failing.number:05}: {failing.message}")
                return sent + _ended(DONE, "ORA-01403: no data found", cursor=number)
            values = zip(cursor.kinds, row, strict=True)
            sent += bytes([ROW]) + b"".join(each.row(value) for each, value in values)
        return sent + _ended(cursor=number)


def _accepted() -> bytes:
    """The version, no options, no encryption of its own; packets of 64 KiB."""
    return VERSION.to_bytes(2, "big") + bytes(2 + 10 + 1 + 9) + (2**16).to_bytes(4, "big") + bytes(8)


def _protocol() -> bytes:
    sets = bytes(9) + UTF16.to_bytes(2, "big")
    can, runs = bytearray(55), bytearray(11)
    can[7] = FIELDS
    said = bytes([PROTOCOL, 6, 0]) + b"a wire\0" + UTF8.to_bytes(2, "little") + bytes([0, 0, 0])
    return said + len(sets).to_bytes(2, "big") + sets + clear(bytes(can)) + clear(bytes(runs))


def _verifier(password: str, salt: bytes) -> bytes:
    return hashlib.sha1(password.encode() + salt).digest() + bytes(4)


def _encrypted(key: bytes, plain: bytes) -> bytes:
    cipher = Cipher(algorithms.AES(key), modes.CBC(bytes(16))).encryptor()
    return cipher.update(plain)


def _decrypted(key: bytes, hidden: bytes) -> bytes:
    return Cipher(algorithms.AES(key), modes.CBC(bytes(16))).decryptor().update(hidden)


def _parameters(said: dict[str, str]) -> bytes:
    flags = {"AUTH_VFR_DATA": 0xB152}  # the kind of verifier: SHA-1, with a salt
    pairs = b"".join(text(name) + text(value) + ub(flags.get(name, 0)) for name, value in said.items())
    return bytes([PARAMETERS]) + ub(len(said)) + pairs + bytes([STATUS]) + ub(0) + ub(0)


def _described(names: Sequence[str], kinds: Sequence[Kind]) -> bytes:
    columns = b"".join(each.described(name, at + 1) for at, (name, each) in enumerate(zip(names, kinds, strict=True)))
    return bytes([DESCRIBED, 0]) + ub(0) + ub(len(kinds)) + b"\0" + columns + ub(0) * 6


def _ended(number: int = 0, message: str = "", *, cursor: int = 0) -> bytes:
    """The end of an answer: an error's number and words, or 0."""
    said = bytes([ERROR]) + ub(0) * 6 + ub(cursor) + ub(0) + bytes(6)
    said += ub(0) + ub(0) + b"\0" + ub(0) + ub(0)  # a row's id
    said += ub(0) + bytes(2) + ub(0) * 3 + ub(0) * 3 + ub(number) + ub(0)
    return said + (clear(message.encode()) if number else b"")


def main() -> None:
    wire.run(Session)
