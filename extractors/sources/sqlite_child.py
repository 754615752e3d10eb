"""A process that reads one SQLite file through ADBC and hands Arrow batches to its parent; it is told what on stdin.

A process of its own, because two copies of SQLite in one process take each other's locks away when they close a file
(sqlite.org/howtocorrupt.html, 2.2.1), and because ADBC's has no way to interrupt a query: this can be ended at once.

It is told `{"path": …}` and says `{}` when its read transaction has begun; then, any number of times, `{"select": …,
"types": […], "rows": …}`: it answers with an Arrow stream, and a line that says how it ended: `{"rows": …}`, `{"odd":
[columns], "why": …}` for values of another storage class than was planned, or `{"error": …}`.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import re
import resource
import sys
from io import IOBase
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc
from adbc_driver_sqlite import dbapi

PIPE = 2**20  # Linux's most for a process without privileges
MEMORY = 192 * 2**20  # beside what the libraries take: rows too long for it are read by the other engine, one by one
KINDS: dict[str, pa.DataType] = {"integer": pa.int64(), "real": pa.float64(), "text": pa.string(), "blob": pa.binary()}
LAST_WHOLE, FARTHEST = pa.scalar(2.0**53), pa.scalar(2.0**63)  # between them, whole numbers have become even ones


class Odd(Exception):
    """Values of another storage class than was planned, in these columns; or in some, if there are none."""

    def __init__(self, columns: list[int], why: str) -> None:
        self.columns = columns
        super().__init__(why)


def main(orders: BinaryIO, out: BinaryIO) -> None:
    with contextlib.suppress(AttributeError, OSError):
        fcntl.fcntl(out, fcntl.F_SETPIPE_SZ, PIPE)
    path = json.loads(orders.readline())["path"]
    with dbapi.connect(f"file:{quote(path)}?mode=ro") as connection:  # ADBC begins a transaction by itself
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM sqlite_schema")  # it takes effect with the first read
            cursor.fetchall()
        _limit_memory()
        _say(out, {})
        for line in orders:
            order = json.loads(line)
            _say(out, _answer(connection, out, order["select"], order["types"], order["rows"]))


def _limit_memory() -> None:
    with contextlib.suppress(OSError, TypeError, ValueError):
        taken = re.search(r"VmData:\s+(\d+) kB", Path("/proc/self/status").read_text())
        most = int(taken[1]) * 1024 + MEMORY  # type: ignore[index]
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def _say(out: BinaryIO, what: dict[str, Any]) -> None:
    out.write(json.dumps(what).encode() + b"\n")
    out.flush()


def _answer(connection: dbapi.Connection, out: BinaryIO, select: str, types: list[str], rows: int) -> dict[str, Any]:
    schema = pa.schema([(f"c{at}", KINDS[kind.removesuffix("?")]) for at, kind in enumerate(types)])
    with pa.ipc.new_stream(pa.PythonFile(cast("IOBase", out), "w"), schema) as writer:
        try:
            return {"rows": _send(connection, writer, schema, select, types, rows)}
        except Odd as exc:
            return {"odd": exc.columns, "why": str(exc)}
        except (dbapi.Error, pa.ArrowException, MemoryError, OSError) as exc:
            if found := re.search(r"Type mismatch in column (\d+)|expected BLOB", str(exc)):
                return {"odd": [int(found[1])] if found[1] else [], "why": str(exc)}
            return {"error": str(exc)}


def _send(
    connection: dbapi.Connection, writer: Any, schema: pa.Schema, select: str, types: list[str], rows: int
) -> int:
    sent = 0
    whole_too = [at for at, kind in enumerate(types) if kind == "real?"]
    with connection.cursor() as cursor:
        cursor.adbc_statement.set_options(**{"adbc.sqlite.query.batch_rows": str(rows)})
        cursor.execute(select)
        reader = cursor.fetch_record_batch()
        odd = [at for at, field in enumerate(schema) if reader.schema.field(at).type != field.type]
        if odd:
            raise Odd(odd, "values of several storage classes at the beginning")
        for number, batch in enumerate(reader):
            checked = _checked(batch, schema, whole_too, first=not number)
            writer.write_batch(checked)
            sent += checked.num_rows
    return sent


def _checked(batch: pa.RecordBatch, schema: pa.Schema, whole_too: list[int], *, first: bool) -> pa.RecordBatch:
    """Without the row that says the types and the column that says which other one was odd."""
    guard = batch.column(len(schema))
    if first:
        assert guard[0].as_py() == -1, "the row that says the types comes first"
        batch, guard = batch.slice(1), guard.slice(1)
    if batch.num_rows and (most := pc.max(guard).as_py()):
        raise Odd([most - 1], "a value of another storage class")
    columns = batch.columns[: len(schema)]
    for at in whole_too:
        size: Any = pc.abs(columns[at])
        if pc.any(pc.and_(pc.greater_equal(size, LAST_WHOLE), pc.less_equal(size, FARTHEST)), min_count=0).as_py():
            raise Odd([at], "a number that a float cannot say exactly, if it is a whole one")
    for at, column in enumerate(columns):
        if schema.field(at).type == pa.string():
            try:
                column.validate(full=True)
            except pa.ArrowInvalid as exc:
                raise Odd([at], "text that is not valid UTF-8") from exc
    return pa.RecordBatch.from_arrays(columns, schema=schema)


if __name__ == "__main__":
    main(sys.stdin.buffer, sys.stdout.buffer)
