"""Which incoming rows have the key of a row that is held, and where that row lies: few by Arrow, many by DuckDB."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Protocol

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from extractors.duck import room
from extractors.few_keys import FewKeys, Places
from extractors.refused import Unproven

NONE: Places = np.zeros(0, np.int64)
BATCH = 131_072
SLICE = 16_384  # incoming rows that are put in their places at once: four times as many take 25 MiB more
PAIRS = "pairs.parquet"
IN_MEMORY = 16 * 2**20  # bytes of rows that do not wait on the disk


class Wanted(Protocol):
    """What is to be matched: see merge.Merging."""

    @property
    def held(self) -> Sequence[Path]: ...
    @property
    def incoming(self) -> Sequence[Path]: ...
    @property
    def schema(self) -> pa.Schema: ...
    @property
    def key(self) -> Mapping[str, bool]: ...
    @property
    def spill(self) -> Path: ...
    @property
    def deleted(self) -> Path | None: ...
    @property
    def whole(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Found:
    """Of one group of held rows: `places`, ascending, of those that have incoming `rows`; `gone`, of deleted ones."""

    rows: pa.Table
    places: Places
    gone: Places


class Matches:
    """First all of `unmatched()`, then `of(file)` for each; incoming rows wait on the disk, sorted by where they go."""

    def __init__(self, job: Wanted, footers: Sequence[pq.FileMetaData], few: FewKeys | None, current: str) -> None:
        self.job, self.footers, self.few, self.current, self.matched = job, footers, few, current, 0
        sizes = [[footer.row_group(group).num_rows for group in range(footer.num_row_groups)] for footer in footers]
        self.first_of_file = list(accumulate((sum(each) for each in sizes), initial=0))
        self.first_of_group: Places = np.array(list(accumulate((n for each in sizes for n in each), initial=0)))
        self.groups_before = list(accumulate(map(len, sizes), initial=0))
        self.folder = job.spill / "merge"
        self.waiting: dict[int, list[tuple[int, int]]] = {}  # by group: which sorted rows, which batch of them
        self.kept: dict[int, list[pa.RecordBatch]] = {}  # sorted rows that are not on the disk
        self.room_left = IN_MEMORY
        self.gone: Places = NONE
        self._stack = ExitStack()

    def __enter__(self) -> Matches:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._stack.callback(shutil.rmtree, self.folder)
        goes = self.job.whole or self.job.deleted
        if self.job.held and (goes or (self.job.incoming and self.few is None)):
            with room(self.job.spill) as connection:
                self.ask = connection.execute
                self.ask(f"CREATE VIEW held AS {self._held()}")
                self.gone = self._gone() if goes else NONE
                if self.job.incoming and self.few is None:
                    self._match()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def unmatched(self) -> Iterator[pa.RecordBatch]:
        """The incoming rows of new keys, in their order; the others are put where `of` finds them."""
        pairs, first, number = _Pairs(self._few_pairs(self.few) if self.few else _stored(self.folder / PAIRS)), 0, 0
        for path in self.job.incoming:
            file = pq.ParquetFile(path, pre_buffer=False)
            for batch in file.iter_batches(SLICE, columns=self.job.schema.names, use_threads=False):
                rows = pa.Table.from_batches([batch]).select(self.job.schema.names).cast(self.job.schema)
                mine, theirs = pairs.until(first + rows.num_rows)
                mine -= first
                first += rows.num_rows
                if len(mine):
                    self._put_by(rows, mine, theirs, number)
                    pa.default_memory_pool().release_unused()
                    self.matched += len(mine)
                    number += 1
                fresh = np.ones(rows.num_rows, bool)
                fresh[mine] = False
                if fresh.any():
                    yield from (rows.filter(pa.array(fresh)) if len(mine) else rows).combine_chunks().to_batches()

    def touches(self, file: int) -> bool:
        """Whether any row goes to a held file or goes from it."""
        first, end = self.groups_before[file], self.groups_before[file + 1]
        return any(group in self.waiting for group in range(first, end)) or self._cut(first, end).size > 0

    def of(self, file: int, group: int) -> Found | None:
        """What goes to a group of rows of a held file, and goes from it; None if nothing does."""
        group += self.groups_before[file]
        gone = self._cut(group, group + 1)
        if group not in self.waiting and not gone.size:
            return None
        places, rows = self._waiting(group)
        return Found(rows, places, gone - self.first_of_group[group])

    def _cut(self, first: int, end: int) -> Places:
        """Of the rows that go, those within some groups."""
        low, high = np.searchsorted(self.gone, self.first_of_group[[first, end]])
        return self.gone[low:high]

    def _few_pairs(self, few: FewKeys) -> Iterator[tuple[Places, Places]]:
        mine, theirs = [NONE], [NONE]
        for path, footer, before in zip(self.job.held, self.footers, self.groups_before, strict=False):
            for group, which, at in few.places(path, footer, self.current):
                mine.append(which)
                theirs.append(at + self.first_of_group[before + group])
        order = np.argsort(all_mine := np.concatenate(mine), kind="stable")
        yield all_mine[order], np.concatenate(theirs)[order]

    # --- asked of DuckDB

    def _held(self) -> str:
        now = f'WHERE "{self.current}" IS NULL' if self.current else ""
        return f"SELECT {self._keys()}, {_at(self.first_of_file)} AS fig_at FROM {_files(self.job.held)} {now}"  # noqa: S608

    def _incoming(self) -> str:
        counts = [pq.read_metadata(path).num_rows for path in self.job.incoming]
        firsts = list(accumulate(counts, initial=0))
        return f"SELECT {self._keys()}, {_at(firsts)} AS fig_place FROM {_files(self.job.incoming)}"  # noqa: S608

    def _match(self) -> None:
        """Which incoming row has the key of which held one, onto the disk: then DuckDB lets go of its memory."""
        found = (
            f"SELECT fig_place, fig_at FROM held JOIN ({self._incoming()}) USING ({self._keys()}) ORDER BY fig_place"  # noqa: S608
        )
        target = str(self.folder / PAIRS).replace("'", "''")
        self.ask(f"COPY ({found}) TO '{target}' (FORMAT parquet)")

    def _gone(self) -> Places:
        """Where the rows of deleted keys lie, ascending."""
        lost = "SELECT fig_at FROM held"
        if not self.job.whole and self.job.deleted:
            lost += f" SEMI JOIN {_files([self.job.deleted])} USING ({self._keys()})"
        if self.job.incoming:
            lost += f" ANTI JOIN ({self._incoming()}) USING ({self._keys()})"
        return np.asarray(self.ask(f"{lost} ORDER BY fig_at").fetchnumpy()["fig_at"], np.int64)

    def _keys(self) -> str:
        return ", ".join('"' + name.replace('"', '""') + '"' for name in self.job.key)

    # --- waiting

    def _put_by(self, rows: pa.Table, mine: Places, theirs: Places, number: int) -> None:
        """Rows as batches, one for each group they go to, in the order of their places there."""
        order = np.argsort(theirs, kind="stable")
        places = theirs[order]
        if (np.diff(places) == 0).any():
            raise Unproven("two incoming rows have the key of one that is held; nothing was committed")
        groups = np.searchsorted(self.first_of_group, places, side="right") - 1
        sorted_rows = rows.take(mine[order]).combine_chunks()
        cuts = [0, *(np.flatnonzero(np.diff(groups)) + 1).tolist(), len(groups)]
        table = sorted_rows.append_column("fig_place", pa.array(places - self.first_of_group[groups]))
        batches = [table.slice(begin, end - begin).to_batches()[0] for begin, end in pairwise(cuts)]
        for batch, begin in enumerate(cuts[:-1]):
            self.waiting.setdefault(int(groups[begin]), []).append((number, batch))
        if table.nbytes <= self.room_left:
            self.room_left -= table.nbytes
            self.kept[number] = batches
            return
        with pa.OSFile(str(self._spilled(number)), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            for each in batches:
                writer.write_batch(each)

    def _waiting(self, group: int) -> tuple[Places, pa.Table]:
        batches = []
        for number, batch in self.waiting.get(group, []):
            if number in self.kept:
                batches.append(self.kept[number][batch])
                continue
            with pa.OSFile(str(self._spilled(number)), "rb") as source:
                batches.append(pa.ipc.open_file(source).get_batch(batch))
        if not batches:
            return NONE, self.job.schema.empty_table()
        table = pa.Table.from_batches(batches)
        places: Places = table["fig_place"].to_numpy()
        order = np.argsort(places, kind="stable")
        places = places[order]
        if (np.diff(places) == 0).any():
            raise Unproven("two incoming rows have the key of one that is held; nothing was committed")
        rows = table.drop_columns(["fig_place"])
        return places, rows.take(order) if len(batches) > 1 else rows

    def _spilled(self, number: int) -> Path:
        return self.folder / f"{number:05}.arrow"


def _stored(path: Path) -> Iterator[tuple[Places, Places]]:
    for batch in pq.ParquetFile(path).iter_batches(BATCH) if path.exists() else ():
        yield batch.column(0).to_numpy(), batch.column(1).to_numpy()


class _Pairs:
    """Pairs of (place among the incoming, place among the held), ascending, handed out up to a place."""

    def __init__(self, pairs: Iterator[tuple[Places, Places]]) -> None:
        self.pairs = pairs
        self.mine = self.theirs = NONE

    def until(self, place: int) -> tuple[Places, Places]:
        while not (len(self.mine) and self.mine[-1] >= place):
            if (more := next(self.pairs, None)) is None:
                break
            self.mine = np.concatenate([self.mine, more[0]])
            self.theirs = np.concatenate([self.theirs, more[1]])
        cut = int(np.searchsorted(self.mine, place))
        mine, theirs = self.mine[:cut].copy(), self.theirs[:cut]
        if len(mine) and (np.diff(mine) == 0).any():
            raise Unproven("the key of an incoming row is that of two rows of the dataset; nothing was committed")
        self.mine, self.theirs = self.mine[cut:], self.theirs[cut:]
        return mine, theirs


def _at(firsts: Sequence[int]) -> str:
    """A row's number among the rows of all files."""
    return f"([{', '.join(map(str, firsts))}]::BIGINT[])[file_index::BIGINT + 1] + file_row_number"


def _files(paths: Sequence[Path]) -> str:
    listed = ", ".join("'" + str(path).replace("'", "''") + "'" for path in paths)
    return f"read_parquet([{listed}], hive_partitioning = false, file_row_number = true)"


Failed = duckdb.Error  # memory or disk was not enough
