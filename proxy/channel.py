"""Messages between the supervisor and its own children, over a socket pair that no one else can reach.

A frame is its length (4 bytes, big-endian) and a pickle; both ends are the same program, started by the same user.
"""

import asyncio
import pickle
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from proxy.claims import Claim, Regex
from proxy.generation import Generation
from proxy.sections import Sections, change, claims_of

_LENGTH = struct.Struct("!I")
# Claims a worker takes in at once: about a millisecond, so that no request waits for a new table (measured: 4 us a
# claim).
CLAIMS_A_PIECE = 200
# Seconds that a connection may be idle when the proxy stops: a busy one asks again within them, and is told to close.
IDLE_PATIENCE = 1.0


@dataclass(frozen=True, slots=True)
class Begin:
    """A new generation follows; its table is still empty.

    `since`: the generation that is served by, if its table is to be changed; the claims that go come before the others.
    """

    generation: Generation
    since: int | None = None


@dataclass(frozen=True, slots=True)
class Dropped:
    """Claims that are no more."""

    claims: tuple[Claim, ...]


@dataclass(frozen=True, slots=True)
class Claims:
    """A piece of the table."""

    claims: tuple[Claim, ...]


@dataclass(frozen=True, slots=True)
class Swap:
    """The table is whole: serve by it from now on."""

    number: int


@dataclass(frozen=True, slots=True)
class Newer:
    """By slice, the second up to which its datasets know what legacy knows."""

    as_of: Mapping[bytes, int]


@dataclass(frozen=True, slots=True)
class Drain:
    """Take no more connections, finish what is under way within `grace` seconds, and end.

    A connection may stay idle for `patience` seconds of them. `succeeded`: others serve on in this worker's place.
    """

    grace: float
    patience: float = IDLE_PATIENCE
    succeeded: bool = False


@dataclass(frozen=True, slots=True)
class Open:
    """Every socket you were handed listens by now: take in who comes."""


@dataclass(frozen=True, slots=True)
class Named:
    """For the keeper: what series count for, those it was not told of yet, and where the ledger is (`ledger:`).

    `series`: slice, pattern, and the first of the pair.
    """

    series: tuple[tuple[str, str, int], ...]
    ledger: str | None = field(repr=False)  # it may hold a password


@dataclass(frozen=True, slots=True)
class LedgerTrouble:
    """The keeper cannot write the ledger, since `since` (UTC, ISO 8601); None: it can again."""

    text: str | None
    since: str


@dataclass(frozen=True, slots=True)
class Swapped:
    """A worker serves by that generation."""

    number: int


Message = Begin | Dropped | Claims | Swap | Newer | Open | Drain | Swapped | Named | LedgerTrouble


def frame(message: Message) -> bytes:
    """A message as it is sent."""
    data = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    return _LENGTH.pack(len(data)) + data


async def send(writer: asyncio.StreamWriter, *frames: bytes) -> None:
    """Raises ConnectionError when the other end is gone."""
    for each in frames:
        writer.write(each)
        await writer.drain()


async def receive(reader: asyncio.StreamReader) -> Message | None:
    """The next message; None when the other end is gone."""
    try:
        (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
        data = await reader.readexactly(length)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    message: Message = pickle.loads(data)  # noqa: S301  # from our own parent or child
    return message


@dataclass(frozen=True)
class Whole:
    """A generation with its table, framed once for all workers: whole, and for those that serve by the one before."""

    generation: Generation
    sections: Sections
    since: int | None = None
    change: tuple[bytes, ...] = ()

    @cached_property
    def frames(self) -> tuple[bytes, ...]:
        """For a worker that has nothing yet."""
        begin, swap = Begin(self.generation), Swap(self.generation.number)
        return tuple(map(frame, (begin, *_pieces(Claims, claims_of(self.sections)), swap)))

    def frames_after(self, number: int) -> tuple[bytes, ...]:
        """For a worker that serves by that generation."""
        return self.change if number == self.since else self.frames


def whole(generation: Generation, sections: Sections, before: Whole | None = None) -> Whole:
    """A generation as it is handed over: its table in pieces, so that a worker takes it in between requests.

    To those that serve by `before` only what changed is told, where that is less; regexes are compiled together, so
    when one goes, or when there may be no more than one priority from now on, all is told.
    """
    if before is not None:
        changed = change(before.sections, sections)
        count = len(changed.dropped) + len(changed.added)
        simple = not any(isinstance(claim.pattern, Regex) or claim.priority for claim in changed.dropped)
        if simple and count <= len(claims_of(sections)):
            since = before.generation.number
            pieces = (*_pieces(Dropped, changed.dropped), *_pieces(Claims, changed.added))
            messages = Begin(generation, since), *pieces, Swap(generation.number)
            return Whole(generation, sections, since, tuple(map(frame, messages)))
    return Whole(generation, sections)


def _pieces(kind: type[Dropped | Claims], claims: Sequence[Claim]) -> Iterator[Dropped | Claims]:
    for at in range(0, len(claims), CLAIMS_A_PIECE):
        yield kind(tuple(claims[at : at + CLAIMS_A_PIECE]))
