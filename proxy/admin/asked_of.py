"""A question to the table, as the running proxy serves by it now."""

from typing import Any

from aiohttp import web

from proxy.admin.keys import room


async def lookup(request: web.Request, status: dict[str, Any], question: dict[str, object]) -> dict[str, Any]:
    """What `lookup.py` answers about the file that the proxy serves by."""
    return await room(request).looking.ask(status["config"], {**question, "held": held_of(status)})


def held_of(status: dict[str, Any]) -> dict[str, object]:
    """What is held above the file."""
    stages = {row["name"]: row["hold"]["stage"] for row in status["slices"] if row["hold"]}
    return {"bypass": bool(status["bypass"]), "stages": stages}
