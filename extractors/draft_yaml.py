"""Drafts written down: a datasets.yaml that `fig check` accepts as it is, with a reason beside each choice. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from extractors.drafting import Draft, Line
from notation.plain import SURPRISE

OWNER = "FILL IN: who answers for it, an address"


@dataclass(frozen=True, slots=True)
class Head:
    """What a draft says before its datasets: the publisher and the source as datasets.yaml has them."""

    publisher: Mapping[str, object]
    source: str
    settings: Mapping[str, object]  # as they were written: `${NAME}`, never what it stands for

    @property
    def owner(self) -> str:
        return str(self.publisher.get("contact") or OWNER)


def written(head: Head, drafts: Sequence[Draft]) -> str:
    """The whole file."""
    lines = (*_beginning(head, drafts), *(line for draft in drafts for line in _dataset(head, draft)))
    return "\n".join(lines).rstrip("\n") + "\n"


def as_json(head: Head, drafts: Sequence[Draft]) -> dict[str, object]:
    """The same as data: `datasets` as datasets.yaml has them, and beside each the reasons."""
    return {
        "source": head.source,
        "datasets": {draft.name: _settings(head, draft) for draft in drafts if draft.key},
        "without_key": {draft.name: {**_settings(head, draft), "unique": list(draft.unique)}
                        for draft in drafts if not draft.key},
        "notes": {
            draft.name: {
                "rows": draft.rows, "sampled": draft.sampled, "cursor": draft.cursor.why,
                "columns": {line.source: "; ".join(line.notes) for line in draft.columns if line.notes},
                "refused": {line.source: line.refused for line in draft.columns if line.refused},
            }
            for draft in drafts
        },
    }  # fmt: skip


def _beginning(head: Head, drafts: Sequence[Draft]) -> Iterator[str]:
    keyless = sum(not draft.key for draft in drafts)
    said = f"{len(drafts)} {'table' if len(drafts) == 1 else 'tables'}" + (
        f", {keyless} without a key" if keyless else ""
    )
    yield f"# A draft from the catalogue of source {_comment(head.source)}: {said}. Nobody has decided anything yet."
    yield "# Columns that look personal are dropped, which is to say never read, until somebody decides otherwise."
    yield "# docs/taking-a-table.md says what to do next."
    yield "version: 1"
    if head.publisher:
        yield f"publisher: {_value(head.publisher)}"
    yield "sources:"
    yield f"  {_scalar(head.source)}: {_value(head.settings)}"
    yield ""
    yield "datasets:" if len(drafts) > keyless else "datasets: {}"


def _settings(head: Head, draft: Draft) -> dict[str, object]:
    settings: dict[str, object] = {
        "title": draft.title, "owner": head.owner, "source": head.source, "table": draft.table, "key": list(draft.key),
    }  # fmt: skip
    if draft.cursor.column:
        settings["cursor"] = {"column": draft.cursor.column, "lag": draft.cursor.lag}
        settings["deletes"] = "detect"
    settings["columns"] = {line.source: dict(line.settings) for line in draft.columns if not line.refused}
    return settings


def _dataset(head: Head, draft: Draft) -> Iterator[str]:
    rows = f"about {draft.rows:,} rows" if draft.rows is not None else "the source does not say how many rows"
    looked = f", {draft.sampled:,} of them looked at" if draft.sampled else ", none of them looked at"
    yield f"  # {_comment(draft.table)}: {rows}{looked}."
    if draft.key:
        yield from _lines(head, draft)
    else:
        may = ", ".join(map(_comment, draft.unique))
        what = f"In the rows looked at, unique: {may}." if may else "No column looks unique in the rows looked at."
        yield "  # No primary key was found, and no unique index without NULLs, so this is only a comment."
        yield f"  # {what} Ask the supplier, fill in key:, and take the '# ' away."
        yield from (f"  # {line[2:]}".rstrip() for line in _lines(head, draft))
    yield ""


def _lines(head: Head, draft: Draft) -> Iterator[str]:
    notes = {"cursor": draft.cursor.why, "deletes": "rows gone from the source go here too; ignore: they stay"}
    yield f"  {_scalar(draft.name)}:"
    for name, value in _settings(head, draft).items():
        if name != "columns":
            yield f"    {name}: {_value(value)}{_note(notes.get(name, ''))}"
        elif not draft.cursor.column:
            yield f"    # no cursor, so everything is read each time: {_comment(draft.cursor.why)}"
    yield "    columns:"
    for line in draft.columns:
        yield _column(line)


def _column(line: Line) -> str:
    text = f"{_scalar(line.source)}: {_value(line.settings)}"
    if line.refused:
        return f"      # {_comment(text)}  # not listed, since it cannot be read exactly: {_comment(line.refused)}"
    return f"      {text}{_note('; '.join(line.notes))}"


def _note(text: str) -> str:
    return f"  # {_comment(text)}" if text else ""


def _comment(text: str) -> str:
    """On one line, whatever a source's names have in them."""
    return "".join(letter for letter in " ".join(text.split()) if letter.isprintable())


# --- values -----------------------------------------------------------------------------------------------------------

_PLAIN = re.compile(r"[A-Za-z_](?:[\w.@/() -]*[\w)])?|[0-9]+[smhd]", re.ASCII)
_WORDS = frozenset({"true", "false", "null", "nan", "inf"})


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_scalar(str(name))}: {_value(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    return _scalar(value) if isinstance(value, str) else json.dumps(value)


def _scalar(text: str) -> str:
    """In double quotes wherever YAML, or a reader of it, might take the text for something else."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS and not SURPRISE.match(text):
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(letter if letter.isprintable() else _escaped(letter) for letter in quoted)


def _escaped(letter: str) -> str:
    return f"\\U{ord(letter):08x}" if ord(letter) > 0xFFFF else f"\\u{ord(letter):04x}"
