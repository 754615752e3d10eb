"""A Parquet file made from another: the chunks of columns that did not change are copied byte for byte."""

from __future__ import annotations

import os
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from extractors import thrift
from extractors.thrift import I64, LIST, STRUCT, Struct

MAGIC = b"PAR1"
BLOCK = 2**20

# Of a footer, a group of rows, a column's chunk and its description: the fields looked at, by their numbers in Parquet.
ROWS, GROUPS = 3, 4
COLUMNS, GROUP_BYTES, GROUP_ROWS, GROUP_AT, GROUP_PACKED, ORDINAL = 1, 2, 3, 5, 6, 7
CHUNK_AT, DESCRIPTION, INDEXES = 2, 3, (4, 5, 6, 7)
BYTES, PACKED, DATA_AT, INDEX_AT, DICTIONARY_AT, BLOOM = 6, 7, 9, 10, 11, (14, 15)


class Original:
    """A Parquet file to copy from."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        file.seek(-8, os.SEEK_END)
        tail = file.read(8)
        if tail[4:] != MAGIC:
            raise ValueError("not a Parquet file, or an encrypted one")
        size = int.from_bytes(tail[:4], "little")
        file.seek(-8 - size, os.SEEK_END)
        self.footer = thrift.read(file.read(size))

    @property
    def groups(self) -> list[Struct]:
        groups: list[Struct] = self.footer[GROUPS][1][1]
        return groups


class Splice:
    """A new file at `path` with the columns of `original`, a group of rows at a time."""

    def __init__(self, path: Path, original: Original) -> None:
        self.original, self.path = original, path
        self.groups: list[Struct] = []
        self.file = path.open("xb")
        self.file.write(MAGIC)

    def add(self, group: int, columns: Mapping[int, bytes] | None = None) -> None:
        """A group of the original, but for some columns: each a whole Parquet file of one column and one group."""
        old = self.original.groups[group]
        patches = {at: Original(BytesIO(whole)) for at, whole in (columns or {}).items()}
        rows = {_field(patch.groups[0], GROUP_ROWS) for patch in patches.values()}
        rows = rows if len(patches) == len(old[COLUMNS][1][1]) else rows | {_field(old, GROUP_ROWS)}
        assert len(rows) == 1, "all columns of a group have as many rows"
        begin = self.file.tell()
        chunks = [
            self._copy(patches[at], patches[at].groups[0][COLUMNS][1][1][0])
            if at in patches
            else self._copy(self.original, chunk)
            for at, chunk in enumerate(old[COLUMNS][1][1])
        ]
        described = [chunk[DESCRIPTION][1] for chunk in chunks]
        self.groups.append({
            **old,
            COLUMNS: (LIST, (STRUCT, chunks)),
            GROUP_BYTES: (I64, sum(_field(each, BYTES) for each in described)),
            GROUP_ROWS: (I64, rows.pop()),
            GROUP_AT: (I64, begin),
            GROUP_PACKED: (I64, sum(_field(each, PACKED) for each in described)),
            ORDINAL: (thrift.I16, len(self.groups)),
        })  # fmt: skip

    def close(self) -> None:
        """Write the footer; the file is on the disk."""
        rows = sum(_field(group, GROUP_ROWS) for group in self.groups)
        footer = thrift.write({**self.original.footer, ROWS: (I64, rows), GROUPS: (LIST, (STRUCT, self.groups))})
        self.file.write(footer + len(footer).to_bytes(4, "little") + MAGIC)
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()

    def abandon(self) -> None:
        self.file.close()

    def _copy(self, source: Original, chunk: Struct) -> Struct:
        described: Struct = chunk[DESCRIPTION][1]
        begin = _field(described, DATA_AT)
        if DICTIONARY_AT in described and _field(described, DICTIONARY_AT):
            begin = min(begin, _field(described, DICTIONARY_AT))
        moved = self.file.tell() - begin
        source.file.seek(begin)
        left = _field(described, PACKED)
        while left:
            block = source.file.read(min(left, BLOCK))
            assert block, "a chunk lies within its file"
            self.file.write(block)
            left -= len(block)
        described = {number: held for number, held in described.items() if number not in BLOOM}
        for number in (DATA_AT, INDEX_AT, DICTIONARY_AT):
            if number in described and _field(described, number):
                described[number] = (I64, _field(described, number) + moved)
        kept = {number: held for number, held in chunk.items() if number not in INDEXES}
        return {**kept, CHUNK_AT: (I64, 0), DESCRIPTION: (STRUCT, described)}


def one_column(field: pa.Field[Any], values: pa.ChunkedArray[Any], *, dictionary: bool) -> bytes:
    """A whole Parquet file, in memory, of one column and one group of rows."""
    sink = pa.BufferOutputStream()
    table = pa.table([values.cast(field.type)], schema=pa.schema([field]))
    with pq.ParquetWriter(sink, table.schema, compression="zstd", use_dictionary=dictionary) as writer:
        writer.write_table(table, row_group_size=max(table.num_rows, 1))
    whole: bytes = sink.getvalue().to_pybytes()
    return whole


def _field(of: Struct, number: int) -> int:
    value: int = of[number][1]
    return value
