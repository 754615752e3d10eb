"""The running supervisor's half of an upgrade: it offers what it holds, serves on, and parts when the next one serves.

While an offer stands nothing else changes: no reload, no hold. Both supervisors serve by the same file and holds.
"""

import asyncio
import contextlib
import json
import os
import socket
import struct
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from proxy import estate
from proxy.children import ended
from proxy.control import Message

if TYPE_CHECKING:
    from proxy.supervisor import Supervisor

# Seconds that the next supervisor may take to come up; less than a command waits for its answer.
OFFER_SECONDS = 25.0
OPTION = "--take-over"


class Upgrade:
    """One at a time."""

    def __init__(self, supervisor: "Supervisor") -> None:
        self.heir: int | None = None  # the process that has taken over
        self._supervisor = supervisor
        self._offered = False
        self._started: subprocess.Popen[bytes] | None = None
        self._watching: asyncio.Task[None] | None = None

    def start(self) -> None:
        """SIGUSR2: start the program again, as it was started, to take over."""
        if self._started is not None:
            return
        if os.getpid() == 1:
            self._supervisor.say("no upgrade: a container ends with its process 1; start another container instead")
            return
        # Not by asyncio: its transports end a process that outlives them, and this one shall.
        environ = {name: value for name, value in os.environ.items() if name != "WATCHDOG_PID"}
        arguments = [each for each in sys.orig_argv[1:] if each != OPTION]
        self._started = subprocess.Popen([sys.executable, *arguments, OPTION], env=environ)  # ourselves
        self._supervisor.say(f"upgrading: process {self._started.pid} is to take over")
        self._supervisor.notifier.reloading()
        self._watching = asyncio.create_task(self._watch(self._started))

    async def _watch(self, started: "subprocess.Popen[bytes]") -> None:
        await ended(started.pid)
        if self.heir == started.pid:
            return
        code, self._started = started.wait(), None
        self._supervisor.say(f"the upgrade did not come up (it ended with {code}); served on as before")
        self._supervisor.notifier.ready()

    def stop(self) -> None:
        """The proxy stops: nobody shall begin to serve in its place."""
        if self._started is not None:
            self._started.terminate()

    async def offer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Somebody asks to take over; returns when that is done, or is not to be."""
        supervisor = self._supervisor
        heir = _peer(writer)
        if problem := self._refusal(heir):
            await _say(writer, {"ok": False, "problems": [problem]})
            return
        self._offered = True
        try:
            async with supervisor.changing:
                message, descriptors = estate.written(supervisor.estate())
                with _own_socket(writer) as connection:
                    estate.send_descriptors(connection, descriptors)
                await _say(writer, {"ok": True, **message})
                reply = await self._reply(reader)
                if reply.get("do") == "part":
                    if supervisor.keeper:
                        await supervisor.keeper.part()
                    await _say(writer, {"ok": True, "draining": supervisor.draining()})
                    self.heir = heir
                    supervisor.parted(heir)
                else:
                    supervisor.say(f"process {heir} does not take over: {reply['why']}; served on as before")
        except (ConnectionError, ValueError, KeyError):
            supervisor.say(f"process {heir} went away and does not take over; served on as before")
        finally:
            self._offered = False
            if supervisor.keeper and not self.heir:
                supervisor.keeper.resume()

    async def _reply(self, reader: asyncio.StreamReader) -> dict[str, str]:
        line = asyncio.create_task(reader.readline())
        stopped = asyncio.create_task(self._supervisor.stopping.wait())
        await asyncio.wait((line, stopped), timeout=OFFER_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if line.done() and not stopped.done():
            stopped.cancel()
            reply: dict[str, str] = json.loads(line.result())
            return reply
        line.cancel()
        if stopped.done():
            return {"why": "the proxy is stopped"}
        stopped.cancel()
        return {"why": f"it did not come up within {OFFER_SECONDS:g} s"}

    def _refusal(self, heir: int) -> str | None:
        if self._offered or self.heir:
            return f"another upgrade is under way{f', to process {self.heir}' if self.heir else ''}"
        if self._supervisor.notifier.is_heard and _group(heir) != _group(os.getpid()):
            return (
                f"process {heir} is not of the service that systemd watches over, and would be no part of it\n"
                f"    upgrade by: systemctl kill --signal=SIGUSR2 --kill-whom=main SERVICE (kill -USR2 {os.getpid()})"
            )
        return None


def _peer(writer: asyncio.StreamWriter) -> int:
    """The process at the other end (unix(7), SO_PEERCRED)."""
    credentials = writer.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    pid: int = struct.unpack("iii", credentials)[0]
    return pid


def _group(pid: int) -> str | None:
    """The control group of a process, by which systemd knows what belongs to a service."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cgroup").read_text(encoding="ascii")
    return None


def _own_socket(writer: asyncio.StreamWriter) -> socket.socket:
    return socket.socket(fileno=os.dup(writer.get_extra_info("socket").fileno()))


async def _say(writer: asyncio.StreamWriter, message: Message) -> None:
    writer.write(json.dumps(message).encode() + b"\n")
    await writer.drain()
