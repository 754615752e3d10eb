"""Rows of PostgreSQL through DuckDB's scanner: COPY in binary, decoded into Arrow without a copy through Python."""

from __future__ import annotations

import importlib
import importlib.resources
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import duckdb
import pyarrow as pa

from extractors.dialects import Select
from extractors.dialects.base import quoted_text
from extractors.dialects.postgres import SETTINGS

FAILED = (duckdb.Error, OSError, pa.ArrowException)
BYTES = 16 * 2**20  # what a batch may take: five are under way at once, and twice as much is no faster
VALUE = 40  # bytes that a value takes on average, generously
ROWS = 2048, 65_536  # DuckDB's own unit; and more is no faster. Powers of two, since row groups are of such a size


def _extension() -> Path | None:
    try:
        package = importlib.resources.files("duckdb_extension_postgres_scanner")
    except ModuleNotFoundError:
        return None
    file = Path(str(package)) / "extensions" / f"v{duckdb.__version__}" / "postgres_scanner.duckdb_extension"
    return file if file.is_file() else None


def is_installed() -> bool:
    """Whether the scanner of this very version of DuckDB is here."""
    return _extension() is not None


class Scan:
    """One connection of DuckDB's, in a snapshot that another session has exported. `pid` is its backend.

    What it is told is written into its statements: to take a parameter it would import pandas first, for 0.2 s and 30
    MiB.
    """

    def __init__(self, conninfo: str, snapshot: str) -> None:
        config: dict[str, str | bool | int | float | list[str]] = {
            "autoinstall_known_extensions": "false", "autoload_known_extensions": "false", "threads": "1",
            "memory_limit": "192MB", "temp_directory": "",
            "allow_unsigned_extensions": "true",  # it lies among the packages, as trusted as any: to check takes 0.15 s
        }  # fmt: skip
        self.duck = duckdb.connect(config=config)
        try:
            self.duck.load_extension(str(_extension()))
            self.duck.execute("SET TimeZone = 'UTC'")
            self.duck.execute("SET enable_progress_bar = false")  # it would be drawn into what `--json` says
            self.duck.execute(f"ATTACH {quoted_text(conninfo)} AS source (TYPE postgres)")
            self.duck.execute("BEGIN")
            for statement in (
                "SET TRANSACTION READ ONLY",
                f"SET TRANSACTION SNAPSHOT {quoted_text(snapshot)}",
                *(f"SET {name} = {quoted_text(value)}" for name, value in SETTINGS.items()),
            ):
                self.duck.execute(f"CALL postgres_execute('source', {quoted_text(statement)})")
            answer = self.duck.execute("FROM postgres_query('source', 'SELECT pg_backend_pid() AS pid')").fetchone()
            assert answer is not None
            self.pid = int(answer[0])
        except BaseException:
            self.close()
            raise

    def read(self, select: Select) -> Iterator[pa.RecordBatch]:
        """Raises one of FAILED; afterwards only `close` is of use."""
        names = [f"c{at}" for at in range(len(select.columns))]
        rows = 1 << ((BYTES // (VALUE * len(names))).bit_length() - 1)
        found = self.duck.execute(f"FROM postgres_query('source', {quoted_text(select.sql)})")
        for batch in found.to_arrow_reader(min(max(rows, ROWS[0]), ROWS[1])):
            yield pa.RecordBatch.from_arrays(
                [
                    column if planned.arrow is None or column.type == planned.arrow else column.cast(planned.arrow)
                    for column, planned in zip(batch.columns, select.columns, strict=True)
                ],
                names=names,
            )

    def close(self) -> None:
        """An open transaction must be ended by a statement: where its connection is lost, DuckDB's own way of ending
        it ends the process."""
        with suppress(duckdb.Error):
            self.duck.execute("ROLLBACK")
        self.duck.close()
