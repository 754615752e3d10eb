"""The processes the demo starts: each with its log, each stopped by its own process id."""

import contextlib
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# -P: a folder called proxy/ or demo/ where the demo is started must not stand in for ours.
FIG = (sys.executable, "-P", "-m", "fig")
STOP_SECONDS = 10.0  # for a child to end by itself; longer than any of them lets requests finish in the demo
TAIL = 15  # lines of a log that are shown


class Failed(Exception):
    """A step of the tour did not hold: what, and the end of a log that may say why."""

    def __init__(self, what: str, log: str = "") -> None:
        super().__init__(what)
        self.what, self.log = what, log


class Died(Failed):
    """A child ended that should have stayed."""


def hold(is_so: bool, otherwise: str) -> None:
    """Raises Failed unless it is so."""
    if not is_so:
        raise Failed(otherwise)


@dataclass(frozen=True, slots=True)
class Child:
    """One running process."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def tail(self) -> str:
        """The last lines of its log."""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL:])


class Children:
    """All that the demo started; leaving the `with` stops them, the last first."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self._folder, self._environ = folder, dict(environ)
        self._running: list[Child] = []

    def __enter__(self) -> "Children":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, name: str, command: Sequence[str], ready: Callable[[], bool], within: float = 30.0) -> Child:
        """Starts a child and waits until it is ready, at most `within` seconds. Raises Failed."""
        log = self._folder / "logs" / f"{name}.log"
        log.parent.mkdir(exist_ok=True)
        with log.open("wb") as out:
            process = subprocess.Popen(
                command,
                cwd=self._folder,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                process_group=0,  # Ctrl-C is for the demo, which then stops its children in order
            )
        child = Child(name, process, log)
        self._running.append(child)
        end = time.monotonic() + within
        while not ready():
            self.check()
            if time.monotonic() > end:
                raise Failed(f"{name} was not ready within {within:.0f} seconds", child.tail())
            time.sleep(0.05)
        self.check()
        return child

    def run(self, *words: str) -> str:
        """Runs one `fig` command to its end. -> what it printed. Raises Failed if it did not exit 0."""
        done = subprocess.run(
            [*FIG, *words],
            cwd=self._folder,
            env=self._environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=120,
        )
        if done.returncode:
            said = (done.stdout + done.stderr).decode(errors="replace")
            raise Failed(f"`fig {' '.join(words)}` exited {done.returncode}", "\n".join(said.splitlines()[-TAIL:]))
        return done.stdout.decode()

    def check(self) -> None:
        """Raises Died if a child has ended."""
        for child in self._running:
            code = child.process.poll()
            if code is not None:
                raise Died(f"{child.name} ended by itself ({_how(code)}); its log is {child.log}", child.tail())

    def stop(self) -> None:
        """Ends all children, the last started first: politely, then for certain; a second Ctrl-C changes nothing."""
        with _undisturbed():
            while self._running:
                self._end(self._running.pop())

    @staticmethod
    def _end(child: Child) -> None:
        if child.process.poll() is None:
            child.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.process.wait(STOP_SECONDS)
        if child.process.poll() is None:
            child.process.kill()
            child.process.wait()


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Without Ctrl-C and SIGTERM, where this thread may say so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {each: signal.signal(each, signal.SIG_IGN) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _how(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit {code}"
