"""`fig serve`: the command that starts the proxy."""

import asyncio
import os
import sys
from pathlib import Path

import click

from notation.problems import Refused
from proxy.addresses import Address, address
from proxy.alone import AlreadyRunning
from proxy.chosen import no_file, routes_file
from proxy.predecessor import NotHandedOver
from proxy.sockets import CannotListen
from proxy.supervisor import CannotStart, Options, Supervisor
from proxy.systemd import BadSocket, take_sockets


class AddressParameter(click.ParamType[Address]):
    """An address to listen on, as in routes.yaml."""

    name = "ADDRESS"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Address:
        """Text to Address."""
        try:
            return address(str(value))
        except Refused as refused:
            self.fail(f"{refused.what}: {refused.hint}", param, ctx)


@click.command(
    epilog="""\b
Examples:
  fig serve
  fig serve -c routes.yaml --workers 2
  fig serve --listen 127.0.0.1:8000 --admin 127.0.0.1:9901
"""
)
@click.option(
    "-c",
    "--config",
    type=click.Path(path_type=Path),
    help="The file to serve by; default: the nearest routes.yaml from here upward, or FIG_HOME's.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    help="Processes that move bytes; default: what the file says, or one for each core.",
)
@click.option(
    "--listen",
    type=AddressParameter(),
    multiple=True,
    help="Listen here instead of where the file says; may be given again.",
)
@click.option("--admin", type=AddressParameter(), help="The admin pages' address instead of the file's.")
@click.option(
    "--loop",
    type=click.Choice(["uvloop", "asyncio"]),
    default="uvloop",
    show_default=True,
    help="The workers' event loop.",
)
@click.option(
    "--no-fast-path",
    is_flag=True,
    envvar="FIG_NO_FAST_PATH",
    help="Read every head by the whole grammar, usual or not: the same answers, slower. To find out whether a fault "
    "lies in the short cut.",
)
@click.option(
    "--take-over",
    is_flag=True,
    help="Take over from the proxy that serves from this folder, if one does, and end it once this one serves.",
)
def serve(
    config: Path | None,
    workers: int | None,
    listen: tuple[Address, ...],
    admin: Address | None,
    loop: str,
    no_fast_path: bool,
    take_over: bool,
) -> None:
    """Serve citizens by routes.yaml, until Ctrl-C or SIGTERM.

    The file is watched: a good change takes effect at once, a bad one never, not even in part. SIGHUP reads it again.
    SIGUSR2 upgrades: this program starts itself again with --take-over, and no connection is lost.
    """
    config = routes_file(config)
    if not config.is_file():
        raise no_file(config)
    try:
        options = Options(workers, listen, admin, loop, not no_fast_path, take_over, take_sockets(os.environ))
        asyncio.run(Supervisor(config.resolve(), options, os.environ).run())
    except (AlreadyRunning, BadSocket, CannotListen, CannotStart, NotHandedOver) as error:
        click.echo(str(error), err=True)
        sys.exit(3)
