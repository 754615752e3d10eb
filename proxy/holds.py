"""Limits on how far slices may be, above the file: `data/holds.json`; and who changed a stage, `data/changes.jsonl`."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from notation.files import append_line, write_whole
from notation.problems import ConfigError, Problem, Refused, Where
from proxy.stages import Stage, parse


@dataclass(frozen=True, slots=True)
class Hold:
    """Nobody is answered above this stage; set by whom, when (UTC, ISO 8601) and why."""

    stage: Stage
    who: str
    when: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Bypass:
    """Everything goes to legacy, and every feature is off."""

    who: str
    when: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Holds:
    """All that limits the stages now."""

    bypass: Bypass | None = None
    by_slice: Mapping[str, Hold] = field(default_factory=lambda: MappingProxyType({}))

    def held_at(self, name: str) -> Stage | None:
        return self.by_slice[name].stage if name in self.by_slice else None

    def with_hold(self, name: str, hold: Hold | None) -> "Holds":
        """The same with this slice's hold set, or cleared by None."""
        others = {key: each for key, each in self.by_slice.items() if key != name}
        return Holds(self.bypass, others | ({name: hold} if hold else {}))


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the record: what was changed, from what to what."""

    slice: str  # `*` for the bypass, which is for all of them
    before: str
    after: str
    by: str  # the command: promote, rollback, resume, bypass; edit: of the file, by hand
    who: str
    when: str
    why: str = ""


def read(path: Path) -> Holds:
    """What is held; nothing where there is no file. Raises ConfigError for a broken one: losing a hold could harm."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Holds()
    except (OSError, UnicodeDecodeError) as exc:
        raise _broken(path, 1, str(exc)) from exc
    try:
        content = json.loads(text)
        bypass = content["bypass"]
        holds = {name: _hold(hold) for name, hold in content["holds"].items()}
        return Holds(Bypass(**_texts(bypass, ("who", "when", "why"))) if bypass is not None else None, holds)
    except json.JSONDecodeError as exc:
        raise _broken(path, exc.lineno, exc.msg) from exc
    except Refused as exc:
        raise _broken(path, 1, exc.what) from exc
    except (KeyError, TypeError, AttributeError) as exc:
        raise _broken(path, 1, "it is not of the form fig writes") from exc


def write(path: Path, holds: Holds) -> None:
    """Replace the file: temporary, synced, renamed; mode 0600. Raises OSError, and then the old one stands."""
    content = {
        "bypass": asdict(holds.bypass) if holds.bypass else None,
        "holds": {name: {**asdict(hold), "stage": str(hold.stage)} for name, hold in sorted(holds.by_slice.items())},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(content, indent=1) + "\n", 0o600)


def note_change(home: Path, change: Change) -> None:
    """Record who changed which stage, when and why: one JSON object a line in data/changes.jsonl, 0600, synced."""
    (home / "data").mkdir(parents=True, exist_ok=True)
    words = asdict(change)
    line = {
        "when": words.pop("when"),
        "slice": words.pop("slice"),
        "from": words.pop("before"),
        "to": words.pop("after"),
    }
    append_line(home / "data" / "changes.jsonl", json.dumps(line | words), 0o600)


def read_change(line: bytes) -> Change | None:
    """One line of that record; None for what nobody of ours wrote."""
    try:
        words: dict[str, Any] = json.loads(line)
        before, after = words.pop("from"), words.pop("to")
        return Change(before=str(before), after=str(after), **{name: str(value) for name, value in words.items()})
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _hold(content: dict[str, object]) -> Hold:
    texts = _texts(content, ("stage", "who", "when", "why"))
    return Hold(parse(texts.pop("stage")), **texts)


def _texts(content: dict[str, object], names: tuple[str, ...]) -> dict[str, str]:
    texts = {name: value for name, value in content.items() if isinstance(value, str)}
    if set(content) != set(names) or len(texts) != len(names):
        raise TypeError
    return texts


def _broken(path: Path, line: int, why: str) -> ConfigError:
    hint = "put it right; or, only if no slice needs to be held back, delete it"
    return ConfigError([Problem(Where(f"data/{path.name}", line), f"the holds cannot be read: {why}", hint)])
