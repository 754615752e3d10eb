"""A page as a tree of what a citizen sees and can do: texts, links, forms and their fields, lists, tables. Pure.

Not in it: what looks otherwise and says the same (classes, styles, wrappers, white space), scripts, what is hidden,
and what a browser sends nobody (ids, labels' targets). Elements that only enclose others are kept beside the tree.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace

from selectolax.lexbor import LexborHTMLParser, LexborNode

from proxy.compare.builtin import is_volatile
from proxy.compare.nodes import DEEPEST, TOKEN, Block, Fact, Node
from proxy.compare.sameness import Sameness
from proxy.compare.selectors import LANDMARKS, Attributes, own_selector, stable_name, within

_UNSEEN = frozenset({"script", "style", "template", "meta", "link", "base", "object", "embed", "canvas", "datalist"})
_INLINE_TAGS = (
    "a abbr acronym b bdi bdo big cite code del dfn em font i ins kbd mark nobr q rp rt ruby s samp small span strike "
    "strong sub sup time tt u var wbr"
)
_INLINE = frozenset(_INLINE_TAGS.split())
# Elements every page has, or a browser adds: they tell nothing of where something is.
_SKELETON = frozenset({"html", "head", "body", "tbody", "thead", "tfoot"})
# Elements that are nodes of the tree, and what they are there.
_ROLES: Mapping[str, str] = {
    "table": "table",
    "tr": "row",
    "td": "cell",
    "th": "cell",
    "ul": "list",
    "ol": "list",
    "li": "item",
    "a": "link",
    "area": "link",
    "form": "form",
    "select": "field",
    "input": "field",
    "textarea": "field",
    "option": "option",
    "button": "button",
    "img": "image",
    "iframe": "frame",
}
_SENT = frozenset({"form", "field", "option", "button"})  # these act though nobody sees them
_BUTTONS = frozenset({"submit", "button", "reset", "image"})
_CHOICES = frozenset({"radio", "checkbox"})


@dataclass(slots=True)
class _Open:
    """An element being read. `into`: the node that gets what it says; `pieces`: text not yet put into it."""

    into: "_Draft"
    is_hidden: bool
    around: str  # the selector of the nearest element with a name
    path: str
    label: str
    blocks: tuple[Block, ...]
    ends_text: bool
    next: LexborNode | None


@dataclass(slots=True)
class _Draft:
    node: Node
    columns: int = 0
    options: int = 0
    is_single: bool = False  # a select in which a browser chooses the first option if none is chosen
    pieces: list[str] = field(default_factory=list)


def read_page(text: str, same: Sameness, ignored: Collection[tuple[str, str]]) -> Node:
    """`ignored`: selectors of what is left out, each with the attribute that is, or an empty one for all of it."""
    page = LexborHTMLParser(text)
    left_out: dict[int, set[str]] = {}
    for selector, attribute in ignored:
        for element in page.css(selector):
            left_out.setdefault(element.mem_id, set()).add(attribute)
    return _Reader(same, left_out).read(page)


class _Reader:
    def __init__(self, same: Sameness, left_out: Mapping[int, Collection[str]]) -> None:
        self._same = same
        self._left_out = left_out
        self._open: list[_Open] = []

    def read(self, page: LexborHTMLParser) -> Node:
        root = Node("page", "css:body", "page")
        top = page.root
        if top is None:
            return root
        self._open = [_Open(_Draft(root), False, "", root.path, "body", (), True, top.first_child)]
        while self._open:
            here = self._open[-1]
            child = here.next
            if child is None:
                self._close()
                continue
            here.next = child.next
            if child.is_text_node:
                if not here.is_hidden:
                    here.into.pieces.append(child.text_content or "")
            elif child.is_element_node and "" not in self._left_out.get(child.mem_id, ()):
                self._element(child, child.tag or "", here)
        return root

    def _element(self, element: LexborNode, tag: str, here: _Open) -> None:
        attributes = element.attributes
        if tag == "br":
            here.into.pieces.append(" ")
        if tag in _UNSEEN:
            self._unseen(tag, attributes, here)
            return
        if tag == "img" and not (attributes.get("alt") or "").strip():
            return
        hidden = here.is_hidden or "hidden" in attributes or _is_not_displayed(attributes.get("style"))
        role = _ROLES.get(tag, "")
        if (hidden and role not in _SENT) or (role == "link" and "href" not in attributes):
            role = ""
        if len(self._open) > DEEPEST or (not role and tag in _INLINE):
            self._open.append(replace(here, is_hidden=hidden, ends_text=False, next=element.first_child))
        elif role:
            self._open.append(self._node(element, tag, role, attributes, here, hidden))
        else:
            self._flush()
            self._open.append(self._block(element, tag, attributes, here, hidden))

    def _block(self, element: LexborNode, tag: str, attributes: Attributes, here: _Open, hidden: bool) -> _Open:
        own = own_selector(tag, attributes)
        path = f"css:{within(here.around, own)}"
        around = _around(tag, attributes, own, here)
        blocks = here.blocks if tag in _SKELETON else (*here.blocks, Block(path, tag))
        return _Open(here.into, hidden, around, path, own, blocks, True, element.first_child)

    def _unseen(self, tag: str, attributes: Attributes, here: _Open) -> None:
        if tag == "meta" and (attributes.get("http-equiv") or "").lower() == "refresh":
            fact = self._link("[content]", attributes.get("content") or "")
            here.into.node.children.append(Node("refresh", "css:meta[http-equiv=refresh]", "refresh", facts=(fact,)))

    def _node(
        self, element: LexborNode, tag: str, role: str, attributes: Attributes, here: _Open, hidden: bool
    ) -> _Open:
        self._flush()
        parent = here.into
        column = 0
        if role == "cell":
            parent.columns += 1
            column = parent.columns
        own = own_selector(tag, attributes, column)
        path = f"css:{within(here.around, own)}"
        node = Node(role, path, own.partition(":")[0], blocks=here.blocks)
        if column:
            node.role = f"cell {column}"
        draft = _Draft(node)
        if role == "option":
            draft.options = parent.options
            parent.options += 1
        describe = _DESCRIBED.get(tag)
        if describe is not None:
            describe(self, element, attributes, parent, draft)
            left_out = self._left_out.get(element.mem_id)
            if left_out:
                node.facts = tuple(fact for fact in node.facts if fact.name not in left_out)
        parent.node.children.append(node)
        around = here.around if column else _around(tag, attributes, own, here)
        return _Open(draft, hidden, around, path, node.label, (), True, element.first_child)

    def _close(self) -> None:
        closed = self._open[-1]
        if closed.ends_text:
            self._flush()
        self._open.pop()
        node = closed.into.node
        ends_node = not self._open or self._open[-1].into is not closed.into
        if ends_node and node.role in ("row", "item", "table", "list", "form") and node.known_by is None:
            node.known_by = _first_said(node)

    def _flush(self) -> None:
        here = self._open[-1]
        if here.into.pieces:
            text = " ".join("".join(here.into.pieces).split())
            here.into.pieces.clear()
            if text:
                self._say(here.into.node, here.path, here.label, text, here.blocks)

    def _say(self, node: Node, path: str, label: str, text: str, blocks: tuple[Block, ...] = ()) -> None:
        fact = Fact("", text, self._same.loose_text(text), self._same.texts)
        node.children.append(Node("text", path, label, facts=(fact,), blocks=blocks))

    def _text(self, name: str, text: str) -> Fact:
        return Fact(name, text, self._same.loose_text(text), self._same.texts)

    def _link(self, name: str, text: str) -> Fact:
        return Fact(name, text, self._same.loose_link(text), self._same.links)

    # -- what is said of an element by its attributes

    def a(self, element: LexborNode, attributes: Attributes, parent: _Draft, draft: _Draft) -> None:
        draft.node.facts = (self._link("[href]", attributes.get("href") or ""),)

    def frame(self, element: LexborNode, attributes: Attributes, parent: _Draft, draft: _Draft) -> None:
        draft.node.facts = (self._link("[src]", attributes.get("src") or ""),)

    def image(self, element: LexborNode, attributes: Attributes, parent: _Draft, draft: _Draft) -> None:
        draft.node.facts = (self._text("[alt]", " ".join((attributes.get("alt") or "").split())),)

    def form(self, element: LexborNode, attributes: Attributes, parent: _Draft, draft: _Draft) -> None:
        method = (attributes.get("method") or "get").strip().lower()
        facts = [self._link("[action]", attributes.get("action") or ""), self._text("[method]", method)]
        if method == "post":
            default = "application/x-www-form-urlencoded"
            facts.append(self._text("[enctype]", (attributes.get("enctype") or default).strip().lower()))
        draft.node.facts = tuple(facts)

    def select(self, element: LexborNode, attributes: Attributes, parent: _Draft, draft: _Draft) -> None:
        draft.is_single = "multiple" not in attributes
        self._field(attributes, draft, "select" if draft.is_single else "select multiple")

    def textarea(self, element: LexborNode, attributes: Attributes, parent: _Draft, draft: _Draft) -> None:
        self._field(attributes, draft, "textarea")

    def option(self, element: LexborNode, attributes: Attributes, parent: _Draft, draft: _Draft) -> None:
        value = attributes.get("value")
        said = value if value is not None else " ".join((element.text_content or "").split())
        facts = [self._text("[value]", said)]
        if "selected" in attributes and not (parent.is_single and draft.options == 0):
            facts.append(self._text("[selected]", "selected"))
        draft.node.facts = tuple(facts)
        draft.node.known_by = said

    def input(self, element: LexborNode, attributes: Attributes, parent: _Draft, draft: _Draft) -> None:
        kind = (attributes.get("type") or "text").strip().lower()
        if kind in _BUTTONS:
            self._button(attributes, draft, kind)
            label = attributes.get("alt" if kind == "image" else "value") or ""
            if label.strip():
                self._say(draft.node, draft.node.path, draft.node.label, " ".join(label.split()))
            return
        self._field(attributes, draft, kind)
        if kind in _CHOICES:
            draft.node.known_by = attributes.get("value") or "on"
            if "checked" in attributes:
                draft.node.facts += (self._text("[checked]", "checked"),)

    def button(self, element: LexborNode, attributes: Attributes, parent: _Draft, draft: _Draft) -> None:
        self._button(attributes, draft, (attributes.get("type") or "submit").strip().lower())

    def _button(self, attributes: Attributes, draft: _Draft, kind: str) -> None:
        draft.node.role = "button"
        facts = [self._text("[type]", kind)]
        if attributes.get("name"):
            facts += [self._text("[name]", attributes["name"] or ""), self._text("[value]", _value(attributes))]
        if attributes.get("formaction"):
            facts.append(self._link("[formaction]", attributes["formaction"] or ""))
        draft.node.facts = tuple(facts)

    def _field(self, attributes: Attributes, draft: _Draft, kind: str) -> None:
        name = attributes.get("name") or ""
        draft.node.role = f"field {name}"  # one that has another name is another field
        draft.node.known_by = name
        facts = [self._text("[type]", kind)]
        value = TOKEN if kind == "password" else _value(attributes)
        if kind in _CHOICES and attributes.get("value") is None:
            value = "on"
        if value and not kind.startswith("select"):
            facts.append(self._text("[value]", value))
        if attributes.get("placeholder"):
            facts.append(self._text("[placeholder]", attributes["placeholder"] or ""))
        facts += [self._text(f"[{each}]", each) for each in ("disabled", "readonly") if each in attributes]
        draft.node.facts = tuple(facts)


_Describe = Callable[[_Reader, LexborNode, Attributes, _Draft, _Draft], None]
_DESCRIBED: Mapping[str, _Describe] = {
    "a": _Reader.a,
    "area": _Reader.a,
    "iframe": _Reader.frame,
    "img": _Reader.image,
    "form": _Reader.form,
    "select": _Reader.select,
    "textarea": _Reader.textarea,
    "option": _Reader.option,
    "input": _Reader.input,
    "button": _Reader.button,
}


def _around(tag: str, attributes: Attributes, own: str, here: _Open) -> str:
    """What tells where the elements inside are: the nearest with a name, and the landmark in it."""
    if tag in _SKELETON:
        return here.around
    if stable_name(attributes):
        return own
    return within(here.around.partition(" ")[0], own) if tag in LANDMARKS else here.around


def _value(attributes: Attributes) -> str:
    value = attributes.get("value") or ""
    return TOKEN if is_volatile(attributes.get("name") or "", value) else value


def _is_not_displayed(style: str | None) -> bool:
    return style is not None and "display:none" in style.replace(" ", "").lower()


def _first_said(node: Node) -> str | None:
    """The first text in it, loosely; None where it says no more than that."""
    waiting, first, said = [node], None, 0
    while waiting and said < 2:
        each = waiting.pop()
        if each.role == "text" or each.role.startswith("field "):
            said += 1
            first = first if first is not None else each.facts[0].loose
        waiting += reversed(each.children)
    return first if said > 1 else None
