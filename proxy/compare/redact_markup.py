"""Personal things out of pages and XML: by looks, and by the names of fields, columns, terms and elements. Pure."""

import re
from collections.abc import Callable
from html import escape, unescape

from proxy.compare.marks import marked, redact
from proxy.compare.personal import is_personal

_PIECE = re.compile(
    r"(?P<unseen><!--.*?(?:-->|\Z)|<(?P<raw>script|style)\b[^>]*>.*?(?:</(?P=raw)\s*>|\Z))"
    r"|(?P<tag></?[A-Za-z](?:[^>\"']|\"[^\"]*\"|'[^']*')*>?)|(?P<text>[^<]+|<)",
    re.DOTALL | re.IGNORECASE,
)
_CDATA = re.compile(r"<!\[CDATA\[(.*?)\]\]>", re.DOTALL)
_NAME = re.compile(r"</?([A-Za-z][^\s/>]*)")
_ATTRIBUTE = re.compile(r"([^\s\"'<>/=]+)(\s*=\s*)(\"[^\"]*\"|'[^']*'|[^\s\"'>]+)")
# What is written by the page's maker, not about a person.
_OF_THE_PAGE = frozenset(
    ("class", "id", "name", "type", "for", "method", "rel", "role", "style", "lang", "charset", "autocomplete")
)


def redact_page(text: str) -> str:
    """HTML without scripts, styles and comments, which are not compared, and without what is personal."""
    return "".join(_Page().pieces(text))


class _Page:
    """Reads a page from its beginning, and knows of each text what it is the value of."""

    def __init__(self) -> None:
        self._columns: list[set[int]] = []  # of each table inside another: those with personal headings
        self._column = 0
        self._cell = ""  # td or th, while in one
        self._label = ""  # what the last cell or term said
        self._is_named = False  # what comes next is named by it
        self._area = False  # in a textarea of a personal name

    def pieces(self, text: str) -> list[str]:
        said: list[str] = []
        for match in _PIECE.finditer(text):
            if match["tag"]:
                said.append(self._tag(match["tag"]))
            elif match["text"]:
                said.append(self._text(match["text"]))
        return said

    def _tag(self, tag: str) -> str:
        found = _NAME.match(tag)
        name = found[1].lower() if found else ""
        if tag.startswith("</"):
            self._ends(name)
            return tag
        if name == "table":
            self._columns.append(set())
        elif name == "tr":
            self._column, self._label, self._is_named = 0, "", False
        elif name in ("td", "th", "dd", "dt"):
            self._column += name in ("td", "th")
            self._is_named = name in ("td", "dd") and is_personal(self._label)
            self._cell, self._label = name, ""
        elif name == "textarea":
            self._area = is_personal(_attribute(tag, "name"))
        return _without_values(tag, is_personal(_attribute(tag, "name")) and name not in ("meta", "button", "form"))

    def _ends(self, name: str) -> None:
        if name == "table" and self._columns:
            self._columns.pop()
        elif name in ("td", "th", "dd", "dt"):
            if name == "th" and self._columns and is_personal(self._label):
                self._columns[-1].add(self._column)
            self._cell = ""
        elif name == "textarea":
            self._area = False

    def _text(self, text: str) -> str:
        plain = unescape(text)
        if self._cell:
            self._label += plain.strip()
        in_column = self._cell == "td" and bool(self._columns) and self._column in self._columns[-1]
        personal = self._area or in_column or (self._cell in ("td", "dd") and self._is_named)
        return escape(marked(plain) if personal else redact(plain), quote=False)


def redact_document(text: str) -> str:
    """XML without what is personal; comments are left out."""
    inside: list[str] = []
    said: list[str] = []
    for match in _PIECE.finditer(_CDATA.sub(lambda data: escape(data[1], quote=False), text)):
        if match["tag"]:
            found = _NAME.match(match["tag"])
            name = found[1].rpartition(":")[2] if found else ""
            if match["tag"].startswith("</"):
                del inside[-1:]
            elif not match["tag"].endswith("/>"):
                inside.append(name)
            said.append(_without_values(match["tag"], is_personal(name)))
        elif match["text"]:
            plain = unescape(match["text"]) if match["text"] != "<" else "<"
            personal = any(map(is_personal, inside[-3:]))
            said.append(match["text"] if plain == "<" else escape((marked if personal else redact)(plain), quote=False))
    return "".join(said)


def _attribute(tag: str, name: str) -> str:
    return next((each[3].strip("\"'") for each in _ATTRIBUTE.finditer(tag) if each[1].lower() == name), "")


def _without_values(tag: str, personal: bool) -> str:  # named by what it is the value of
    def value(match: re.Match[str]) -> str:
        name = match[1].lower()
        if name in _OF_THE_PAGE:
            return match[0]
        quote = match[3][0] if match[3][0] in "\"'" else '"'
        plain = unescape(match[3].strip(quote))
        of_person = (personal and name == "value") or is_personal(name.removeprefix("data-"))
        redacted: Callable[[str], str] = marked if of_person else redact
        return f"{match[1]}{match[2]}{quote}{escape(redacted(plain))}{quote}"

    return _ATTRIBUTE.sub(value, tag)
