"""The commands `fig extract` and `fig query`, and what `fig check` asks of datasets.yaml."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from notation.home import home as find_home
from notation.problems import ConfigError, Problem, one_of

FILE = "datasets.yaml"


def check_datasets(path: Path) -> tuple[Problem, ...]:
    """Every problem in a datasets.yaml; none if all of it is understood."""
    from extractors import spec

    try:
        spec.load(path, os.environ)
    except ConfigError as exc:
        return exc.problems
    return ()


@click.command()
@click.argument("names", nargs=-1, metavar="[DATASET]...")
@click.option("--full", is_flag=True, help="Read everything anew, and accept columns whose type changed in the source.")
@click.option(
    "-c", "--config", type=click.Path(path_type=Path), help="The datasets.yaml to use; default: the project's."
)
@click.option("--json", "as_json", is_flag=True, help="Say what was done as JSON.")
def extract(names: tuple[str, ...], *, full: bool, config: Path | None, as_json: bool) -> None:
    """Take datasets out of their sources into data/lake; without a name, all of them.

    A dataset with a cursor is brought up to date: what is new is read and merged. Any other, and each with --full, is
    read whole; until that is committed, the rows there were can be read.

    \b
    fig extract
    fig extract housing-repairs --json
    fig extract housing-repairs --full

    Ctrl-C ends the query at the source. Exit code: 0 done; 1 what was read does not prove to be what the source holds,
    or the source's columns have changed; 2 something to put right in datasets.yaml, or a driver to install; 3 the
    source cannot be read now, or another run holds the dataset.
    """
    from extractors import spec
    from extractors.progress import Progress
    from extractors.refused import DriverMissing, SchemaDrift, SourceRefused, Unproven
    from extractors.run import Extracted, extract
    from notation.lake import Held, LakeFailed

    path = config or find_home(Path.cwd(), FILE) / FILE
    loaded = spec.load(path, os.environ)
    chosen = _chosen(names, loaded.names, loaded.document.file)
    missing = loaded.not_acted_on(chosen)
    if missing:
        raise ConfigError(missing)
    home = find_home(loaded.folder, path.name)
    code, done, failed = 0, list[Extracted](), dict[str, str]()
    with Progress(terminal=sys.stderr.isatty()) as show:
        for name in chosen:
            try:
                done.append(extract(loaded.dataset(name), home, loaded.keys_file, show, full=full))
            except (SchemaDrift, Unproven) as exc:
                code, failed[name] = max(code, 1), str(exc)
            except DriverMissing as exc:
                code, failed[name] = max(code, 2), str(exc)
            except KeyboardInterrupt:
                click.echo(f"{name}: stopped; what was committed before stays, and the next run goes on", err=True)
                sys.exit(130)
            except (SourceRefused, Held, LakeFailed, OSError) as exc:
                code, failed[name] = 3, str(exc)
            else:
                show.result(done[-1], quiet=as_json)
            if name in failed:
                click.echo(failed[name], err=True)
    if as_json:
        click.echo(json.dumps({"datasets": [one.as_json() for one in done], "failed": failed}, indent=1))
    sys.exit(code)


@click.command()
@click.argument("sql")
@click.option(
    "--format", "form", type=click.Choice(["table", "csv", "json", "parquet"]), default="table", show_default=True
)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file.")
def query(sql: str, form: str, output: Path | None) -> None:
    """Ask the liberated datasets with one SELECT, answered by DuckDB. It can read them and nothing else.

    \b
    fig query "SELECT ward, count(*) FROM housing_repairs GROUP BY ward"
    fig query 'SELECT * FROM "housing-repairs" WHERE cost > 1000' --format csv > dear.csv
    """
    import duckdb

    from extractors import formats
    from extractors.query import QueryRefused, ask
    from notation.lake import LakeFailed

    if form == "parquet" and output is None and sys.stdout.isatty():
        raise click.UsageError("Parquet is not for a terminal: add -o FILE")
    home = find_home(Path.cwd(), FILE)
    try:
        reader = ask(home, sql)
        if output is None:
            formats.write(reader, form, sys.stdout.buffer)
        else:
            with output.open("wb") as file:
                formats.write(reader, form, file)
    except BrokenPipeError:  # the reader of a pipe, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (LakeFailed, OSError) as exc:
        click.echo(str(exc), err=True)
        sys.exit(3)
    except (QueryRefused, duckdb.Error) as exc:
        click.echo(str(exc), err=True)
        sys.exit(2)


def _chosen(names: Sequence[str], known: Sequence[str], file: str) -> Sequence[str]:
    unknown = [name for name in names if name not in known]
    if unknown:
        problems = [
            Problem(None, f"there is no dataset '{name}' in {file}", one_of("datasets", name, known))
            for name in unknown
        ]
        raise ConfigError(problems)
    if not known:
        raise ConfigError(
            [Problem(None, f"{file} declares no datasets", "add one under datasets:; see docs/datasets.md")]
        )
    return list(dict.fromkeys(names)) or known
