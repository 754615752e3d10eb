"""The folder the demo works in: its own routes.yaml and datasets.yaml, with its ports, and a secret of its own."""

import secrets
from collections.abc import Mapping
from pathlib import Path

from demo.ports import ADDRESS, Ports
from notation.files import write_whole
from notation.problems import ConfigError, Problem

HERE = Path(__file__).parent
USUAL = Ports(proxy=8080, admin=9901, legacy=8081, slice=9001)


def council_file(name: str) -> str:
    """The text of the council's routes.yaml or datasets.yaml: beside the packages, or packed into `demo`."""
    for folder in (HERE.parent, HERE / "council"):
        if (folder / name).is_file():
            return (folder / name).read_text(encoding="utf-8")
    raise ConfigError(
        [Problem(None, f"the sample council's {name} is not in {HERE.parent}", "install the project again")]
    )


def prepare(folder: Path, ports: Ports) -> None:
    """Fills a new or empty folder. Raises ConfigError if there is something in it already."""
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise ConfigError([Problem(None, f"{folder} is not empty", "name a folder that is new, or remove this one")])
    (folder / "data" / "anytown").mkdir(parents=True)
    write_whole(folder / "datasets.yaml", council_file("datasets.yaml"), 0o644)
    write_whole(folder / "routes.yaml", with_ports(council_file("routes.yaml"), ports), 0o644)
    secret = f'# The demo\'s own secret for pseudonyms.\n[keys.pseudonyms]\nsecret = "{secrets.token_hex(32)}"\n'
    write_whole(folder / "keys.toml", secret, 0o600)


def with_ports(text: str, ports: Ports) -> str:
    """routes.yaml with the usual ports replaced, comments and all else as they are."""
    swap = {getattr(USUAL, part): getattr(ports, part) for part in ("proxy", "admin", "legacy", "slice")}
    marked = text
    for usual in swap:
        marked = marked.replace(f"{ADDRESS}:{usual}", f"{ADDRESS}:<{usual}>")
    for usual, chosen in swap.items():
        marked = marked.replace(f"{ADDRESS}:<{usual}>", f"{ADDRESS}:{chosen}")
    return marked


def environment(folder: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """What the demo's children see: the folder as the project's home, and output that does not wait in a buffer."""
    return {**environ, "FIG_HOME": str(folder), "PYTHONUNBUFFERED": "1"}
