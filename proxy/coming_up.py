"""The first workers: waited for until every one serves."""

import asyncio

from proxy.crew import Crew
from proxy.predecessor import Predecessor


async def come_up(crew: Crew, stopping: asyncio.Event, predecessor: Predecessor | None) -> str:
    """Wait until every worker serves, or somebody stops us; why they do not, if they do not."""
    serving = asyncio.create_task(crew.all_at(crew.current.generation.number))
    stopped = asyncio.create_task(stopping.wait())
    withdrawn = {predecessor.watch()} if predecessor else set()
    why = ""
    while not serving.done() and not stopped.done() and not why:
        await asyncio.wait((serving, stopped, *withdrawn), timeout=0.1, return_when=asyncio.FIRST_COMPLETED)
        if crew.deaths > 2 * len(crew.hands):
            why = "the workers die as soon as they start\n    what they said last stands above"
        elif any(each.done() for each in withdrawn):
            why = "the running proxy took its offer back"
    if serving.done() and serving.exception() is not None:
        why = str(serving.exception())
    for task in (serving, stopped):
        task.cancel()
    return why
