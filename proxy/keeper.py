"""The keeper: the process that watches and serves the admin pages. Without it citizens notice nothing."""

import argparse
import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from aiohttp import web

from proxy.admin.app import close, make_app
from proxy.channel import Begin, receive
from proxy.counters import Counters
from proxy.health import Health
from proxy.shadows import Shadows

# Seconds that who has just come may take to ask; less than the supervisor gives a keeper to end.
PATIENCE = 1.0
LOOK_SECONDS = 0.02


async def serve(
    home: Path, control: socket.socket, counters: Counters, copies: Sequence[socket.socket], admin: socket.socket | None
) -> None:
    """Do what a keeper does until the supervisor says to stop, or is gone."""
    reader, writer = await asyncio.open_connection(sock=control)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with contextlib.AsyncExitStack() as stack:
        shadows = await stack.enter_async_context(Shadows(counters, copies))
        health = await stack.enter_async_context(Health(counters))
        if admin is not None:
            await stack.enter_async_context(_pages(home, admin, counters))

        async def listen() -> None:
            while isinstance(message := await receive(reader), Begin):
                shadows.take_in(message.generation)
                health.take_in(message.generation)
            stop.set()  # an orphan would hold the admin's port

        listening = asyncio.create_task(listen())
        await stop.wait()
        listening.cancel()
        writer.close()


@contextlib.asynccontextmanager
async def _pages(home: Path, admin: socket.socket, counters: Counters) -> AsyncIterator[None]:
    address, port = admin.getsockname()[:2]
    app = make_app(home, address, port, counters)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.SockSite(runner, admin)
    await site.start()
    yield
    await close(app)
    await site.stop()  # who waits in the socket is served by the next keeper, of this supervisor or the next
    for _ in range(int(PATIENCE / LOOK_SECONDS)):
        await asyncio.sleep(LOOK_SECONDS)  # first: who was accepted just now is not among them yet
        if runner.server is None or not runner.server.connections:
            break
    await runner.cleanup()


def main() -> None:
    """Started by the supervisor."""
    parser = argparse.ArgumentParser(prog="proxy.keeper", description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--control", type=int, required=True)
    parser.add_argument("--counters", type=int, required=True)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--copies", type=int, nargs="*", default=[])
    parser.add_argument("--listen", type=int)
    options = parser.parse_args()
    asyncio.run(
        serve(
            options.home,
            socket.socket(fileno=options.control),
            Counters(options.counters, options.rows),
            [socket.socket(fileno=each) for each in options.copies],
            socket.socket(fileno=options.listen) if options.listen is not None else None,
        )
    )


if __name__ == "__main__":
    main()
