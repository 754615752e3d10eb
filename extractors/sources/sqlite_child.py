"""A process that reads one SQLite file through ADBC and hands batches to its parent; it is told what on stdin.

A process of its own, because two copies of SQLite in one process take each other's locks away when they close a file
(sqlite.org/howtocorrupt.html, 2.2.1), because ADBC's has no way to interrupt a query: this can be ended at once; and
because rows that are too long for it end it, and not the run. It knows nothing but the standard library: pyarrow alone
would take 90 MiB and half a second.

It is told `{"path": …, "driver": …, "lanes": …}` and says `{}` when so many read transactions have begun; then, any
number of times, `{"select": …, "kinds": […], "rows": …}`: it answers with batches, each `{"batch": rows, "sizes":
[bytes, …]}` with its buffers after it, and with a line that says how it ended: `{"rows": …}`, `{"odd": [columns],
"why": …}` for values of another storage class than was planned, or `{"error": …}`, after either of which it ends. With
`"slices": [first, last, step]` the select ends in `BETWEEN`, and is run for each slice, in each lane at once.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import io
import json
import os
import re
import resource
import sys
from collections.abc import Iterator, Sequence
from ctypes import CFUNCTYPE, POINTER, Structure, c_char_p, c_int, c_int32, c_int64, c_void_p
from pathlib import Path
from queue import SimpleQueue
from threading import Semaphore, Thread
from typing import Any, BinaryIO
from urllib.parse import quote

PIPE = 2**20  # Linux's most for a process without privileges
MEMORY = 192 * 2**20  # beside what the libraries take: rows too long for it are read by the other engine, one by one
READY = 1  # batches a lane holds ready beside the one it reads, of some 4 MiB each
FORMATS = {"integer": b"l", "real": b"g", "text": b"u", "blob": b"z"}  # Arrow's, of its C data interface
WIDE = {b"l": 8, b"g": 8}  # bytes of a value
OFFSET = 4  # bytes of an offset into text or bytes


# --- Arrow's C stream and data interfaces, and ADBC's (adbc.h, 1.1), as far as they are needed ------------------------


class Schema(Structure):
    pass


class Array(Structure):
    pass


_RELEASE = CFUNCTYPE(None, c_void_p)
Schema._fields_ = [
    ("format", c_char_p), ("name", c_char_p), ("metadata", c_char_p), ("flags", c_int64), ("n_children", c_int64),
    ("children", POINTER(POINTER(Schema))), ("dictionary", c_void_p), ("release", _RELEASE), ("private", c_void_p),
]  # fmt: skip
Array._fields_ = [
    ("length", c_int64), ("null_count", c_int64), ("offset", c_int64), ("n_buffers", c_int64), ("n_children", c_int64),
    ("buffers", POINTER(c_void_p)), ("children", POINTER(POINTER(Array))), ("dictionary", c_void_p),
    ("release", _RELEASE), ("private", c_void_p),
]  # fmt: skip


class Stream(Structure):
    _fields_ = (
        ("get_schema", CFUNCTYPE(c_int, c_void_p, c_void_p)), ("get_next", CFUNCTYPE(c_int, c_void_p, c_void_p)),
        ("get_last_error", CFUNCTYPE(c_char_p, c_void_p)), ("release", _RELEASE), ("private", c_void_p),
    )  # fmt: skip


class Handle(Structure):
    """A database, a connection or a statement."""

    _fields_ = (("private", c_void_p), ("driver", c_void_p))


class Error(Structure):
    _fields_ = (
        ("message", c_char_p), ("vendor_code", c_int32), ("sqlstate", ctypes.c_char * 5), ("release", _RELEASE),
        ("private", c_void_p), ("driver", c_void_p),
    )  # fmt: skip


class Failed(Exception):
    """What SQLite or ADBC says."""


class Odd(Exception):
    """Values of another storage class than was planned, in these columns; or in some, if there are none."""

    def __init__(self, columns: list[int], why: str) -> None:
        self.columns = columns
        super().__init__(why)


class Connection:
    """One connection, in a read transaction."""

    def __init__(self, driver: ctypes.CDLL, uri: str) -> None:
        self.driver, self.database, self.handle = driver, Handle(), Handle()
        self._call("DatabaseNew", self.database)
        self._call("DatabaseSetOption", self.database, b"uri", uri.encode())
        self._call("DatabaseInit", self.database)
        self._call("ConnectionNew", self.handle)
        self._call("ConnectionInit", self.handle, self.database)
        self._call("ConnectionSetOption", self.handle, b"adbc.connection.autocommit", b"false")
        for batch in self.batches("SELECT count(*) FROM sqlite_schema", (), 1):  # it takes effect with the first read
            batch.release()

    def _call(self, name: str, *given: Structure | bytes | None) -> None:
        error = Error()
        passed = [ctypes.byref(each) if isinstance(each, Structure) else each for each in given]
        if self.driver[f"Adbc{name}"](*passed, ctypes.byref(error)):
            message = (error.message or b"out of memory").decode(errors="replace")
            if error.release:
                error.release(ctypes.addressof(error))
            raise Failed(message)

    def batches(self, select: str, formats: Sequence[bytes], rows: int) -> Iterator[Batch]:
        """`formats`: of the columns, of which the select has one more, that guards them; () if nobody looks."""
        statement, stream = Handle(), Stream()
        self._call("StatementNew", self.handle, statement)
        try:
            self._call("StatementSetSqlQuery", statement, select.encode())
            self._call("StatementSetOption", statement, b"adbc.sqlite.query.batch_rows", str(rows).encode())
            self._call("StatementExecuteQuery", statement, stream, None)
            try:
                _check_formats(stream, formats)
                first = True
                while (array := _next(stream)) is not None:
                    yield Batch(array, formats, skip=int(first))
                    first = False
            finally:
                stream.release(ctypes.addressof(stream))
        finally:
            self._call("StatementRelease", statement)


def _said(stream: Stream, status: int) -> None:
    if status:
        said: bytes | None = stream.get_last_error(ctypes.addressof(stream))
        raise Failed((said or os.strerror(status).encode()).decode(errors="replace"))


def _check_formats(stream: Stream, formats: Sequence[bytes]) -> None:
    schema: Any = Schema()
    _said(stream, stream.get_schema(ctypes.addressof(stream), ctypes.addressof(schema)))
    odd = [at for at, format_ in enumerate(formats) if schema.children[at].contents.format != format_]
    schema.release(ctypes.addressof(schema))
    if odd:
        raise Odd(odd, "values of several storage classes at the beginning")


def _next(stream: Stream) -> Array | None:
    array: Any = Array()
    _said(stream, stream.get_next(ctypes.addressof(stream), ctypes.addressof(array)))
    return array if array.release else None


# --- batches, as buffers ----------------------------------------------------------------------------------------------


class Batch:
    """Rows that ADBC holds, until they are released; without the first `skip` of them, which says the types."""

    def __init__(self, array: Any, formats: Sequence[bytes], skip: int) -> None:
        self.array, self.formats, self.skip, self.rows = array, formats, skip, array.length - skip

    def release(self) -> None:
        self.array.release(ctypes.addressof(self.array))

    def check(self) -> None:
        """Raises Odd where the last column says which other one is."""
        guard = bytes(_bytes(self.array.children[len(self.formats)].contents.buffers[1], 8 * self.array.length))
        if self.skip:
            assert guard[:8] == b"\xff" * 8, "the row that says the types comes first"
        if guard[8 * self.skip :].strip(b"\0"):
            odd = next(filter(None, memoryview(guard).cast("q")[self.skip :]))
            raise Odd([odd - 1], "a value of another storage class")

    def buffers(self) -> Iterator[memoryview]:
        """Of each column: which values are there, b"" if all are; offsets, of text or bytes; the values."""
        for at, format_ in enumerate(self.formats):
            column = self.array.children[at].contents
            assert column.offset == 0
            valid, first = column.buffers[0], column.buffers[1]
            yield self._valid(valid) if valid and column.null_count else memoryview(b"")
            if width := WIDE.get(format_):
                yield _bytes(first, width * column.length)[width * self.skip :]
                continue
            offsets = _bytes(first, OFFSET * (column.length + 1))
            yield offsets[OFFSET * self.skip :]
            yield _bytes(column.buffers[2], offsets.cast("i")[-1])

    def _valid(self, address: int) -> memoryview:
        bits = int.from_bytes(_bytes(address, (self.rows + self.skip + 7) // 8), "little") >> self.skip
        return memoryview(bits.to_bytes((self.rows + 7) // 8 + 1, "little"))[: (self.rows + 7) // 8]


def _bytes(address: int | None, size: int) -> memoryview:
    return memoryview((ctypes.c_char * size).from_address(address) if address and size else b"").cast("B")


# --- what is asked, and answered --------------------------------------------------------------------------------------


class Lane:
    """One connection's part of a reading, in a thread."""

    def __init__(self, connection: Connection, selects: Iterator[str], formats: Sequence[bytes], rows: int) -> None:
        self.made: SimpleQueue[Batch | Exception | None] = SimpleQueue()  # None is a select's end
        self.room = Semaphore(READY)
        self.given = connection, selects, formats, rows
        Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        connection, selects, formats, rows = self.given
        try:
            for select in selects:
                for batch in connection.batches(select, formats, rows):
                    batch.check()
                    self.room.acquire()
                    self.made.put(batch)
                self.made.put(None)
        except Exception as exc:
            self.made.put(exc)

    def one(self) -> Iterator[Batch]:
        """The batches of its next select."""
        while (got := self.made.get()) is not None:
            if isinstance(got, Exception):
                raise got
            yield got
            got.release()
            self.room.release()


def main(orders: BinaryIO, out: io.FileIO) -> None:
    with contextlib.suppress(AttributeError, OSError):
        fcntl.fcntl(out, fcntl.F_SETPIPE_SZ, PIPE)
    told = json.loads(orders.readline())
    driver = ctypes.CDLL(told["driver"])
    uri = f"file:{quote(told['path'])}?mode=ro"
    connections = [Connection(driver, uri) for _ in range(told["lanes"])]
    _limit_memory()
    _say(out, {})
    for line in orders:
        said = _answer(connections, out, json.loads(line))
        _say(out, said)
        if "rows" not in said:
            os._exit(0)  # lanes may still read


def _limit_memory() -> None:
    with contextlib.suppress(OSError, TypeError, ValueError):
        taken = re.search(r"VmData:\s+(\d+) kB", Path("/proc/self/status").read_text())
        most = int(taken[1]) * 1024 + MEMORY  # type: ignore[index]
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def _say(out: io.FileIO, what: dict[str, Any]) -> None:
    _put(out, memoryview(json.dumps(what).encode() + b"\n"))


def _put(out: io.FileIO, what: memoryview) -> None:
    while what:
        what = what[out.write(what) :]


def _answer(connections: Sequence[Connection], out: io.FileIO, order: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"rows": sum(_send(out, batch) for batch in _batches(connections, order))}
    except Odd as exc:
        return {"odd": exc.columns, "why": str(exc)}
    except (Failed, MemoryError, OSError) as exc:
        if found := re.search(r"Type mismatch in column (\d+)|expected BLOB", str(exc)):
            return {"odd": [int(found[1])] if found[1] else [], "why": str(exc)}
        return {"error": str(exc)}


def _batches(connections: Sequence[Connection], order: dict[str, Any]) -> Iterator[Batch]:
    formats, rows = [FORMATS[kind] for kind in order["kinds"]], order["rows"]
    if "slices" not in order:
        yield from Lane(connections[0], iter([order["select"]]), formats, rows).one()
        return
    first, last, step = order["slices"]
    starts = range(first, last + 1, step)
    lanes = [
        Lane(connection, _slices(order["select"], starts[at :: len(connections)], step, last), formats, rows)
        for at, connection in enumerate(connections)
    ]
    for at in range(len(starts)):
        yield from lanes[at % len(lanes)].one()


def _slices(select: str, starts: range, step: int, last: int) -> Iterator[str]:
    for low in starts:
        yield f"{select} {low} AND {min(low + step - 1, last)}"


def _send(out: io.FileIO, batch: Batch) -> int:
    if batch.rows:
        buffers = list(batch.buffers())
        _say(out, {"batch": batch.rows, "sizes": [buffer.nbytes for buffer in buffers]})
        for buffer in buffers:
            _put(out, buffer)
    return int(batch.rows)


if __name__ == "__main__":
    main(sys.stdin.buffer, io.FileIO(sys.stdout.fileno(), "w", closefd=False))
