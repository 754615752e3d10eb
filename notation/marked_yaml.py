"""YAML whose values know their file and line; what two readers of YAML could understand differently is refused."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path as FilePath

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.reader import ReaderError

from notation.long_lists import Refused, Run, Shortened, shorten, values
from notation.marks import Mark, Marks, Path
from notation.plain import is_surprising, plain
from notation.problems import ConfigError, Problem, Where

__all__ = ["DEPTH", "SIZE", "Document", "Mark", "Path", "load", "parse"]

DEPTH = 50  # levels of nesting: our deepest file needs 8, and a reader that recurses must end somewhere
SIZE = 8 * 2**20  # bytes: room for 100,000 routes, yet read in bounded memory

SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed file: plain `dict`, `list`, `str`, `int`, `float`, `bool`, `None`, and a mark for every value."""

    text: str
    file: str
    value: object
    marks: Marks

    def nearest(self, path: Path) -> Path:
        """The path itself, or its nearest ancestor that was written; `[0]` of what is no list is the thing itself."""
        known: Path = ()
        for step in path:
            if (*known, step) in self.marks:
                known = (*known, step)
            elif step != 0:
                break
        return known

    def where(self, path: Path) -> Where:
        mark = self.marks.get(path) or self.marks[self.nearest(path)]
        return Where(self.file, mark.line)

    def span(self, path: Path) -> tuple[int, int]:
        """The characters of the value at this path: `text[start:end]`. Raises KeyError if it is not written."""
        mark = self.marks[path]
        return mark.start, mark.end

    def at(self, path: Path) -> object:
        """The value as written at this path or its nearest ancestor."""
        value = self.value
        for step in self.nearest(path):
            value = value[step]  # type: ignore[index]  # marks and values have one shape
        return value


def load(path: FilePath) -> Document:
    """Read and parse a file. Raises ConfigError, also when it cannot be read; problems name it by its last part."""
    try:
        raw = path.read_bytes()
    except OSError as exc:
        hint = "give the file's name with -c, or start in its folder" if isinstance(exc, FileNotFoundError) else ""
        raise ConfigError([Problem(None, f"cannot read {path}: {exc.strerror}", hint)]) from exc
    if len(raw) > SIZE:
        raise ConfigError([Problem(None, f"{path} has {len(raw)} bytes; at most {SIZE} are read")])
    try:
        return parse(raw.decode("utf-8"), path.name)
    except UnicodeDecodeError as exc:
        line = raw.count(b"\n", 0, exc.start) + 1
        raise ConfigError([Problem(Where(path.name, line), "this is not UTF-8", "save the file as UTF-8")]) from exc


def parse(text: str, file: str) -> Document:
    """Parse one document. Raises ConfigError with every problem (one only, where the YAML itself is broken)."""
    short = shorten(text)
    if short.runs:
        quick = _Builder(text, file, short)
        try:
            quick.build(YAML(typ="safe", pure=True).parse(short.text))
        except (YAMLError, ConfigError, Refused):
            pass  # told below, with its place
        else:
            if not quick.problems and not quick.runs:
                return Document(text, file, quick.value, quick.marks)
    return _parse_whole(text, file)


def _parse_whole(text: str, file: str) -> Document:
    builder = _Builder(text, file, Shortened(text))
    try:
        builder.build(YAML(typ="safe", pure=True).parse(text))
    except ReaderError as exc:
        line = text.count("\n", 0, exc.position) + 1
        what = f"the character U+{ord(text[exc.position]):04X} is not allowed in YAML"
        raise ConfigError([*builder.problems, Problem(Where(file, line), what, "remove it")]) from exc
    except MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        what = " ".join(f"this is not YAML: {exc.problem}{f' {exc.context}' if exc.context else ''}".split())
        hint = "indent with spaces" if "'\\t'" in what else "put text that holds : # [ ] { } or quotes between quotes"
        raise ConfigError([*builder.problems, Problem(Where(file, mark.line + 1 if mark else 1), what, hint)]) from exc
    except YAMLError as exc:
        raise ConfigError([Problem(Where(file, 1), f"this is not YAML: {exc}")]) from exc
    if builder.problems:
        raise ConfigError(builder.problems)
    return Document(text, file, builder.value, builder.marks)


@dataclass(slots=True)
class _Builder:
    """Turns the parser's events into values and marks, and collects what is refused."""

    text: str
    file: str
    short: Shortened
    value: object = None
    marks: Marks = field(init=False)
    problems: list[Problem] = field(default_factory=list)
    runs: dict[int, Run] = field(default_factory=dict)  # those still to be put back, by where the item before begins

    def __post_init__(self) -> None:
        self.marks = Marks(self.text)
        self.runs = {run.first: run for run in self.short.runs}

    def build(self, events: Iterator[Event]) -> None:
        documents = 0
        for event in events:
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if event.version or event.tags:
                    self.refuse(event, "a % directive is not allowed", "remove it; the file is read as YAML 1.2")
                if documents > 1:
                    self.refuse(event, "a second document begins here", "keep one document in the file")
                    return
            elif isinstance(event, (ScalarEvent, SequenceStartEvent, MappingStartEvent, AliasEvent)):
                self.value, _ = self.node(event, events, (), None)
        if not self.marks:
            self.problems.append(Problem(Where(self.file, 1), "the file is empty"))

    def refuse(self, event: Event, what: str, hint: str) -> None:
        self.problems.append(Problem(Where(self.file, event.start_mark.line + 1), what, hint))

    def refuse_halves(self, event: ScalarEvent) -> None:
        """`"\\ud83d"` is half a character, which no encoding can write; JSON writes some characters as two halves."""
        if SURROGATE.search(event.value):
            self.refuse(event, "this holds half a character (\\uD800 to \\uDFFF)", "write the character itself")

    def node(self, event: Event, events: Iterator[Event], path: Path, key: ScalarEvent | None) -> tuple[object, Mark]:
        """The value that begins with this event; marks it and all below it."""
        if isinstance(event, AliasEvent) or getattr(event, "anchor", None):
            self.refuse(event, "anchors and aliases (& and *) are not allowed", "write the value out in each place")
        if tag := getattr(event, "tag", None):
            self.refuse(event, f"the tag {tag} is not allowed", "write the value without it")
        if len(path) >= DEPTH:
            where = Where(self.file, event.start_mark.line + 1)
            raise ConfigError([*self.problems, Problem(where, f"this is nested more than {DEPTH} levels deep")])
        line = self.short.line((key or event).start_mark.line) + 1
        start, end = self.short.index(event.start_mark.index), self.short.index(event.end_mark.index)
        self.marks.put(path, Mark(line, start, end))  # its place among its siblings: parents come first
        value: object = None
        surprising = block = False
        if isinstance(event, ScalarEvent):
            self.refuse_halves(event)
            is_plain = event.style is None
            value = plain(event.value) if is_plain else event.value
            surprising = is_plain and is_surprising(event.value)
            end = start + len(self.text[start:end].rstrip()) if event.style in ("|", ">") else end
        elif isinstance(event, SequenceStartEvent):
            block = not event.flow_style
            value, end = self.sequence(events, path, block=block)
        elif isinstance(event, MappingStartEvent):
            block = not event.flow_style
            value, end = self.mapping(events, path)
        surprising_key = key is not None and key.style is None and is_surprising(key.value)
        mark = Mark(line, start, max(start, end), surprising, surprising_key, block)
        self.marks.put(path, mark)
        return value, mark

    def sequence(self, events: Iterator[Event], path: Path, *, block: bool) -> tuple[list[object], int]:
        found: list[object] = []
        end = 0
        awaited: Run | None = None  # left out before this item, which is then to be its `last`
        for event in events:
            if isinstance(event, SequenceEndEvent):
                return found, self.end(event, end)
            start = event.start_mark.index
            if awaited is not None and start == awaited.last:
                del self.runs[awaited.first]
                self.put_back(awaited, found, path)
            value, mark = self.node(event, events, (*path, len(found)), None)
            found.append(value)
            end = mark.end
            awaited = self.runs.get(start) if block else None
        raise AssertionError("the parser closes every sequence")

    def end(self, event: Event, last: int) -> int:
        """Where a list or mapping ends: at its bracket, or, written on lines of its own, with its last value."""
        if event.start_mark.index == event.end_mark.index:
            return last
        return self.short.index(event.end_mark.index)

    def put_back(self, run: Run, found: list[object], path: Path) -> None:
        """The items that the parser was spared."""
        if len(path) + 3 > DEPTH:
            raise Refused  # the whole text is read, and it is told
        read, surprising = values(self.text, run)
        self.marks.stretch(path, len(found), run, surprising)
        found += read

    def mapping(self, events: Iterator[Event], path: Path) -> tuple[dict[str, object], int]:
        found: dict[str, object] = {}
        end = 0
        for event in events:
            if isinstance(event, MappingEndEvent):
                return found, self.end(event, end)
            name = self.key(event, events, path)
            if name in found:
                first = self.marks[(*path, name)].line
                self.refuse(event, f"the key '{name}' is written twice", f"it is already on line {first}; keep one")
            scalar = event if isinstance(event, ScalarEvent) else None
            value, mark = self.node(next(events), events, (*path, name), scalar)
            found[name] = value
            end = mark.end
        raise AssertionError("the parser closes every mapping")

    def key(self, event: Event, events: Iterator[Event], path: Path) -> str:
        if not isinstance(event, ScalarEvent):
            self.refuse(event, "a key must be text, not a list, a mapping or an alias", "write a word before the ':'")
            if not isinstance(event, AliasEvent):
                self.node(event, events, (*path, "?"), None)
            return "?"
        self.refuse_halves(event)
        if event.anchor or event.tag:
            self.refuse(event, "anchors and tags are not allowed on a key", "write the key alone")
        if event.style is None and event.value == "<<":
            self.refuse(event, "merging (<<) is not allowed", "write the keys out in each place")
        elif event.style is None and not isinstance(plain(event.value), str):
            shown = event.value or "(nothing)"
            self.refuse(event, f"the key {shown} is not text", f'write it in quotes: "{event.value}"')
        return str(event.value)
