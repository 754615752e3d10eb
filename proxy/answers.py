"""What the supervisor answers on the control socket: one message of a command, or of the keeper, at a time."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from proxy import stages
from proxy.control import AGAIN, Message
from proxy.holds import Bypass, Hold
from proxy.naming import naming
from proxy.report import report

if TYPE_CHECKING:
    from proxy.supervisor import Supervisor


async def answer(supervisor: "Supervisor", message: Message) -> Message:
    """Do what the message asks for, and say how it went."""
    if supervisor.upgrade.heir:
        return AGAIN
    match message:
        case {"do": "status"}:
            return report(supervisor)
        case {"do": "naming"}:
            return naming(supervisor)
        case {"do": "reload"}:
            good = await supervisor.reload()
            return supervisor.done() if good else {"ok": False, "problems": list(supervisor.problems)}
        case {"do": "hold", "slice": str(name), "stage": str(stage), "who": str(who), "why": str(why)}:
            if name not in supervisor.loaded.spec.slices:
                return {"ok": False, "problems": [f"there is no slice '{name}' in {supervisor.config.name}"]}
            hold = Hold(stages.parse(stage), who, _now(), why)
            return await supervisor.change_holds(lambda kept: kept.with_hold(name, hold))
        case {"do": "resume", "slice": str(name)}:
            return await supervisor.change_holds(lambda kept: kept.with_hold(name, None))
        case {"do": "bypass", "on": True, "who": str(who), "why": str(why)}:
            return await supervisor.change_holds(lambda kept: replace(kept, bypass=Bypass(who, _now(), why)))
        case {"do": "bypass", "on": False}:
            return await supervisor.change_holds(lambda kept: replace(kept, bypass=None))
    return {"ok": False, "problems": [f"the proxy does not know what {message!r} means"]}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
