"""How the sockets that are held speak: as the file says now, where it still means the same protocol. Pure."""

from collections.abc import Sequence
from dataclasses import replace

from proxy.addresses import Address
from proxy.generation import Front


def fronts_now(held: Sequence[Front], asked: Sequence[Front]) -> tuple[Front, ...]:
    """Each held front with the certificates asked for now; one that would change its protocol stays as it was."""
    same = len(asked) == len(held)
    return tuple(
        replace(asked[i], hsts=front.hsts)
        if same and bool(asked[i].certificates) == bool(front.certificates)
        else front
        for i, front in enumerate(held)
    )


def need_a_start(
    held: Sequence[Front], asked: Sequence[Front], addresses: Sequence[Address], wanted: Sequence[Address]
) -> bool:
    """Whether `listen:` asks for what only a start can do: another address, protocol or hsts."""
    same = len(asked) == len(held) and all(
        (bool(a.certificates), a.hsts) == (bool(h.certificates), h.hsts) for a, h in zip(asked, held, strict=True)
    )
    named = {str(each) for each in wanted if each.port}
    return not same or not named <= {str(each) for each in addresses}
