"""Where a slice stands: `legacy`, `shadow`, `canary N%`, `live`, `retired`; their order. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from notation.problems import Refused, nearest

StageName = Literal["legacy", "shadow", "canary", "live", "retired"]
NAMES: tuple[StageName, ...] = get_args(StageName)
CANARY = re.compile(r"canary ([0-9]{1,3}(?:\.[0-9]{1,2})?)%\Z", re.ASCII)  # hundredths: the finest bucket a visitor has


@dataclass(frozen=True, slots=True)
class Stage:
    """A rung: `Stage("canary", 10.0)` is written `canary 10%`. Ordered from legacy up to retired."""

    name: StageName
    percent: float | None = None  # of a canary's visitors, 0.01 to 100

    def __str__(self) -> str:
        return f"{self.name} {self.percent:g}%" if self.name == "canary" else self.name

    @property
    def height(self) -> tuple[int, float]:
        return NAMES.index(self.name), self.percent or 0.0

    def __lt__(self, other: "Stage") -> bool:
        return self.height < other.height

    def __le__(self, other: "Stage") -> bool:
        return self.height <= other.height


LEGACY, SHADOW, LIVE, RETIRED = Stage("legacy"), Stage("shadow"), Stage("live"), Stage("retired")
FALLS_BACK: tuple[StageName, ...] = ("canary", "live")  # where a citizen may be answered by a side that fails
LADDER = (SHADOW, Stage("canary", 1.0), Stage("canary", 10.0), Stage("canary", 50.0), LIVE)


def parse(text: str) -> Stage:
    """`canary 10%` -> Stage("canary", 10.0). Raises Refused."""
    word = " ".join(text.split())
    if word in NAMES and word != "canary":
        return Stage(word)
    if match := CANARY.match(word):
        percent = float(match[1])
        if 0.01 <= percent <= 100:
            return Stage("canary", percent)
    if word.startswith("canary"):
        raise Refused(f"'{text}' is not a canary stage", "write canary and a share from 0.01% to 100%: canary 10%")
    meant = nearest(word, NAMES)
    hint = "stages: legacy, shadow, canary N%, live, retired"
    raise Refused(f"'{text}' is not a stage", f"{hint}. Did you mean '{meant}'?" if meant else hint)


def effective(file: Stage, hold: Stage | None) -> Stage:
    """The lower of what the file says and what a hold allows."""
    return file if hold is None else min(file, hold)


def next_rung(ladder: Iterable[Stage], stage: Stage) -> Stage | None:
    """The lowest rung above this stage; None at the top. Never `retired`, which is entered only by name."""
    return min((rung for rung in ladder if stage < rung < RETIRED), default=None)


def previous(ladder: Iterable[Stage], stage: Stage) -> Stage:
    """The highest rung below this stage; below the first rung is legacy."""
    return max((rung for rung in ladder if rung < stage), default=LEGACY)
