"""A liberated dataset in an analyst's hands: pandas, Arrow or DuckDB, of one version, without a changed number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from notation import lake
from notation.home import home as find_home
from notation.problems import one_of

if TYPE_CHECKING:
    import duckdb
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Liberated:
    """One dataset at one version; reading it twice gives the same rows, whatever is extracted meanwhile."""

    snapshot: lake.Snapshot

    def __repr__(self) -> str:
        return f"<dataset {self.name}, version {self.version}: {', '.join(self.schema.names)}>"

    @property
    def name(self) -> str:
        return self.snapshot.name

    @property
    def version(self) -> int:
        return self.snapshot.version

    @property
    def schema(self) -> pa.Schema:
        """Names and types; what each column means stands in its field's metadata."""
        return self.snapshot.schema

    @property
    def meta(self) -> Mapping[str, Any]:
        """How it came about: run, began, source_rows, rows_in, rows_out, set_aside, faults, …"""
        return self.snapshot.meta

    def arrow(self) -> pa.Table:
        return self.snapshot.table()

    def pandas(self) -> pd.DataFrame:
        """A data frame of Arrow's types, so that whole numbers with gaps stay whole and decimals exact."""
        import pandas as pd

        frame: pd.DataFrame = self.arrow().to_pandas(types_mapper=pd.ArrowDtype)
        return frame

    def duckdb(self) -> duckdb.DuckDBPyRelation:
        """A relation in a database of its own, in memory: `.filter("cost > 100").aggregate("ward, sum(cost)")`."""
        import duckdb

        connection = duckdb.connect(
            config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
        )
        return connection.read_parquet([str(file) for file in self.snapshot.files], hive_partitioning=False)

    def faults(self) -> pa.Table:
        """The values of this version's rows that broke a rule, whichever run read them: see docs/datasets.md."""
        return self.snapshot.faults()


def find(name: str, version: int | None, home: Path | str | None) -> Liberated:
    place = _home(home)
    try:
        return Liberated(lake.open_dataset(place, name, version))
    except lake.NoDataset as exc:
        if name in lake.names(place):
            raise
        raise lake.NoDataset(f"{exc}\n    {one_of('datasets', name, lake.names(place))}") from None


def names(home: Path | str | None) -> tuple[str, ...]:
    return lake.names(_home(home))


def _home(home: Path | str | None) -> Path:
    return Path(home) if home is not None else find_home(Path.cwd(), "datasets.yaml")
