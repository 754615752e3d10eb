"""How far the datasets of the lake have come: the newest commit of each, as the names of its log's files say it.

    newest(home, ["housing-repairs"]) -> {"housing-repairs": 8}

A listing, not the Delta library: the keeper needs a number, not the rows.
"""

import os
import re
from collections.abc import Iterable
from pathlib import Path

_COMMIT = re.compile(r"(\d{20})\.json")  # the Delta protocol's name for a commit


def newest(home: Path, datasets: Iterable[str]) -> dict[str, int]:
    """-1 for one that has no commit, or cannot be read."""
    return {name: _newest(home / "data" / "lake" / name / "_delta_log") for name in datasets}


def _newest(log: Path) -> int:
    try:
        found = (_COMMIT.fullmatch(entry.name) for entry in os.scandir(log))
        return max((int(match[1]) for match in found if match), default=-1)
    except OSError:
        return -1
