"""`fig explain`: which URL goes where, and why."""

import json
import os
from pathlib import Path

import click

from proxy import holds
from proxy.chosen import no_file, routes_file
from proxy.compiler import Held
from proxy.config import load
from proxy.explain import asked_for
from proxy.explain import explain as explain_request


@click.command(
    epilog="""\b
Examples:
  fig explain GET /repairs/42
  fig explain POST https://www.anytown.gov.uk/housing/report --json
  fig explain GET /jobs/7 -H 'X-HTTP-Method-Override: DELETE'
"""
)
@click.argument("method")
@click.argument("url")
@click.option(
    "-H",
    "--header",
    "headers",
    multiple=True,
    metavar="'NAME: VALUE'",
    help="A header field of the request; may be given again.",
)
@click.option(
    "--cookie", "cookies", multiple=True, metavar="NAME=VALUE", help="A cookie of the request; may be given again."
)
@click.option(
    "-c",
    "--config",
    type=click.Path(path_type=Path),
    help="The file to go by; default: the nearest routes.yaml from here upward, or FIG_HOME's.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def explain(
    method: str, url: str, headers: tuple[str, ...], cookies: tuple[str, ...], config: Path | None, as_json: bool
) -> None:
    """Say which route, slice, stage and backend a request falls to, and why.

    Decided by the code that serves, under the holds of now; nothing is sent.
    """
    config = routes_file(config)
    if not config.is_file():
        raise no_file(config)
    loaded = load(config, os.environ)
    kept = holds.read(config.resolve().parent / "data" / "holds.json")
    held = Held(kept.bypass is not None, {name: hold.stage for name, hold in kept.by_slice.items()})
    sent = [*headers, *([f"Cookie: {'; '.join(cookies)}"] if cookies else [])]
    asked = asked_for(method, url, loaded.spec.hosts, sent)
    explanation = explain_request(asked, loaded.spec, loaded.document.where, held)
    click.echo(json.dumps(explanation.as_json(), indent=2) if as_json else str(explanation))
