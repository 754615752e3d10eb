"""The front door: the `fig` command. Each command's package is imported only when it is used."""

import importlib
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import click

from notation.problems import ConfigError, Problem, one_of

if TYPE_CHECKING:
    from proxy.expectations import Verdict

# name: (where the command is, what it does in one line, so that `fig --help` need not import it)
COMMANDS: Mapping[str, tuple[str, str]] = MappingProxyType({
    "demo": ("demo.cli:demo", "The sample council, whole: legacy, proxy, slice, extraction, a query."),
    "serve": ("proxy.serve_cli:serve", "Serve citizens by routes.yaml."),
    "check": ("fig:check", "Every problem in routes.yaml and datasets.yaml."),
    "explain": ("proxy.explain_cli:explain", "Which route, slice, stage and backend a request falls to, and why."),
    "status": ("proxy.status_cli:status", "Slices, stages, holds and hits."),
    "promote": ("proxy.cli:promote", "Move a slice up."),
    "rollback": ("proxy.cli:rollback", "Move a slice down, at once."),
    "resume": ("proxy.cli:resume", "Clear a slice's hold."),
    "bypass": ("proxy.cli:bypass", "Everything to legacy, at once; or back."),
    "history": ("proxy.history_cli:history", "Who moved which slice, when and why."),
    "admin": ("proxy.admin_cli:admin", "Who may move slices on the admin pages."),
    "extract": ("extractors.cli:extract", "Take datasets out of their sources."),
    "query": ("extractors.cli:query", "Ask the liberated datasets with SQL."),
    "slice": ("slices.cli:slice", "Serve a slice."),
    "completion": ("fig:completion", "A script that lets the shell complete fig's words."),
})  # fmt: skip


class FrontDoor(click.Group):
    """Finds commands in COMMANDS, and turns a ConfigError of any of them into its text and exit code 2."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        found = globals()[attribute] if module == "fig" else getattr(importlib.import_module(module), attribute)
        assert isinstance(found, click.Command)
        return found

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            ctx.fail(f"there is no command '{args[0]}'\n    {one_of('commands', args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, says) for name, (_, says) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ConfigError as exc:
            click.echo(str(exc), err=True)
            ctx.exit(2)


def _version(ctx: click.Context, _: click.Parameter, is_asked: bool) -> None:
    if is_asked:
        from importlib.metadata import version

        from proxy.wire.compiled import SAID

        click.echo(f"fig, version {version('stranglerfig')}\n{SAID}")
        ctx.exit()


@click.group(
    cls=FrontDoor,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\b
Examples:
  fig demo                     see the whole of it work
  fig check                    before anything else
  fig explain GET /repairs/42  where would this go?
  fig promote repairs --to live

Exit codes: 0 done, 1 the answer is no, 2 wrong usage or configuration, 3 something outside failed.
""",
)
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_version,
              help="Show the version, and whether the compiled part is in use, and exit.")  # fmt: skip
def main() -> None:
    """Move a council's work off its monolith, one slice at a time, and liberate its data."""


@click.command(
    epilog="""\b
Examples:
  fig check
  fig check routes.yaml --json
  fig check --schema > routes.schema.json
"""
)
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[FILE]...")
@click.option("--json", "as_json", is_flag=True, help="Print the problems as JSON.")
@click.option("--schema", is_flag=True, help="Print the JSON Schema of routes.yaml, or of the one file named.")
def check(files: tuple[Path, ...], as_json: bool, schema: bool) -> None:
    """Say every problem in routes.yaml and datasets.yaml, those of the current folder if none is named.

    The tests: of routes.yaml are run. Exit code 1 if there is any problem. A file named dataset…, or one with datasets:
    in it, is read as datasets.yaml, any other as routes.yaml.
    """
    import json

    if schema:
        click.echo(json.dumps(_schema(files[0] if files else Path("routes.yaml")), indent=2, ensure_ascii=False))
        return
    chosen = files or tuple(path for path in (Path("routes.yaml"), Path("datasets.yaml")) if path.is_file())
    if not chosen:
        what = "there is neither routes.yaml nor datasets.yaml here"
        raise ConfigError([Problem(None, what, "start in their folder, or name a file: fig check FILE")])
    found = {path: _problems(path) for path in chosen}
    if as_json:
        rows = [
            {
                "file": str(path),
                "line": problem.where and problem.where.line,
                "what": problem.what,
                "hint": problem.hint,
            }
            for path, (problems, _) in found.items()
            for problem in problems
        ]
        run = {
            str(path): {"run": tests.run, "claims": tests.claims, "covered": tests.covered}
            for path, (_, tests) in found.items()
            if tests
        }
        click.echo(json.dumps({"ok": not rows, "problems": rows} | ({"tests": run} if run else {}), indent=2))
    else:
        for path, (problems, tests) in found.items():
            click.echo("\n".join(map(str, problems)) or f"{path}: no problem")
            if tests:
                click.echo(f"{path}: {tests}")
    sys.exit(1 if any(problems for problems, _ in found.values()) else 0)


def _problems(path: Path) -> "tuple[tuple[Problem, ...], Verdict | None]":
    """What is wrong with a file, and how its tests went, if it has any and is in order otherwise."""
    import os

    if _is_of_datasets(path):
        from extractors.cli import check_datasets

        return check_datasets(path), None
    from proxy.config import load
    from proxy.expectations import hold

    try:
        loaded = load(path, os.environ)
    except ConfigError as exc:
        return exc.problems, None
    if not loaded.spec.tests:
        return (), None
    tests = hold(loaded.spec, loaded.document)
    return tests.problems, tests


def _is_of_datasets(path: Path) -> bool:
    """By its name, or by what stands in it: a draft may be called anything."""
    if path.name.startswith("dataset"):
        return True
    try:
        return any(line.startswith(("sources:", "datasets:")) for line in path.read_text("utf-8").splitlines())
    except (OSError, UnicodeDecodeError):
        return False


def _schema(path: Path) -> dict[str, Any]:
    from notation.schema import json_schema

    if _is_of_datasets(path):
        from extractors.model import DatasetsSpec

        return json_schema(DatasetsSpec, "datasets.yaml")
    from proxy.model import RoutesSpec

    return json_schema(RoutesSpec, "routes.yaml")


@click.command(
    epilog="""\b
Examples:
  fig completion bash > ~/.local/share/bash-completion/completions/fig
  fig completion fish > ~/.config/fish/completions/fig.fish
"""
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print a script that lets the shell complete fig's commands, options, slices, datasets and sources."""
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(main, {}, "fig", "_FIG_COMPLETE").source())


if __name__ == "__main__":
    main()
