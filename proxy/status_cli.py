"""`fig status`: how the running proxy stands, slice by slice."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from notation.home import home as find_home
from notation.problems import ConfigError
from proxy import control
from proxy.chosen import no_file, routes_file


@click.command(
    epilog="""\b
Examples:
  fig status
  fig status --json
"""
)
@click.option("--json", "as_json", is_flag=True, help="Print the proxy's whole reply as JSON.")
@click.option(
    "-c", "--config", type=click.Path(path_type=Path),
    help="The file the proxy was started with; default: the routes.yaml of FIG_HOME, or the nearest upward.",
)  # fmt: skip
def status(as_json: bool, config: Path | None) -> None:
    """Show slices, stages, holds and hits, what stands in the way, and the datasets of the lake.

    Without a running proxy only the datasets are shown, and the exit code is 3; 0 where there is no routes.yaml, only
    a lake.
    """
    path = routes_file(config)
    home = path.resolve().parent
    if config is None and not path.is_file():
        home = _home_of_datasets(home)
    datasets = _datasets(home)
    try:
        reply: Any = control.ask(home, {"do": "status"})
    except (control.NotRunning, OSError) as exc:
        if not path.is_file() and not datasets:
            raise no_file(path) from exc
        if not path.is_file() and as_json:
            click.echo(json.dumps({"datasets": datasets}, indent=2))
        elif datasets and not as_json:
            _show_datasets(datasets)
        if not path.is_file():
            return
        click.echo(f"{exc}\n    start it with: fig serve -c {path}", err=True)
        sys.exit(3)
    if as_json:
        click.echo(json.dumps({**reply, "datasets": datasets}, indent=2))
    else:
        _show(reply)
        if datasets:
            _show_datasets(datasets)


def _home_of_datasets(home: Path) -> Path:
    """Where only datasets are taken out: the folder of datasets.yaml, here or upward; else the one given."""
    try:
        return find_home(Path.cwd(), "datasets.yaml")
    except ConfigError:
        return home


def _datasets(home: Path) -> list[dict[str, Any]]:
    """The lake's datasets and their sizes; one that cannot be read says why."""
    if not (home / "data" / "lake").is_dir():
        return []
    from notation import lake  # half a second, paid only where there is a lake

    found: list[dict[str, Any]] = []
    for name in lake.names(home):
        try:
            size = lake.size(home, name)
        except (lake.LakeFailed, lake.NoDataset) as exc:
            found.append({"name": name, "problem": str(exc)})
            continue
        found.append(
            {
                "name": name, "rows": size.rows, "files": size.files, "bytes": size.bytes, "kept": size.kept,
                "versions": size.versions, "newest": size.newest.isoformat(timespec="seconds"),
                "oldest": size.oldest.isoformat(timespec="seconds"),
            }
        )  # fmt: skip
    return found


def _show_datasets(datasets: list[dict[str, Any]]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("dataset", "rows", "size", "versions", "kept in all", "newest"):
        table.add_column(name, justify="left" if name in ("dataset", "newest") else "right", overflow="fold")
    for row in datasets:
        if "problem" in row:
            table.add_row(row["name"], Text(row["problem"], style="bold red"))
            continue
        cells = (f"{row['rows']:,}", _bytes(row["bytes"]), f"{row['versions']:,}", _bytes(row["kept"]), row["newest"])
        table.add_row(*map(Text, (row["name"], *cells)))
    _console().print(table)


def _console() -> Any:
    """Standard output: as wide as the terminal; where there is none, so wide that nothing is cut off."""
    from rich.console import Console

    is_terminal = sys.stdout.isatty()
    return Console(file=sys.stdout, soft_wrap=not is_terminal, width=None if is_terminal else 240)


def _bytes(count: float) -> str:
    """1536 -> 1.5 KiB"""
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"


def _show(reply: Any) -> None:
    from rich.text import Text

    console = _console()
    workers = [worker["generation"] for worker in reply["workers"]]
    behind = sum(generation != reply["generation"] for generation in workers)
    console.print(
        f"{reply['config']}, generation {reply['generation']}; up {_span(reply['uptime'])};"
        f" {len(workers)} worker{'s' * (len(workers) != 1)}{f', {behind} not there yet' if behind else ''};"
        f" keeper {reply['keeper']['state']}",
        highlight=False,
    )
    if reply["metrics"]:
        console.print(f"metrics: {reply['metrics']}", highlight=False)
    log = reply["access_log"]
    if log["access"] != "off" or log["lost"]:
        lost = f", {log['lost']:,} lines lost" if log["lost"] else ""
        text = f"access log: {log['access']}, {log['format']}, to {log['file']}; {log['written']:,} lines written{lost}"
        console.print(Text(text, style="bold red" if lost else ""))
    for text, style in _ledger(reply["ledger"]):
        console.print(Text(text, style=style))
    if bypass := reply["bypass"]:
        console.print(Text(f"BYPASS since {_by(bypass)}: everything goes to legacy", style="bold red"))
    _show_slices(console, reply["slices"])
    console.print(_backends(reply["backends"]))
    if reply["problems"]:
        console.print(Text(f"{reply['config']} was changed and is not taken in:", style="bold red"))
        for problem in reply["problems"]:
            console.print(Text(problem))


def _show_slices(console: Any, slices: Any) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("slice", "stage", "in the file", "answers by slice", "by legacy", "statuses"):
        table.add_column(
            name, justify="right" if name in ("answers by slice", "by legacy") else "left", overflow="fold"
        )
    for row in slices:
        statuses = "  ".join(f"{key} {count}" for key, count in row["statuses"].items() if count)
        cells = (row["name"], row["stage"], row["file_stage"], str(row["hits"]["slice"]), str(row["hits"]["legacy"]))
        table.add_row(*map(Text, (*cells, statuses)))
    if slices:
        console.print(table)
        for row in slices:
            if line := _judged(row):
                console.print(Text(line))
            if hold := row["hold"]:
                console.print(Text(f"{row['name']} is held at {hold['stage']} since {_by(hold)}", style="yellow"))
    else:
        console.print("no slices: everything goes to the default backend")


def _judged(row: Any) -> str:
    """repairs: 240 of 1,000 hits judged: 230 matched, 8 mismatched, 2 ignored; 12 not: learning 8, busy 4"""
    said, hits = row["verdicts"], sum(row["hits"].values())
    unjudged = {cause: count for cause, count in said["causes"].items() if count}
    if not said["judged"] and not unjudged:
        return ""
    verdicts = ", ".join(f"{said[name]:,} {name}" for name in ("matched", "mismatched", "ignored"))
    text = f"{row['name']}: {said['judged']:,} of {hits:,} hits judged: {verdicts}"
    if unjudged:
        text += (
            f"; {sum(unjudged.values()):,} not: {', '.join(f'{name} {count:,}' for name, count in unjudged.items())}"
        )
    if said["routes_untaught"]:
        text += f"; {said['routes_untaught']} routes without second reads of legacy (see repeatable:)"
    return text


def _ledger(ledger: Any) -> Iterator[tuple[str, str]]:
    """What is wrong with it, and how loudly that is said; nothing if all is well."""
    if ledger["trouble"]:
        since = f"ledger: not written since {ledger['since']}: {ledger['trouble']}"
        yield f"{since}; what is counted waits in memory", "bold red"
    for name in ledger["set_aside"]:
        yield f"ledger: data/{name} was broken and is set aside; look after it, then move it away", "yellow"


def _backends(backends: Any) -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("backend", "addresses", "breaker", "in flight", "queued", "so far"):
        table.add_column(name, justify="right" if name in ("in flight", "queued") else "left", no_wrap=name != "so far")
    for row in backends:
        addresses = "\n".join(map(_address, row["addresses"]))
        counts = {**{name: row[name] for name in ("refused", "retries", "fallbacks")}, **_copied(row["copies"])}
        so_far = "  ".join(f"{name} {count:,}" for name, count in counts.items() if count)
        cells = (row["name"], addresses, row["breaker"], f"{row['in_flight']:,}", f"{row['queued']:,}", so_far)
        ill = row["breaker"] != "closed" or " ejected" in addresses or " down" in addresses
        table.add_row(*map(Text, cells), style="bold red" if ill else "")
    return table


def _copied(copies: Any) -> dict[str, int]:
    """The copies in three numbers: what the candidate was asked, what it answered, and what came to nothing."""
    dropped = sum(count for name, count in copies.items() if name not in ("sent", "answered"))
    return {"copies": copies["sent"], "answered": copies["answered"], "dropped": dropped}


def _address(each: Any) -> str:
    """127.0.0.1:9001 down, ejected"""
    health = f" {each['health']}" if each["health"] != "not known" else ""
    return f"{each['address']}{health}{' ejected' if each['ejected'] else ''}"


def _by(hold: Any) -> str:
    return f"{hold['when']} by {hold['who']}" + (f" ({hold['why']})" if hold["why"] else "")


def _span(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h {minutes}m" if hours else f"{minutes}m {rest}s" if minutes else f"{rest}s"
