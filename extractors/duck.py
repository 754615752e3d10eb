"""DuckDB for what does not fit in memory: files compared with files, spilling beside the data, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

MEMORY = "96MB"  # beside the run's own; what does not fit is sorted and joined on disk


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
        yield connection
    finally:
        connection.close()


def files(paths: Sequence[Path]) -> str:
    """The rows of Parquet files, as SQL. A folder named like a partition above them changes no value."""
    listed = ", ".join("'" + str(path).replace("'", "''") + "'" for path in paths)
    return f"read_parquet([{listed}], hive_partitioning = false)"
