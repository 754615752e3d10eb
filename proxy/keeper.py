"""The keeper: the process that watches and serves the admin pages. Without it citizens notice nothing."""

import argparse
import asyncio
import os
import signal
import socket
from pathlib import Path

from aiohttp import web

from proxy.admin.pages import make_app
from proxy.counters import Counters

# How often it looks whether its supervisor still lives; an orphan would hold the admin's port.
PARENT_SECONDS = 1.0


async def serve(home: Path, listener: socket.socket, counters: Counters, parent: int) -> None:
    """Serve the admin pages on a socket of the supervisor's, as long as it lives."""
    address, port = listener.getsockname()[:2]
    runner = web.AppRunner(make_app(home, address, port, counters), access_log=None)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)

    def look() -> None:
        if os.getppid() != parent:
            stop.set()
        loop.call_later(PARENT_SECONDS, look)

    look()
    await stop.wait()
    await runner.cleanup()


def main() -> None:
    """Started by the supervisor."""
    parser = argparse.ArgumentParser(prog="proxy.keeper", description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--listen", type=int, required=True)
    parser.add_argument("--counters", type=int, required=True)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--parent", type=int, required=True)
    options = parser.parse_args()
    counters = Counters(options.counters, options.rows)
    asyncio.run(serve(options.home, socket.socket(fileno=options.listen), counters, options.parent))


if __name__ == "__main__":
    main()
