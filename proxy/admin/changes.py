"""A change that somebody ordered here: told to the supervisor, and recorded once every worker serves by it."""

import asyncio
from datetime import UTC, datetime

from aiohttp import web

from proxy import holds
from proxy.admin.keys import room
from proxy.admin.orders import No, Order, bypass_order, move_to, order_of, slice_of


class NotDone(Exception):
    """The supervisor did not do it; `problems` say why."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


async def move(request: web.Request, who: str, name: str, to: str | None, why: str) -> Order:
    """Hold a slice at a stage, or with None where the file has it. Raises No, Refused, NotDone."""
    row = slice_of(await standing(request), name)
    order = order_of(row, move_to(row, to), who, now(), why)
    await _carry_out(request, order)
    return order


async def bypass(request: web.Request, who: str, why: str, *, on: bool) -> Order:
    """Everything to legacy, or back. Raises No, Refused, NotDone."""
    order = bypass_order(await standing(request), who, now(), why, on=on)
    await _carry_out(request, order)
    return order


async def standing(request: web.Request) -> dict[str, object]:
    """How the proxy stands. Raises NotDone where nobody says."""
    status = await room(request).told.status()
    if not status["ok"]:
        raise NotDone(list(status["problems"]))
    return status


async def _carry_out(request: web.Request, order: Order) -> None:
    here = room(request)
    reply = await here.told.change(order.message)
    if not reply.get("ok"):
        raise NotDone([str(problem) for problem in reply.get("problems", ["the supervisor did not say why"])])
    await asyncio.to_thread(holds.note_change, here.home, order.change)
    await here.events.changed()


def now() -> str:
    """UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


__all__ = ["No", "NotDone", "bypass", "move", "now", "standing"]
