"""The keeper: the process that watches and serves the admin pages. Without it citizens notice nothing."""

import argparse
import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import monotonic

from aiohttp import web

from proxy.admin.app import LINE_LIMIT, close, make_app
from proxy.admin.seen import Seen
from proxy.asking import Asking
from proxy.channel import LedgerTrouble, Named, frame, receive
from proxy.commits import newest
from proxy.counters import Counters
from proxy.findings import Findings
from proxy.health import Health
from proxy.intake import Intake
from proxy.judge import Judge
from proxy.jury import Jury
from proxy.ledger.recorder import LAST_SECONDS, ORPHAN_SECONDS, OnLoop, Recorder
from proxy.pacing import GAP
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
    findings = Findings()
    seen = Seen(home, findings)
    recorder = _recorder(home, counters, findings, writer)
    async with contextlib.AsyncExitStack() as stack:
        # A keeper before us may have asked legacy just now.
        asking = await stack.enter_async_context(Asking(rested=monotonic() + GAP))
        jury = await stack.enter_async_context(Jury())
        judge = await stack.enter_async_context(Judge(counters, asking, jury, findings, partial(newest, home)))
        shadows = await stack.enter_async_context(Shadows(counters, copies, asking, judge))
        health = await stack.enter_async_context(Health(counters))
        if admin is not None:
            await stack.enter_async_context(_pages(home, admin, counters, seen))

        async def listen() -> float:
            grace, intake = 0.0, Intake()
            while (message := await receive(reader)) is not None:
                if isinstance(message, Named):
                    series = {number: (name, pattern) for name, pattern, number in message.series}
                    seen.url = message.ledger
                    recorder.take_in(message.ledger, series)
                elif (served := intake.take(message)) is not None:
                    asking.take_in(served.generation)
                    shadows.take_in(served)
                    health.take_in(served.generation)
                    grace = served.generation.grace
            stop.set()  # an orphan would hold the admin's port
            return grace

        listening = asyncio.create_task(listen())
        await stop.wait()
        is_orphan = listening.done()
        if not is_orphan:
            recorder.finish()
            listening.cancel()
    if is_orphan:  # its workers finish what is under way, and count
        await _workers_end(copies, listening.result() + PATIENCE)
        recorder.finish()
    await recorder.wait(ORPHAN_SECONDS if is_orphan else LAST_SECONDS)
    writer.close()


async def _workers_end(copies: Sequence[socket.socket], seconds: float) -> None:
    """Until nobody holds the other end of where copies come from."""
    loop = asyncio.get_running_loop()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            for each in copies:
                while await loop.sock_recv(each, 1):
                    pass


def _recorder(home: Path, counters: Counters, findings: Findings, supervisor: asyncio.StreamWriter) -> Recorder:
    """Writes the ledger; the supervisor, who tells whoever asks, hears when it cannot be written."""
    loop = asyncio.get_running_loop()

    def trouble(text: str | None) -> None:
        since = datetime.now(UTC).isoformat(timespec="seconds")
        loop.call_soon_threadsafe(supervisor.write, frame(LedgerTrouble(text, since)))

    return Recorder(home, counters, OnLoop(findings, loop), _say, trouble)


def _say(text: str) -> None:
    with contextlib.suppress(OSError):  # nobody reads the log any more
        print(f"keeper: {text}", file=sys.stderr, flush=True)  # noqa: T201  # the supervisor's log


@contextlib.asynccontextmanager
async def _pages(home: Path, admin: socket.socket, counters: Counters, seen: Seen) -> AsyncIterator[None]:
    address, port = admin.getsockname()[:2]
    app = make_app(home, address, port, counters, seen)
    runner = web.AppRunner(app, access_log=None, max_line_size=LINE_LIMIT)
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
