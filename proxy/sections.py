"""The claims of each list of routes.yaml, so that of a list that changed only what changed is made again. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from proxy.claims import Claim, Route

Place = tuple[str | int, ...]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Section:
    """One list: its items, the claim of each, and what all of these claims depend on beside (`shared`)."""

    shared: object
    items: Sequence[object]
    claims: tuple[Claim, ...]


# By where the list stands: ("slices", "repairs", "routes"), ("redirects",), ("gone",).
Sections = Mapping[Place, Section]
NO_SECTIONS: Sections = {}


def section(before: Section | None, shared: object, items: Sequence[T], make: Callable[[T], Claim]) -> Section:
    """The claims of these items; an item that was there before, under the same `shared`, keeps its claim."""
    known: dict[object, Claim] = {}
    if before is not None and before.shared == shared:
        known = dict(zip(map(_key, before.items), before.claims, strict=True))
    return Section(shared, items, tuple(known.get(_key(item)) or make(item) for item in items))


def _key(item: object) -> object:
    """What is read again is the same object (see `notation.shape`), but for text."""
    return item if isinstance(item, str) else id(item)


def claims_of(sections: Sections) -> list[Claim]:
    """All of them, in no particular order."""
    return [claim for each in sections.values() for claim in each.claims]


def copied_of(sections: Sections) -> Sections:
    """Those of slices of which something is copied; all routes of one slice are alike in that."""
    return {place: each for place, each in sections.items() if each.claims and _is_copied(each.claims[0])}


def _is_copied(claim: Claim) -> bool:
    return isinstance(claim.leads_to, Route) and claim.leads_to.shadowing is not None


@dataclass(frozen=True, slots=True)
class Change:
    """What makes one table of another: claims that are no more, then claims that are new."""

    dropped: tuple[Claim, ...]
    added: tuple[Claim, ...]


def change(before: Sections, after: Sections) -> Change:
    """By identity: a claim that was made again is dropped and added."""
    old, new = claims_of(before), claims_of(after)
    had, has = set(map(id, old)), set(map(id, new))
    return Change(
        tuple(claim for claim in old if id(claim) not in has), tuple(claim for claim in new if id(claim) not in had)
    )
