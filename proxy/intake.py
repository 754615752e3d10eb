"""What the keeper is told of what is served by: a generation, and its claims of which something is copied. Pure.

intake = Intake(); intake.take(Begin(…)) is None, …, intake.take(Swap(7)) -> Served(generation, {4: Claim(…)})
"""

from collections.abc import Mapping
from dataclasses import dataclass

from proxy.channel import Begin, Claims, Dropped, Message, Swap
from proxy.claims import Claim
from proxy.generation import Generation


@dataclass(frozen=True, slots=True)
class Served:
    """`generation`: but for its table; `claims`: those of slices of which something is copied, by their series."""

    generation: Generation
    claims: Mapping[int, Claim]


class Intake:
    """Fed with the supervisor's messages, one after the other."""

    def __init__(self) -> None:
        self._claims: dict[int, Claim] = {}
        self._coming: Generation | None = None
        self._coming_claims: dict[int, Claim] = {}

    def take(self, message: Message) -> Served | None:
        """What is served by from now on, once it is whole."""
        match message:
            case Begin(generation, since):
                self._coming = generation
                self._coming_claims = {} if since is None else dict(self._claims)
            case Dropped(claims):
                for claim in claims:
                    self._coming_claims.pop(claim.series, None)
            case Claims(claims):
                self._coming_claims.update((claim.series, claim) for claim in claims)
            case Swap() if self._coming is not None:
                self._claims = self._coming_claims
                return Served(self._coming, self._claims)
        return None
