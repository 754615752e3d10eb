"""What an element of a page is called, so that other pages' elements like it are called the same. Pure.

`form#report input[name=phone]`, `table.jobs td:nth-child(3)`: CSS, because people know it and `ignore:` takes it.
"""

import re
from collections.abc import Mapping

# An id or a class that holds a figure tells one page's element from another's, or was made by a build.
_STABLE = re.compile(r"[A-Za-z_][A-Za-z_-]{0,39}")
_WORD = re.compile(r"-?[A-Za-z_][\w-]*")
_UP_TO_A_FIGURE = re.compile(r"[^\d\[\]]*")
# Elements that tell where on a page something is, without a name of their own.
LANDMARKS = frozenset(
    ("main", "nav", "header", "footer", "aside", "form", "table", "ul", "ol", "dl", "select", "dialog")
)
NAMED = frozenset({"input", "select", "textarea", "button"})

Attributes = Mapping[str, str | None]


def own_selector(tag: str, attributes: Attributes, column: int = 0) -> str:
    """The element alone: by its name as a field, its id, its column, its first class or its tag."""
    if not _WORD.fullmatch(tag):
        return "*"
    identity = stable_name(attributes)
    if tag in NAMED:
        return tag + (_named(attributes.get("name") or "") or identity)
    if identity.startswith("#"):
        return tag + identity
    if column:
        return f"{tag}:nth-child({column})"
    return tag + identity


def stable_name(attributes: Attributes) -> str:
    """`#report`, `.jobs`, or an empty one where its names are of one page alone."""
    identity = attributes.get("id") or ""
    if _STABLE.fullmatch(identity):
        return f"#{identity}"
    classes = (attributes.get("class") or "").split()
    return next((f".{each}" for each in classes if _STABLE.fullmatch(each)), "")


def _named(name: str) -> str:
    """`[name=phone]`; `items[3].qty` and `row-7` by how they begin, for the others of their list."""
    beginning = _UP_TO_A_FIGURE.match(name)
    kept = beginning[0] if beginning else ""
    if not kept or any(not character.isprintable() or character in "\"'\\" for character in kept):
        return ""
    quoted = kept if _WORD.fullmatch(kept) else f'"{kept}"'
    return f"[name={quoted}]" if kept == name else f"[name^={quoted}]"


def within(around: str, own: str) -> str:
    """`form#report` and `input[name=phone]` -> `form#report input[name=phone]`; an id needs nothing round it."""
    return own if not around or "#" in own.partition(":")[0].partition("[")[0] else f"{around} {own}"
