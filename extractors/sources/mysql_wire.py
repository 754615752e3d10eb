"""What a MySQL server answers, taken off its connection a batch of rows at a time; only the batch is ever in memory.

pymysql opens the connection and asks; its own way to read rows makes a Python object of every value and ten times the
work. What the server has not been asked for stays with it: it waits while nobody reads. An answer is complete only if
the server has said so, with the packet that ends it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pymysql.connections import Connection
from pymysql.constants import COMMAND, CR
from pymysql.err import OperationalError, raise_mysql_exception
from pymysql.protocol import FieldDescriptorPacket

ROWS = 16_384  # of 150 bytes each on the wire: at 32,768 a whole run needs 350 MB, at this 325
BYTES = 16 * 2**20  # of the wire; what is under way in Arrow twice stays under 32 MiB, but for a row larger than that
ROOM = 2**20
_MOST = 0xFFFFFF  # a packet of this size is continued in the next one
_HEAD = struct.Struct("<I").unpack_from
_END, _ERROR = 0xFE, 0xFF
_END_SIZE = 9  # a row whose first field is eight bytes long in its length has more


@dataclass
class Packets:
    """Rows in the bytes they came in: those of row n are `data[starts[n]:ends[n]]`."""

    data: bytearray
    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)


class Answer:
    """What the server answers to one question; nothing else may be asked until it `is_over`."""

    def __init__(self, connection: Connection[Any], sql: str) -> None:
        self.connection: Any = connection
        self.is_over = self.is_begun = False
        self.batch, self.at, self.have = Packets(bytearray(ROOM)), 0, 0  # what was received, and how far it is framed
        self.connection._execute_command(COMMAND.COM_QUERY, sql)
        first = self.connection._read_packet()
        if first.is_ok_packet():
            self.fields, self.is_over = [], True
            return
        width = first.read_length_encoded_integer()
        self.fields = [self.connection._read_packet(FieldDescriptorPacket) for _ in range(width)]
        self.connection._read_packet()  # the end of the fields

    def packets(self) -> Iterator[Packets]:
        """The rows not read so far. Raises pymysql's errors: the server's own, or that it is gone."""
        while not self.is_over:
            batch = self.batch
            at, is_enough = self._frame(batch, self.at, self.have)
            if is_enough:
                self.batch, self.at, self.have = _rest(batch.data, at, self.have)
                if batch.starts:
                    yield batch
            else:
                if self.have == len(batch.data):
                    batch.data.extend(bytes(self.have))
                self.at, self.have = at, self.have + self._receive(batch.data, self.have)

    def drain(self) -> None:
        """Read what is left, and keep none of it."""
        for _ in self.packets():
            continue

    def _receive(self, data: bytearray, at: int) -> int:
        got = 0
        try:
            if self.is_begun:
                with memoryview(data) as whole, whole[at:] as room:
                    got = self.connection._rfile.raw.readinto(room)
            else:  # what was received together with the fields
                self.is_begun = True
                first = self.connection._rfile.read1(ROOM)
                got = len(first)
                data[at : at + got] = first
        finally:
            if not got:
                self.is_over = True
                self.connection._force_close()
        if not got:
            raise OperationalError(CR.CR_SERVER_LOST, "the server closed the connection in the middle of its answer")
        return got

    def _frame(self, batch: Packets, at: int, have: int) -> tuple[int, bool]:
        """Find the rows in what was received -> where the first byte of no row lies, and whether it is enough."""
        data, starts, ends, head = batch.data, batch.starts, batch.ends, _HEAD
        while at + 4 < have:
            if len(starts) >= ROWS or at >= BYTES:
                return at, True
            size = head(data, at)[0] & _MOST
            end = after = at + 4 + size
            if end > have:
                break
            if size == _MOST:
                end, after = _joined(data, at, have)
                if not end:
                    break
            elif (first := data[at + 4]) >= _END and (size < _END_SIZE or first == _ERROR):
                self.is_over = True
                if first == _ERROR:
                    raise_mysql_exception(bytes(data[at + 4 : end]))
                return end, True
            starts.append(at + 4)
            ends.append(end)
            at = after
        return at, False


def _rest(data: bytearray, at: int, have: int) -> tuple[Packets, int, int]:
    """Room for the next rows, with what was received of them; as much as these took, and a little."""
    rest = data[at:have]
    room = bytearray(max(ROOM, at + ROOM // 8, 2 * len(rest)))
    room[: len(rest)] = rest
    return Packets(room), 0, len(rest)


def _joined(data: bytearray, at: int, have: int) -> tuple[int, int]:
    """A row in several packets, made one -> its end, and where the next packet begins; zeros if not all is there."""
    parts, here, size = [], at, _MOST
    while size == _MOST:
        if here + 4 > have or here + 4 + (size := _HEAD(data, here)[0] & _MOST) > have:
            return 0, 0
        parts.append((here + 4, size))
        here += 4 + size
    end = at + 4
    for start, size in parts:
        data[end : end + size] = data[start : start + size]
        end += size
    return end, here
