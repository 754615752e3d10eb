"""Long lists of one-line items in YAML, found so that the general parser need not read each of them. Pure.

    routes:
      - /repairs/*
      - {path: /jobs, methods: [GET, POST]}      # and thousands more

The general parser takes 40 us for such a line and 300 us for such a mapping; items of this form, which no two readers
of YAML could take for different things, are read here in a tenth of that. `shorten` leaves the first and last item of
each run in the text. The parser then says where they stand: if as neighbours in one list, what was between them belongs
there too; if not (they stand in a text of several lines, say), the whole text is read by the general parser.
"""

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache

from notation.plain import is_surprising, plain

LONG = 100  # items from which on it pays

_PLAIN = r"[A-Za-z0-9/][A-Za-z0-9/_.~*%+@=$!-]*+"
_SCALAR = rf"(?:{_PLAIN}|'[ !#-&(-\[\]-~]*+'|\"[ !#-\[\]-~]*+\")"
_LIST = rf"\[ *+{_SCALAR} *+(?:, *+{_SCALAR} *+)*+\]"
_PAIR = rf"[a-z_]++: ++(?:{_SCALAR}|{_LIST})"
_ITEM = rf"- (?:{_PLAIN}|\{{ *+{_PAIR} *+(?:, *+{_PAIR} *+)*+\}}) *+(?:(?<= )#[ -~]*+)?\n"
_RUN = re.compile(rf"(?m)^( *+){_ITEM}(?:\1{_ITEM}){{{LONG - 1},}}+")
_ITEMS = re.compile(rf"(?m)^ *+- ({_PLAIN}|\{{[^\n]*+)")
_PAIRS = re.compile(rf"([a-z_]++): ++(?:({_SCALAR})|({_LIST}))")
_SCALARS = re.compile(_SCALAR)
_BARE = re.compile(_PLAIN)


@dataclass(frozen=True, slots=True)
class Run:
    """What was left out: `text[start:end]`, whose first line is `line` (from 0).

    `first`: where the item before it begins, `last` the one after it, as the shortened text counts.
    """

    start: int
    end: int
    line: int
    lines: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Shortened:
    """A text without the middle of its long lists, and what brings its places back to those of the whole."""

    text: str
    runs: tuple[Run, ...] = ()
    _resumes: tuple[int, ...] = ()
    _chars: tuple[int, ...] = (0,)
    _resumes_line: tuple[int, ...] = ()
    _lines: tuple[int, ...] = (0,)

    def index(self, index: int) -> int:
        """Where in the whole text this character of the shortened one stands."""
        return index + self._chars[bisect_right(self._resumes, index)]

    def line(self, line: int) -> int:
        """The same for a line, both from 0."""
        return line + self._lines[bisect_right(self._resumes_line, line)]


def shorten(text: str) -> Shortened:
    """Leave out the middle of every run of at least LONG items."""
    kept: list[str] = []
    runs: list[Run] = []
    resumes, chars, resumes_line, lines = [], [0], [], [0]
    at = line = 0
    for match in _RUN.finditer(text):
        start = text.index("\n", match.start()) + 1
        end = text.rindex("\n", 0, match.end() - 1) + 1
        left_out = text.count("\n", start, end)
        line += text.count("\n", at, start)
        value = len(match[1]) + 2
        first = match.start() + value - chars[-1]
        resume = start - chars[-1]
        runs.append(Run(start, end, line, left_out, first, resume + value))
        kept.append(text[at:start])
        resumes.append(resume)
        chars.append(chars[-1] + end - start)
        resumes_line.append(line - lines[-1])
        lines.append(lines[-1] + left_out)
        at, line = end, line + left_out
    if not runs:
        return Shortened(text)
    places = (tuple(resumes), tuple(chars), tuple(resumes_line), tuple(lines))
    return Shortened("".join((*kept, text[at:])), tuple(runs), *places)


@dataclass(frozen=True, slots=True)
class Scalar:
    """A value of one line: what was written, its characters in the whole text, and whether it is in quotes."""

    text: str
    start: int
    end: int
    quoted: bool


@dataclass(frozen=True, slots=True)
class Listed:
    """A list in brackets."""

    items: tuple[Scalar, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Mapped:
    """A mapping in braces; keys may repeat."""

    items: tuple[tuple[str, Scalar | Listed], ...]
    start: int
    end: int


Item = Scalar | Mapped


def line_starts(text: str, run: Run) -> list[int]:
    """Where each line of a run begins."""
    found = [run.start]
    while len(found) < run.lines:
        found.append(text.index("\n", found[-1]) + 1)
    return found


def item_at(text: str, start: int) -> Item:
    """The item whose line begins there."""
    at = text.index("-", start) + 2
    return _mapped(text, at, text.index("\n", at)) if text[at] == "{" else _bare(text, at)


class Refused(Exception):
    """An item that has to be told of: the whole text is to be read by the general parser."""


def values(text: str, run: Run) -> tuple[list[object], tuple[int, ...]]:
    """What was left out, and which items hold plain text that others would read otherwise. Raises Refused."""
    lines: list[str] = _ITEMS.findall(text, run.start, run.end)
    found: list[object] = [*lines]
    surprising = []
    for number, written in enumerate(lines):
        if written[0] != "/":  # what begins so is text to everybody
            found[number], is_surprising = _value(written)
            if is_surprising:
                surprising.append(number)
    return found, tuple(surprising)


# Twice the items that a file has room for: what is read again need not be taken apart again. Nobody changes a value.
@lru_cache(maxsize=2 * 100_000)
def _value(written: str) -> tuple[object, bool]:
    if written[0] != "{":
        return plain(written), is_surprising(written)
    value: dict[str, object] = {}
    surprising = False
    for key, inner in _mapped(written, 0, len(written)).items:
        if key in value or not isinstance(plain(key), str):
            raise Refused
        scalars = (inner,) if isinstance(inner, Scalar) else inner.items
        read = [each.text if each.quoted else plain(each.text) for each in scalars]
        surprising = surprising or is_surprising(key)
        surprising = surprising or any(not each.quoted and is_surprising(each.text) for each in scalars)
        value[key] = read[0] if isinstance(inner, Scalar) else read
    return value, surprising


def _bare(text: str, at: int) -> Scalar:
    match = _BARE.match(text, at)
    assert match
    return Scalar(match[0], at, match.end(), quoted=False)


def _mapped(text: str, at: int, end: int) -> Mapped:
    pairs: list[tuple[str, Scalar | Listed]] = []
    place = at + 1
    while pair := _PAIRS.search(text, place, end):
        if "}" in text[place : pair.start()]:
            break  # in a comment
        group = 2 if pair[2] is not None else 3
        inner = _scalar(pair[2], pair.start(2)) if group == 2 else _listed(pair[3], pair.start(3))
        pairs.append((pair[1], inner))
        place = pair.end()
    return Mapped(tuple(pairs), at, text.index("}", place) + 1)


def _listed(text: str, at: int) -> Listed:
    inner = tuple(_scalar(match[0], at + match.start()) for match in _SCALARS.finditer(text, 1))
    return Listed(inner, at, at + len(text))


def _scalar(text: str, at: int) -> Scalar:
    quoted = text[0] in "'\""
    return Scalar(text[1:-1] if quoted else text, at, at + len(text), quoted)
