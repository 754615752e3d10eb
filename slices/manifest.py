"""A slice's manifest, `slice.yaml`: what it is called, the datasets and columns it needs, the routes it answers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import pyarrow as pa
from pydantic import Field

from notation.marked_yaml import parse
from notation.problems import ConfigError, Problem, one_of
from notation.shape import Spec, Words, read

LIBRARY = Path(__file__).parent / "library"
Kind = Literal["string", "date", "decimal", "integer", "timestamp", "boolean"]


class NeedSpec(Spec):
    """What a slice reads of one dataset."""

    columns: Annotated[Mapping[str, Kind], Field(min_length=1)] = Field(
        description="column -> the kind of value it holds"
    )


class RouteSpec(Spec):
    """A route as routes.yaml writes it."""

    path: Annotated[str, Words()] = Field(description="a path, or a prefix that ends in /*")
    methods: tuple[Annotated[str, Words()], ...] = Field((), description="the methods it names; default all")


class ManifestSpec(Spec):
    """The whole of slice.yaml."""

    version: Literal[1] = Field(description="the version of this notation: 1")
    name: Annotated[str, Words()] = Field(description="the slice's name, as routes.yaml calls it")
    title: str = Field(description="what people call it")
    description: str = Field("", description="what it does, in a sentence or two")
    datasets: Mapping[str, NeedSpec] = Field(description="the datasets it reads")
    routes: tuple[RouteSpec, ...] = Field(description="what it answers, to be copied to routes.yaml")
    writes: Literal["legacy", "own"] = Field("legacy", description="who keeps what citizens send")


def names() -> list[str]:
    """The slices of the library, in order."""
    return sorted(path.parent.name for path in LIBRARY.glob("*/slice.yaml"))


def load(name: str) -> ManifestSpec:
    """The manifest of a slice of the library. Raises ConfigError."""
    if name not in names():
        raise ConfigError(
            [Problem(None, f"there is no slice '{name}' in the library", one_of("slices", name, names()))]
        )
    path = LIBRARY / name / "slice.yaml"
    return read(ManifestSpec, parse(path.read_text(encoding="utf-8"), f"slices/library/{name}/slice.yaml"), {})


def missing(need: NeedSpec, schema: pa.Schema) -> list[str]:
    """What a dataset lacks of what a slice needs, each as a sentence; empty when it has everything."""
    found = []
    for column, kind in need.columns.items():
        index = schema.get_field_index(column)
        if index < 0:
            found.append(f"it has no column {column} ({kind})")
        elif kind_of(schema.field(index).type) != kind:
            found.append(f"its column {column} is {kind_of(schema.field(index).type)}, not {kind}")
    return found


def kind_of(held: pa.DataType) -> str:
    """decimal128(12, 2) -> 'decimal'; what no manifest can ask for keeps Arrow's name."""
    for kind, is_one in _KINDS:
        if is_one(held):
            return kind
    return str(held)


_KINDS = (
    ("string", pa.types.is_string),
    ("string", pa.types.is_large_string),
    ("date", pa.types.is_date),
    ("decimal", pa.types.is_decimal),
    ("integer", pa.types.is_integer),
    ("timestamp", pa.types.is_timestamp),
    ("boolean", pa.types.is_boolean),
)
