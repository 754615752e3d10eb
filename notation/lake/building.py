"""A dataset being read anew in parts: which of them are finished, so that a run that was killed is taken up again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from notation.files import sync_folder, write_whole
from notation.lake.disk import sync

FOLDER, JOURNAL = "_build", "journal.json"


@dataclass(frozen=True, slots=True)
class Part:
    """A finished part: what the run noted of it, and its files, on the disk."""

    note: Mapping[str, Any]
    files: tuple[Path, ...]


@dataclass(slots=True)
class Build:
    """The parts of one rebuilding of a dataset. Readers never see it; the commit makes its files the dataset's.

    `files` named to `done` lie in the dataset's folder (rows) or in `folder` (what else a part leaves, its faults).
    """

    id: str
    fingerprint: str
    folder: Path
    parts: list[Part] = field(default_factory=list)

    @property
    def files(self) -> tuple[Path, ...]:
        """The files of rows of all finished parts, in the order they were finished."""
        return tuple(path for part in self.parts for path in part.files if path.parent == self.folder.parent)

    @property
    def beside(self) -> tuple[Path, ...]:
        """The other files of all finished parts."""
        return tuple(path for part in self.parts for path in part.files if path.parent == self.folder)

    def done(self, note: Mapping[str, Any], files: Sequence[Path]) -> None:
        """Record that a part is finished; once this returns, no later crash undoes it. `note` is JSON-able."""
        for path in files:
            sync(path)
        for folder in {path.parent for path in files}:
            sync_folder(folder)
        self.parts.append(Part(note, tuple(files)))
        try:
            self._write()
        except BaseException:
            self.parts.pop()
            raise

    def tidy(self) -> list[str]:
        """Remove what unfinished parts left beside the journal. -> the names removed."""
        known = {JOURNAL, *(path.name for path in self.beside)}
        stray = [path for path in self.folder.iterdir() if path.name not in known]
        for path in stray:
            path.unlink()
        return [path.name for path in stray]

    def drop(self) -> None:
        """Forget it: its journal, then what lies beside it. Its files of rows are tidied if no commit names them."""
        (self.folder / JOURNAL).unlink(missing_ok=True)
        sync_folder(self.folder)
        shutil.rmtree(self.folder)

    def _write(self) -> None:
        base = self.folder.parent
        parts = [{"note": p.note, "files": [str(f.relative_to(base)) for f in p.files]} for p in self.parts]
        text = json.dumps({"id": self.id, "fingerprint": self.fingerprint, "parts": parts}, indent=1)
        write_whole(self.folder / JOURNAL, text + "\n", 0o600)


def begin(dataset: Path, run: str, fingerprint: str) -> Build:
    """A build without parts, in place of any other."""
    folder = dataset / FOLDER
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(mode=0o700)
    build = Build(run, fingerprint, folder)
    build._write()
    sync_folder(dataset)
    return build


def find(dataset: Path, fingerprint: str) -> Build | None:
    """The build with this fingerprint, if all its files are still there."""
    found = any_build(dataset)
    return found if found and found.fingerprint == fingerprint else None


def any_build(dataset: Path) -> Build | None:
    """Whatever build there is, if all its files are still there."""
    folder = dataset / FOLDER
    try:
        read = json.loads((folder / JOURNAL).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    parts = [Part(part["note"], tuple(dataset / name for name in part["files"])) for part in read["parts"]]
    if not all(path.exists() for part in parts for path in part.files):
        return None
    return Build(read["id"], read["fingerprint"], folder, parts)


def remove(dataset: Path) -> bool:
    """Whatever build there is, away with it. -> whether there was one."""
    folder = dataset / FOLDER
    there = folder.exists()
    if there:
        shutil.rmtree(folder)
    return there
