"""Reporting a repair: what was typed goes through legacy's own form, so that legacy knows it at every stage."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from slices.legacy import Accepted, Declined, NotSent, Outcome
from slices.legacy_form import texts

PATH = "/repairs/report"
TOKEN = "_csrf"  # noqa: S105 - the name of legacy's hidden field
FIELDS = ("name", "telephone", "address", "postcode", "ward", "trade", "description")

NOT_SENT = (
    "Your repair has not been reported: the council's repairs system did not answer. "
    "Nothing you typed is lost. Try again."
)
UNKNOWN = (
    "We do not know whether your repair was reported: the council's repairs system did not confirm it. "
    "Look for it in the list of repairs in a few minutes before you send it again."
)
DECLINED = (
    "Your repair has not been reported: the council's repairs system did not accept it. "
    "Check what you typed and try again."
)


@dataclass(frozen=True, slots=True)
class Confirmed:
    """Legacy took the report under this job number."""

    number: str


@dataclass(frozen=True, slots=True)
class ShowAgain:
    """The form is shown again with this status; problems by field, '' for one that is about none."""

    status: int
    problems: Mapping[str, str]


def judged(outcome: Outcome) -> Confirmed | ShowAgain:
    """What the citizen is told after legacy's answer."""
    match outcome:
        case Accepted(location) if found := re.match(r"/repairs/([0-9]{1,15})(?![^?])", location):
            return Confirmed(found[1])
        case Declined(_, html):
            said = texts(html)
            problems = {name: said[f"{name}-wrong"] for name in FIELDS if said.get(f"{name}-wrong")}
            return ShowAgain(422, problems or {"": DECLINED})
        case NotSent():
            return ShowAgain(503, {"": NOT_SENT})
        case _:
            return ShowAgain(502, {"": UNKNOWN})
