"""Where our worker's time goes under load, by function: py-spy looks at it from outside, 500 times a second."""

from __future__ import annotations

import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from scripts.benches.proxy_cases import Case
from scripts.benches.proxy_load import load, probe
from scripts.benches.proxy_programs import Found, wheels
from scripts.benches.proxy_runs import CannotBe, Stage, answering, cores, say

RATE = 500
SHOWN = 25


def show(cases: Sequence[Case], ours: Found, seconds: int, scratch: Callable[[], Path]) -> None:
    """Prints a table for each case. Ends the program with what to do if py-spy is not here or may not look."""
    folder, why = wheels()
    if folder is None or not (folder / "py-spy").exists():
        raise SystemExit(f"scripts/bench proxy: py-spy is not here ({why}). This installs it:\n    pip install py-spy")
    for case in cases:
        place = scratch()
        with Stage(place) as stage:
            try:
                running = stage.run(ours, case.setup)
            except CannotBe as exc:
                say(f"{case.name}: {exc}")
                continue
            answering(running, case, place)
            size = probe(running.site.port, case)
            busy = threading.Thread(target=load, args=(running.site.port, cores()[1], seconds + 2, case, size, place))
            busy.start()
            stacks = place / "stacks"
            (worker,) = running.workers()
            command = [str(folder / "py-spy"), "record", "-p", str(worker), "-d", str(seconds), "-r", str(RATE), "-F"]
            done = subprocess.run(
                [*command, "-f", "raw", "-o", str(stacks)], capture_output=True, text=True, check=False
            )
            busy.join()
            if done.returncode != 0:
                raise SystemExit(
                    f"scripts/bench proxy: py-spy may not look at the worker:\n{done.stderr or done.stdout}"
                )
            print(f"\n{case.title}: of the time of our worker\n", *lines(stacks.read_text().splitlines()), sep="\n")


def lines(stacks: Iterable[str]) -> Iterator[str]:
    """Of stacks, outermost function first, each with how often it was seen: the functions that were themselves at work
    most often, and how often they were on the stack at all."""
    own: Counter[str] = Counter()
    within: Counter[str] = Counter()
    for line in stacks:
        stack, _, count = line.rpartition(" ")
        functions = stack.split(";")
        own[functions[-1]] += int(count)
        for each in {*functions}:
            within[each] += int(count)
    whole = max(own.total(), 1)
    yield "  itself   with what it calls"
    for name, seen in own.most_common(SHOWN):
        yield f"{seen / whole:8.1%} {within[name] / whole:8.1%}   {name}"
