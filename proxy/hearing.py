"""What a juror makes of a case, and what the keeper understands of it: plain JSON between them.

compared(Case(control, candidate, USUAL, "/repairs/42")) -> {"differences": [["json:$.cost", "value", …]], …}
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from proxy.compare.values import Difference, Kind, Reply
from proxy.juror import Case

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Compared:
    """`ignored`: something differs that `ignore:` excuses; `example`: redacted; `shown`: both answers, redacted."""

    differences: tuple[Difference, ...]
    ignored: bool
    example: str
    shown: tuple[Reply, Reply] | None


def compared(case: Case) -> Json:
    """In a juror, which alone imports what reads pages."""
    from proxy.compare.compare import compare  # the keeper never does
    from proxy.compare.redact import redact, redact_reply

    control, candidate, comparing = case.control, case.candidate, case.comparing
    example = redact(case.example)
    if isinstance(candidate, str):
        return _told((Difference("status", Kind.NO_ANSWER, str(control.status), candidate),), example)
    differences = compare(control, candidate, comparing)
    ignored = False
    if not differences and comparing.ignore:
        ignored = bool(compare(control, candidate, replace(comparing, ignore=())))
    shown = (redact_reply(control), redact_reply(candidate)) if differences and case.shown else None
    return _told(differences, example, shown, ignored=ignored)


def _told(
    differences: Sequence[Difference], example: str, shown: tuple[Reply, Reply] | None = None, *, ignored: bool = False
) -> Json:
    return {
        "differences": [[each.path, each.kind, each.control, each.candidate, each.values] for each in differences],
        "ignored": ignored,
        "example": example,
        "shown": [_of_reply(each) for each in shown] if shown else None,
    }


def _of_reply(reply: Reply) -> object:
    fields = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in reply.fields]
    return [reply.status, fields, reply.body.decode("latin-1")]


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
