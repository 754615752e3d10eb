"""The JSON Schema of a YAML file, from the definitions that read it: for editors, which then complete and check."""

from collections.abc import Mapping
from typing import Any, get_args

from notation.annotations import bare, element_of, fields_of, is_mapping
from notation.shape import Later, Spec

DIALECT = "https://json-schema.org/draft/2020-12/schema"
# `${NAME}` stands for an environment variable in any text, also where a pattern would not have it.
OR_REFERENCE = r"|\$\{"


def json_schema(model: type[Spec], title: str) -> dict[str, Any]:
    """A schema for what a person writes: durations and sizes as text, defaults in the same form."""
    schema = model.model_json_schema(by_alias=True, mode="validation")
    defined: dict[str, Any] = schema.get("$defs", {})
    specs = {spec.__name__: spec for spec in _specs(model)}
    for name, part in ((model.__name__, schema), *defined.items()):
        part.pop("title", None)
        if name in specs:
            _properties(specs[name], part)
    _loosen(schema)
    return {"$schema": DIALECT, "title": title, **schema}


def _specs(annotation: object) -> set[type[Spec]]:
    """Every model below this one, itself among them."""
    inner = bare(annotation)
    if is_mapping(inner):
        return _specs(get_args(inner)[1])
    if element := element_of(inner):
        return _specs(element[0])
    if isinstance(inner, type) and issubclass(inner, Spec):
        return {inner}.union(*(_specs(info.annotation) for _, info in fields_of(inner).values()))
    return set()


def _properties(spec: type[Spec], part: dict[str, Any]) -> None:
    """Titles removed, which only repeat the key; defaults as they are written; what is not acted on yet says so."""
    defaults = spec.model_construct().model_dump(mode="json", by_alias=True, warnings=False)
    for key, (_, info) in fields_of(spec).items():
        shown = part["properties"][key] = _without_nothing(part["properties"][key])
        shown.pop("title", None)
        shown.pop("default", None)
        default = defaults.get(key)
        if not info.is_required() and default not in (None, {}, []) and not isinstance(default, Mapping):
            shown["default"] = default
        if any(isinstance(mark, Later) for mark in info.metadata):
            shown["description"] = f"{shown.get('description', '')} (Not wholly acted on yet.)".strip()


def _without_nothing(shown: dict[str, Any]) -> dict[str, Any]:
    """A key that may be left out may not be written without a value."""
    options = [option for option in shown.get("anyOf", ()) if option != {"type": "null"}]
    if len(options) == 1:
        return {**options[0], **{key: value for key, value in shown.items() if key != "anyOf"}}
    return {**shown, "anyOf": options} if options else shown


def _loosen(part: Any) -> None:
    """Let a reference to the environment stand where a pattern would forbid it."""
    if isinstance(part, dict):
        if isinstance(part.get("pattern"), str):
            part["pattern"] = f"{part['pattern']}{OR_REFERENCE}"
        for inner in part.values():
            _loosen(inner)
    elif isinstance(part, list):
        for inner in part:
            _loosen(inner)
