"""Programs a test starts: each with its output kept, waited for without sleeping, and always stopped."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path


class Started:
    """A child process whose output (both streams) is read as it comes.

    >>> with Started(["fig", "serve"]) as proxy:
    ...     proxy.wait_for(r"listening on (.+)", seconds=20).group(1)
    '127.0.0.1:8080'
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        folder: Path | None = None,
        environ: Mapping[str, str] | None = None,
        name: str = "",
        descriptors: Sequence[int] = (),
    ) -> None:
        self.name = name or Path(command[0]).name
        self._news = threading.Condition()
        self._text = ""
        self._ended = False
        self._process = subprocess.Popen(
            [os.fspath(part) for part in command],
            cwd=folder,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **(environ or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=tuple(descriptors),
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Started:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def log(self) -> str:
        """Everything it has printed so far."""
        with self._news:
            return self._text

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as pipe:
            for line in pipe:
                with self._news:
                    self._text += line.decode(errors="replace")
                    self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    def wait_for(self, pattern: str, *, seconds: float = 30.0) -> re.Match[str]:
        """The first match of `pattern` in the output; AssertionError, with the whole output, if none comes."""
        with self._news:
            self._news.wait_for(lambda: self._ended or re.search(pattern, self._text), timeout=seconds)
            found = re.search(pattern, self._text)
            state = "it ended" if self._ended else f"{seconds:g} s passed"
        assert found is not None, f"{self.name}: {state} before {pattern!r} was printed\n{self.log}"
        return found

    def wait(self, *, seconds: float = 30.0) -> int:
        """Its exit code, once it ends by itself."""
        code = self._process.wait(seconds)
        self._reader.join(seconds)
        return code

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def stop(self, *, seconds: float = 20.0) -> int:
        """SIGTERM, and SIGKILL to its whole session when it is deaf to that; its exit code."""
        if self._process.poll() is None:
            self._process.terminate()
        try:
            return self.wait(seconds=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            return self.wait(seconds=seconds)


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
