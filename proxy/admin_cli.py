"""`fig admin`: who may change something over HTTP."""

import contextlib
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click

from proxy.admin import tokens
from proxy.chosen import no_file, routes_file

CONFIG = click.option(
    "-c", "--config", type=click.Path(path_type=Path), is_eager=True,
    help="The file the proxy serves by; default: the routes.yaml of FIG_HOME, or the nearest upward.",
)  # fmt: skip


def _names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Who has a token, for the shell's completion."""
    try:
        return [name for name in tokens.read(_home(ctx.params["config"])) if name.startswith(incomplete)]
    except Exception:  # completing must never print a traceback into somebody's prompt
        return []


@click.group(
    epilog="""\b
Examples:
  fig admin add ann
  fig admin list
  fig admin remove ann
"""
)
def admin() -> None:
    """Say who may move slices on the admin pages and by the API, each by a token of their own.

    Looking needs none from the machine itself. What `data/admin.json` keeps of a token is its hash.
    """


@admin.command(
    epilog="""\b
Examples:
  fig admin add ann
  fig admin add ann@anytown.gov.uk
"""
)
@click.argument("name")
@CONFIG
def add(name: str, config: Path | None) -> None:
    """Print a new token for NAME, once. The name is the "who" of whatever is done with it."""
    home = _home(config)
    with _writing():
        token = tokens.add(home, name, datetime.now(UTC).isoformat(timespec="seconds"))
    click.echo(token)
    click.echo(f"this is {name}'s token: it is shown once, and to nobody again", err=True)


@admin.command(
    name="list",
    epilog="""\b
Examples:
  fig admin list
  fig admin list --json
""",
)
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
@CONFIG
def list_(as_json: bool, config: Path | None) -> None:
    """Show who has a token, and since when."""
    admins = tokens.read(_home(config))
    if as_json:
        click.echo(json.dumps([{"name": name, "since": each.since} for name, each in admins.items()], indent=2))
        return
    width = max((len(name) for name in admins), default=0)
    for name, each in admins.items():
        click.echo(f"{name:{width}}  since {each.since}")
    if not admins:
        click.echo("nobody has a token yet\n    give one: fig admin add NAME")


@admin.command(
    epilog="""\b
Examples:
  fig admin remove ann
"""
)
@click.argument("name", shell_complete=_names)
@CONFIG
def remove(name: str, config: Path | None) -> None:
    """Take NAME's token away.

    Whoever is signed in by it is signed out at once.
    """
    home = _home(config)
    with _writing():
        tokens.remove(home, name)
    click.echo(f"'{name}' has no token any more")


def _home(config: Path | None) -> Path:
    path = routes_file(config)
    if not path.is_file():
        raise no_file(path)
    return path.resolve().parent


@contextlib.contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        click.echo(f"cannot write data/{tokens.FILE}: {exc.strerror}", err=True)
        sys.exit(3)
