"""One of the jury: a process that compares what it is sent, one case after another, and never for longer than it may.

It reads strangers' pages, so it is kept away from everything: it has one socket, and what it says is plain JSON. Its
time and memory are limited by the kernel, so that not even a loop inside a C library outlives them.
"""

import argparse
import contextlib
import ctypes
import importlib
import json
import os
import pickle
import resource
import signal
import socket
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from proxy.compare.values import Comparing, Reply

# Seconds of a processor that one comparison may take, and bytes of memory beyond what the process has when it begins:
# the interpreter and the parsers do not count, for what compares imports them all before the limit is set.
SECONDS = 1.0
MEMORY = 256 * 1024 * 1024
# A tenth of a citizens' worker's weight: workers go first, and on a machine that is never idle the jury is not starved.
NICE = 10
LENGTH = struct.Struct("!I")
# What is said of a case that took too much memory; too much time needs no word.
OVER = b'"limit"'
FAILED = b'"failed"'
_PR_SET_PDEATHSIG = 1  # prctl(2)


@dataclass(frozen=True, slots=True)
class Case:
    """What is to be compared. `candidate`: its reply, or why there is none; `example`: the request, to be redacted.

    `shown`: both answers are wanted too, redacted, where they differ.
    """

    control: Reply
    candidate: Reply | str
    comparing: Comparing
    example: str = ""
    shown: bool = False

    @property
    def size(self) -> int:
        """Bytes, about."""
        return len(self.control.body) + (len(self.candidate.body) if isinstance(self.candidate, Reply) else 0)


Compare = Callable[[Case], object]  # what comes out can be written as JSON


def main() -> None:
    """Started by the keeper."""
    parser = argparse.ArgumentParser(prog="proxy.juror", description=__doc__)
    parser.add_argument("--cases", type=int, required=True, help="The socket that cases come from.")
    parser.add_argument("--compare", required=True, help="What compares: module:function.")
    options = parser.parse_args()
    module, _, name = options.compare.partition(":")
    _yield_to_others()
    compare: Compare = getattr(importlib.import_module(module), name)
    signal.signal(signal.SIGPROF, signal.SIG_DFL)  # it ends the process
    with socket.socket(fileno=options.cases) as cases:
        _hear(cases, compare, _size() + MEMORY)


def _hear(cases: socket.socket, compare: Compare, most: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    told: set[str] = set()
    while (case := _receive(cases)) is not None:
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        said = _said(compare, case, told)
        signal.setitimer(signal.ITIMER_PROF, 0)
        with contextlib.suppress(ConnectionError):
            cases.sendall(LENGTH.pack(len(said)) + said)
        if said == OVER:
            return  # another begins with nothing


def _said(compare: Compare, data: bytes, told: set[str]) -> bytes:
    """What comes of a case. `told`: the kinds of failure that the log has heard of; once each is enough."""
    try:
        # From the keeper, which read both answers and no more than their bytes.
        return json.dumps(compare(pickle.loads(data))).encode()  # noqa: S301
    except MemoryError:
        return OVER
    except Exception as error:  # whatever a page does to a parser costs one verdict
        if (name := type(error).__name__) not in told:
            told.add(name)
            print(f"juror: a comparison failed: {name}", file=sys.stderr, flush=True)  # noqa: T201
        return FAILED


def _receive(cases: socket.socket) -> bytes | None:
    """The next case; None when the keeper is gone."""
    head = cases.recv(LENGTH.size, socket.MSG_WAITALL)
    if len(head) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(head)
    data = bytearray(length)
    view = memoryview(data)
    while view:
        count = cases.recv_into(view)
        if not count:
            return None
        view = view[count:]
    return bytes(data)


def _yield_to_others() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # an orphan's word reaches nobody
    os.nice(NICE)
    # In a session of its own a process is weighed by the session (sched(7)); and out of memory, this one goes first.
    for name, value in (("autogroup", NICE), ("oom_score_adj", 1000)):
        with contextlib.suppress(OSError):
            Path(f"/proc/self/{name}").write_text(str(value), encoding="ascii")


def _size() -> int:
    """Bytes of address space that this process has now."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()


if __name__ == "__main__":
    main()
