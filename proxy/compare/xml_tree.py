"""An XML document as a tree of elements, attributes and texts; what is declared inside it is not followed. Pure."""

from collections.abc import Collection
from xml.parsers import expat

from proxy.compare.builtin import is_volatile
from proxy.compare.nodes import DEEPEST, TOKEN, Fact, Node
from proxy.compare.sameness import Sameness


class Declares(Exception):
    """It declares entities, which may be bombs or lead elsewhere: it is compared by its bytes."""


def read_document(text: str, same: Sameness, ignored: Collection[str]) -> Node:
    """`ignored`: paths as `xml:` has them, `/feed/updated` or `//updated`. Raises ValueError, Declares."""
    reader = _Reader(same, ignored)
    parser = expat.ParserCreate("utf-8", namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.pieces.append
    parser.EntityDeclHandler = _refuse
    try:
        parser.Parse(text.encode("utf-8", "surrogatepass"), True)
    except expat.ExpatError as error:
        raise ValueError(str(error)) from error
    return reader.root


def _refuse(*_: object) -> None:
    raise Declares


class _Reader:
    def __init__(self, same: Sameness, ignored: Collection[str]) -> None:
        self.root = Node("document", "xml:/", "document")
        self.pieces: list[str] = []
        self._same = same
        self._ignored = ignored
        self._open = [self.root]
        self._deeper = 0  # levels below the deepest that is kept
        self._left_out = 0  # levels inside what is ignored

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if self._left_out:
            self._left_out += 1
            return
        self._flush()
        local = name.rpartition(" ")[2]
        parent = self._open[-1]
        path = f"{parent.path.rstrip('/')}/{local}"
        if self._is_ignored(path):
            self._left_out = 1
            return
        if len(self._open) > DEEPEST:
            self._deeper += 1
            return
        facts = tuple(self._attribute(path, each, value) for each, value in sorted(attributes.items()))
        node = Node(name, path, local, attributes.get("id"), tuple(fact for fact in facts if fact is not None))
        parent.children.append(node)
        self._open.append(node)

    def end(self, name: str) -> None:
        if self._left_out:
            self._left_out -= 1
            if not self._left_out:
                self.pieces.clear()
            return
        self._flush()
        if self._deeper:
            self._deeper -= 1
            return
        node = self._open.pop()
        if node.known_by is None and len(node.children) > 1:
            node.known_by = next(
                (said.facts[0].loose for child in node.children for said in child.children[:1] if said.role == "text"),
                None,
            )

    def _attribute(self, path: str, name: str, value: str) -> Fact | None:
        local = name.rpartition(" ")[2]
        if self._is_ignored(f"{path}/@{local}"):
            return None
        said = TOKEN if is_volatile(local, value) else value
        return Fact(f"/@{local}", said, self._same.loose_text(said), self._same.texts)

    def _flush(self) -> None:
        if self.pieces:
            text = " ".join("".join(self.pieces).split())
            self.pieces.clear()
            node = self._open[-1]
            if text and not self._left_out:
                said = TOKEN if is_volatile(node.label, text) else text
                fact = Fact("", said, self._same.loose_text(said), self._same.texts)
                node.children.append(Node("text", node.path, node.label, facts=(fact,)))

    def _is_ignored(self, path: str) -> bool:
        """`xml:/a/b` is ignored by `/a/b` and by `//b`."""
        bare = path.removeprefix("xml:")
        return any(bare == each or (each.startswith("//") and bare.endswith(each[1:])) for each in self._ignored)
