"""What the keeper understands of a juror's word: plain JSON, and nothing else.

understood({"differences": [["json:$.cost", "value", …]], …}) -> Compared((Difference(…),), …)
"""

from dataclasses import dataclass
from typing import Any

from proxy.compare.values import Difference, Kind, Reply


@dataclass(frozen=True, slots=True)
class Compared:
    """`ignored`: something differs that `ignore:` excuses; `example`: redacted; `shown`: both answers, redacted."""

    differences: tuple[Difference, ...]
    ignored: bool
    example: str
    shown: tuple[Reply, Reply] | None


def understood(said: object) -> Compared:
    """What a juror said. Raises ValueError if it is nothing a juror says."""
    try:
        return _understood(said)
    except (KeyError, TypeError, AttributeError) as exc:
        raise ValueError("not the word of a juror") from exc


def _understood(said: Any) -> Compared:
    shown = None if said["shown"] is None else tuple(_reply(each) for each in said["shown"])
    return Compared(
        tuple(_difference(each) for each in said["differences"]),
        bool(said["ignored"]),
        str(said["example"]),
        None if shown is None else (shown[0], shown[1]),
    )


def _difference(said: Any) -> Difference:
    path, kind, control, candidate, values = said
    return Difference(path, Kind(kind), control, candidate, None if values is None else (values[0], values[1]))


def _reply(said: Any) -> Reply:
    status, fields, body = said
    pairs = tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in fields)
    return Reply(int(status), pairs, body.encode("latin-1"))
