"""`fig serve` as a process of its own, in front of a scripted backend: what the cases are played against."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.processes import Started

ROUTES = """\
version: 1
listen: 127.0.0.1:0
admin: 127.0.0.1:0
workers: {workers}
grace: 1s
backends:
  legacy:
    url: "http://127.0.0.1:{backend}"
    timeouts: {{connect: 1s, first_byte: {wait}, idle: {wait}}}
    breaker: {{errors: 100%, of: 128}}  # the backend misbehaves on purpose, case after case
default: legacy
"""


@contextlib.contextmanager
def serving(folder: Path, backend: int, *, workers: int = 1, wait: str = "2s") -> Iterator[tuple[int, Started]]:
    """The port where citizens arrive, and the process."""
    (folder / "routes.yaml").write_text(ROUTES.format(backend=backend, workers=workers, wait=wait))
    fig = Path(sys.executable).parent / "fig"
    with Started([fig, "serve", "-c", "routes.yaml"], folder=folder, name="fig serve") as proxy:
        port = int(proxy.wait_for(r"serving http://127\.0\.0\.1:(\d+)", seconds=30).group(1))
        yield port, proxy
