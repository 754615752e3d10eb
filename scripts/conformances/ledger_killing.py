"""The ledger by hand: the processes of a proxy killed at many moments under load, and what it has of it after."""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from typing import Any

from tests.processes import Started
from tests.proxy.conftest import Server
from tests.proxy.ledger.killing import Killed, kill_children, kill_supervisors

KINDS = ("keeper", "worker", "supervisor")


class Quiet(Server):
    """Says nothing of connections that end with a worker."""

    def handle_error(self, *_: object) -> None:
        """Nothing."""


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="scripts/ledger-kills", add_help=False)
    parser.add_argument("--moments", type=int, default=100)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("kinds", nargs="*", default=KINDS)
    options = parser.parse_args(arguments)
    for kind in options.kinds:
        began = monotonic()
        done = _kill(kind, options.moments, options.seed)
        print(
            f"{kind}: killed at {done.moments} moments in {monotonic() - began:.0f} s; legacy was asked {done.asked:,}"
            f" times, citizens were answered {done.answered:,}, the ledger has {done.hits:,}; it was sound each time",
            flush=True,
        )
    return 0


def _kill(kind: str, moments: int, seed: int) -> Killed:
    """Raises AssertionError where the ledger has more or less than there was."""
    fig = Path(sys.executable).parent / "fig"
    backends: dict[str, Server] = {name: Quiet(name) for name in ("legacy", "repairs")}
    with tempfile.TemporaryDirectory(prefix="ledger-kills-") as folder, contextlib.ExitStack() as stack:
        for server in backends.values():
            stack.callback(server.stop)

        def start(command: Sequence[str | Path], **more: Any) -> Started:
            return stack.enter_context(Started(command, **more))

        if kind == "supervisor":
            return kill_supervisors(Path(folder), backends, start, fig, moments=moments, seed=seed)
        return kill_children(Path(folder), backends, start, fig, kind, moments=moments, seed=seed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
