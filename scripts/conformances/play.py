"""Plays the cases of the wire against a proxy, in every variant that makes sense, and says what failed by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.wire.backend import ScriptedBackend
from tests.wire.case import Case
from tests.wire.judge import tally
from tests.wire.player import VARIANTS, Patience, Player, play_all, variants_of
from tests.wire.subjects import CASES

# By the name of a case: what is wrong by the RFC, and what only by the stricter verdict of ours.
Findings = Mapping[str, tuple[Sequence[str], Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Report:
    """One proxy's findings, and what reached the backend that belongs to no case."""

    findings: Findings
    strays: tuple[bytes, ...]

    def fails(self, case: Case) -> bool:
        """Whether it does what no proxy may."""
        return bool(self.findings[case.name][0])

    def is_lenient(self, case: Case) -> bool:
        """Whether it keeps the RFC, and only ours is stricter."""
        return not self.findings[case.name][0] and bool(self.findings[case.name][1])

    @property
    def doubtful(self) -> list[str]:
        """The names of the cases with any finding."""
        return [name for name, (must, strict) in self.findings.items() if must or strict]


async def play(
    port: int,
    backend_port: int,
    *,
    cases: Sequence[Case] = CASES,
    variants: Sequence[str] = VARIANTS,
    patience: Patience | None = None,
    at_once: int = 24,
) -> Report:
    """The cases against 127.0.0.1:`port`, whose one backend is to be 127.0.0.1:`backend_port`."""
    async with ScriptedBackend(port=backend_port) as backend:
        player = Player(port, backend, patience or Patience())
        plays = [(case, each) for case in cases for each in variants_of(case) if each in variants]
        results = await play_all(player, plays, at_once=at_once)
        # Some proxies look at their backend by themselves; that is no harm to anybody.
        strays = tuple(each for each in backend.strays if not each.startswith((b"GET / ", b"OPTIONS * ")))
    return Report(tally(results), strays)


async def play_twice(port: int, backend_port: int, *, cases: Sequence[Case] = CASES) -> Report:
    """As `play`, but a finding counts only if it is made again with fewer at once: a busy machine is nobody's fault."""
    first = await play(port, backend_port, cases=cases, at_once=40)
    again = [case for case in cases if case.name in first.doubtful]
    second = await play(port, backend_port, cases=again, at_once=12)
    nothing: tuple[list[str], list[str]] = ([], [])
    return Report({case.name: second.findings.get(case.name, nothing) for case in cases}, second.strays)
