"""How a run shows itself: a bar on a terminal, one line a step elsewhere."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from extractors.run import Extracted, Step


class Progress:
    """Called with every step; a context manager, since a bar must be put away."""

    def __init__(self, *, terminal: bool) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self.bars = Bars(*columns, console=Console(stderr=True), transient=True) if terminal else None
        self.tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        if self.bars:
            self.bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.bars:
            self.bars.stop()

    def __call__(self, step: Step) -> None:
        if self.bars is None:
            said = LINES.get(step.done)
            if said:
                click.echo(said.format(step=step, columns=", ".join(step.columns)), err=True)
        elif step.done == "compared":
            self.tasks.setdefault(step.dataset, self.bars.add_task(step.dataset, total=None))
        elif step.done in ("read", "part done"):
            self.bars.update(self.tasks[step.dataset], completed=step.rows, total=step.of or None)
        elif step.done in ("proved", "merged", "keys compared", "read again as text", "read whole", "read elsewhere"):
            self.bars.update(self.tasks[step.dataset], description=f"{step.dataset} ({step.done})")
        elif step.done == "kept up":
            self.bars.remove_task(self.tasks.pop(step.dataset))

    def result(self, done: Extracted, *, quiet: bool) -> None:
        if done.new_columns:
            listed = ", ".join(done.new_columns)
            self.tell(f"{done.dataset}: new in the source, not listed, and so not read: {listed}")
        if done.faults_in:
            self.tell(faults(done))
        if not quiet:
            self.tell(line(done), err=False)

    def tell(self, text: str, *, err: bool = True) -> None:
        """On a line of its own: the bar is put away first, and comes back below."""
        if self.bars:
            self.bars.stop()
        click.echo(text, err=err)
        if self.bars:
            self.bars.start()


LINES = {
    "held": "{step.dataset}: started",
    "compared": "{step.dataset}: reading",
    "part done": "{step.dataset}: {step.rows:,} of {step.of:,} rows read, and kept if this run is stopped",
    "read again as text": "{step.dataset}: the driver cannot hold a value of {columns}; reading again, as text",
    "read whole": "{step.dataset}: the cursor missed {step.rows:,} rows; reading everything",
    "read elsewhere": "{step.dataset}: its source's url leads elsewhere than before; reading everything",
    "rows written": "{step.dataset}: {step.rows:,} rows read and written",
    "keys compared": "{step.dataset}: keys compared; {step.rows:,} rows are gone from the source",
    "proved": "{step.dataset}: counts and key hold",
    "merged": "{step.dataset}: merged",
    "committed": "{step.dataset}: committed",
}


def faults(done: Extracted) -> str:
    """`jobs: faults in rent 50, born 3; …`, and which columns are nothing but faults: their type is probably wrong."""
    most = sorted(done.faults_in.items(), key=lambda each: (-each[1], each[0]))
    listed = ", ".join(f"{name} {count:,}" for name, count in most)
    whole = ", ".join(nothing_but_faults(done))
    hint = f"\n    every value of {whole} is a fault: is its type: right in datasets.yaml?" if whole else ""
    return f'{done.dataset}: faults in {listed}; extractors.dataset("{done.dataset}").faults() lists them{hint}'


def nothing_but_faults(done: Extracted) -> list[str]:
    """Columns of which every value was one; few they are, or the run would have stopped."""
    most = sorted(done.faults_in.items(), key=lambda each: (-each[1], each[0]))
    return [name for name, count in most if count >= done.rows_in]


def line(done: Extracted) -> str:
    """`housing-repairs: 50,000 rows in, 49,998 out, 2 set aside, 14 faults, version 3, 1.2 s`"""
    unchanged = "" if done.changed else " (same rows as before)"
    merged = (
        f", {done.inserted:,} new, {done.updated:,} changed, {done.deleted:,} gone" if done.mode == "window" else ""
    )
    return (
        f"{done.dataset}: {done.rows_in:,} rows in, {done.rows_out:,} out, {done.set_aside:,} set aside{merged}, "
        f"{done.faults:,} {'fault' if done.faults == 1 else 'faults'}, version {done.version}{unchanged}, "
        f"{done.seconds:.1f} s"
    )
