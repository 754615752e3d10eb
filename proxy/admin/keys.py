"""What the handlers of the admin application share, each by its key."""

from dataclasses import dataclass
from pathlib import Path

import jinja2
from aiohttp import web

from proxy.admin.events import Events
from proxy.admin.looking import Looking
from proxy.admin.people import People
from proxy.admin.seen import Seen
from proxy.admin.told import Told


@dataclass(frozen=True, slots=True)
class Room:
    """One admin application's own. `names`: what its Host may be called."""

    home: Path
    names: frozenset[str]
    told: Told
    people: People
    looking: Looking
    seen: Seen
    events: Events
    templates: jinja2.Environment


ROOM: web.AppKey[Room] = web.AppKey("room", Room)


def room(request: web.Request) -> Room:
    """The room that a request came into."""
    return request.app[ROOM]
