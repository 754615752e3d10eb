"""The lake: each dataset a Delta table under `data/lake/`, seen only whole. The one package that imports deltalake."""

from notation.lake.building import Build
from notation.lake.log import LakeFailed, NoDataset, Version
from notation.lake.reading import Size, Snapshot, history, names, open_dataset, schemas, size
from notation.lake.vacuum import Vacuumed
from notation.lake.writing import Held, Hold, hold

__all__ = [
    "Build",
    "Held",
    "Hold",
    "LakeFailed",
    "NoDataset",
    "Size",
    "Snapshot",
    "Vacuumed",
    "Version",
    "history",
    "hold",
    "names",
    "open_dataset",
    "schemas",
    "size",
]
