"""The commands that move slices: `fig promote`, `rollback`, `resume`, `bypass`."""

import getpass
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from notation.problems import Refused
from proxy import moves
from proxy.chosen import routes_file
from proxy.config import load
from proxy.moves import Failed, No, Order
from proxy.stages import NAMES, Stage, parse

Command = Callable[..., Any]


class StageParameter(click.ParamType[Stage]):
    """A stage, as in routes.yaml."""

    name = "STAGE"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Stage:
        try:
            return value if isinstance(value, Stage) else parse(str(value))
        except Refused as refused:
            self.fail(f"{refused.what}; {refused.hint}", param, ctx)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Those of one word: what stands after `canary` is to be thought about, and quoted."""
        return [CompletionItem(name) for name in NAMES if name != "canary" and name.startswith(incomplete)]


def declared_slices(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The file's slices, for the shell's completion."""
    try:
        path = routes_file(ctx.params["config"])
        return [name for name in load(path, os.environ).spec.slices if name.startswith(incomplete)]
    except Exception:  # completing must never print a traceback into somebody's prompt
        return []


CONFIG = click.option(
    "-c", "--config", type=click.Path(path_type=Path), is_eager=True,
    help="The file to go by; default: the routes.yaml of FIG_HOME, or the nearest upward.",
)  # fmt: skip
WHY = click.option("--why", default="", metavar="TEXT", help="The reason, for the record.")
TO = click.option("--to", type=StageParameter(), help="The stage: legacy, shadow, 'canary N%', live or retired.")
DRY_RUN = click.option("--dry-run", is_flag=True, help="Say what would be done, and change nothing.")
SLICE = click.argument("name", metavar="SLICE", shell_complete=declared_slices)


@click.command(
    epilog="""\b
Examples:
  fig promote repairs                      one rung of its ladder up
  fig promote repairs --to live --why "two quiet weeks in canary"
  fig promote repairs --to 'canary 10%' --dry-run
"""
)
@SLICE
@TO
@DRY_RUN
@WHY
@click.option("--force", metavar="WHY", help="Promote although a gate is closed, and say why.")
@CONFIG
def promote(name: str, to: Stage | None, dry_run: bool, why: str, force: str | None, config: Path | None) -> None:
    """Move a slice up: change its stage in routes.yaml, let the proxy take it in, clear its hold."""
    _carry_out(
        lambda order: moves.promote(order, to, force=force is not None, dry_run=dry_run), config, name, force or why
    )


@click.command(
    epilog="""\b
Examples:
  fig rollback repairs --why "wrong wards in the list"
  fig rollback repairs --to 'canary 1%'
"""
)
@SLICE
@TO
@DRY_RUN
@WHY
@CONFIG
def rollback(name: str, to: Stage | None, dry_run: bool, why: str, config: Path | None) -> None:
    """Move a slice down, to legacy unless you say --to: hold it at once, then change routes.yaml.

    Works with a file that is broken or cannot be written; then the change to make is printed.
    """
    _carry_out(lambda order: moves.rollback(order, to, dry_run=dry_run), config, name, why)


@click.command(
    epilog="""\b
Examples:
  fig resume repairs
  fig resume repairs --to 'canary 1%'      only so far
"""
)
@SLICE
@TO
@DRY_RUN
@WHY
@CONFIG
def resume(name: str, to: Stage | None, dry_run: bool, why: str, config: Path | None) -> None:
    """Clear a slice's hold, so that it is again where routes.yaml says."""
    _carry_out(lambda order: moves.resume(order, to, dry_run=dry_run), config, name, why)


@click.command(
    epilog="""\b
Examples:
  fig bypass on --why "is it us?"
  fig bypass off
"""
)
@click.argument("switch", metavar="on|off", type=click.Choice(["on", "off"]))
@WHY
@CONFIG
def bypass(switch: str, why: str, config: Path | None) -> None:
    """Send everything to legacy at once, every feature off; or back to the stages."""
    _carry_out(lambda order: moves.bypass(order, on=switch == "on"), config, "", why)


def _carry_out(move: Command, config: Path | None, name: str, why: str) -> None:
    when = datetime.now(UTC).isoformat(timespec="seconds")
    order = Order(routes_file(config), name, _who(), when, why, os.environ, click.echo)
    try:
        move(order)
    except (No, Failed) as exc:
        click.echo(str(exc), err=True)
        sys.exit(1 if isinstance(exc, No) else 3)


def _who() -> str:
    """The person behind the command, also behind sudo; in a container without names, the number."""
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
