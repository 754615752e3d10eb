"""routes.yaml with one slice's stage changed in place: every other character stays. Pure."""

from typing import Any

from notation.marked_yaml import Document, Path, parse
from notation.problems import ConfigError, Problem, one_of
from proxy.stages import Stage

BESIDE = ("legacy", "backend")  # a new `stage:` goes after the first of these that is there, as in the documentation


def set_stage(document: Document, slice_name: str, stage: Stage) -> str:
    """The new text. Raises ConfigError if there is no such slice, or if the change cannot be made in place."""
    top: Any = document.value
    slices = top.get("slices") if isinstance(top, dict) else None
    if not isinstance(slices, dict) or not isinstance(slices.get(slice_name), dict):
        known = slices if isinstance(slices, dict) else {}
        what = f"there is no slice '{slice_name}' in {document.file}"
        raise ConfigError([Problem(None, what, one_of("declared slices", slice_name, known))])
    place: Path = ("slices", slice_name)
    text = (
        _replaced(document, (*place, "stage"), stage)
        if "stage" in slices[slice_name]
        else _added(document, place, list(slices[slice_name]), stage)
    )
    wanted = {**top, "slices": {**slices, slice_name: {**slices[slice_name], "stage": str(stage)}}}
    if _read(text, document.file) != wanted:
        what = f"the stage of slice '{slice_name}' cannot be changed in place"
        raise ConfigError([Problem(document.where(place), what, f"write stage: {stage} yourself")])
    return text


def _replaced(document: Document, place: Path, stage: Stage) -> str:
    start, end = document.span(place)
    return f"{document.text[:start]}{stage}{document.text[end:]}"


def _added(document: Document, place: Path, keys: list[str], stage: Stage) -> str:
    text = document.text
    beside = next((key for key in BESIDE if key in keys), keys[0])
    end = document.span((*place, beside))[1]
    if not document.marks[place].block:
        return f"{text[:end]}, stage: {stage}{text[end:]}"
    start = document.span(place)[0]
    indent = text[text.rfind("\n", 0, start) + 1 : start]
    line_end = text.find("\n", end)
    newline = "\r\n" if text[:line_end].endswith("\r") else "\n"
    if line_end < 0:
        return f"{text}{newline}{indent}stage: {stage}{newline}"
    return f"{text[: line_end + 1]}{indent}stage: {stage}{newline}{text[line_end + 1 :]}"


def _read(text: str, file: str) -> object:
    try:
        return parse(text, file).value
    except ConfigError:
        return None
