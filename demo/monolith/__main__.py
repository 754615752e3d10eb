"""`python -m demo.monolith --port 8081 --data DIR`: makes the data if it is not there, serves until SIGTERM."""

import asyncio
import errno
import logging
import signal
import sys
import tempfile
from pathlib import Path

import click
from aiohttp import web

from demo import seed as seeds
from demo.monolith.app import make_app


@click.command()
@click.option("--address", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8081, show_default=True, help="The port; 0 takes a free one.")
@click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), default=Path("data/anytown"), show_default=True
)
@click.option("--seed", default=1, show_default=True, help="Another number gives another council.")
@click.option("--size", type=click.Choice(sorted(seeds.SIZES)), default="full", show_default=True)
def main(address: str, port: int, data: Path, seed: int, size: str) -> None:
    """The Anytown sample monolith."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stdout)
    make_data(data, seed, seeds.SIZES[size])
    try:
        asyncio.run(_serve(address, port, data))
    except OSError as refusal:
        if refusal.errno != errno.EADDRINUSE:
            raise
        click.echo(f"port {port} of {address} is taken\n    choose another: --port {port + 1}", err=True)
        sys.exit(2)


def make_data(data: Path, seed: int, size: seeds.Size) -> None:
    """Writes the database unless it is there; a run that is cut short leaves none behind."""
    data.mkdir(parents=True, exist_ok=True)
    database = data / "anytown.sqlite"
    if database.exists():
        return
    with tempfile.TemporaryDirectory(dir=data, prefix="making-") as folder:
        seeds.write(Path(folder) / "anytown.sqlite", seed, size)
        (Path(folder) / "anytown.sqlite").replace(database)


async def _serve(address: str, port: int, data: Path) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    runner = web.AppRunner(make_app(data), access_log_format='%a "%r" %s %b', shutdown_timeout=5)
    await runner.setup()
    try:
        await web.TCPSite(runner, address, port).start()
        host, bound = runner.addresses[0][:2]
        click.echo(f"Anytown Housing Suite answers at http://{host}:{bound}")
        await stop.wait()
    finally:
        await runner.cleanup()


if __name__ == "__main__":
    main()
