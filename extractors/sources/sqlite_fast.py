"""The fast way to read a SQLite file: which kind of value each column is expected to have, and a process that reads."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from extractors.compiled import Column
from extractors.dialects import Select, base
from extractors.raw import Array, Raw
from extractors.refused import NativeFailed

CHILD = Path(__file__).with_name("sqlite_child.py")
ROWS = 16_384  # of a batch: Arrow's columns stay in the processor's caches
BATCH = 4 * 2**20  # bytes of a batch, by the average row
FEWEST = 64  # rows of a batch
ALIGNED = 64  # bytes, as Arrow has its buffers
KINDS: Mapping[str, pa.DataType] = {
    "integer": pa.int64(), "real": pa.float64(), "text": pa.string(), "blob": pa.binary(),
}  # fmt: skip
LAST_WHOLE, FARTHEST = 2.0**53, 2.0**63  # between them, whole numbers have become even ones
DUMMY = {"integer": "0", "real": "0.0", "real?": "0.0", "text": "''", "blob": "x''"}
# A whole number and the float it would be become the same value of these types, as long as the float is exact.
_NUMBERS = frozenset({"int8", "int16", "int32", "int64", "decimal", "float64", "boolean"})


class Broke(Exception):
    """The process has ended, or cannot go on: the other engine can."""


def driver() -> Path | None:
    """ADBC's library, which is not loaded here."""
    spec = importlib.util.find_spec("adbc_driver_sqlite")
    places = (spec and spec.submodule_search_locations) or ()
    return next((file for place in places if (file := Path(place) / "libadbc_driver_sqlite.so").is_file()), None)


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
    """What the process is to read: the SQL, the kind of value of each column, their names in the source.

    `slices`: the first and the last rowid, and how many one slice has, where the SQL ends in BETWEEN.
    """

    sql: str
    kinds: tuple[str, ...]
    columns: tuple[str, ...]
    rows: int  # of a batch
    slices: tuple[int, int, int] | None = None

    @property
    def order(self) -> dict[str, object]:
        kinds = [kind.removesuffix("?") for kind in self.kinds]
        asked = {"select": self.sql, "kinds": kinds, "rows": self.rows}
        return {**asked, "slices": self.slices} if self.slices else asked


@dataclass(frozen=True, slots=True)
class Rowids:
    """What a table calls its rowid, the first and the last there is, and how many there are."""

    name: str
    first: int
    last: int
    count: int

    def slices(self, rows: int) -> tuple[int, int, int]:
        """Such that one has hardly ever more than so many rows, where they lie evenly."""
        step = (self.last - self.first + 1) * (rows - rows // 16) // self.count
        return self.first, self.last, max(step, 1)


def expected(
    select: Select, declared: Mapping[str, str], sample: Sequence[Sequence[Raw]], weight: int,
    rowids: Rowids | None = None,
) -> Expected | None:  # fmt: skip
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
    rows, names = min(rows, ROWS), tuple(column.source for column in columns)
    if rowids is None:
        return Expected(typed(select, known, types), known, names, rows)
    sliced = replace(select, where=f"{rowids.name} BETWEEN")
    return Expected(typed(sliced, known, types), known, names, rows, rowids.slices(rows))


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
    """The process, with its read transactions begun."""

    path: Path
    driver: Path
    lanes: int = 1
    process: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(CHILD)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is the parent's to hear
        )  # fmt: skip
        try:
            self._tell({"path": str(self.path), "driver": str(self.driver), "lanes": self.lanes})
            self._hear()
        except BaseException:
            self.close()
            raise

    def read(self, expected: Expected) -> Iterator[pa.RecordBatch]:
        """Raises NativeFailed, or Broke; after either of them the process has ended."""
        self._tell(expected.order)
        sent, is_whole = 0, False
        try:
            while "batch" in (said := self._hear()):
                batch = self._take(said["batch"], said["sizes"], expected)
                sent += batch.num_rows
                yield batch
            if "odd" in said:
                raise _odd(expected, said["odd"], said["why"])
            if said.get("rows") != sent:
                raise Broke(str(said.get("error")))
            is_whole = True
        finally:
            if not is_whole:
                self.close()  # what it still has to say nobody will hear

    def _take(self, rows: int, sizes: Sequence[int], expected: Expected) -> pa.RecordBatch:
        """A batch's buffers, as Arrow's own: one piece of memory, read into where it stays."""
        assert self.process.stdout is not None
        starts = [0]
        for size in sizes:
            starts.append(starts[-1] + -(-size // ALIGNED) * ALIGNED)
        memory: Any = pa.allocate_buffer(starts[-1])
        view = memoryview(memory).cast("B")
        pieces: list[pa.Buffer] = []
        for start, size in zip(starts, sizes, strict=False):
            if self.process.stdout.readinto(view[start : start + size]) != size:  # type: ignore[attr-defined]
                raise Broke("the process that reads has ended")
            pieces.append(memory.slice(start, size))
        parts, columns = iter(pieces), list[Array]()
        for at, kind in enumerate(expected.kinds):
            type_ = KINDS[kind.removesuffix("?")]
            valid, *values = [next(parts) for _ in range(type_.num_buffers)]
            columns.append(pa.Array.from_buffers(type_, rows, [valid if valid.size else None, *values]))
            _check(columns[-1], kind, at, expected)
        return pa.RecordBatch.from_arrays(columns, names=[f"c{at}" for at in range(len(columns))])

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


def _odd(expected: Expected, columns: Sequence[int], why: str) -> NativeFailed:
    odd = [expected.columns[at] for at in columns] or list(expected.columns)
    return NativeFailed(frozenset(odd), f"column '{odd[0]}' holds {why}")


def _check(column: Array, kind: str, at: int, expected: Expected) -> None:
    if kind == "text":
        try:
            column.validate(full=True)
        except pa.ArrowInvalid as exc:
            raise _odd(expected, [at], "text that is not valid UTF-8") from exc
    if kind == "real?":
        size: Any = pc.abs(column)
        ends: Sequence[Any] = LAST_WHOLE, FARTHEST
        if pc.any(pc.and_(pc.greater_equal(size, ends[0]), pc.less_equal(size, ends[1])), min_count=0).as_py():
            raise _odd(expected, [at], "a number that a float cannot say exactly, if it is a whole one")
