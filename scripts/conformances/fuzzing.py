"""The fuzzer by hand: as long as one likes, from any seed."""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.processes import free_port
from tests.wire.fuzz import Findings, fuzz_functions, fuzz_proxy
from tests.wire.ours import serving


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="scripts/fuzz", add_help=False)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    asked = parser.parse_args(arguments)
    print(f"seed {asked.seed}", flush=True)
    found = {"functions": fuzz_functions(asked.seed, asked.seconds / 2)}
    backend = free_port()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder, serving(Path(folder), backend) as (port, proxy):
        found["proxy"] = asyncio.run(fuzz_proxy(port, backend, asked.seed, asked.seconds / 2))
        if "Traceback" in proxy.log:
            found["proxy"].wrong.append(proxy.log[-2000:])
    return 1 if sum(show(name, each) for name, each in found.items()) else 0


def show(name: str, found: Findings) -> bool:
    """Print it; whether there is anything."""
    print(f"{name}: {found.tried} tried, {found.passed} passed on, {len(found.wrong)} findings")
    for each in found.wrong:
        print(f"    {each[:1500]}")
    return bool(found.wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
