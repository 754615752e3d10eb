"""A table of a source's catalogue -> the dataset it may become: key, cursor, types, and what looks personal. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from extractors import declared, evidence
from extractors.compiled import Column
from extractors.cursors import Candidate, candidate
from extractors.dialects import Dialect
from extractors.personal import FREE_TEXT, PICTURE, PLACE, what_it_may_hold, word_set, words_of
from extractors.raw import Raw
from extractors.spec import column_name
from extractors.suggested import Suggested, suggested
from notation.problems import Refused

Sample = Mapping[str, Sequence[Raw]]  # column -> values of the rows that were looked at
UNDECIDED = "drop"
DECIDE = "dropped until someone decides"
_NUMBERED = word_set("id ids no num number seq count year")


@dataclass(frozen=True, slots=True)
class Line:
    """One column. `settings` are what datasets.yaml would say of it; with `refused` it is no more than a comment."""

    source: str
    settings: Mapping[str, object]
    notes: tuple[str, ...] = ()
    refused: str = ""

    @property
    def is_dropped(self) -> bool:
        return self.settings.get("privacy") == UNDECIDED


@dataclass(frozen=True, slots=True)
class Draft:
    """One dataset. Without a `key` it is no more than a comment: `unique` are columns that may be one."""

    name: str
    title: str
    table: str
    key: tuple[str, ...]
    unique: tuple[str, ...]
    cursor: Candidate
    columns: tuple[Line, ...]
    rows: int | None
    sampled: int


@dataclass(frozen=True, slots=True)
class Table:
    """What is known of one table before anything is decided."""

    table: str
    columns: Mapping[str, str]
    dialect: Dialect
    key: tuple[str, ...] = ()
    rows: int | None = None
    comments: Mapping[str, str] = field(default_factory=dict)
    sample: Sample = field(default_factory=dict)

    @property
    def sampled(self) -> int:
        return max(map(len, self.sample.values()), default=0)


def first_types(table: Table) -> dict[str, declared.Type]:
    """The columns worth a look, and the likeliest type of each: as what a sample of them is read. Bytes are not."""
    found = {}
    for source, native in table.columns.items():
        kind = declared.parse(suggested(table.dialect, native).types[0])
        if kind.name != "binary" and not _refused(table.dialect, source, native, kind):
            found[source] = kind
    return found


def draft(table: Table, name: str) -> Draft:
    """Every column has a line; what looks personal is dropped, or in the key a pseudonym."""
    lines = [_line(table, source, native) for source, native in table.columns.items()]
    is_readable = all(not line.refused for line in lines if line.source in table.key)
    key = table.key if is_readable else ()
    lines = _named([_settled(line, key) for line in _places(table, lines)])
    types = {line.source: str(line.settings.get("type", "string")) for line in lines if not line.refused}
    unique = () if key else evidence.look_unique({n: v for n, v in table.sample.items() if n in types}, table.sampled)
    cursor = candidate(table.dialect, {source: (table.columns[source], kind) for source, kind in types.items()},
                       table.sample)  # fmt: skip
    title = " ".join(words) if (words := _words(table.table)) else name
    return Draft(
        name, title[:1].upper() + title[1:], table.table, key, unique, cursor, tuple(lines), table.rows, table.sampled
    )


def dataset_names(tables: Sequence[str]) -> dict[str, str]:
    """`dbo.REPAIR_JOBS` -> repair-jobs; with the schema in front where two would be called alike."""
    short = {table: "-".join(_words(table)) for table in tables}
    names: dict[str, str] = {}
    for table in tables:
        alike = [other for other in tables if short[other] == short[table]]
        words = _words(table) if len(alike) == 1 else [w for part in table.split(".") for w in _words(part)]
        base = "-".join(words)[:60].strip("-") or "table"
        base = base if base[0].isalpha() else f"t-{base}"
        name, number = base, 2
        while name in names.values():
            name, number = f"{base}-{number}", number + 1
        names[table] = name
    return names


def _words(table: str) -> list[str]:
    return [word for word in column_name(table.rpartition(".")[2]).split("_") if word]


# --- columns ----------------------------------------------------------------------------------------------------------


def _line(table: Table, source: str, native: str) -> Line:
    values = table.sample.get(source, ())
    offered = _of_its_name(source, suggested(table.dialect, native))
    kind, settings, notes = _typed(source, offered, values, is_key=source in table.key)
    if comment := " ".join(table.comments.get(source, "").split()):
        settings["description"] = comment[:300].replace("${", "$ {")
    if refused := _refused(table.dialect, source, native, declared.parse(kind)):
        return Line(source, settings, refused=refused)
    why = _why_personal(source, kind, values)
    if why:
        settings["privacy"] = UNDECIDED
    return Line(source, settings, tuple(note for note in (why, *notes) if note))


def _typed(
    source: str, offered: Suggested, values: Sequence[Raw], *, is_key: bool
) -> tuple[str, dict[str, object], list[str]]:
    """The first type that holds all sampled values, and what to say of it."""
    settings: dict[str, object] = {}
    kind = offered.types[-1]
    for each in offered.types:
        nothing = evidence.nothing_among(values) if re.match("date|timestamp|uprn|usrn", each) else ()
        if not evidence.broken(each, values):
            kind = each
            break
        if nothing and not evidence.broken(each, values, frozenset(nothing)):
            kind, settings["null_values"] = each, list(nothing)
            break
    notes = [offered.note] if kind == offered.types[0] and offered.note else []
    if kind != offered.types[0] and values:
        misfits = evidence.broken(offered.types[0], values)
        notes.append(f"{misfits:,} of {len(values):,} sampled values would be faults as {offered.types[0]}")
    if kind == "decimal(38,10)" and (is_key or not _NUMBERED.isdisjoint(words_of(source)[-1:])):
        if values and not evidence.broken("int64", values):
            kind, notes = "int64", ["the source states no scale; all sampled values are whole"]
    elif kind == "decimal(20,0)" and is_key and values and not evidence.broken("int64", values):
        kind, notes = "int64", ["all sampled values fit; decimal(20,0) holds all that the source can"]
    elif kind in ("string", "int64", "int32") and not is_key and (narrow := evidence.also(values)):
        nothing = evidence.nothing_among(values)
        but = f", null_values: {json.dumps(nothing)}" if nothing else ""
        notes.append(f"all sampled values would fit type: {narrow}{but}")
    if kind != "string":
        settings = {"type": kind, **settings}
    return kind, settings, notes


def _of_its_name(source: str, offered: Suggested) -> Suggested:
    """A UPRN is called so, and is a number or a text, never a floating-point number."""
    named = {"uprn", "usrn"}.intersection(words_of(source))
    whole = re.match(r"string|int(32|64)|decimal\(\d+,0\)|decimal\(38,10\)", offered.types[0])
    return Suggested((named.pop(), *offered.types)) if len(named) == 1 and whole else offered


def _refused(dialect: Dialect, source: str, native: str, kind: declared.Type) -> str:
    try:
        dialect.plan(Column(source, "c", kind, "keep"), native, as_text=False)
    except Refused as exc:
        return f"{exc.what}; {exc.hint}" if exc.hint else exc.what
    return ""


def _why_personal(source: str, kind: str, values: Sequence[Raw]) -> str:
    what = what_it_may_hold(source)
    if what == PLACE or (what == FREE_TEXT and kind not in ("string", "json")):
        what = ""
    if not what and kind in ("string", "int64"):
        what = evidence.personal(values)
    if not what and kind == "json":
        what = "a document, which may hold anything"
    if not what and kind == "binary" and not {"rowversion", "version", "guid", "uuid"}.intersection(words_of(source)):
        what = "bytes: perhaps a picture, a signature or a document"
    return what


def _places(table: Table, lines: Sequence[Line]) -> Iterator[Line]:
    """Where something is says who it is about, if the other columns are about people."""
    about = [line for line in lines if line.is_dropped and line.notes[0] not in (FREE_TEXT, PICTURE, *_BYTES)]
    homes = {"home", "homes", "property", "properties", "dwelling", "dwellings", "tenancy", "tenancies"}
    about_people = bool(about) or not homes.isdisjoint(_words(table.table))
    for line in lines:
        if line.refused or line.is_dropped or what_it_may_hold(line.source) != PLACE or not about_people:
            yield line
        else:
            yield replace(line, settings={**line.settings, "privacy": UNDECIDED}, notes=(PLACE, *line.notes))


_BYTES = ("a document, which may hold anything", "bytes: perhaps a picture, a signature or a document")


def _settled(line: Line, key: Sequence[str]) -> Line:
    if not line.is_dropped:
        return line
    why, *notes = line.notes
    if line.source not in key:
        return replace(line, notes=(f"{why}: {DECIDE}", *notes))
    if why in (FREE_TEXT, PLACE, PICTURE, *_BYTES) or why.startswith(
        FREE_TEXT
    ):  # what tells rows apart is no text of that kind
        return replace(line, settings={n: v for n, v in line.settings.items() if n != "privacy"}, notes=tuple(notes))
    settings = {**line.settings, "privacy": "pseudonym(person)"}
    return replace(line, settings=settings, notes=(f"{why}, and in the key: a stand-in", *notes))


def _named(lines: Sequence[Line]) -> list[Line]:
    """A name is written only where the default would not do: it is none, or another column's."""
    taken = {column_name(line.source) for line in lines if not line.is_dropped and not line.refused}
    seen: set[str] = set()
    named = []
    for line in lines:
        name = column_name(line.source)
        if not line.is_dropped and not line.refused:
            good = name if re.match(r"[a-z]", name) else f"column_{name}".rstrip("_")
            made, number = good[:60], 2
            while made in seen or (made != name and made in taken):
                made, number = f"{good[:56]}_{number}", number + 1
            seen.add(made)
            if made != name:
                line = replace(line, settings={"name": made, **line.settings})
        named.append(line)
    return named
