"""Which ports the demo takes, whether they are free, and who has them if not."""

import errno
import socket
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from notation.problems import ConfigError, Problem

ADDRESS = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Ports:
    """The four ports, on 127.0.0.1."""

    proxy: int
    admin: int
    legacy: int
    slice: int


OPTIONS: Mapping[str, str] = {
    "proxy": "--port",
    "admin": "--admin-port",
    "legacy": "--legacy-port",
    "slice": "--slice-port",
}


def settle(wanted: Mapping[str, int]) -> Ports:
    """The ports to use; 0 becomes a free one. Raises ConfigError naming every port that is taken, and by whom."""
    given = [port for port in wanted.values() if port]
    twice = sorted({port for port in given if given.count(port) > 1})
    problems = [Problem(None, f"port {port} is wanted twice", "give each part a port of its own") for port in twice]
    free: dict[str, int] = {}
    for part, port in wanted.items():
        settled = _bound(port)
        if settled is None:
            problems.append(
                Problem(None, f"port {port}, for {_THE[part]}, is taken{_by(port)}", _hint(part, port, given))
            )
        else:
            free[part] = settled
    if problems:
        raise ConfigError(problems)
    return Ports(**free)


_THE = {"proxy": "the proxy", "admin": "the proxy's admin pages", "legacy": "legacy", "slice": "the slice"}


def _hint(part: str, port: int, given: Collection[int]) -> str:
    other = next((near for near in range(port + 1, 65_536) if near not in given and _bound(near)), 0)
    return f"stop it, or choose another port: fig demo {OPTIONS[part]} {other}; 0 takes any that is free"


def _bound(port: int) -> int | None:
    """The port if it can be listened on (a free one for 0); None if it is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
            probe.listen(1)
        except OSError as exc:
            if exc.errno == errno.EADDRINUSE:
                return None
            raise
        bound: int = probe.getsockname()[1]
        return bound


def _by(port: int) -> str:
    """' by python3 (process 4711)', where the system says so; else ''."""
    sockets = set(_listening(port))
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if any(link.readlink().name in sockets for link in (folder / "fd").iterdir() if link.is_symlink()):
                return f" by {(folder / 'comm').read_text().strip()} (process {folder.name})"
        except OSError:  # gone meanwhile, or another user's
            continue
    return ""


def _listening(port: int) -> Iterator[str]:
    """The sockets that listen on the port, as /proc names them: 'socket:[12345]'."""
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        try:
            lines = table.read_text().splitlines()[1:]
        except OSError:
            continue
        for fields in map(str.split, lines):
            if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:  # 0A is TCP_LISTEN
                yield f"socket:[{fields[9]}]"
