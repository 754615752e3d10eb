"""What a juror may be made to do by a page that is bad enough: each runs in a real juror."""

from __future__ import annotations

import ctypes
import os
import signal

from proxy.juror import Case


def by_first_word(case: Case) -> object:
    """Whatever the control's body says, and the name of this process."""
    word = case.control.body.partition(b" ")[0].decode()
    match word:
        case "loop":
            while True:
                pass
        case "loop-in-c":
            ctypes.CDLL(None).qsort  # noqa: B018  # the library is there
            return (b"a" * 30).translate(None) and __import__("re").fullmatch(r"(a+)+b", "a" * 40) is None
        case "eat":
            eaten = []
            while True:
                eaten.append(bytearray(16 * 1024 * 1024))
        case "hang":
            signal.pause()
        case "raise":
            raise RuntimeError("no such page")
        case "large":
            return len(bytearray(200 * 1024 * 1024))
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
    return [word, os.getpid(), os.getpriority(os.PRIO_PROCESS, 0)]
