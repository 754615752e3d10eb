"""What a model expects at a path of a document, read from its type annotations."""

import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Words:
    """Marks text that takes fixed words, so that a plain `off` cannot be misread: `Annotated[str, Words()]`."""


def fields_of(annotation: object) -> dict[str, tuple[str, FieldInfo]]:
    """YAML key -> (attribute, field) of a model, for the annotation of one; empty for anything else."""
    inner = bare(annotation)
    if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
        return {}
    return {info.alias or name: (name, info) for name, info in inner.model_fields.items()}


def at_path(annotation: object, path: Path) -> tuple[object, tuple[object, ...]]:
    """The annotation that describes the value at `path`, and its metadata; `(None, ())` where nothing does."""
    metadata: tuple[object, ...] = ()
    for step in path:
        annotation, metadata = _step(annotation, step)
    inner, more = _peeled(annotation)
    return inner, (*metadata, *more)


def is_free_text(annotation: object, metadata: tuple[object, ...]) -> bool:
    """Whether a person's own words stand here (or, in short, in a list of one)."""
    annotation, more = _peeled(annotation)
    while element := element_of(annotation):
        annotation, more = _peeled(element[0])
    return annotation is str and not any(isinstance(mark, Words) for mark in (*metadata, *more))


def is_mapping(annotation: object) -> bool:
    return _origin(annotation) in (dict, Mapping)


def _step(annotation: object, step: str | int) -> tuple[object, tuple[object, ...]]:
    if step == "[key]":
        return None, ()
    inner = bare(annotation)
    if element := element_of(inner):  # a list; or the one thing it may be shortened to
        return (element[0], ()) if isinstance(step, int) else _step(element[0], step)
    if is_mapping(inner):
        return get_args(inner)[1], ()
    if field := fields_of(inner).get(str(step)):
        return field[1].annotation, tuple(field[1].metadata)
    return None, ()


def bare(annotation: Any) -> Any:
    """Without `Annotated` and `| None`."""
    return _peeled(annotation)[0]


def _peeled(annotation: Any) -> tuple[Any, tuple[object, ...]]:
    """The bare annotation, and the metadata that stood there."""
    if get_origin(annotation) is Annotated:
        inner, more = _peeled(get_args(annotation)[0])
        return inner, (*annotation.__metadata__, *more)
    if get_origin(annotation) in (Union, types.UnionType):
        options = [option for option in get_args(annotation) if option is not type(None)]
        if len(options) == 1:
            return _peeled(options[0])
    return annotation, ()


def element_of(annotation: object) -> tuple[object] | None:
    """What a list is made of, in a tuple of its own; None for what is no list."""
    return (get_args(annotation)[0],) if _origin(annotation) in (tuple, list, Sequence) else None


def _origin(annotation: object) -> object:
    return get_origin(bare(annotation))
