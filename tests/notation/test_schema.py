"""The JSON Schemas that editors use: what fits the file fits the schema, and mistakes do not."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from extractors.model import DatasetsSpec
from fig import main
from notation.marked_yaml import load
from notation.schema import json_schema
from proxy.model import RoutesSpec

SAMPLES = Path(__file__).parent.parent / "samples"
ROUTES, DATASETS = json_schema(RoutesSpec, "routes.yaml"), json_schema(DatasetsSpec, "datasets.yaml")
TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,), "array": (list,),
    "object": (dict,),
}  # fmt: skip
SAID = {"title", "description", "default", "examples", "$schema", "$defs", "$ref"}


def errors(schema: dict[str, Any], part: dict[str, Any], value: Any, at: str = "") -> Iterator[str]:
    """What JSON Schema 2020-12 has against `value`; any keyword that is not known here is an error."""
    if "$ref" in part:
        yield from errors(schema, schema["$defs"][part["$ref"].removeprefix("#/$defs/")], value, at)
    kind = part.get("type")
    if kind and (not isinstance(value, TYPES[kind]) or (isinstance(value, bool) and kind != "boolean")):
        yield f"{at}: {value!r} is no {kind}"
        return
    for keyword, wanted in part.items():
        if keyword in SAID or keyword == "type":
            continue
        if not CHECKS[keyword](schema, part, wanted, value, at):
            yield f"{at}: {value!r} against {keyword} {wanted!r}"


def _fine(schema: dict[str, Any], part: dict[str, Any], value: Any, at: str) -> bool:
    return not list(errors(schema, part, value, at))


def _properties(schema: dict[str, Any], part: dict[str, Any], known: Any, value: Any, at: str) -> bool:
    return all(_fine(schema, known[key], inner, f"{at}.{key}") for key, inner in value.items() if key in known)


def _additional(schema: dict[str, Any], part: dict[str, Any], other: Any, value: Any, at: str) -> bool:
    unknown = {key: inner for key, inner in value.items() if key not in part.get("properties", ())}
    if other is False:
        return not unknown
    return other is True or all(_fine(schema, other, inner, f"{at}.{key}") for key, inner in unknown.items())


CHECKS: dict[str, Any] = {
    "anyOf": lambda schema, part, options, value, at: any(_fine(schema, option, value, at) for option in options),
    "enum": lambda schema, part, words, value, at: value in words,
    "const": lambda schema, part, word, value, at: value == word,
    "pattern": lambda schema, part, pattern, value, at: re.search(pattern, value) is not None,
    "minimum": lambda schema, part, least, value, at: value >= least,
    "maximum": lambda schema, part, most, value, at: value <= most,
    "minItems": lambda schema, part, least, value, at: len(value) >= least,
    "minLength": lambda schema, part, least, value, at: len(value) >= least,
    "minProperties": lambda schema, part, least, value, at: len(value) >= least,
    "required": lambda schema, part, keys, value, at: set(keys) <= set(value),
    "items": lambda schema, part, item, value, at: all(_fine(schema, item, each, at) for each in value),
    "properties": _properties,
    "additionalProperties": _additional,
    "propertyNames": lambda schema, part, name, value, at: all(_fine(schema, name, key, at) for key in value),
}


@pytest.mark.parametrize("path", [SAMPLES / "routes.yaml", Path("routes.yaml")])
def test_good_routes_fit_their_schema(path: Path, root: Path) -> None:
    assert list(errors(ROUTES, ROUTES, load(root / path).value)) == []


@pytest.mark.parametrize("path", [SAMPLES / "datasets.yaml", Path("datasets.yaml")])
def test_good_datasets_fit_theirs(path: Path, root: Path) -> None:
    assert list(errors(DATASETS, DATASETS, load(root / path).value)) == []


MISTAKES: list[tuple[tuple[str | int, ...], object]] = [
    (("version",), 2),
    (("slices", "repairs", "stage"), "life"),
    (("slices", "repairs", "writes"), "mine"),
    (("slices", "repairs", "routes"), []),
    (("slices", "repairs", "owner"), None),
    (("limits", "head"), "32"),
    (("limits", "fields"), "200"),
    (("limits", "head_tiem"), "10s"),
    (("backends", "legacy", "url"), "ftp://a"),
    (("slices", "repairs", "routes", 3, "priority"), 2000),
    (("redirects", 0, "status"), 200),
]


@pytest.mark.parametrize(("place", "value"), MISTAKES)
def test_a_mistake_does_not_fit(place: tuple[str | int, ...], value: object) -> None:
    whole: Any = copy.deepcopy(load(SAMPLES / "routes.yaml").value)
    inner = whole
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    assert list(errors(ROUTES, ROUTES, whole))


def test_values_are_in_the_form_a_person_writes() -> None:
    head = ROUTES["$defs"]["LimitsSpec"]["properties"]["head"]
    assert head["default"] == "32KiB"
    assert re.search(head["pattern"], "32KiB")
    assert re.search(head["pattern"], "${HEAD}")
    assert ROUTES["$defs"]["SliceSpec"]["properties"]["stage"]["default"] == "legacy"
    assert ROUTES["properties"]["grace"]["default"] == "30s"
    assert ROUTES["$defs"]["RedirectSpec"]["required"] == ["from", "to"]


def test_every_key_is_described() -> None:
    for schema in (ROUTES, DATASETS):
        for part in (schema, *schema["$defs"].values()):
            silent = [key for key, shown in part.get("properties", {}).items() if not shown.get("description")]
            assert silent == []


def test_fig_check_prints_them() -> None:
    assert json.loads(CliRunner().invoke(main, ["check", "--schema"]).output) == ROUTES
    assert json.loads(CliRunner().invoke(main, ["check", "--schema", "datasets.yaml"]).output) == DATASETS
