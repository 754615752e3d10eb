"""A worker: a process that moves citizens' bytes, and nothing else.

It lives on sockets and tables its supervisor hands it.
"""

import argparse
import asyncio
import gc
import os
import socket
import sys
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

from proxy.channel import Begin, Claims, Drain, Dropped, Newer, Open, Swap, Swapped, frame, receive, send
from proxy.counters import GENERATION, Counters
from proxy.draining import drain
from proxy.entrances import Entrance
from proxy.generation import Generation
from proxy.wire.outbox import Outbox
from proxy.wire.pool import pool_for
from proxy.wire.station import Station

# Claims of an old table that are let go at once: 0.3 ms.
CLAIMS_SHED = 500


class Worker:
    """Serves by the newest generation it has whole."""

    def __init__(
        self,
        index: int,
        counters: Counters,
        listeners: list[list[socket.socket]],
        writer: asyncio.StreamWriter,
        copies: socket.socket,
        *,
        fast: bool,
    ) -> None:
        self.index = index
        self._shared = counters
        self._listeners = listeners
        self._entrances: list[Entrance] = []
        self._writer = writer
        self._copies = copies
        self._fast = fast
        self._station: Station | None = None
        self._coming: Generation | None = None
        self._shares = False  # whether what comes holds most claims of what is served by

    async def run(self, reader: asyncio.StreamReader) -> None:
        """Until the supervisor says to stop, or is gone."""
        while (message := await receive(reader)) is not None:
            match message:
                case Begin(generation, since):
                    # What comes lives long: looking at it again and again would hold requests up for 5 to 9 ms.
                    gc.disable()
                    self._coming = generation if since is None else await self._after(since, generation)
                case Dropped() | Claims() as piece:
                    self._take(piece)
                    await asyncio.sleep(0)  # requests first
                case Swap():
                    await self._take_over()
                case Newer(as_of):
                    if self._station is not None:  # else it is told once more after the first generation
                        self._station.visitors.as_of = as_of
                case Open():
                    for entrance in self._entrances:
                        await entrance.open()
                case Drain() as order:
                    await self._drain(order)
                    return
        # Without a supervisor nobody could change the table any more: better the next supervisor's workers serve.
        await self._drain(Drain(self._station.generation.grace if self._station else 0.0))

    def _take(self, piece: Dropped | Claims) -> None:
        assert self._coming is not None
        table = self._coming.rules.table
        for claim in piece.claims:
            if isinstance(piece, Dropped):
                table.drop(claim)
            else:
                table.add(claim)

    async def _after(self, since: int, generation: Generation) -> Generation:
        """The generation with a copy of the table that is served by, which is to become its own."""
        assert self._station is not None
        served = self._station.generation
        assert served.number == since
        self._shares = True
        table = served.rules.table
        for copy in table.copied():
            table = copy
            await asyncio.sleep(0)  # requests first
        return replace(generation, rules=replace(generation.rules, table=table))

    async def _take_over(self) -> None:
        old = self._station.generation.rules.table if self._station and not self._shares else None
        self._shares = False
        await self._swap()
        gc.freeze()
        gc.enable()
        # Dropped at once, 100,000 claims would take 20 ms and more; where they live on, 1 to 2 ms (measured).
        while old is not None and old.shed(CLAIMS_SHED):  # noqa: ASYNC110  # requests first
            await asyncio.sleep(0)

    async def _swap(self) -> None:
        generation, self._coming = self._coming, None
        assert generation is not None
        if self._station is None:
            await self._open(generation)
        else:
            station = self._station
            station.serve_by(generation)
            for backend in [each for each in station.pools if each not in generation.backends.values()]:
                station.pools.pop(backend).close()
            for entrance, front in zip(self._entrances, generation.fronts, strict=False):
                entrance.renew(front)
        assert self._station is not None
        for name in generation.backends:
            pool_for(self._station, generation, name)
        self._station.counters.set(GENERATION, generation.number)
        await send(self._writer, frame(Swapped(generation.number)))

    async def _open(self, generation: Generation) -> None:
        loop = asyncio.get_running_loop()
        station = self._station = Station(loop, generation, self._shared, self.index, self._log, fast=self._fast)
        station.outbox = Outbox(loop, self._copies)
        station.sweep()
        station.each_second()
        # What was loaded so far lives as long as the process: the collector need not look at it again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)
        for front, sockets in zip(generation.fronts, self._listeners, strict=True):
            entrance = Entrance(station, front, sockets)
            self._entrances.append(entrance)
            await entrance.open()

    def _log(self, text: str) -> None:
        print(f"worker {self.index}: {text}", file=sys.stderr, flush=True)  # noqa: T201  # the supervisor's log

    async def _drain(self, order: Drain) -> None:
        station = self._station
        if station is None:
            return
        await asyncio.sleep(0)  # take in what the kernel has already queued
        for pool in station.pools.values():
            pool.close()
        await drain(station, self._entrances, order)
        await asyncio.to_thread(station.journal.stop)


def arguments() -> argparse.Namespace:
    """What the supervisor hands over: descriptors, and which worker this is."""
    parser = argparse.ArgumentParser(prog="proxy.worker", description=__doc__)
    parser.add_argument("--index", type=int, required=True)
    parser.add_argument("--workers", type=int, required=True)
    parser.add_argument("--control", type=int, required=True)
    parser.add_argument("--counters", type=int, required=True)
    parser.add_argument("--copies", type=int, required=True)
    parser.add_argument("--listen", nargs="+", required=True, help="For each address its sockets: 7,8")
    parser.add_argument("--loop", choices=("uvloop", "asyncio"), default="uvloop")
    parser.add_argument("--no-fast-path", action="store_true")
    return parser.parse_args()


async def serve(options: argparse.Namespace) -> None:
    """Run one worker."""
    control = socket.socket(fileno=options.control)
    reader, writer = await asyncio.open_connection(sock=control)
    listeners = [[socket.socket(fileno=int(fd)) for fd in fds.split(",")] for fds in options.listen]
    counters = Counters(options.counters, options.workers)
    copies = socket.socket(fileno=options.copies)
    await Worker(options.index, counters, listeners, writer, copies, fast=not options.no_fast_path).run(reader)


def run(main: Coroutine[Any, Any, None], loop: str) -> None:
    """On the loop that was asked for."""
    if loop == "uvloop":
        import uvloop

        uvloop.run(main)
    else:
        asyncio.run(main)


if __name__ == "__main__":
    chosen = arguments()
    run(serve(chosen), chosen.loop)
    sys.stderr.flush()
    os._exit(0)  # nothing is left to tidy up, and a transport that will not end must not keep the process
