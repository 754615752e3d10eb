"""One stage changes in routes.yaml, and not one other character."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notation.marked_yaml import parse
from notation.problems import ConfigError
from proxy.edit import set_stage
from proxy.stages import LIVE, Stage

CANARY = Stage("canary", 10)

CASES = [
    ("a value, its comment kept",
     "slices:\n  a:\n    stage: legacy   # since May\n    backend: b\n",
     "slices:\n  a:\n    stage: canary 10%   # since May\n    backend: b\n"),
    ("a value in quotes", "slices: {a: {stage: 'live'}}", "slices: {a: {stage: canary 10%}}"),
    ("a value over two lines", "slices:\n  a:\n    stage:\n      canary\n      1%\n    backend: b",
     "slices:\n  a:\n    stage:\n      canary 10%\n    backend: b"),
    ("a flow mapping", "slices: {a: {backend: b, stage: live, routes: [/a]}, c: {stage: live}}",
     "slices: {a: {backend: b, stage: canary 10%, routes: [/a]}, c: {stage: live}}"),
    ("no stage: after the backend",
     "slices:\n  a:\n    backend: b   # new\n    # more\n    routes: [/a]\n",
     "slices:\n  a:\n    backend: b   # new\n    stage: canary 10%\n    # more\n    routes: [/a]\n"),
    ("no stage: after the legacy", "slices:\n  a:\n    backend: b\n    legacy: old\n    routes: [/a]\n",
     "slices:\n  a:\n    backend: b\n    legacy: old\n    stage: canary 10%\n    routes: [/a]\n"),
    ("no stage in a flow mapping", "slices:\n  a: {routes: [/a], backend: b}  # ours\n",
     "slices:\n  a: {routes: [/a], backend: b, stage: canary 10%}  # ours\n"),
    ("no stage and no line's end", "slices:\n    a:\n        routes: [/a]\n        backend: b",
     "slices:\n    a:\n        routes: [/a]\n        backend: b\n        stage: canary 10%\n"),
    ("no stage in a file from Windows", "slices:\r\n  a:\r\n    backend: b\r\n    routes: [/a]\r\n",
     "slices:\r\n  a:\r\n    backend: b\r\n    stage: canary 10%\r\n    routes: [/a]\r\n"),
    ("a byte order mark", "\ufeffslices: {a: {stage: live}}", "\ufeffslices: {a: {stage: canary 10%}}"),
]  # fmt: skip


@pytest.mark.parametrize(("law", "before", "after"), CASES)
def test_the_stage_is_changed_in_place(law: str, before: str, after: str) -> None:
    assert set_stage(parse(before, "routes.yaml"), "a", CANARY) == after, law


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("slices: {repairs: {backend: b}}",
         "there is no slice 'repair' in routes.yaml\n    declared slices: repairs. Did you mean 'repairs'?"),
        ("version: 1", "there is no slice 'repair' in routes.yaml\n    declared slices: none"),
        ("slices:\n  repair:\n    stage:   # ?\n    backend: b",
         "routes.yaml:2: the stage of slice 'repair' cannot be changed in place\n    write stage: live yourself"),
    ],
)  # fmt: skip
def test_what_cannot_be_changed_is_refused(text: str, error: str) -> None:
    with pytest.raises(ConfigError) as caught:
        set_stage(parse(text, "routes.yaml"), "repair", LIVE)
    assert str(caught.value) == error


WORDS = st.sampled_from(["b", "canary 3%", "it's", 'a "b"', "x: y", "# no", "two\nlines", "é", "- a"])
KEYS = st.sampled_from(["backend", "legacy", "stage", "owner", "writes"])
SLICES = st.dictionaries(
    st.sampled_from(["repairs", "planning", "tax"]), st.dictionaries(KEYS, WORDS, min_size=1), min_size=1
)


def written(slices: dict[str, dict[str, str]], draw: st.DataObject) -> str:
    """The slices as a person might have laid them out: blocks, flows, comments, blank lines."""
    blank = st.sampled_from(["", "", "  # a comment: with {signs}", "\n", "\n      # between\n"])
    lines = ["version: 1\n", "slices:" + draw.draw(blank) + "\n"]
    for name, keys in slices.items():
        if draw.draw(st.booleans()):
            inside = ", ".join(f"{key}: {json.dumps(value)}" for key, value in keys.items())
            lines.append(f"  {name}: {{{inside}}}{draw.draw(blank)}\n")
        else:
            lines.append(f"  {name}:{draw.draw(blank)}\n")
            lines += [f"    {key}:   {json.dumps(value)}{draw.draw(blank)}\n" for key, value in keys.items()]
    return "".join(lines)[: draw.draw(st.sampled_from([-1, None]))]


@settings(deadline=None)
@given(SLICES, st.integers(1, 10_000), st.data())
def test_the_edited_file_is_the_same_document_but_for_that_value(
    slices: dict[str, dict[str, str]], hundredths: int, data: st.DataObject
) -> None:
    document = parse(written(slices, data), "routes.yaml")
    name = data.draw(st.sampled_from(sorted(slices)))
    stage = Stage("canary", hundredths / 100)
    text = set_stage(document, name, stage)
    assert parse(text, "routes.yaml").value == {
        "version": 1,
        "slices": {**slices, name: {**slices[name], "stage": str(stage)}},
    }
    assert text.count("#") == document.text.count("#") or "# no" in str(slices[name].get("stage"))
    assert set_stage(parse(text, "routes.yaml"), name, stage) == text
