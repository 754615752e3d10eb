"""What systemd hands a service, and is told by it: sockets (sd_listen_fds(3)) and its state (sd_notify(3))."""

import asyncio
import contextlib
import os
import socket
from collections.abc import Mapping, MutableMapping
from time import CLOCK_MONOTONIC, clock_gettime_ns

from proxy.addresses import Address
from proxy.sockets import Listener

# sd_listen_fds(3): SD_LISTEN_FDS_START.
FIRST = 3


class BadSocket(Exception):
    """A socket that was handed over cannot be served."""


def take_sockets(environ: MutableMapping[str, str]) -> tuple[Listener, ...]:
    """The sockets that systemd opened for this process, if any; no child will take them for its own. Raises BadSocket.

    >>> take_sockets({"LISTEN_PID": "4711", "LISTEN_FDS": "1", "LISTEN_FDNAMES": "fig.socket"})  # in process 4711
    (Listener(Address('0.0.0.0', 443), ..., shared=True),)
    """
    pid, count, names = (environ.pop(f"LISTEN_{name}", "") for name in ("PID", "FDS", "FDNAMES"))
    if pid != str(os.getpid()) or not count.isdecimal():
        return ()
    called = names.split(":") if names else []
    called += ["unknown"] * (int(count) - len(called))
    return tuple(_listener(FIRST + number, name) for number, name in zip(range(int(count)), called, strict=False))


def _listener(descriptor: int, name: str) -> Listener:
    os.set_inheritable(descriptor, False)
    try:
        taken = socket.socket(fileno=descriptor)
        listens = taken.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    except OSError as error:
        raise BadSocket(f"descriptor {descriptor} ({name}) from systemd is no socket: {error.strerror}") from error
    if taken.family not in (socket.AF_INET, socket.AF_INET6) or taken.type != socket.SOCK_STREAM or not listens:
        raise BadSocket(
            f"descriptor {descriptor} ({name}) from systemd is no listening TCP socket\n"
            "    write ListenStream= with an IP address and a port, and Accept=no, in its socket unit"
        )
    taken.setblocking(False)
    return Listener(Address(*taken.getsockname()[:2]), (taken,), shared=True)


class Notifier:
    """Tells systemd how the service stands; says nothing where systemd did not ask (no NOTIFY_SOCKET)."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._address = environ.get("NOTIFY_SOCKET", "").replace("@", "\0", 1)
        meant = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        self._watchdog = int(environ.get("WATCHDOG_USEC", "0")) / 1e6 if meant else 0.0

    @property
    def is_heard(self) -> bool:
        return self._address[:1] in ("/", "\0")

    def ready(self, status: str = "") -> None:
        """It serves; so it is told after a start, an upgrade and each reload."""
        self._say("READY=1", f"STATUS={status}" if status else "")

    def reloading(self) -> None:
        """A reload or an upgrade begins; `ready` ends it."""
        self._say("RELOADING=1", f"MONOTONIC_USEC={clock_gettime_ns(CLOCK_MONOTONIC) // 1000}")

    def stopping(self, grace: float) -> None:
        """It stops, and may take that many seconds and a few."""
        self._say("STOPPING=1", f"EXTEND_TIMEOUT_USEC={int((grace + 10) * 1e6)}")

    def parted(self, heir: int) -> None:
        """Another process is the service from now on."""
        self._say(f"MAINPID={heir}")

    async def keep_alive(self) -> None:
        """Say so twice in each WATCHDOG_USEC, as long as this process's loop turns."""
        while self._watchdog:
            self._say("WATCHDOG=1")
            await asyncio.sleep(self._watchdog / 2)

    def _say(self, *lines: str) -> None:
        if not self.is_heard:
            return
        # Nobody listens, or too slowly: that is no reason not to serve.
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
            told.setblocking(False)
            told.sendto("\n".join(filter(None, lines)).encode(), self._address)
