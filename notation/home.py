"""Where the project lives: the folder that holds its files and `data/`."""

import os
from collections.abc import Mapping
from pathlib import Path

from notation.problems import ConfigError, Problem


def home(start: Path, *names: str, environ: Mapping[str, str] = os.environ) -> Path:
    """FIG_HOME, else the nearest folder from `start` upward that holds one of the names. Raises ConfigError."""
    if named := environ.get("FIG_HOME"):
        folder = Path(named)
        if not folder.is_dir():
            what = f"FIG_HOME is {named}, which is no folder"
            raise ConfigError([Problem(None, what, "create it, or unset FIG_HOME")])
        return folder.resolve()
    start = start.resolve()
    for folder in (start, *start.parents):
        if any((folder / name).is_file() for name in names):
            return folder
    wanted = " or ".join(names)
    what = f"found no {wanted} in {start} or above it"
    raise ConfigError([Problem(None, what, "start in the project's folder, or set FIG_HOME to it")])
