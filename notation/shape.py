"""From a marked document to a checked pydantic model, and from its errors to our own plain sentences."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Any, TypeVar, get_args
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, ValidationError

from notation.annotations import Words, at_path, fields_of, is_free_text, is_mapping
from notation.marked_yaml import Document, Path
from notation.problems import ConfigError, Problem, Refused, one_of
from notation.units import Count, Duration, Flag, Percent, Size

__all__ = [
    "Count",
    "Duration",
    "Flag",
    "Later",
    "Percent",
    "Refused",
    "Size",
    "Spec",
    "Words",
    "dotted",
    "not_acted_on",
    "read",
]


class Spec(BaseModel):
    """What a person wrote, checked: frozen, without a key we do not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=False)


M = TypeVar("M", bound=Spec)


@dataclass(frozen=True, slots=True)
class Later:
    """Marks a key that is understood but not acted on yet: `shadow: Annotated[ShadowSpec | None, Later()] = None`.

    `unless` says which values are acted on already; `note` what of the others is not, and `hint` what to do; with
    `when_set` the default is listed too, once somebody writes it.
    """

    unless: Callable[[Any], bool] | None = None
    note: str = ""
    hint: str = "remove it until it is"
    when_set: bool = False


def read(model: type[M], document: Document, environ: Mapping[str, str]) -> M:
    """The document as `model`. Raises ConfigError with every problem at once; `${NAME}` is taken from `environ`."""
    found: dict[Path, Problem] = {}
    value = document.value
    if "${" in document.text or "\\" in document.text:
        value = _substituted(value, (), document, environ, found)
    empty = {path: document.marks[path] for path in _without_value(document.value, ())}
    for path, mark in chain(document.marks.surprising(), empty.items()):
        annotation, metadata = at_path(model, path)
        if path in empty and _is_key_of_ours(model, path):
            what, hint = f"{dotted(path)} has no value", "write one, or remove the line"
            found.setdefault(path, Problem(document.where(path), what, hint))
        elif mark.surprising and is_free_text(annotation, metadata):
            found.setdefault(path, _unquoted(document, path, document.text[mark.start : mark.end]))
        if mark.surprising_key and is_mapping(at_path(model, path[:-1])[0]):
            found.setdefault(path, _unquoted(document, path, str(path[-1])))
    try:
        spec = model.model_validate(value)
    except ValidationError as exc:
        for error in exc.errors(include_url=False):
            if error["type"] == "too_short" and error["input"]:
                continue  # it counts only the good ones; the bad ones are said already
            path = document.nearest(error["loc"])
            key = error["loc"] if error["type"] in ("missing", "extra_forbidden") else path
            if key not in found:
                found[key] = _translated(model, error, document, value)
        raise ConfigError(found.values()) from exc
    if found:
        raise ConfigError(found.values())
    return spec


def _without_value(value: object, path: Path) -> Iterator[Path]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(inner, str):
                yield from _without_value(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            if not isinstance(inner, str):
                yield from _without_value(inner, (*path, index))
    elif value is None and path:
        yield path


def dotted(path: Path) -> str:
    """A path as a person says it: `slices.repairs.routes[2].path`; of the whole file: `the file`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.lstrip(".") or "the file"


def not_acted_on(spec: Spec, document: Document) -> tuple[Problem, ...]:
    """Every key that was set to other than its default and that nothing acts on yet, with its place."""
    return tuple(
        Problem(document.where(path), f"{dotted(document.nearest(path))}{mark.note} is not acted on yet", mark.hint)
        for path, mark in _set_later(spec, ())
    )


def _set_later(value: object, path: Path) -> Iterator[tuple[Path, Later]]:
    if isinstance(value, Spec):
        for key, (name, info) in fields_of(type(value)).items():
            if name not in value.model_fields_set:
                continue
            inner = getattr(value, name)
            marks = [mark for mark in info.metadata if isinstance(mark, Later)]
            changed = bool(marks) and inner != info.get_default(call_default_factory=True)
            for mark in marks:
                if (changed or mark.when_set) and not (mark.unless and mark.unless(inner)):
                    yield (*path, key), mark
            if not marks and any(map(_marks_any, _models_in(info.annotation))):
                yield from _set_later(inner, (*path, key))
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _set_later(inner, (*path, key))
    elif isinstance(value, tuple):
        for index, inner in enumerate(value):
            yield from _set_later(inner, (*path, index))


@cache
def _marks_any(model: type[Spec]) -> bool:
    """Whether a key of the model, or of one within it, is marked: ten thousand routes without need not be looked at."""
    fields = [info for _, info in fields_of(model).values()]
    marked = any(isinstance(mark, Later) for info in fields for mark in info.metadata)
    return marked or any(_marks_any(inner) for info in fields for inner in _models_in(info.annotation))


def _models_in(annotation: object) -> Iterator[type[Spec]]:
    if isinstance(annotation, type) and issubclass(annotation, Spec):
        yield annotation
    for inner in get_args(annotation):
        yield from _models_in(inner)


# --- ${ENVIRONMENT} ---------------------------------------------------------------------------------------------------

REFERENCE = re.compile(r"\$\{([^}]*)\}?")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
SIGNED_IN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://([^/?#@:]*:[^/?#@]*)@")  # `user:password` of a url as it is written


def _substituted(
    value: object, path: Path, document: Document, environ: Mapping[str, str], found: dict[Path, Problem]
) -> object:
    if isinstance(value, dict):
        return {key: _substituted(inner, (*path, key), document, environ, found) for key, inner in value.items()}
    if isinstance(value, list):
        return [_substituted(inner, (*path, i), document, environ, found) for i, inner in enumerate(value)]
    if not isinstance(value, str) or "${" not in value:
        return value

    def replaced(match: re.Match[str]) -> str:
        name = match[1]
        if not NAME.match(name) or not match[0].endswith("}"):
            what, hint = f"'{match[0]}' names no environment variable", "write ${NAME}: letters, digits and _"
        elif name not in environ:
            what, hint = f"the environment variable {name} is not set", one_of_like(name, environ)
        else:
            return _fitting(environ[name], value, match.start())
        found[path] = Problem(document.where(path), f"{dotted(path)}: {what}", hint)
        return match[0]

    return REFERENCE.sub(replaced, value)


def _fitting(meant: str, written: str, at: int) -> str:
    """As it is; but a user, a password or an option of a url percent-encoded, so that it may hold `/`, `@` or `#`."""
    user = SIGNED_IN.match(written)
    is_secret = user is not None and user.start(1) <= at < user.end(1)
    is_option = "://" in written and "?" in written[:at] and written[:at].endswith("=")
    return quote(meant, safe="") if is_secret or is_option else meant


def one_of_like(name: str, environ: Mapping[str, str]) -> str:
    """A hint that names what was probably meant, never the whole environment."""
    _, _, meant = one_of("", name, environ).partition(". ")
    return f"set it before you start{'. ' + meant if meant else ''}"


# --- pydantic's errors, in our words ----------------------------------------------------------------------------------

KINDS: Mapping[str, tuple[str, str]] = {  # pydantic's type: (what was wanted, how to write it)
    "string_type": ("text", ""),
    "int_type": ("a whole number", "write digits without quotes"),
    "int_parsing": ("a whole number", "write digits without quotes"),
    "int_from_float": ("a whole number", "write digits without quotes"),
    "float_type": ("a number", "write digits without quotes"),
    "float_parsing": ("a number", "write digits without quotes"),
    "bool_type": ("true or false", ""),
    "bool_parsing": ("true or false", ""),
    "tuple_type": ("a list", "write [one, another], or each on a line of its own after '- '"),
    "list_type": ("a list", "write [one, another], or each on a line of its own after '- '"),
    "dict_type": ("a mapping", "write its keys on lines of their own, or {key: value}"),
    "mapping_type": ("a mapping", "write its keys on lines of their own, or {key: value}"),
    "model_type": ("a mapping", "write its keys on lines of their own, or {key: value}"),
}
BOUNDS: Mapping[str, tuple[str, str]] = {
    "greater_than_equal": ("ge", "at least"),
    "greater_than": ("gt", "more than"),
    "less_than_equal": ("le", "at most"),
    "less_than": ("lt", "less than"),
}


def _translated(model: type[Spec], error: Any, document: Document, value: object) -> Problem:
    kind, loc = error["type"], error["loc"]
    path = document.nearest(loc)
    if kind == "missing":
        parent = document.nearest(loc[:-1])
        inside = f" in {dotted(parent)}" if parent else ""
        info = fields_of(at_path(model, loc[:-1])[0])[str(loc[-1])][1]
        return Problem(document.where(parent), f"the key '{loc[-1]}' is missing{inside}", info.description or "")
    if kind == "extra_forbidden":
        inside = f" in {dotted(path[:-1])}" if path[:-1] else ""
        known = fields_of(at_path(model, loc[:-1])[0])
        return Problem(
            document.where(path), f"unknown key '{loc[-1]}'{inside}", one_of("known keys", str(loc[-1]), known)
        )
    what, hint = _sentence(error, document, path)
    given, written = _at(value, path), document.at(path)
    if isinstance(given, str) and isinstance(written, str) and given != written:
        what, hint = what.replace(given, written), hint.replace(given, written)  # a secret is not repeated
    return Problem(document.where(path), f"{dotted(path)}: {what}", hint)


def _sentence(error: Any, document: Document, path: Path) -> tuple[str, str]:
    kind, given, context = error["type"], error["input"], error.get("ctx", {})
    if isinstance(refused := context.get("error"), Refused):
        return refused.what, refused.hint
    if kind in KINDS:
        wanted, hint = KINDS[kind]
        if kind == "string_type" and isinstance(given, (bool, int, float)):
            start, end = document.span(path)
            hint = f'write it in quotes: "{document.text[start:end]}"'
        return f"must be {wanted}, not {_said(given)}", hint
    if kind in BOUNDS:
        key, words = BOUNDS[kind]
        return f"must be {words} {context[key]}, not {_said(given)}", ""
    if kind == "literal_error":
        known = [a or b for a, b in re.findall(r"'([^']*)'|(\d+)", context["expected"])]
        return f"{_said(given)} is not a word known here", one_of("known words", str(given), known)
    if kind == "too_short":
        return "is empty", "write at least one"
    return str(error["msg"]), ""


def _said(value: object) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case int() | float():
            return f"the number {value}"
        case str():
            return f"'{value}'"
        case list() | tuple():
            return "a list"
        case _:
            return "a mapping"


def _unquoted(document: Document, path: Path, text: str) -> Problem:
    what = f"{dotted(path)}: {text} is read as text here, and as a truth value, number or date elsewhere"
    return Problem(document.where(path), what, f'write it in quotes: "{text}"')


def _is_key_of_ours(model: type[Spec], path: Path) -> bool:
    return str(path[-1]) in fields_of(at_path(model, path[:-1])[0])


def _at(value: Any, path: Path) -> object:
    for step in path:
        value = value[step]
    return value
