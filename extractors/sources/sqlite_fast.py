"""The fast way to read a SQLite file: which kind of value each column is expected to have, and a process that reads."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import IOBase
from pathlib import Path
from typing import Any, cast

import pyarrow as pa

from extractors.compiled import Column
from extractors.dialects import Select, base
from extractors.raw import Raw
from extractors.refused import NativeFailed

CHILD = Path(__file__).with_name("sqlite_child.py")
ROWS = 16_384  # of a batch: Arrow's columns stay in the processor's caches
BATCH = 4 * 2**20  # bytes of a batch, by the average row
FEWEST = 64  # rows of a batch
DUMMY = {"integer": "0", "real": "0.0", "real?": "0.0", "text": "''", "blob": "x''"}
# A whole number and the float it would be become the same value of these types, as long as the float is exact.
_NUMBERS = frozenset({"int8", "int16", "int32", "int64", "decimal", "float64", "boolean"})


class Broke(Exception):
    """The process has ended, or cannot go on: the other engine can."""


def is_installed() -> bool:
    return importlib.util.find_spec("adbc_driver_sqlite") is not None


def affinity(declared: str) -> str:
    """What SQLite makes of a value that is stored in a column so declared (sqlite.org/datatype3.html, 3.1)."""
    declared = declared.upper()
    if "INT" in declared:
        return "integer"
    if re.search("CHAR|CLOB|TEXT", declared):
        return "text"
    if not declared or "BLOB" in declared:
        return "blob"
    return "real" if re.search("REAL|FLOA|DOUB", declared) else "numeric"


@dataclass(frozen=True, slots=True)
class Expected:
    """What the process is to read: the SQL, the kind of value of each column, their names in the source."""

    sql: str
    kinds: tuple[str, ...]
    columns: tuple[str, ...]
    rows: int  # of a batch


def expected(
    select: Select, declared: Mapping[str, str], sample: Sequence[Sequence[Raw]], weight: int
) -> Expected | None:
    """None if a column has values of several kinds. `weight`: bytes of text in an average row of the sample."""
    columns = tuple(planned.column for planned in select.columns)
    types = [declared.get(column.source, "") for column in columns]
    kinds = tuple(map(kind_of, columns, types, zip(*sample, strict=True)))
    known = tuple(kind for kind in kinds if kind is not None)
    if len(known) < len(kinds):
        return None
    rows = BATCH // (weight + 9 * len(kinds))
    if rows < FEWEST:
        return None  # where a row is that long, making objects of it costs nothing beside reading it
    return Expected(typed(select, known, types), known, tuple(c.source for c in columns), min(rows, ROWS))


def kind_of(column: Column, declared: str, values: Sequence[Raw]) -> str | None:
    """The kind all values of a column seem to have: integer, real, text or blob; None where there are several.

    `real?`: whole numbers may be among them, which come as floats.
    """
    kinds = {type(value) for value in values} - {type(None)}
    likes, is_number = affinity(declared), column.type.name in _NUMBERS
    if not kinds:
        if likes != "numeric":
            return likes
        return "text" if not is_number else "real?" if column.type.name in ("decimal", "float64") else "integer"
    if kinds == {int}:
        return "real?" if likes == "numeric" and column.type.name in ("decimal", "float64") else "integer"
    if kinds == {float} and likes == "real":
        return "real"
    if kinds <= {int, float}:
        return "real?" if is_number else None
    return "text" if kinds == {str} else "blob" if kinds == {bytes} else None


def typed(select: Select, kinds: Sequence[str], declared: Sequence[str]) -> str:
    """The select, with a first row that says each column's type and a last column that says which one is odd.

    ADBC takes the types from what comes first. Then it raises for another value in a column of integers, and for text
    or bytes in one of floats; but makes text of anything, and bytes of text, without a word: the last column tells.
    """
    cases = []
    for at, (planned, kind, likes) in enumerate(zip(select.columns, kinds, map(affinity, declared), strict=True), 1):
        # Storage classes compare as numbers < text < bytes. A column of text affinity has made text of its numbers.
        if kind == "blob" or (kind == "text" and likes != "text"):
            cases.append(f"WHEN +{planned.sql} < {DUMMY[kind]} COLLATE BINARY THEN {at}")
        if kind == "text":
            cases.append(f"WHEN {planned.sql} >= x'' COLLATE BINARY THEN {at}")
    guard = f"CASE {' '.join(cases)} ELSE 0 END" if cases else "0"
    first = ", ".join(f"{DUMMY[kind]} AS c{at}" for at, kind in enumerate(kinds))
    rows = base.select(select.relation, ", ".join([*(planned.sql for planned in select.columns), guard]), select.where)
    ctes = select.relation.ctes
    return f"{ctes} SELECT {first}, -1 AS fig_odd UNION ALL {rows.removeprefix(ctes)}".strip()


@dataclass
class Fast:
    """The process, with its read transaction begun."""

    path: Path
    process: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        command = [sys.executable, "-P", str(CHILD)]
        environ = {**os.environ, "ARROW_DEFAULT_MEMORY_POOL": "system"}  # which gives back, and reserves nothing
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environ,
            start_new_session=True,  # Ctrl-C is the parent's to hear
        )  # fmt: skip
        try:
            self._tell({"path": str(self.path)})
            self._hear()
        except BaseException:
            self.close()
            raise

    def read(self, expected: Expected) -> Iterator[pa.RecordBatch]:
        """Raises NativeFailed, or Broke."""
        self._tell({"select": expected.sql, "types": expected.kinds, "rows": expected.rows})
        assert self.process.stdout is not None
        sent = 0
        try:
            with pa.ipc.open_stream(pa.PythonFile(cast("IOBase", self.process.stdout), "r")) as stream:
                for batch in stream:
                    if batch.num_rows:
                        sent += batch.num_rows
                        yield batch
        except (pa.ArrowException, OSError, ValueError) as exc:
            raise Broke(str(exc)) from exc
        except GeneratorExit:
            self.close()  # what it still has to say nobody will hear
            raise
        end = self._hear()
        if "odd" in end:
            odd = [expected.columns[at] for at in end["odd"]] or list(expected.columns)
            raise NativeFailed(frozenset(odd), f"column '{odd[0]}' holds {end['why']}")
        if end.get("rows") != sent:
            raise Broke(str(end.get("error")))

    def _tell(self, what: Mapping[str, object]) -> None:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(what).encode() + b"\n")
            self.process.stdin.flush()
        except OSError as exc:
            raise Broke(str(exc)) from exc

    def _hear(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line.endswith(b"\n"):
            raise Broke("the process that reads has ended")
        said: dict[str, Any] = json.loads(line)
        return said

    def kill(self) -> None:
        """From any thread; what is being read then raises Broke."""
        self.process.kill()

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for end in (self.process.stdin, self.process.stdout):
            if end is not None:
                try:
                    end.close()
                except OSError:  # what was not sent is not wanted any more
                    pass
