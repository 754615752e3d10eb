"""DuckDB for what does not fit in memory: files compared with files, spilling beside the data, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

from notation.lake import LakeFailed

FULL = (duckdb.OutOfMemoryException, duckdb.IOException)
INTERRUPTED = "Query interrupted"
MEMORY = "96MB"  # beside the run's own; what does not fit is sorted and joined on disk


@contextmanager
def comparing() -> Iterator[None]:
    """What DuckDB says in here, in a run's own words. Raises LakeFailed, or KeyboardInterrupt."""
    try:
        with stoppable():
            yield
    except duckdb.Error as exc:
        why = "there was not enough memory, or room on the disk: " if isinstance(exc, FULL) else ""
        raise LakeFailed(f"rows could not be compared: {why}{exc}; nothing more was committed") from exc


@contextmanager
def stoppable() -> Iterator[None]:
    """DuckDB makes an error of its own of a Ctrl-C."""
    try:
        yield
    except RuntimeError as exc:
        if str(exc) == INTERRUPTED:
            raise KeyboardInterrupt from exc
        raise


@contextmanager
def room(spill: Path, memory: str = MEMORY, threads: int = 1) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory, whose spilled pages lie in `spill`, protected as the data is."""
    spill.mkdir(mode=0o700, parents=True, exist_ok=True)
    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": memory, "threads": threads, "temp_directory": str(spill), "preserve_insertion_order": True,
        "autoinstall_known_extensions": False, "autoload_known_extensions": False,
    }  # fmt: skip
    connection = duckdb.connect(config=settings)
    try:
        connection.execute("SET enable_progress_bar = false")  # it would be drawn into what `--json` says
        with comparing():
            yield connection
    finally:
        connection.close()


def files(paths: Sequence[Path]) -> str:
    """The rows of Parquet files, as SQL. A folder named like a partition above them changes no value."""
    listed = ", ".join("'" + str(path).replace("'", "''") + "'" for path in paths)
    return f"read_parquet([{listed}], hive_partitioning = false)"
