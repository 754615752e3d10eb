"""`fig slice …`: the commands for slices."""

import importlib
import logging
import sys
from pathlib import Path
from typing import Protocol, cast
from urllib.parse import urlsplit

import click

from notation import home as homes
from notation.problems import ConfigError, Problem
from slices import manifest, serving
from slices.kit import Kit


class Brick(Protocol):
    """What `slices/library/<name>/service.py` offers."""

    def build(self, kit: Kit) -> None:
        """Puts the slice's datasets and URLs into the kit."""


@click.group(
    "slice",
    epilog="""\b
Examples:
  fig slice serve repairs --legacy http://127.0.0.1:8081
  fig slice serve repairs --port 9002 --legacy http://127.0.0.1:8081 --home anytown
""",
)
def slice() -> None:  # noqa: A001 - the command's own name
    """Slices: the small services that replace parts of the monolith."""


@slice.command(
    "serve",
    epilog="""\b
Examples:
  fig slice serve repairs --legacy http://127.0.0.1:8081
  fig slice serve repairs --port 9002 --legacy http://127.0.0.1:8081 --home anytown
""",
)
@click.argument("name")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=9001,
    show_default=True,
    help="The port to listen on; 0 takes a free one.",
)
@click.option("--address", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--legacy", required=True, metavar="URL", help="Legacy's own address, for submitting its forms.")
@click.option(
    "--home",
    "folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="The folder that holds data/; default: FIG_HOME, or the nearest upward with a datasets.yaml.",
)
def serve(name: str, port: int, address: str, legacy: str, folder: Path | None) -> None:
    """Serve the slice NAME of the library from the datasets in the lake."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stdout)
    parts = urlsplit(legacy)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.path not in ("", "/"):
        what = f"--legacy {legacy} is not the address of a site"
        raise ConfigError([Problem(None, what, "write it like http://127.0.0.1:8081")])
    kit = build(name, folder or homes.home(Path.cwd(), "datasets.yaml"), legacy)
    serving.serve(kit, address, port, lambda at: click.echo(f"slice {name} answers at {at}"))


def build(name: str, home: Path, legacy: str) -> Kit:
    """The slice of that name, ready to load. Raises ConfigError."""
    kit = Kit(manifest.load(name), home, legacy)
    brick = cast("Brick", importlib.import_module(f"slices.library.{name}.service"))
    brick.build(kit)
    return kit
