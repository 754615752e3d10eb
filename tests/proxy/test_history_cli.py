"""`fig history`: who moved what, from the file of changes, whether a proxy runs or not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fig import main
from proxy.holds import Change, note_change

ROUTES = """\
version: 1
listen: 127.0.0.1:8080
backends: {legacy: {url: "http://127.0.0.1:8081"}, repairs: {url: "http://127.0.0.1:9001"}}
default: legacy
slices:
  repairs: {owner: a@example.org, backend: repairs, routes: [/repairs/*]}
  parks: {owner: a@example.org, backend: repairs, routes: [/parks/*]}
"""
UP = Change("repairs", "legacy", "live", "promote", "ann", "2026-11-20T09:00:00+00:00", "two quiet weeks")
ALL = Change("*", "stages", "bypass", "bypass", "bob", "2026-11-21T09:00:00+00:00", "storm")
BY_HAND = Change("repairs", "live", "shadow", "edit", "routes.yaml", "2026-11-22T09:00:00+00:00", "edited")
PARKS = Change("parks", "legacy", "shadow", "promote", "ann", "2026-11-23T09:00:00+00:00")
Fig = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fig:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "routes.yaml").write_text(ROUTES)
    return lambda *words: CliRunner().invoke(main, ("history", *words), prog_name="fig")


def note(*changes: Change) -> None:
    for each in changes:
        note_change(Path(), each)


def lines(result: Result) -> list[list[str]]:
    assert result.exit_code == 0
    return [line.split() for line in result.output.splitlines()]


def test_the_newest_is_first_with_who_when_and_why(run: Fig) -> None:
    note(UP, ALL, BY_HAND)
    assert lines(run()) == [
        ["when", "slice", "from", "to", "by", "who", "why"],
        ["2026-11-22T09:00:00+00:00", "repairs", "live", "shadow", "edit", "routes.yaml", "edited"],
        ["2026-11-21T09:00:00+00:00", "*", "stages", "bypass", "bypass", "bob", "storm"],
        ["2026-11-20T09:00:00+00:00", "repairs", "legacy", "live", "promote", "ann", "two", "quiet", "weeks"],
    ]
    assert [line[1] for line in lines(run("--limit", "1"))[1:]] == ["repairs"]


def test_of_a_slice_those_of_all_slices_are_shown_too(run: Fig) -> None:
    note(UP, ALL, BY_HAND, PARKS)
    assert [line[1] for line in lines(run("parks"))[1:]] == ["parks", "*"]


def test_as_json(run: Fig) -> None:
    note(UP)
    assert json.loads(run("repairs", "--json").output) == {
        "changes": [
            {
                "slice": "repairs", "before": "legacy", "after": "live", "by": "promote", "who": "ann",
                "when": "2026-11-20T09:00:00+00:00", "why": "two quiet weeks",
            }
        ]
    }  # fmt: skip
    assert json.loads(run("parks", "--json").output) == {"changes": []}


def test_where_nobody_has_moved_anything_it_says_so(run: Fig) -> None:
    assert run().output == "nobody has moved anything yet\n"
    assert run("parks").output == "nobody has moved slice 'parks' yet\n"


def test_a_slice_that_is_gone_from_the_file_has_its_history(run: Fig) -> None:
    note(Change("housing", "legacy", "live", "promote", "ann", "2026-11-20T09:00:00+00:00"))
    assert [line[1] for line in lines(run("housing"))[1:]] == ["housing"]
    Path("routes.yaml").unlink()
    assert [line[1] for line in lines(run())[1:]] == ["housing"]


def test_a_mistyped_slice_is_wrong_usage_with_the_nearest_name(run: Fig) -> None:
    result = run("repair")
    assert (result.exit_code, result.output) == (
        2,
        (
            "there is no slice 'repair' in routes.yaml, and nobody has moved one\n"
            "    declared slices: repairs, parks. Did you mean 'repairs'?\n"
        ),
    )


def test_without_a_file_and_a_history_it_says_where_to_start(run: Fig) -> None:
    Path("routes.yaml").unlink()
    result = run()
    assert result.exit_code == 2
    assert result.output.startswith("there is no routes.yaml\n")


def test_the_shell_completes_its_slices(run: Fig) -> None:
    environ = {"_FIG_COMPLETE": "bash_complete", "COMP_WORDS": "fig history re", "COMP_CWORD": "2"}
    result = CliRunner().invoke(main, [], prog_name="fig", env=environ)
    assert result.output == "plain,repairs\n"
