"""The machine of the measurement, and where its figures go."""

from __future__ import annotations

import platform
from pathlib import Path

OUT = Path(__file__).resolve().parent.parent.parent / "docs" / "benchmarks"


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
