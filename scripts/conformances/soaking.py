"""The soak by hand: as long as one likes, and what is left of it printed."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.wire.soak import soak


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="scripts/soak", add_help=False)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        soaked = soak(Path(folder), seconds=asked.seconds, seed=asked.seed)
    print("answers: " + ", ".join(f"{status} {count}" for status, count in sorted(soaked.statuses.items())))
    print(
        f"connections {soaked.connections}, in flight {soaked.in_flight}; settled in {soaked.seconds_to_settle:.1f} s"
    )
    for left in soaked.left:
        (had, has), (weighed, weighs) = left.descriptors, left.kilobytes
        print(f"{left.name}: descriptors {had} -> {has}, kilobytes {weighed} -> {weighs}")
    if "Traceback" in soaked.log:
        print(soaked.log[-4000:])
    kept = any(left.descriptors[1] > left.descriptors[0] for left in soaked.left)
    return 1 if kept or "Traceback" in soaked.log or soaked.connections or soaked.in_flight else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
