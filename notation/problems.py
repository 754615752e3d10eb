"""What is wrong in a file, where, and what to do about it."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

LISTED = 12  # options named in a hint: more would not be read


@dataclass(frozen=True, slots=True, order=True)
class Where:
    """A place a person can open: `routes.yaml:7`."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to put right. `str()` gives `routes.yaml:7: what`, and the hint on a line of its own."""

    where: Where | None
    what: str
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        hint = f"\n    {self.hint}" if self.hint else ""
        return f"{place}{self.what}{hint}"


class ConfigError(Exception):
    """A person must edit something. Holds every problem found, not only the first, sorted by place."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = in_order(problems)
        super().__init__("\n".join(map(str, self.problems)))

    def __reduce__(self) -> tuple[type["ConfigError"], tuple[tuple[Problem, ...]]]:
        return ConfigError, (self.problems,)


class Refused(ValueError):
    """Raised by a validator: what is wrong with the value, and what to write instead."""

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.what, self.hint = what, hint


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Each problem once, by file and line; those without a place first."""
    return tuple(sorted(dict.fromkeys(problems), key=lambda p: (p.where or Where("", 0), p.what)))


def nearest(word: str, options: Iterable[str]) -> str | None:
    """The option that was probably meant, if one is near enough: `legcy` -> `legacy`."""
    by_folded = {option.casefold(): option for option in options}
    close = get_close_matches(word.casefold(), by_folded, n=1)
    return by_folded[close[0]] if close else None


def one_of(kind: str, word: str, options: Iterable[str]) -> str:
    """A hint that lists what there is: `declared backends: legacy, repairs. Did you mean 'legacy'?`"""
    known = list(options)
    if not known:
        return f"{kind}: none"
    shown = ", ".join(known[:LISTED]) + (f" and {len(known) - LISTED} more" if len(known) > LISTED else "")
    meant = nearest(word, known)
    return f"{kind}: {shown}" + (f". Did you mean '{meant}'?" if meant else "")
