"""Up to when the datasets of each slice know what legacy knows; looked at as long as the proxy serves."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from notation.as_of import as_of, changed
from proxy.model import RoutesSpec

# Seconds between two looks, each of which asks the disk for one time a dataset: a visitor who wrote waits no longer for
# the slice than a run takes, give or take this.
EVERY = 5.0

AsOf = Mapping[bytes, int]


class Newness:
    """What was last known of each dataset, so that its log is read once a commit."""

    def __init__(self, home: Path) -> None:
        self._lake = home / "data" / "lake"
        self._known: dict[str, tuple[int, int]] = {}

    def of(self, spec: RoutesSpec) -> AsOf:
        """By slice that names datasets, the second up to which the oldest of them knows; 0 for nothing.

        Blocks on the disk.
        """
        found = {name: each.gates.datasets for name, each in spec.slices.items() if each.gates and each.gates.datasets}
        return {name.encode(): min(map(self._of_dataset, datasets)) for name, datasets in found.items()}

    def _of_dataset(self, name: str) -> int:
        folder = self._lake / name
        mark = changed(folder)
        known = self._known.get(name, (0, 0))
        if mark != known[0]:
            # One that cannot be read says nothing new: who wrote stays with legacy.
            with contextlib.suppress(OSError, ValueError, KeyError):
                known = self._known[name] = mark, as_of(folder)
        return known[1]


async def follow(
    home: Path, spec: Callable[[], RoutesSpec], tell: Callable[[AsOf], Awaitable[None]], stopping: asyncio.Event
) -> None:
    """Tell each change, until `stopping`."""
    newness = Newness(home)
    told: AsOf = {}
    while not stopping.is_set():
        known = await asyncio.to_thread(newness.of, spec())
        if known != told:
            await tell(known)
            told = known
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), EVERY)
