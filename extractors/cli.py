"""The commands `fig extract` and `fig query`, and what `fig check` asks of datasets.yaml."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from notation.home import home as find_home
from notation.problems import ConfigError, Problem, one_of

FILE = "datasets.yaml"
FORMATS = ("table", "csv", "json", "parquet")


def check_datasets(path: Path) -> tuple[Problem, ...]:
    """Every problem in a datasets.yaml; none if all of it is understood."""
    from extractors import spec

    try:
        spec.load(path, os.environ)
    except ConfigError as exc:
        return exc.problems
    return ()


def _written(key: str) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    """For the shell's completion: the names under a key of datasets.yaml."""

    def names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
        from notation import marked_yaml

        try:
            path = ctx.params.get("config") or find_home(Path.cwd(), FILE) / FILE
            listed = [str(at[1]) for at in marked_yaml.load(path).marks if len(at) == 2 and at[0] == key]
            return [name for name in listed if name.startswith(incomplete)]
        except Exception:  # completing must never print a traceback into somebody's prompt
            return []

    return names


@click.command(
    epilog="""\b
Examples:
  fig extract
  fig extract housing-repairs --json
  fig extract housing-repairs --full
  fig extract --discover housing -o datasets-draft.yaml
"""
)
@click.argument("names", nargs=-1, metavar="[DATASET]...", shell_complete=_written("datasets"))
@click.option("--full", is_flag=True, help="Read everything anew, and accept columns whose type changed in the source.")
@click.option(
    "-c", "--config", type=click.Path(path_type=Path), help="The datasets.yaml to use; default: the project's."
)
@click.option("--json", "as_json", is_flag=True, help="Say what was done as JSON.")
@click.option(
    "--discover",
    metavar="SOURCE",
    help="Draft datasets of the tables of a source, or of its url.",
    shell_complete=_written("sources"),
)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="With --discover: a new file.")
@click.option(
    "--sample", type=click.IntRange(0, 100_000), help="With --discover: rows of a table looked at; default 1000."
)
def extract(
    names: tuple[str, ...], *, full: bool, config: Path | None, as_json: bool, discover: str | None,
    output: Path | None, sample: int | None,
) -> None:  # fmt: skip
    """Take datasets out of their sources into data/lake; without a name, all of them.

    A dataset with a cursor is brought up to date: what is new is read and merged. Any other, and each with --full, is
    read whole; until that is committed, the rows there were can be read.

    With --discover nothing is extracted: the source's catalogue, and a page of each table, become a draft of
    datasets.yaml for a person to decide on. DATASET then stands for a table. No value of a row is ever shown.

    Ctrl-C, or SIGTERM, ends the query at the source. Exit code: 0 done; 1 what was read does not prove to be what the
    source holds, the source's columns have changed, or a column is nothing but faults; 2 something to put right in
    datasets.yaml (a table that is not there, a type that no value is of), or a driver to install; 3 the source cannot
    be read now, or another run holds the dataset.
    """
    if discover is not None:
        if full:
            raise click.UsageError("--discover extracts nothing, so --full says nothing")
        _discover(discover, names, config, output, sample, as_json=as_json)
    elif output is not None or sample is not None:
        raise click.UsageError("-o and --sample belong to --discover")
    else:
        _extract(names, full=full, config=config, as_json=as_json)


class Terminated(KeyboardInterrupt):  # an outcome, named like the others
    """The machine, or what runs this, wants the run to end: as with Ctrl-C, the source is let go of at once."""


def _stop(number: int, frame: object) -> None:
    raise Terminated


def _extract(names: Sequence[str], *, full: bool, config: Path | None, as_json: bool) -> None:
    from extractors import spec
    from extractors.progress import Progress, nothing_but_faults
    from extractors.refused import DriverMissing, NoSuchTable, SchemaDrift, SourceRefused, Unproven
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
    signal.signal(signal.SIGTERM, _stop)
    with Progress(terminal=sys.stderr.isatty()) as show:
        for name in chosen:
            try:
                done.append(extract(loaded.dataset(name), home, loaded.keys_file, show, full=full))
            except (SchemaDrift, Unproven) as exc:
                code, failed[name] = max(code, 1), str(exc)
            except (DriverMissing, ConfigError, NoSuchTable) as exc:
                code, failed[name] = max(code, 2), str(exc)
            except KeyboardInterrupt as exc:
                failed[name] = "stopped; what was committed before stays, and the next run goes on"
                show.tell(f"{name}: {failed[name]}")
                code = 143 if isinstance(exc, Terminated) else 130
                break
            except (SourceRefused, Held, LakeFailed, OSError) as exc:
                code, failed[name] = 3, str(exc)
            else:
                show.result(done[-1], quiet=as_json)
                if done[-1].mode == "whole" and nothing_but_faults(done[-1]):
                    code = max(code, 1)
            if name in failed:
                show.tell(failed[name])
    if as_json:
        click.echo(json.dumps({"datasets": [one.as_json() for one in done], "failed": failed}, indent=1))
    sys.exit(code)


@click.command(
    epilog="""\b
Examples:
  fig query "SELECT ward, count(*) FROM housing_repairs GROUP BY ward"
  fig query 'SELECT * FROM "housing-repairs" WHERE cost > 1000' -o dear.csv
  fig query 'SELECT * FROM "housing-repairs" WHERE cost > 1000' --format csv | less
"""
)
@click.argument("sql")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    help="Default: table, which shows the first 100 rows; with -o, as the file's name ends.",
)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file.")
def query(sql: str, form: str | None, output: Path | None) -> None:
    """Ask the liberated datasets with one SELECT, answered by DuckDB. It can read them and nothing else."""
    import duckdb

    from extractors import formats
    from extractors.query import QueryRefused, ask
    from notation.lake import LakeFailed

    if form is None:
        form = output.suffix.removeprefix(".").lower() if output else "table"
        if form not in FORMATS:
            raise click.UsageError(f"{output} does not say what it is to hold: add --format {', '.join(FORMATS[1:])}")
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


def _discover(
    source: str, tables: Sequence[str], config: Path | None, output: Path | None, sample: int | None, *, as_json: bool
) -> None:
    from extractors import draft_yaml
    from extractors.discover import SAMPLED, asked, discover
    from extractors.refused import DriverMissing, SourceRefused

    folder = output.resolve().parent if output else Path.cwd()
    try:
        wanted = asked(source, lambda: config or find_home(Path.cwd(), FILE) / FILE, folder, os.environ)
        if output is not None and output.exists():
            hint = "a draft overwrites nothing: name another file"
            raise ConfigError([Problem(None, f"{output} is there already", hint)])
        drafts = discover(
            wanted, tables, lambda line: click.echo(line, err=True), sampled=SAMPLED if sample is None else sample
        )
        text = draft_yaml.written(wanted.head, drafts)
        if as_json:
            text = json.dumps(draft_yaml.as_json(wanted.head, drafts), indent=1, ensure_ascii=False) + "\n"
        if output is None:
            click.echo(text, nl=False)
            return
        with output.open("x", encoding="utf-8") as file:
            file.write(text)
        click.echo(f"{output}: {len(drafts)} drafted; look at each line, then: fig check {output}", err=True)
    except DriverMissing as exc:
        click.echo(str(exc), err=True)
        sys.exit(2)
    except (SourceRefused, OSError) as exc:
        click.echo(str(exc), err=True)
        sys.exit(3)
    except KeyboardInterrupt:
        click.echo(f"{source}: stopped; nothing was written", err=True)
        sys.exit(130)


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
