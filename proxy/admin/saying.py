"""How the admin says something: a page of ours, or JSON where a program asked."""

from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from proxy.admin.keys import room
from proxy.admin.people import WHO

_TITLES = {
    401: "You need a token",
    403: "This was not done",
    404: "There is no such page",
    405: "This page does not take that",
    409: "This was not done",
    413: "That is too long",
    429: "Too many attempts",
    503: "This cannot be shown now",
}


def page(request: web.Request, template: str, /, code: int = 200, **values: Any) -> web.Response:
    """A page, made from a template. It knows who is signed in, and where it is."""
    who = request.get(WHO)
    made = room(request).templates.get_template(template)
    text = made.render(who=who, here=request.path_qs, path=request.path, **values)
    return web.Response(text=text, content_type="text/html", status=code)


async def failed(
    request: web.Request, status: int, said: str | Sequence[str], headers: Mapping[str, str] | None = None
) -> web.Response:
    """It was not done, and why."""
    problems = [said] if isinstance(said, str) else list(said)
    if request.path.startswith("/api/") or request.path == "/status.json":
        response = web.json_response({"ok": False, "problems": problems}, status=status)
    else:
        title = _TITLES.get(status, "This did not work")
        response = page(request, "problem.html", status, title=title, problems=problems)
    for name, value in (headers or {}).items():
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    return response
