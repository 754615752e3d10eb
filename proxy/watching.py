"""When routes.yaml, or a certificate that it names, may have changed."""

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

from watchfiles import Change, awatch

from proxy.certificates import files_of
from proxy.ends import named_files
from proxy.model import RoutesSpec


def look(config: Path, spec: RoutesSpec) -> object:
    """What tells whether the file, or a certificate that it names, is another one than before."""
    try:
        state = config.stat()
    except OSError as error:
        return error.errno
    return (state.st_mtime_ns, state.st_size, state.st_ino), files_of(spec, config.parent)


async def changes(config: Path, spec: Callable[[], RoutesSpec], stop: asyncio.Event) -> AsyncIterator[object]:
    """Each time something may have changed, until `stop`; `spec` is the file as it is served by now."""
    while not stop.is_set():
        watched = _watched(config, spec())
        # An editor writes in several steps; 20 ms after the last of them the file is whole.
        seen = awatch(
            *{path.parent for path in watched},
            watch_filter=partial(_is_watched, watched),
            recursive=False,
            debounce=100,
            step=20,
            stop_event=stop,
            # What changed before watching began, or on a file system that tells nothing, is seen within a second.
            rust_timeout=1000,
            yield_on_timeout=True,
        )
        async for change in seen:
            yield change
            if _watched(config, spec()) != watched:
                break  # not otherwise: what changes before the next watching begins is seen late


def _watched(config: Path, spec: RoutesSpec) -> set[Path]:
    """The file and the certificates that it names."""
    return {config} | {(config.parent / name).resolve() for name in named_files(spec)}


def _is_watched(watched: set[Path], _: Change, path: str) -> bool:
    return Path(path) in watched
