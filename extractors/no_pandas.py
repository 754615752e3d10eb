"""Arrow without pandas, which a run has no use for: pyarrow imports it with the first array, for 0.2 s and 40 MiB."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

import pyarrow as pa


def leave_pandas() -> None:
    """Have pyarrow look for pandas now, and find none. Whoever wants a frame of it later has it look again, and finds
    it (pyarrow's pandas-shim.pxi, `_check_import`).
    """
    if "pandas" in sys.modules:
        return
    sys.meta_path.insert(0, _Without)
    try:
        pa.array([])
    finally:
        sys.meta_path.remove(_Without)


class _Without:
    """A finder of modules that knows of one that it is not there."""

    @staticmethod
    def find_spec(name: str, _path: Sequence[str] | None, _target: ModuleType | None = None) -> ModuleSpec | None:
        if name == "pandas":
            raise ModuleNotFoundError("a run has no use for pandas", name=name)
        return None
