"""Who moved what, when and why: the end of `data/changes.jsonl`, the newest first."""

from pathlib import Path

from proxy.holds import Change, read_change

# Bytes of the file's end that are looked through: some thousand changes.
LOOKED_AT = 256 * 1024
# Changes a page shows.
SHOWN = 50


def read(home: Path, name: str | None = None, limit: int = SHOWN) -> list[Change]:
    """Of one slice, those of the bypass among them, or of all; a line that is cut or strange is left out."""
    try:
        with (home / "data" / "changes.jsonl").open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - LOOKED_AT))
            lines = file.read().splitlines()
    except OSError:
        return []
    found: list[Change] = []
    for line in reversed(lines):
        change = read_change(line)
        if change and (name is None or change.slice in (name, "*")):
            found.append(change)
            if len(found) == limit:
                break
    return found
