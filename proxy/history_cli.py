"""`fig history`: who moved which slice, when and why."""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from notation.problems import ConfigError, Problem, one_of
from proxy.admin.history import SHOWN, read
from proxy.chosen import no_file, routes_file
from proxy.cli import CONFIG, declared_slices
from proxy.holds import Change

# Columns of a change: a reason has a few hundred at most.
WIDEST = 4096


@click.command(
    epilog="""\b
Examples:
  fig history
  fig history repairs --limit 5
  fig history --json
"""
)
@click.argument("name", metavar="[SLICE]", required=False, shell_complete=declared_slices)
@click.option("--limit", type=click.IntRange(min=1), default=SHOWN, show_default=True, help="Show no more than this.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, as GET /api/v1/changes does.")
@CONFIG
def history(name: str | None, limit: int, as_json: bool, config: Path | None) -> None:
    """Show who moved which slice from where to where, when and why; the newest first.

    With a SLICE, its own moves and those of all slices at once (the bypass, shown as *). Whether the proxy runs or not.
    """
    path = routes_file(config)
    home = path.resolve().parent
    found = read(home, name, limit)
    if not found and not path.is_file():
        raise no_file(path)
    if name and not any(change.slice == name for change in found):
        _must_be_declared(name, path)
    if as_json:
        click.echo(json.dumps({"changes": [asdict(change) for change in found]}, indent=2, ensure_ascii=False))
    elif found:
        _show(found)
    else:
        click.echo(f"nobody has moved {f'slice {name!r}' if name else 'anything'} yet")


def _must_be_declared(name: str, path: Path) -> None:
    """Raises ConfigError."""
    from proxy.config import load  # only where a name may be mistyped

    declared = load(path, os.environ).spec.slices
    if name not in declared:
        what = f"there is no slice '{name}' in {path.name}, and nobody has moved one"
        raise ConfigError([Problem(None, what, one_of("declared slices", name, declared))])


def _show(found: Sequence[Change]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("when", "slice", "from", "to", "by", "who", "why"):
        table.add_column(column, no_wrap=column not in ("who", "why"), overflow="fold")
    for each in found:
        table.add_row(*map(Text, (each.when, each.slice, each.before, each.after, each.by, each.who, each.why)))
    # Whatever reads a pipe has room for a line.
    Console(file=sys.stdout, width=None if sys.stdout.isatty() else WIDEST).print(table)
