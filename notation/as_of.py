"""Up to when a dataset of the lake knows what its source knew: read from the log's own text, which is quick to import.

as_of(Path("data/lake/housing-repairs")) -> 1764077100, the second in which its last whole run began
"""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

LOG = "_delta_log"


def changed(dataset: Path) -> int:
    """Another number after each commit, so that the log need not be read again; 0 where there is no dataset."""
    try:
        return (dataset / LOG).stat().st_mtime_ns
    except OSError:
        return 0


def as_of(dataset: Path) -> int:
    """Seconds since 1970; 0 while it knows nothing. What was in the source before this is in the dataset.

    Not the time of the commit: a run that began before a row was written may be committed after. Raises OSError,
    ValueError.
    """
    for commit in sorted((path for path in (dataset / LOG).glob("*.json") if path.stem.isdigit()), reverse=True):
        meta = _meta(commit)
        if meta and _is_whole(meta):
            return int(datetime.fromisoformat(meta["began"]).timestamp())
    return 0


def _is_whole(meta: Mapping[str, Any]) -> bool:
    """Whether its run had read all there was: no stretch that ends amid a window, no part from before a kill."""
    return not (meta.get("cursor") or {}).get("at") and meta.get("build", meta["run"]) == meta["run"]


def _meta(commit: Path) -> Mapping[str, Any]:
    """What a run said in its commit; empty for a commit of somebody else."""
    for line in commit.read_text(encoding="utf-8").splitlines():
        if line.startswith('{"commitInfo"'):
            meta: Mapping[str, Any] = json.loads(json.loads(line)["commitInfo"].get("fig", "{}"))
            return meta
    return {}
