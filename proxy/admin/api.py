"""The JSON API: the same as the pages show and do, for programs. One list makes its addresses and its file.

A change is told by a token (`Authorization: Bearer`), never by a browser's cookie, so no page elsewhere can make one.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from notation.problems import Refused
from proxy.admin import api_model as model
from proxy.admin import changes, history
from proxy.admin.asked_of import lookup
from proxy.admin.changes import NotDone
from proxy.admin.keys import room
from proxy.admin.openapi import PREFIX, Operation, describe
from proxy.admin.orders import No, Order, slice_of
from proxy.admin.people import WHO
from proxy.admin.saying import failed
from proxy.admin.seen import SPANS, NotSeen, ignore_line
from proxy.compare.values import Reply
from proxy.findings import Pair

Said = dict[str, Any]
A = TypeVar("A", bound=BaseModel)
_NUMBER = re.compile(r"-?[0-9]{1,9}\Z", re.ASCII)
Handler = Callable[[web.Request], Awaitable[Said]]


class NotUnderstood(Exception):
    """The request is not what the operation takes; `problems` say where."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


async def _status(request: web.Request) -> Said:
    return await changes.standing(request)


async def _slice(request: web.Request) -> Said:
    return dict(slice_of(await changes.standing(request), request.match_info["name"]))


async def _changes(request: web.Request) -> Said:
    name = request.match_info.get("name")
    if name is not None:
        slice_of(await changes.standing(request), name)
    found = await asyncio.to_thread(history.read, room(request).home, name)
    return {"changes": [asdict(change) for change in found]}


async def _routes(request: web.Request) -> Said:
    asked = _query(request, model.RoutesAsked)
    question: dict[str, object] = {"ask": "routes", "search": asked.search, "slice": asked.slice, "page": asked.page}
    return await _looked_up(request, question)


async def _explain(request: web.Request) -> Said:
    asked = _query(request, model.ExplainAsked)
    question: dict[str, object] = {"ask": "explain", "method": asked.method, "url": asked.url, "headers": asked.header}
    return await _looked_up(request, question)


async def _looked_up(request: web.Request, question: dict[str, object]) -> Said:
    answer = await lookup(request, await changes.standing(request), question)
    if not answer["ok"]:
        raise NotDone(answer["problems"])
    return answer


async def _hold(request: web.Request) -> Said:
    order = await _body(request, model.HoldOrder)
    return _done(await changes.move(request, _who(request), request.match_info["name"], order.stage, order.why))


async def _resume(request: web.Request) -> Said:
    order = await _body(request, model.ResumeOrder)
    return _done(await changes.move(request, _who(request), request.match_info["name"], None, order.why))


async def _bypass(request: web.Request) -> Said:
    order = await _body(request, model.BypassOrder)
    return _done(await changes.bypass(request, _who(request), order.why, on=order.on))


async def _hits(request: web.Request) -> Said:
    asked = _query(request, model.HitsAsked)
    moments = await room(request).seen.over_time(SPANS[asked.span], asked.slice)
    return {"moments": [asdict(moment) for moment in moments]}


async def _differences(request: web.Request) -> Said:
    name = slice_of(await changes.standing(request), request.match_info["name"])["name"]
    try:
        found = await room(request).seen.differences(name)
    except NotSeen as error:
        raise NotDone([str(error)]) from None
    return {"differences": [{**asdict(each), "ignore": ignore_line(each.path)} for each in found]}


async def _pairs(request: web.Request) -> Said:
    name = slice_of(await changes.standing(request), request.match_info["name"])["name"]
    return {"pairs": [_pair(each) for each in room(request).seen.findings.pairs(name)]}


async def _answers(request: web.Request) -> Said:
    name, number = request.match_info["name"], request.match_info["number"]
    pair = room(request).seen.findings.pair(int(number)) if _NUMBER.match(number) else None
    if pair is None or pair.slice != name:
        raise No(f"answers {number} of slice '{name}' are not kept", is_unknown=True)
    return {**_pair(pair), "control": _reply(pair.control), "candidate": _reply(pair.candidate)}


def _pair(pair: Pair) -> Said:
    places = [{name: getattr(each, name) for name in model.Place.model_fields} for each in pair.differences]
    return {
        "number": pair.number, "at": pair.at, "pattern": pair.pattern, "example": pair.example, "differences": places,
    }  # fmt: skip


def _reply(reply: Reply) -> Said:
    fields = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in reply.fields]
    return {"status": reply.status, "fields": fields, "body": reply.body.decode("utf-8", "replace")}


OPERATIONS: Sequence[tuple[Operation, Handler]] = (
    (Operation("get", "/status", "How the whole proxy stands.", model.Status), _status),
    (Operation("get", "/slices", "Every slice as it stands.", model.Slices), _status),
    (Operation("get", "/slices/{name}", "One slice as it stands.", model.Slice, failures=(404,)), _slice),
    (
        Operation(
            "get", "/slices/{name}/changes", "Who moved it, when and why.", model.Changes, failures=(404,)
        ),
        _changes,
    ),
    (
        Operation(
            "post", "/slices/{name}/hold", "Roll it back, or raise its hold.", model.Done, None, model.HoldOrder,
            (404, 409, 413),
        ),
        _hold,
    ),
    (
        Operation(
            "post", "/slices/{name}/resume", "Clear its hold.", model.Done, None, model.ResumeOrder, (404, 409, 413)
        ),
        _resume,
    ),
    (
        Operation("get", "/slices/{name}/differences", "How its answers differ.", model.Differences, failures=(404,)),
        _differences,
    ),
    (
        Operation("get", "/slices/{name}/answers", "Pairs of answers that differ.", model.Pairs, failures=(404,)),
        _pairs,
    ),
    (
        Operation("get", "/slices/{name}/answers/{number}", "Both answers.", model.Answers, failures=(404,)),
        _answers,
    ),
    (Operation("get", "/hits", "Hits by side over time.", model.OverTime, model.HitsAsked), _hits),
    (Operation("get", "/changes", "Who moved what, when and why.", model.Changes), _changes),
    (
        Operation(
            "post", "/bypass", "Everything to legacy, or back.", model.Done, None, model.BypassOrder, (409, 413)
        ),
        _bypass,
    ),
    (Operation("get", "/routes", "The table in match order.", model.Routes, model.RoutesAsked), _routes),
    (
        Operation(
            "get", "/explain", "Which route a request would hit, and why.", model.Explanation, model.ExplainAsked,
        ),
        _explain,
    ),
)  # fmt: skip


def routes() -> list[web.RouteDef]:
    """The addresses of the API."""
    make = {"get": web.get, "post": web.post}
    found = [make[one.method](PREFIX + one.path, _answering(one, handler)) for one, handler in OPERATIONS]
    return [*found, web.get(f"{PREFIX}/openapi.json", _openapi)]


def description() -> dict[str, Any]:
    """The OpenAPI file."""
    return describe([one for one, _ in OPERATIONS], version("stranglerfig"))


def _answering(operation: Operation, handler: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            said = await handler(request)
        except NotUnderstood as error:
            return await failed(request, 400, error.problems)
        except Refused as refused:
            return await failed(request, 409, f"{refused.what}; {refused.hint}")
        except No as no:
            return await failed(request, 404 if no.is_unknown else 409, str(no))
        except NotDone as error:
            return await failed(request, 503, error.problems)
        text = operation.says.model_validate(said).model_dump_json(by_alias=True)
        return web.Response(text=text, content_type="application/json")

    return answer


async def _openapi(_: web.Request) -> web.StreamResponse:
    return web.json_response(description())


def _who(request: web.Request) -> str:
    return request[WHO].name


def _done(order: Order) -> Said:
    return {"ok": True, "change": asdict(order.change)}


def _query(request: web.Request, kind: type[A]) -> A:
    values: dict[str, object] = {}
    for name in request.query:
        given = request.query.getall(name)
        field = kind.model_fields.get(name)
        if field is not None and field.default_factory is not None:  # a list
            values[name] = given
        elif len(given) > 1:
            raise NotUnderstood([f"{name} is given {len(given)} times"])
        elif field is not None and field.annotation is int and _NUMBER.match(given[0]):
            values[name] = int(given[0])
        else:
            values[name] = given[0]
    return _validated(kind.model_validate, values)


async def _body(request: web.Request, kind: type[A]) -> A:
    if request.content_type != "application/json":
        raise NotUnderstood(["the body is to be JSON: Content-Type: application/json"])
    return _validated(kind.model_validate_json, await request.read())


def _validated(validate: Callable[..., A], given: object) -> A:
    try:
        return validate(given, strict=True)
    except ValidationError as error:
        places = [(".".join(map(str, each["loc"])), _said(each)) for each in error.errors(include_input=False)]
        raise NotUnderstood([f"{place}: {said}" if place else said for place, said in places]) from error


def _said(error: ErrorDetails) -> str:
    """What to write instead, where it is known what was meant to be written."""
    named = str(error["loc"][0]) if error["loc"] else ""
    is_known = error["type"] in ("missing", "string_pattern_mismatch")
    return model.WANTED.get(named, error["msg"]) if is_known else error["msg"]
