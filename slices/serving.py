"""Serving a slice until it is told to stop: SIGTERM or Ctrl-C lets requests finish."""

import asyncio
import errno
import signal
from collections.abc import Callable

from aiohttp import web

from notation.problems import ConfigError, Problem
from slices.kit import Kit

GRACE = 5.0  # seconds for requests in flight; a supervisor that restarts it should wait a little longer


def serve(kit: Kit, address: str, port: int, ready: Callable[[str], None]) -> None:
    """Loads the data, listens, and calls `ready` with the address that is bound. Raises ConfigError."""
    kit.load()
    try:
        asyncio.run(_serve(kit, address, port, ready))
    except OSError as exc:
        if exc.errno != errno.EADDRINUSE:
            raise
        what = f"port {port} of {address} is taken"
        hint = f"choose another: --port {port + 1}, and say so in routes.yaml"
        raise ConfigError([Problem(None, what, hint)]) from exc


async def _serve(kit: Kit, address: str, port: int, ready: Callable[[str], None]) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    runner = web.AppRunner(kit.app(), access_log_format='%a "%r" %s %b', shutdown_timeout=GRACE)
    await runner.setup()
    try:
        await web.TCPSite(runner, address, port).start()
        host, bound = runner.addresses[0][:2]
        ready(f"http://{host}:{bound}")
        await stop.wait()
    finally:
        await runner.cleanup()
