"""What people do here: sign in and out, move a slice by a hold, turn the bypass on and off. Each change is confirmed.

A form is answered with the page to go to, so that reloading it does nothing again.
"""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from aiohttp import web

from notation.problems import Refused
from proxy.admin import changes, sessions
from proxy.admin.changes import NotDone
from proxy.admin.guard import is_local
from proxy.admin.keys import room
from proxy.admin.orders import WHY_LIMIT, Move, No, move_to, slice_of, stage_of
from proxy.admin.people import WHO, Who, Wrong, peer
from proxy.admin.saying import failed, page

# A path of ours and nothing that a browser takes for another server: no `//`, no backslash.
_OURS = re.compile(r"/(?![/\\])[\w/?=&%.+~-]*\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Question:
    """A page that asks whether to do it, and why."""

    title: str
    says: str
    button: str
    action: str
    back: str
    fields: dict[str, str]
    warns: bool


async def sign_in(request: web.Request) -> web.StreamResponse:
    """The page that asks for a token."""
    return _sign_in(request, request.query.get("next", "/"))


async def signed_in(request: web.Request) -> web.StreamResponse:
    """A token, and the cookie for it."""
    form = await request.post()
    following = str(form.get("next", "/"))
    who = await room(request).people.sign_in(str(form.get("token", "")).strip(), peer(request))
    if isinstance(who, Wrong):
        if who.wait:
            return _sign_in(request, following, f"Too many wrong tokens; try again in {int(who.wait) + 1} seconds", 429)
        return _sign_in(request, following, "Nobody has this token: copy it whole, from fig_ on", 403)
    response = web.Response(status=303, headers={"Location": _ours(following)})
    response.set_cookie(
        sessions.COOKIE, who.session, max_age=sessions.LASTS, path="/", secure=True, httponly=True, samesite="Strict"
    )
    return response


async def sign_out(request: web.Request) -> web.StreamResponse:
    """The cookie is taken back."""
    who = await _sent_by(request)
    if who is None:
        return await failed(request, 403, "The form was not sent from a page of yours; go back and try again")
    room(request).people.sign_out(who)
    response = web.Response(status=303, headers={"Location": "/"})
    response.del_cookie(sessions.COOKIE, path="/", secure=True, httponly=True, samesite="Strict")
    return response


async def ask_move(request: web.Request) -> web.StreamResponse:
    """Whether to move a slice there."""
    if request.get(WHO) is None:
        return _to_sign_in(request)
    return await _ask(request, await _move(request, request.query.get("to", "") or None))


async def move(request: web.Request) -> web.StreamResponse:
    """Move it."""
    who, form = await _sent_by(request), await request.post()
    if who is None:
        return await failed(request, 403, "The form was not sent from a page of yours; go back and try again")
    name, to, why = request.match_info["name"], str(form.get("to", "")) or None, str(form.get("why", ""))
    try:
        await changes.move(request, who.name, name, to, why)
    except Refused as refused:
        return await _ask(request, await _move(request, to), why, f"{refused.what}: {refused.hint}")
    except (No, NotDone) as error:
        return await _not_done(request, error)
    return web.Response(status=303, headers={"Location": f"/slices/{quote(name, safe='')}?done#history"})


async def ask_bypass(request: web.Request) -> web.StreamResponse:
    """Whether to turn the bypass on, or off."""
    if request.get(WHO) is None:
        return _to_sign_in(request)
    return await _ask(request, await _bypass(request))


async def bypass(request: web.Request) -> web.StreamResponse:
    """Turn it on, or off."""
    who, form = await _sent_by(request), await request.post()
    if who is None:
        return await failed(request, 403, "The form was not sent from a page of yours; go back and try again")
    why = str(form.get("why", ""))
    try:
        await changes.bypass(request, who.name, why, on=form.get("on") == "on")
    except Refused as refused:
        return await _ask(request, await _bypass(request), why, f"{refused.what}: {refused.hint}")
    except (No, NotDone) as error:
        return await _not_done(request, error)
    return web.Response(status=303, headers={"Location": "/"})


async def _sent_by(request: web.Request) -> Who | None:
    """Who sent a form from a page of theirs."""
    who = request.get(WHO)
    if who is None or not who.session:
        return None
    form = await request.post()
    token = form.get("form")
    admin = (await room(request).people.admins()).get(who.name)
    return who if admin and isinstance(token, str) and sessions.is_form_token(token, who.session, admin) else None


async def _move(request: web.Request, to: str | None) -> Question | No | NotDone:
    try:
        status: dict[str, Any] = await changes.standing(request)
        row = slice_of(status, request.match_info["name"])
        found = move_to(row, to)
    except Refused as refused:
        return No(f"{refused.what}; {refused.hint}")
    except (No, NotDone) as error:
        return error
    return _of_move(status["config"], row["name"], str(stage_of(row)), found)


def _of_move(config: str, name: str, now: str, found: Move) -> Question:
    held = f"held at {found.stage}, until the hold is raised or cleared"
    title, says, button = {
        "rollback": (f"Roll {name} back to {found.stage}?", f"It is at {now}. It will be {held}.", "Roll back"),
        "promote": (
            f"Raise the hold of {name} to {found.stage}?",
            f"It is at {now}. It will be {held}.",
            "Raise the hold",
        ),
        "resume": (f"Let {name} go to {found.stage}?", f"It is at {now}. Its hold will be cleared.", "Clear the hold"),
    }[found.way]
    quoted = quote(name, safe="")
    return Question(
        title,
        f"{says} Every worker serves by it at once; {config} is not changed.",
        button,
        f"/slices/{quoted}/move",
        f"/slices/{quoted}#move",
        {"to": str(found.to or "")},
        found.way == "rollback",
    )


async def _bypass(request: web.Request) -> Question | NotDone:
    try:
        status = await changes.standing(request)
    except NotDone as error:
        return error
    if status["bypass"]:
        says = "Every slice will be at its stage again, and redirects and gone paths are answered."
        return Question("Turn the bypass off?", says, "Turn the bypass off", "/bypass", "/", {"on": "off"}, False)
    says = "Every request will go to legacy at once, redirects and gone paths too, until it is turned off."
    return Question("Turn the bypass on?", says, "Turn the bypass on", "/bypass", "/", {"on": "on"}, True)


async def _ask(
    request: web.Request, question: Question | No | NotDone, why: str = "", problem: str = ""
) -> web.StreamResponse:
    if not isinstance(question, Question):
        return await _not_done(request, question)
    values = {name: getattr(question, name) for name in Question.__slots__}
    problems = [problem] if problem else []
    status = 400 if problem else 200
    return page(request, "move.html", status, **values, why=why, problems=problems, limit=WHY_LIMIT)


async def _not_done(request: web.Request, error: No | NotDone) -> web.StreamResponse:
    if isinstance(error, NotDone):
        return await failed(request, 503, error.problems)
    return await failed(request, 404 if error.is_unknown else 409, str(error))


def _to_sign_in(request: web.Request) -> web.StreamResponse:
    return web.Response(status=303, headers={"Location": "/sign-in?" + urlencode({"next": request.path_qs})})


def _sign_in(request: web.Request, following: str, problem: str = "", status: int = 200) -> web.Response:
    host = request.headers.get("Host", "")
    keeps = is_local(request) or request.headers.get("X-Forwarded-Proto", "").lower() == "https"
    port = host.rpartition(":")[2] if host.rpartition(":")[2].isdigit() else ""
    return page(
        request, "sign_in.html", status, next=_ours(following), problem=problem, keeps=keeps, port=port,
    )  # fmt: skip


def _ours(path: str) -> str:
    return path if _OURS.match(path) else "/"
