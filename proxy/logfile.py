"""Where the access log is written: opened so that nobody else may read it, and tried before it is counted on."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from notation.marked_yaml import Document
from notation.problems import Problem
from proxy.model import RoutesSpec

# Whoever may read it learns what citizens asked for.
MODE = 0o600
STANDARD_OUTPUT = 1


def open_log(path: str | Path) -> int:
    """A descriptor that appends; a file that is not there is made. Raises OSError; never waits for a pipe's reader."""
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC, MODE)


def is_file(descriptor: int) -> bool:
    """Whether it is a file, which takes any number of lines in one piece."""
    return stat.S_ISREG(os.fstat(descriptor).st_mode)


def log_problems(spec: RoutesSpec, document: Document, folder: Path) -> Iterator[Problem]:
    """A file of `log:` that cannot be written, at its line."""
    if spec.log.access == "off" or spec.log.file is None:
        return
    try:
        os.close(open_log(folder / spec.log.file))
    except OSError as error:
        what = f"the access log '{spec.log.file}' cannot be written: {error.strerror or error}"
        hint = "its folder is there, and whoever runs the proxy may write in it; a pipe has a reader"
        yield Problem(document.where(("log", "file")), what, hint)
