"""Environments of their own for what is compared: made the first time, kept in the cache, never among our packages."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path


def environment(name: str, requirements: Sequence[str]) -> tuple[Path | None, str]:
    """Its folder; or None and why there is none."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "stranglerfig"
    place = cache / f"bench-{re.sub('[^a-z0-9.]+', '-', name)}"
    if (place / "made").exists():
        return place, ""
    print(f"making {place} with {', '.join(requirements)} (once)", file=sys.stderr)
    try:
        venv.create(place, with_pip=True, clear=True)
    except (OSError, subprocess.CalledProcessError) as exc:
        return None, f"no environment at {place}: {exc}"
    install = [str(place / "bin" / "python"), "-m", "pip", "install", "-q", *requirements]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"])[-1]
        return None, f"pip install {' '.join(requirements)} failed: {last}"
    (place / "made").touch()
    return place, ""
