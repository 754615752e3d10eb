"""How a worker ends: it takes in nobody new, and lets who is here finish.

A connection is kept until its next answer, which says `Connection: close`: one that was ended while it is idle could be
ended just as a request comes in. One that stays idle is ended after a while, so that the worker ends too.
"""

import asyncio
from collections.abc import Sequence
from time import monotonic

from proxy.channel import Drain
from proxy.counters import DRAINING
from proxy.entrances import Entrance
from proxy.wire.downstream import Downstream
from proxy.wire.station import Station

# How often it is looked whether everybody has gone.
LOOK_SECONDS = 0.02
# Turns of the loop until whoever was accepted in the last one is a citizen among the others: asyncio takes three.
TURNS = 4


async def drain(station: Station, entrances: Sequence[Entrance], order: Drain) -> None:
    """See everybody off; returns when the last has gone or `order.grace` is over."""
    station.draining, station.succeeded = True, order.succeeded
    if order.succeeded:
        station.outbox = None  # our keeper has made way for the next one: nobody would take a copy
    station.counters.set(DRAINING, 1)
    for each in entrances:
        each.close()
    for _ in range(TURNS):
        await asyncio.sleep(0)
    began = monotonic()
    while citizens := [each for each in station.open if isinstance(each, Downstream)]:
        waited = monotonic() - began
        if waited >= order.patience:
            for each in entrances:
                each.end_handshakes()
            for citizen in citizens:
                citizen.drain()
        if waited >= order.grace:
            break
        await asyncio.sleep(LOOK_SECONDS)
