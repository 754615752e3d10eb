"""Where something is in JSON: the path a difference has, and the paths `ignore: json:…` and `keys:` name. Pure.

`$.items[*].cost`: in each element of `items`; `$..generated`: at any depth; `$.meta`: it and all inside it.
"""

import re
from dataclasses import dataclass

from notation.problems import Refused

_PLAIN = re.compile(r"[A-Za-z_$@][\w$@-]*", re.ASCII)
# A member named by a number, a UUID or a hash is one of many, as the elements of an array are.
_ONE_OF_MANY = re.compile(r"[0-9][0-9._:/-]*|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?=\D*\d)[0-9a-f]{16,}", re.I)
_LONGEST = 64  # characters of a name in a path; a longer one is no name
_STEP = re.compile(
    r"""(?P<deep>\.\.)?(?:
      (?(deep)|\.)(?P<name>[^.\[\]'"\s*]+)
    | (?(deep)|\.)(?P<any>\*)
    | \[(?:(?P<every>\*)|(?P<index>\d+)|'(?P<quoted>[^']*)'|"(?P<double>[^"]*)")\]
    )""",
    re.VERBOSE,
)


def member(path: str, name: str) -> str:
    """`$.items` and `cost` -> `$.items.cost`."""
    if len(name) > _LONGEST or _ONE_OF_MANY.fullmatch(name):
        return f"{path}[*]"
    if _PLAIN.fullmatch(name):
        return f"{path}.{name}"
    return f"{path}[*]" if "'" in name or not name.isprintable() else f"{path}['{name}']"


def element(path: str) -> str:
    return f"{path}[*]"


@dataclass(frozen=True, slots=True)
class Step:
    """`name`: of a member, or None for all members and elements; `index`: of one element; `is_deep`: at any depth."""

    name: str | None = None
    index: int | None = None
    is_deep: bool = False

    def leads_to(self, name: str | int) -> bool:
        if self.index is not None:
            return name == self.index
        return self.name is None or name == self.name


JsonPath = tuple[Step, ...]


def json_path(text: str) -> JsonPath:
    """`$.items[*].cost` -> its steps. Raises Refused."""
    if not text.startswith("$"):
        raise Refused("is no path in JSON, which begins with $", f"write json:$.{text} or json:$..{text}")
    steps: list[Step] = []
    at = 1
    while at < len(text):
        match = _STEP.match(text, at)
        if match is None:
            what = f"is no path in JSON: '{text[at:]}' cannot be read"
            raise Refused(what, "such as json:$.items[*].cost, json:$..generated or json:$['a name']")
        at = match.end()
        name = next((match[group] for group in ("name", "quoted", "double") if match[group] is not None), None)
        steps.append(Step(name, int(match["index"]) if match["index"] else None, bool(match["deep"])))
    return tuple(steps)


@dataclass(frozen=True, slots=True)
class Walk:
    """How far several paths have been followed: what is left of each."""

    left: tuple[JsonPath, ...] = ()

    @property
    def ends_here(self) -> bool:
        return any(not path for path in self.left)

    def into(self, name: str | int) -> "Walk":
        """To a member, or the element of that index."""
        if not self.left:
            return self
        following: dict[JsonPath, None] = {}
        for path in self.left:
            if path and path[0].leads_to(name):
                following[path[1:]] = None
            if path and path[0].is_deep:
                following[path] = None
        return Walk(tuple(following))
