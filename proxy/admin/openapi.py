"""The API's own description (OpenAPI 3.1), generated from the operations and their models. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from proxy.admin.api_model import Problems

PREFIX = "/api/v1"
_REF = "#/components/schemas/{model}"
_INTRODUCTION = (
    "What the admin pages show and do. Reading needs no token from the machine itself and one from elsewhere; a change"
    " always needs one: `fig admin add NAME`. Nothing here ever edits routes.yaml: a slice goes down by a hold, and up"
    " only as far as the file's stage."
)
_FAILURES: Mapping[int, str] = {
    400: "It is not understood.",
    401: "It needs a token.",
    404: "There is no such slice.",
    409: "The answer is no, and why.",
    413: "It is too long.",
    429: "Too many wrong tokens from this address.",
    503: "The supervisor does not answer, or did not do it.",
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing the API does. `path`: after PREFIX; `query` and `body`: what it takes; `says`: a model, or None."""

    method: str
    path: str
    summary: str
    says: type[BaseModel]
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    failures: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """`get_slices_name_changes`: for programs that are generated."""
        parts = self.path.replace("{", "").replace("}", "").split("/")
        return "_".join((self.method, *filter(None, parts))).replace(".", "_").replace("-", "_")


def describe(operations: Sequence[Operation], version: str) -> dict[str, Any]:
    """The whole file, as plain values."""
    wanted: list[tuple[type[BaseModel], Literal["validation", "serialization"]]] = [(Problems, "serialization")]
    for one in operations:
        wanted.append((one.says, "serialization"))
        wanted += [(each, "validation") for each in (one.query, one.body) if each]
    _, schemas = models_json_schema(list(dict.fromkeys(wanted)), ref_template=_REF)
    paths: dict[str, dict[str, Any]] = {}
    for one in operations:
        paths.setdefault(PREFIX + one.path, {})[one.method] = _operation(one, schemas["$defs"])
    for query in {one.query.__name__ for one in operations if one.query}:
        del schemas["$defs"][query]
    return {
        "openapi": "3.1.0",
        "info": {"title": "stranglerfig admin", "version": version, "description": _INTRODUCTION},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas["$defs"].items())),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(one: Operation, schemas: Mapping[str, Any]) -> dict[str, Any]:
    failures = sorted({401, 429, 503, *one.failures, *((400,) if one.query or one.body else ())})
    found: dict[str, Any] = {
        "operationId": one.name,
        "summary": one.summary,
        "security": [{"token": []}] if one.body else [{}, {"token": []}],
        "responses": {
            "200": _answer("Done." if one.body else "So it is.", one.says.__name__),
            **{str(status): _answer(_FAILURES[status], "Problems") for status in failures},
        },
    }
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in (part[1:-1] for part in one.path.split("/") if part.startswith("{"))
    ]
    if one.query:
        schema = schemas[one.query.__name__]
        for name, each in schema["properties"].items():
            said = {key: value for key, value in each.items() if key not in ("title", "description")}
            parameter = {"name": name, "in": "query", "required": name in schema.get("required", ()), "schema": said}
            parameters.append({**parameter, "description": each.get("description", "")})
    if parameters:
        found["parameters"] = parameters
    if one.body:
        reference = {"$ref": _REF.format(model=one.body.__name__)}
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": reference}}}
    return found


def _answer(said: str, model: str) -> dict[str, Any]:
    reference = {"$ref": _REF.format(model=model)}
    return {"description": said, "content": {"application/json": {"schema": reference}}}
