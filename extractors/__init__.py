"""The data liberators. For analysts: `extractors.dataset("housing-repairs").pandas()`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from extractors.analysts import Liberated

__all__ = ["dataset", "names"]


def dataset(name: str, version: int | None = None, home: Path | str | None = None) -> Liberated:
    """A liberated dataset, at its newest version or the one asked for.

    `data/` is found from `home`, else FIG_HOME, else the nearest folder upward that has a datasets.yaml.
    Raises notation.lake.NoDataset (a LookupError) and notation.problems.ConfigError.
    """
    from extractors import analysts  # pyarrow and deltalake take a moment: only who asks pays

    return analysts.find(name, version, home)


def names(home: Path | str | None = None) -> tuple[str, ...]:
    """The datasets that can be asked for."""
    from extractors import analysts

    return analysts.names(home)
