"""What the pages may change: how far a slice is held, and the bypass. Pure: a status and an order -> what to tell.

Nothing reached over HTTP edits routes.yaml. So a slice goes down by a hold, and up only as far as the file's stage, by
raising or clearing one; for the rest there is `fig promote`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from notation.problems import Refused, one_of
from proxy.holds import Change
from proxy.stages import LEGACY, SHADOW, Stage, effective, parse

# Characters of a reason, which stands in data/holds.json, in the log and on the pages.
WHY_LIMIT = 500
Way = Literal["rollback", "promote", "resume"]


class No(Exception):
    """It is not done, and why; `is_unknown`: there is no such slice."""

    def __init__(self, why: str, *, is_unknown: bool = False) -> None:
        super().__init__(why)
        self.is_unknown = is_unknown


@dataclass(frozen=True, slots=True)
class Move:
    """Where a slice can be moved by a hold. `to` None: as the file says, without a hold."""

    way: Way
    to: Stage | None
    stage: Stage  # what it comes to


@dataclass(frozen=True, slots=True)
class Order:
    """What to tell the supervisor, and what is recorded once it is done."""

    message: dict[str, object]
    change: Change


Told = Mapping[str, Any]  # what the supervisor says: see proxy/report.py


def slice_of(status: Told, name: str) -> Told:
    """One slice as it stands. Raises No."""
    for each in status["slices"]:
        if each["name"] == name:
            return dict(each)
    hint = one_of("declared slices", name, [each["name"] for each in status["slices"]])
    raise No(f"there is no slice '{name}' in {status['config']}; {hint}", is_unknown=True)


def stage_of(row: Told) -> Stage:
    """The lower of the file's stage and the hold's, which the bypass does not change."""
    return effective(parse(row["file_stage"]), parse(row["hold"]["stage"]) if row["hold"] else None)


def moves(row: Told) -> Sequence[Move]:
    """Where a slice can be moved from here, the lowest stage first."""
    now, file, hold = stage_of(row), parse(row["file_stage"]), row["hold"]
    below_file = {LEGACY, SHADOW, *map(parse, row["ladder"])}
    stages = sorted(stage for stage in below_file if stage < file)
    held = parse(hold["stage"]) if hold else None
    found = [
        Move("rollback" if stage < now else "promote", stage, stage) for stage in stages if stage not in (now, held)
    ]
    return [*found, Move("resume", None, file)] if hold else found


def move_to(row: Told, to: str | None) -> Move:
    """The move to a stage, or with None to what the file says. Raises No, Refused."""
    wanted = parse(to) if to is not None else None
    for move in moves(row):
        if move.to == wanted:
            return move
    name, file, now = row["name"], row["file_stage"], stage_of(row)
    if wanted is None:
        raise No(f"slice '{name}' is not held; it is at {file}, as the file says")
    if parse(file) <= wanted and not (row["hold"] and wanted == parse(file)):
        raise No(
            f"slice '{name}' can be held below {file}, where the file has it, and not at {wanted};"
            f" to go up there: fig promote {name} --to '{wanted}'"
        )
    raise No(f"slice '{name}' is at {now} already" if wanted == now else f"slice '{name}' has no rung {wanted}")


def order_of(row: Told, move: Move, who: str, when: str, why: str) -> Order:
    """A move of a slice, for a reason."""
    name = row["name"]
    change = Change(name, str(stage_of(row)), str(move.stage), move.way, who, when, reason(why))
    if move.to is None:
        return Order({"do": "resume", "slice": name, "who": who}, change)
    return Order({"do": "hold", "slice": name, "stage": str(move.to), "who": who, "why": change.why}, change)


def bypass_order(status: Told, who: str, when: str, why: str, *, on: bool) -> Order:
    """Everything to legacy, or back to the stages. Raises No, Refused."""
    if on is bool(status["bypass"]):
        raise No(f"the bypass is {'on' if on else 'off'} already")
    change = Change("*", *(("stages", "bypass") if on else ("bypass", "stages")), "bypass", who, when, reason(why))
    return Order({"do": "bypass", "on": on, "who": who, "why": change.why}, change)


def reason(why: str) -> str:
    """What a person wrote, in one line. Raises Refused where it is nothing."""
    line = " ".join(why.split())
    if not line:
        raise Refused("a change needs a reason", "write why: it stands in the history")
    if len(line) > WHY_LIMIT:
        raise Refused(f"the reason has {len(line)} characters", f"write at most {WHY_LIMIT}")
    return line
