"""That a run's rows are those of the source: counts that add up, and a key that tells rows apart."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from extractors import proof
from extractors.compiled import Dataset
from extractors.refused import Unproven
from extractors.take import Counts
from notation.problems import Problem


def prove(dataset: Dataset, counts: Counts, files: Sequence[Path], spill: Path) -> None:
    """Raises Unproven."""
    name, read = f"dataset '{dataset.name}'", f"{counts.rows_in:,} rows"
    if counts.rows_in != counts.rows_out + counts.set_aside:
        out = f"{counts.rows_out:,} out and {counts.set_aside:,} set aside"
        raise Unproven(f"{name}: {read} in are not {out}; nothing was committed")
    if counts.rows_in != counts.source_rows:
        raise Unproven(
            f"{name}: the source counts {counts.source_rows:,} rows, {read} were read; nothing was committed"
        )
    shown = {column.name: column.privacy == "keep" for column in dataset.key_columns}
    try:
        twice = proof.keys_that_occur_twice(files, shown, spill)
    except proof.Failed as exc:
        raise Unproven(f"{name}: whether its key is unique could not be proved: {exc}; nothing was committed") from exc
    if twice:
        raise not_unique(dataset, twice)


def not_unique(dataset: Dataset, which: str) -> Unproven:
    what = (
        f"the key of dataset '{dataset.name}' ({', '.join(dataset.key)}) is not unique: {which}; nothing was committed"
    )
    return Unproven(str(Problem(dataset.where, what, "name the columns that tell rows apart under key:")))
