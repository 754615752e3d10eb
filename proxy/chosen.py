"""Which routes.yaml a command goes by: the one it was given, else FIG_HOME's, else the nearest from here upward."""

import os
from pathlib import Path

from notation.home import home
from notation.problems import ConfigError, Problem

FILE = "routes.yaml"


def routes_file(given: Path | None) -> Path:
    """Its path, written from here; it need not exist. Raises ConfigError for a FIG_HOME that is no folder."""
    if given is not None:
        return given
    try:
        return Path(os.path.relpath(home(Path.cwd(), FILE) / FILE))
    except ConfigError:
        if os.environ.get("FIG_HOME"):
            raise
        return Path(FILE)  # a proxy may still run here by a file that was removed


def no_file(path: Path) -> ConfigError:
    """What to say where there is none."""
    hint = "start in the folder that holds it or below it, name it with -c FILE, or set FIG_HOME to its folder"
    return ConfigError([Problem(None, f"there is no {path}", hint)])
