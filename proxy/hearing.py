"""What a juror makes of a case, as plain JSON. Only a juror imports this: it brings all that reads pages.

compared(Case(control, candidate, USUAL, "/repairs/42")) -> {"differences": [["json:$.cost", "value", …]], …}
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from proxy.compare.compare import compare
from proxy.compare.redact import redact, redact_reply
from proxy.compare.values import Difference, Kind, Reply
from proxy.juror import Case

Json = Mapping[str, Any]


def compared(case: Case) -> Json:
    """What differs, and both answers where they are wanted; see heard.py for who reads it."""
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
