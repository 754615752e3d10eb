"""What is on the disk, in the plain words of a person who must make room on it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

PLAIN = {
    errno.ENOSPC: "there is no space left on the disk",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "a file would be larger than this system allows",
    errno.EROFS: "the disk can only be read",
    errno.EIO: "the disk failed",
}


def plainly(exc: BaseException) -> str:
    """Why a disk refused, as a sentence; "" if the error is of another kind."""
    seen: BaseException | None = exc
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno in PLAIN:
            return PLAIN[seen.errno]
        seen = seen.__cause__ or seen.__context__
    words = str(exc)
    return next((text for number, text in PLAIN.items() if os.strerror(number) in words), "")


def sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
