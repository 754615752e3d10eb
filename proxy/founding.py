"""What a supervisor begins with: founded anew, or taken over from the one that serves."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from proxy.addresses import Address
from proxy.alone import alone
from proxy.compiler import SeriesBook
from proxy.counters import LAYOUT, Counters, free_rows
from proxy.estate import Estate
from proxy.listeners import all_of
from proxy.sockets import CannotListen, Listener


@dataclass(frozen=True, slots=True)
class Wanted:
    """What it is to serve, and with how many workers; `handed`: sockets that systemd opened for it."""

    home: Path
    listen: tuple[Address, ...]
    admin: Address | None
    workers: int
    handed: tuple[Listener, ...] = ()


@dataclass(frozen=True, slots=True)
class Founded:
    """`rows`: of the counters, one for each worker; `before`: the last generation that others served by, or 0."""

    lock: int
    listeners: tuple[Listener, ...]
    admin: Listener | None
    counters: Counters
    rows: tuple[int, ...]
    book: SeriesBook
    before: int
    began: float


def found(wanted: Wanted, stack: contextlib.ExitStack) -> Founded:
    """Anew. Raises AlreadyRunning, CannotListen."""
    lock = stack.enter_context(alone(wanted.home))
    listeners, admin = _listeners(wanted, wanted.handed, stack)
    rows = tuple(range(wanted.workers))
    return Founded(lock, listeners, admin, Counters.create(wanted.workers), rows, SeriesBook(), 0, monotonic())


def inherit(wanted: Wanted, offered: Estate, stack: contextlib.ExitStack, say: Callable[[str], None]) -> Founded:
    """From the one that serves. Raises CannotListen."""
    offer = (*offered.listeners, *((offered.admin,) if offered.admin else ()))
    named = {each.address for each in offer}
    handed = (each for each in wanted.handed if each.address not in named)
    listeners, admin = _listeners(wanted, (*offer, *handed), stack)
    if offered.layout != LAYOUT:
        say("counts begin anew: the program that served until now laid them out otherwise")
        rows = tuple(range(wanted.workers))
        counters, book, began = Counters.create(wanted.workers), SeriesBook(), monotonic()
    else:
        rows = free_rows(offered.rows, offered.busy, wanted.workers)
        counters = Counters.grown(offered.counters, max(offered.rows, *(row + 1 for row in rows)))
        book, began = SeriesBook(offered.book), offered.began
    return Founded(offered.lock, listeners, admin, counters, rows, book, offered.generation, began)


def _listeners(
    wanted: Wanted, held: Sequence[Listener], stack: contextlib.ExitStack
) -> tuple[tuple[Listener, ...], Listener | None]:
    listeners, left = all_of(wanted.listen, wanted.workers, held)
    admins, left = all_of((wanted.admin,) if wanted.admin else (), 1, left)
    for each in (*listeners, *admins, *left):
        stack.callback(each.close)
    for each in left:
        if each in wanted.handed:
            hint = f"add {each.address} to listen: (or admin:), or take it out of the socket unit"
            raise CannotListen(each.address, "systemd opened it, and nothing here would serve it", hint)
    return tuple(listeners), admins[0] if admins else None
