"""Two bodies, each read as what it says it is, and compared as that. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from proxy.compare.columns import settle_columns
from proxy.compare.csv_bodies import compare_tables, delimiter_of, read_table
from proxy.compare.decoding import Content, Unreadable, decoded
from proxy.compare.found import Found
from proxy.compare.html_tree import read_page
from proxy.compare.ignoring import Ignoring
from proxy.compare.json_bodies import JsonDiffering
from proxy.compare.json_paths import Walk
from proxy.compare.json_values import TooDeep, Value, read_json
from proxy.compare.media import Media, field
from proxy.compare.nodes import Differing, Node
from proxy.compare.sameness import Sameness
from proxy.compare.shapes import count
from proxy.compare.text_bodies import compare_texts
from proxy.compare.values import Kind, Reply
from proxy.compare.xml_tree import Declares, read_document

PATH = "body"
T = TypeVar("T")


class _Opaque(Exception):
    """What is read as something, but is compared by its bytes all the same."""


def compare_bodies(
    control: Reply, candidate: Reply, same: Sameness, ignoring: Ignoring, keys: Mapping[str, str], found: Found
) -> None:
    """`keys`: by the path of a JSON array the member that names its elements."""
    mine, theirs = decoded(control), decoded(candidate)
    if isinstance(mine, Unreadable) or isinstance(theirs, Unreadable):
        _unreadable(control, candidate, mine, theirs, found)
    elif not mine.raw or not theirs.raw:
        if mine.raw != theirs.raw:
            found.add(PATH, Kind.LENGTH, _size(mine), _size(theirs))
    elif mine.media is not theirs.media:
        if mine.raw != theirs.raw:
            found.add(PATH, Kind.TYPE, mine.media, theirs.media)
    elif mine.text is None or theirs.text is None:
        _bytes(mine, theirs, found)
    elif mine.text != theirs.text:
        try:
            media_type = field(control, b"content-type").lower()
            _COMPARE[mine.media](_Texts(mine.text, theirs.text, media_type, same, ignoring, keys, found))
        except _Opaque:
            _bytes(mine, theirs, found)


def _size(content: Content) -> str:
    return count(len(content.raw), "byte") if content.raw else "empty"


def _bytes(mine: Content, theirs: Content, found: Found) -> None:
    if mine.raw != theirs.raw:
        found.add(PATH, Kind.BYTES, _size(mine), _size(theirs))


def _unreadable(
    control: Reply, candidate: Reply, mine: Content | Unreadable, theirs: Content | Unreadable, found: Found
) -> None:
    """Where neither can be read, nobody can tell more than that their bytes differ."""
    if isinstance(mine, Unreadable) and isinstance(theirs, Unreadable):
        if control.body != candidate.body:
            found.add(PATH, Kind.BYTES, mine.why, theirs.why)
    else:
        found.add(PATH, Kind.UNREADABLE, _readable(mine), _readable(theirs))


def _readable(content: Content | Unreadable) -> str:
    return content.why if isinstance(content, Unreadable) else content.media


@dataclass(frozen=True, slots=True)
class _Texts:
    """Two texts that differ, of one kind, and how they are compared."""

    control: str
    candidate: str
    media_type: str
    same: Sameness
    ignoring: Ignoring
    keys: Mapping[str, str]
    found: Found

    def read(self, read: Callable[[str], T], name: str) -> tuple[T, T] | None:
        """Both, read as what they should be; None where one is not that. Where neither is: _Opaque."""
        mine, theirs = _try(read, self.control), _try(read, self.candidate)
        if isinstance(mine, _NotThat) and isinstance(theirs, _NotThat):
            raise _Opaque
        if isinstance(mine, _NotThat) or isinstance(theirs, _NotThat):
            one, other = (f"not {name}" if isinstance(each, _NotThat) else name for each in (mine, theirs))
            self.found.add(PATH, Kind.UNREADABLE, one, other)
            return None
        return mine, theirs


class _NotThat:
    pass


def _try(read: Callable[[str], T], text: str) -> T | _NotThat:
    try:
        return read(text)
    except ValueError:
        return _NotThat()
    except (TooDeep, Declares):
        raise _Opaque from None


def _html(texts: _Texts) -> None:
    mine, theirs = (read_page(text, texts.same, texts.ignoring.css) for text in (texts.control, texts.candidate))
    settle_columns(mine, theirs, texts.found)
    Differing(texts.found).trees(mine, theirs)


def _xml(texts: _Texts) -> None:
    def read(text: str) -> Node:
        return read_document(text, texts.same, texts.ignoring.xml)

    if both := texts.read(read, "xml"):
        Differing(texts.found).trees(*both)


def _json(texts: _Texts) -> None:
    _documents(texts, read_json, "json")


def _json_lines(texts: _Texts) -> None:
    def read(text: str) -> Value:
        return [read_json(bare) for line in text.splitlines() if (bare := line.strip("\x1e \t"))]

    _documents(texts, read, "json lines")


def _documents(texts: _Texts, read: Callable[[str], Value], name: str) -> None:
    if both := texts.read(read, name):
        JsonDiffering(texts.found, texts.same, Walk(texts.ignoring.json), texts.keys).documents(*both)


def _csv(texts: _Texts) -> None:
    delimiter = delimiter_of(texts.control, texts.media_type)
    if both := texts.read(lambda text: read_table(text, delimiter), "csv"):
        compare_tables(*both, texts.same, texts.ignoring.csv, texts.found)


def _text(texts: _Texts) -> None:
    compare_texts(texts.control, texts.candidate, texts.same, texts.ignoring.text, texts.found)


_COMPARE: Mapping[Media, Callable[[_Texts], None]] = {
    Media.HTML: _html,
    Media.XML: _xml,
    Media.JSON: _json,
    Media.JSON_LINES: _json_lines,
    Media.CSV: _csv,
    Media.TEXT: _text,
}
