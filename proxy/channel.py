"""Messages between the supervisor and its own children, over a socket pair that no one else can reach.

A frame is its length (4 bytes, big-endian) and a pickle; both ends are the same program, started by the same user.
"""

import asyncio
import pickle
import struct
from dataclasses import dataclass

from proxy.generation import Generation
from proxy.table import Claim

_LENGTH = struct.Struct("!I")
# Claims a worker takes in at once: about a millisecond, so that no request waits for a new table (measured: 4 us a
# claim).
CLAIMS_A_PIECE = 200
# Seconds that a connection may be idle when the proxy stops: a busy one asks again within them, and is told to close.
IDLE_PATIENCE = 1.0


@dataclass(frozen=True, slots=True)
class Begin:
    """A new generation follows; its table is still empty."""

    generation: Generation


@dataclass(frozen=True, slots=True)
class Claims:
    """A piece of the table."""

    claims: tuple[Claim, ...]


@dataclass(frozen=True, slots=True)
class Swap:
    """The table is whole: serve by it from now on."""

    number: int


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
class Swapped:
    """A worker serves by that generation."""

    number: int


Message = Begin | Claims | Swap | Open | Drain | Swapped


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


@dataclass(frozen=True, slots=True)
class Whole:
    """A generation with its table, framed once for all workers."""

    generation: Generation
    frames: tuple[bytes, ...]


def whole(generation: Generation, claims: tuple[Claim, ...]) -> Whole:
    """A generation as it is handed over: its table in pieces, so that a worker takes it in between requests."""
    messages: list[Message] = [Begin(generation)]
    messages += [Claims(claims[at : at + CLAIMS_A_PIECE]) for at in range(0, len(claims), CLAIMS_A_PIECE)]
    messages.append(Swap(generation.number))
    return Whole(generation, tuple(map(frame, messages)))
