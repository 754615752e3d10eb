"""How the demo speaks: a moving line while a step runs on a terminal, one line a step everywhere else."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape


class Show:
    """Writes to standard output."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False, soft_wrap=True)
        self.steps = 0

    @contextmanager
    def step(self, doing: str) -> Iterator[list[str]]:
        """One step; what is appended to the list is said when it is done, the first with the time it took."""
        said: list[str] = []
        started = time.monotonic()
        if self.console.is_terminal:
            with self.console.status(f"{escape(doing)} …", spinner="line"):
                yield said
        else:
            yield said
        self.steps += 1
        took = time.monotonic() - started
        first, *more = said or [doing]
        self.console.print(f"[bold green]{self.steps:2}[/] {escape(first)} [dim]({took:.1f} s)[/]")
        for line in more:
            self.console.print(f"   {escape(line)}")

    def say(self, text: str = "") -> None:
        """A line of plain text."""
        self.console.print(escape(text))

    def complain(self, what: str, log: str) -> None:
        """What did not hold, and the end of the log that may say why."""
        self.console.print(f"[bold red]failed:[/] {escape(what)}")
        for line in log.splitlines():
            self.console.print(f"    {escape(line)}")
