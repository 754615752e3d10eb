"""Two trees of what is said, and where they differ: what HTML and XML become before they are compared. Pure.

Children are aligned, so a block that is inserted is one difference, and a block that is moved another.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from proxy.compare.align import Key, alignment
from proxy.compare.found import Found
from proxy.compare.shapes import count, of_text
from proxy.compare.values import Kind

# Levels of a tree; what lies deeper is read as if it lay here. Pages have 30.
DEEPEST = 100
TOKEN = "\0token"  # noqa: S105 (stands in place of a value that is made anew each time)


@dataclass(slots=True)  # not frozen, as nothing changes it: a page has ten thousand, and frozen ones take twice as long
class Fact:
    """Something said of a node beside its children, as where a link leads. `loose`: equal where it may be the same."""

    name: str
    text: str
    loose: str
    same: Callable[[str, str], bool]


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """What encloses some of a node's children and says nothing itself, such as a `div`; it counts only in telling."""

    path: str
    label: str


@dataclass(slots=True)
class Node:
    """`role`: what it is; `label`: what it is called, for pairing and telling; `path`: as `ignore:` has it.

    A piece of text is a node with the role `text`, whose only Fact is what it says. `known_by`: what it has that its
    neighbours have not, such as the first cell of a row. `blocks`: what encloses it, up to its parent, outermost first.
    """

    role: str
    path: str
    label: str = ""
    known_by: str | None = None
    facts: tuple[Fact, ...] = ()
    children: list["Node"] = field(default_factory=list)
    blocks: tuple[Block, ...] = ()

    def shape(self) -> str:
        if self.role == "text":
            return of_text(self.facts[0].text)
        said = self.texts()
        return f"{self.label or self.role} of {count(len(said), 'text')}" if said else self.label or self.role

    def texts(self) -> list[str]:
        """All that it says, in order."""
        said: list[str] = []
        waiting = [self]
        while waiting:
            node = waiting.pop()
            if node.role == "text":
                said.append(node.facts[0].text)
            waiting += reversed(node.children)
        return said


@dataclass(slots=True)
class Differing:
    """Compares two trees into `found`. Nodes that may be the same have one number."""

    found: Found
    _numbers: dict[tuple[object, ...], int] = field(default_factory=dict)

    def trees(self, control: Node, candidate: Node) -> None:
        numbers: dict[int, int] = {}
        for root in (control, candidate):
            self._number(root, numbers)
        self._node(control, candidate, numbers)

    def _number(self, node: Node, numbers: dict[int, int]) -> int:
        inside = tuple([self._number(child, numbers) for child in node.children])
        key = (node.role, tuple([(fact.name, fact.loose) for fact in node.facts]), inside)
        number = numbers[id(node)] = self._numbers.setdefault(key, len(self._numbers))
        return number

    def _node(self, control: Node, candidate: Node, numbers: dict[int, int]) -> None:
        if self.found.is_full:
            return
        self._facts(control, candidate)
        if numbers[id(control)] == numbers[id(candidate)]:  # all of it may be the same
            for one, other in zip(control.children, candidate.children, strict=True):
                self._node(one, other, numbers)
            return
        pairs = alignment(_keys(control.children, numbers), _keys(candidate.children, numbers))
        mine, theirs = control.children, candidate.children
        if pairs.moved:
            shape = count(len(mine), "item")
            self.found.add(control.path, Kind.ORDER, shape, f"{shape}, in another order")
        for i, j in (*pairs.same, *pairs.moved, *pairs.changed):
            self._node(mine[i], theirs[j], numbers)
        for path, shape, text in _told(mine, pairs.missing):
            self.found.missing(path, shape, text)
        for path, shape, text in _told(theirs, pairs.added):
            self.found.added(path, shape, text)

    def _facts(self, control: Node, candidate: Node) -> None:
        if control.facts == candidate.facts:
            return
        mine = {fact.name: fact for fact in control.facts}
        theirs = {fact.name: fact for fact in candidate.facts}
        for name, fact in mine.items():
            path = f"{control.path}{name}"
            other = theirs.get(name)
            if other is None:
                self.found.missing(path, _shape(fact.text), fact.text)
            elif not fact.same(fact.text, other.text):
                self.found.add(path, Kind.VALUE, _shape(fact.text), _shape(other.text), (fact.text, other.text))
        for name, fact in theirs.items():
            if name not in mine:
                self.found.added(f"{control.path}{name}", _shape(fact.text), fact.text)


def _told(children: Sequence[Node], alone: Sequence[int]) -> Iterator[tuple[str, str, str]]:
    """Path, shape and text of what one side alone has; a block of which it has all is told as one."""
    if not alone:
        return
    whole = Counter(block for child in children for block in child.blocks)
    lost = Counter(block for index in alone for block in children[index].blocks)
    told: dict[Block, list[Node]] = {}
    for index in alone:
        node = children[index]
        block = next((block for block in node.blocks if whole[block] == lost[block]), None)
        if block is None:
            yield node.path, node.shape(), " ".join(node.texts())
        else:
            told.setdefault(block, []).append(node)
    for block, nodes in told.items():
        said = [text for node in nodes for text in node.texts()]
        yield block.path, f"{block.label} of {count(len(said), 'text')}", " ".join(said)


def _shape(text: str) -> str:
    return "token" if text == TOKEN else of_text(text)


def _keys(children: Sequence[Node], numbers: dict[int, int]) -> list[list[Key]]:
    """From the finest to the coarsest: all it says; what it is known by; its label; what kind of thing it is."""
    return [
        [numbers[id(child)] for child in children],
        [(child.role, child.known_by) if child.known_by is not None else None for child in children],
        [(child.role, child.label) for child in children],
        [child.role for child in children],
    ]
