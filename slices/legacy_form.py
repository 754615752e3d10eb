"""A form of legacy's, read from its HTML: where it goes, what it holds, and what legacy says is wrong. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset(("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"))


@dataclass(frozen=True, slots=True)
class Form:
    """One form: `values` are the names and values it starts with; a list where nothing is chosen counts as empty."""

    action: str
    method: str
    values: Mapping[str, str]


@dataclass(slots=True)
class _Open:
    action: str
    method: str
    values: dict[str, str] = field(default_factory=dict)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[_Open] = []
        self.texts: dict[str, str] = {}  # text of every element that has an id
        self._in_form = False
        self._select = self._textarea = ""
        self._open: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag not in VOID:
            self._open.append((tag, given.get("id", "")))
            if given.get("id"):
                self.texts.setdefault(given["id"], "")
        if tag == "form":
            self.forms.append(_Open(given.get("action", ""), given.get("method", "get").upper()))
            self._in_form = True
        elif self._in_form:
            self._control(tag, given)

    def _control(self, tag: str, given: Mapping[str, str]) -> None:
        values, name = self.forms[-1].values, given.get("name", "")
        if tag == "input" and name and given.get("type", "text").lower() not in _NOT_SENT:
            if given.get("type", "").lower() not in ("checkbox", "radio") or "checked" in given:
                values[name] = given.get("value", "")
        elif tag == "textarea" and name:
            self._textarea, values[name] = name, ""
        elif tag == "select" and name:
            self._select, values[name] = name, ""
        elif tag == "option" and self._select and "selected" in given:
            values[self._select] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._in_form = False
        elif tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._textarea = ""
        while any(tag == name for name, _ in self._open) and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self._textarea:
            self.forms[-1].values[self._textarea] += data
        for _, name in self._open:
            if name:
                self.texts[name] += data


_NOT_SENT = frozenset(("submit", "button", "image", "reset", "file"))


def _read(html: str) -> _Reader:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader


def find(html: str, *names: str) -> Form | None:
    """The first form of a page that has all the named fields; None if there is none."""
    for form in _read(html).forms:
        if all(name in form.values for name in names):
            return Form(form.action, form.method, form.values)
    return None


def texts(html: str) -> Mapping[str, str]:
    """The text of every element that has an id, blanks collapsed: {'postcode-wrong': 'Enter a full postcode'}."""
    return {name: " ".join(text.split()) for name, text in _read(html).texts.items()}
