"""Which listening sockets the proxy serves from: those that are handed to it, and new ones for the other addresses."""

from collections.abc import Iterable, Sequence

from proxy.addresses import Address
from proxy.sockets import Listener, listen


def find(wanted: Address, held: Iterable[Listener]) -> Listener | None:
    """The listener of that address; for port 0 the first of that host, whatever port the system once chose for it."""
    held = list(held)
    same = [each for each in held if each.address == wanted]
    if not same and wanted.port == 0:
        same = [each for each in held if each.address.host == wanted.host]
    return same[0] if same else None


def all_of(wanted: Sequence[Address], workers: int, held: Sequence[Listener]) -> tuple[list[Listener], list[Listener]]:
    """A listener for each address, and those of `held` that nobody wants. Raises CannotListen.

    A held one that lacks sockets for so many workers gets them; they do not listen yet.
    """
    left = list(held)
    found: dict[int, Listener] = {}
    # A port that is named goes before one that the system may choose.
    for place in sorted(range(len(wanted)), key=lambda place: wanted[place].port == 0):
        mine = find(wanted[place], left)
        if mine is not None:
            left.remove(mine)
            found[place] = mine.widened(workers)
    return [found.get(place) or listen(each, workers) for place, each in enumerate(wanted)], left
