"""The reference of a YAML file, written from its model: every key, how it is written, its default and its reason."""

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from notation.annotations import bare, element_of, fields_of, is_mapping
from notation.shape import Later, Spec

Schema = Mapping[str, Any]


def reference(model: type[Spec], title: str, introduction: str) -> str:
    """Markdown: one table for each mapping of the file, in its order. A dagger marks what is not acted on yet."""
    lines = [f"# {title}", "", introduction.strip(), ""]
    for heading, spec in _mappings(model, ""):
        lines += [f"## {heading or 'The whole file'}", ""]
        lines += ["| key | written | default | what it means |", "|---|---|---|---|"]
        schema = spec.model_json_schema()
        defaults = spec.model_construct().model_dump(mode="json", warnings=False)
        for key, (name, info) in fields_of(spec).items():
            shown = schema["properties"][key]
            default = "required" if info.is_required() else _default(defaults[name])
            later = [mark for mark in info.metadata if isinstance(mark, Later)]
            dagger = " †" + ",".join(mark.note for mark in later) if later else ""
            cells = (f"`{key}`{dagger}", _written(shown, schema.get("$defs", {})), default, info.description or "")
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        lines.append("")
    return "\n".join(lines)


def _mappings(annotation: object, path: str) -> Iterator[tuple[str, type[Spec]]]:
    inner = bare(annotation)
    if is_mapping(inner):
        yield from _mappings(get_args(inner)[1], f"{path}.NAME")
    elif element := element_of(inner):
        yield from _mappings(element[0], f"{path}[]")
    elif isinstance(inner, type) and issubclass(inner, Spec):
        yield path, inner
        for key, (_, info) in fields_of(inner).items():
            yield from _mappings(info.annotation, f"{path}.{key}".lstrip("."))


def _default(value: object) -> str:
    match value:
        case None:
            return "none"
        case dict():
            return "see there" if value else "none"
        case []:
            return "none"
        case bool():
            return f"`{str(value).lower()}`"
        case list():
            return f"`[{', '.join(map(str, value))}]`"
        case _:
            return f"`{value}`"


def _written(shown: Schema, definitions: Schema) -> str:
    options = [option for option in shown.get("anyOf", [shown]) if option.get("type") != "null"]
    return " or ".join(dict.fromkeys(_form(option, definitions) for option in options))


def _form(option: Schema, definitions: Schema) -> str:
    if "enum" in option:
        return " or ".join(f"`{word}`" for word in option["enum"])
    if "const" in option:
        return f"`{option['const']}`"
    if "examples" in option:
        return f"as `{option['examples'][0]}`"
    if "$ref" in option or "additionalProperties" in option:
        return "a mapping"
    if option.get("type") == "array":
        return f"a list: {_written(option['items'], definitions)}"
    kinds = {"string": "text", "integer": "a whole number", "boolean": "`true` or `false`", "number": "a number"}
    return kinds[option["type"]]
