"""Whether the key of rows just written tells them apart: asked of DuckDB, which spills rather than grow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

Failed = duckdb.Error  # memory or disk was not enough
MEMORY = "64MB"  # beside the run's own; more keys than fit are grouped on disk
SHOWN = 3  # keys named in the message


def keys_that_occur_twice(files: Sequence[Path], key: Mapping[str, bool], spill: Path) -> str:
    """ "" if every key occurs once; else a sentence. `key`: its columns, and whether their values may be shown."""
    listed = ", ".join('"' + name.replace('"', '""') + '"' for name in key)
    found = f"SELECT {listed}, count(*) AS times "  # quoted
    found += "FROM read_parquet(?, hive_partitioning = false) GROUP BY ALL HAVING count(*) > 1"
    with duckdb.connect(config={"memory_limit": MEMORY, "threads": 1, "temp_directory": str(spill)}) as connection:
        names = [str(file) for file in files]
        (many,) = connection.execute(f"SELECT count(*) FROM ({found})", [names]).fetchone() or (0,)  # noqa: S608
        if not many:
            return ""
        first = connection.execute(f"{found} ORDER BY ALL LIMIT {SHOWN}", [names]).fetchall()
    shown = [
        " ".join(str(value) if may else "…" for value, may in zip(row[:-1], key.values(), strict=True))
        + f" ({row[-1]} times)"
        for row in first
    ]
    return f"{many:,} {'key occurs' if many == 1 else 'keys occur'} more than once, for example {', '.join(shown)}"
