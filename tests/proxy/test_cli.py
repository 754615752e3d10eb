"""Moving slices: first with no proxy running, then with a real one."""

import json
import re
import resource
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fig import main
from proxy import control, holds
from proxy.holds import Hold, Holds
from proxy.stages import LEGACY, Stage
from tests.conftest import Start

ROUTES = """\
# Anytown's routes
version: 1
listen: 127.0.0.1:0
workers: 1
backends:
  legacy: {url: http://127.0.0.1:8081}
  repairs-v2: {url: http://127.0.0.1:9001}
default: legacy
slices:
  repairs:
    backend: repairs-v2   # the new one
    routes: [/repairs/*]
"""
LIVE = ROUTES.replace("    routes", "    stage: live   # since May\n    routes")
STOPPED = "no proxy is running here; the next fig serve begins with this\n"
HOLD = Hold(LEGACY, "ann", "2026-11-24T02:00:00+00:00", "wrong wards")
WHEN = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00"

Fig = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fig:
    """Runs a fig command in a folder that has a routes.yaml."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SUDO_USER", "ann")
    (tmp_path / "routes.yaml").write_text(ROUTES)
    return lambda *words: CliRunner().invoke(main, words, prog_name="fig")


def said(result: Result) -> tuple[int, str]:
    return result.exit_code, result.output


def routes() -> str:
    return Path("routes.yaml").read_text()


def changes() -> list[dict[str, str]]:
    path = Path("data/changes.jsonl")
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_promoting_edits_the_file_in_place_and_is_recorded(run: Fig) -> None:
    assert said(run("promote", "repairs", "--to", "live", "--why", "ready")) == (
        0, f"slice 'repairs': legacy -> live\n@@ -11,0 +12 @@\n+    stage: live\n{STOPPED}",
    )  # fmt: skip
    assert routes() == ROUTES.replace("    routes", "    stage: live\n    routes")
    (change,) = changes()
    assert re.fullmatch(WHEN, change.pop("when"))
    assert change == {
        "slice": "repairs", "from": "legacy", "to": "live", "by": "promote", "who": "ann", "why": "ready"
    }  # fmt: skip


def test_promoting_clears_the_slices_hold_and_says_so(run: Fig) -> None:
    Path("routes.yaml").write_text(LIVE)
    other = Hold(LEGACY, "bob", "2026-11-24T02:00:00+00:00")
    holds.write(Path("data/holds.json"), Holds(None, {"repairs": HOLD, "other": other}))
    assert said(run("promote", "repairs", "--to", "live")) == (
        0,
        (
            "slice 'repairs': legacy -> live\nroutes.yaml says so already\n"
            f"cleared the hold at legacy that ann set at 2026-11-24T02:00:00+00:00 (wrong wards)\n{STOPPED}"
        ),
    )
    assert routes() == LIVE
    assert holds.read(Path("data/holds.json")) == Holds(None, {"other": other})


def test_trying_changes_nothing(run: Fig) -> None:
    assert said(run("promote", "repairs", "--to", "live", "--dry-run")) == (
        0,
        "slice 'repairs': legacy -> live (tried only; nothing is changed)\n@@ -11,0 +12 @@\n+    stage: live\n",
    )
    assert routes() == ROUTES
    Path("routes.yaml").write_text(LIVE)
    assert said(run("rollback", "repairs", "--dry-run")) == (
        0,
        (
            "slice 'repairs': live -> legacy (tried only; nothing is changed)\n"
            "@@ -12 +12 @@\n-    stage: live   # since May\n+    stage: legacy   # since May\n"
        ),
    )
    assert routes() == LIVE
    assert not Path("data").exists()


def test_rolling_back_holds_first_and_then_edits_the_file(run: Fig) -> None:
    Path("routes.yaml").write_text(LIVE)
    assert said(run("rollback", "repairs", "--why", "wrong wards")) == (
        0,
        (
            "slice 'repairs': live -> legacy\nheld at legacy\n"
            f"@@ -12 +12 @@\n-    stage: live   # since May\n+    stage: legacy   # since May\n{STOPPED}"
        ),
    )
    hold = holds.read(Path("data/holds.json")).by_slice["repairs"]
    assert (hold.stage, hold.who, hold.why) == (LEGACY, "ann", "wrong wards")
    assert [(change["from"], change["to"], change["by"]) for change in changes()] == [("live", "legacy", "rollback")]
    assert said(run("rollback", "repairs")) == (0, "slice 'repairs' is at legacy already\n")


def test_rolling_back_prints_the_change_when_the_file_cannot_be_written(run: Fig) -> None:
    text = LIVE + "#" * 10_000
    Path("routes.yaml").write_text(text)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, before[1]))  # a disk that is full for larger files, for root too
    try:
        code, output = said(run("rollback", "repairs"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (code, output) == (
        0,
        (
            "slice 'repairs': live -> legacy\nheld at legacy\n"
            "@@ -12 +12 @@\n-    stage: live   # since May\n+    stage: legacy   # since May\n"
            "routes.yaml is not changed: cannot write routes.yaml: File too large\n"
            f"write there, under slices: repairs: stage: legacy\n{STOPPED}"
        ),
    )
    assert routes() == text
    assert holds.read(Path("data/holds.json")).held_at("repairs") == LEGACY


def test_resuming_clears_the_hold(run: Fig) -> None:
    Path("routes.yaml").write_text(LIVE)
    holds.write(Path("data/holds.json"), Holds(None, {"repairs": HOLD}))
    assert said(run("resume", "repairs", "--dry-run")) == (
        0, "slice 'repairs': legacy -> live (tried only; nothing is changed)\n",
    )  # fmt: skip
    assert said(run("resume", "repairs")) == (
        0,
        (
            "slice 'repairs': legacy -> live\n"
            f"cleared the hold at legacy that ann set at 2026-11-24T02:00:00+00:00 (wrong wards)\n{STOPPED}"
        ),
    )
    assert holds.read(Path("data/holds.json")) == Holds()
    assert said(run("resume", "repairs")) == (
        0, "slice 'repairs' is not held; it is at live, as routes.yaml says\n",
    )  # fmt: skip


def test_the_bypass_is_kept_with_the_holds(run: Fig) -> None:
    on = "the bypass is on: everything goes to legacy, redirects and gone paths too, until fig bypass off\n"
    assert said(run("bypass", "on", "--why", "storm")) == (0, on + STOPPED)
    kept = holds.read(Path("data/holds.json")).bypass
    assert kept is not None
    assert (kept.who, kept.why) == ("ann", "storm")
    assert said(run("bypass", "on")) == (0, "the bypass is on already\n")
    assert "the bypass is on: everything goes to legacy until fig bypass off\n" in said(
        run("promote", "repairs", "--to", "live")
    )[1]  # fmt: skip
    assert said(run("bypass", "off")) == (0, "the bypass is off: slices are at their stages again\n" + STOPPED)
    assert holds.read(Path("data/holds.json")) == Holds()


@pytest.mark.parametrize("words", [["bypass", "on"], ["bypass", "off"], ["status"]])
def test_where_there_is_no_routes_file_nothing_is_switched_and_nothing_is_made(run: Fig, words: list[str]) -> None:
    Path("routes.yaml").unlink()
    hint = "start in the folder that holds it or below it, name it with -c FILE, or set FIG_HOME to its folder"
    for more, path in ([], "routes.yaml"), (["-c", "deep/other.yaml"], "deep/other.yaml"):
        assert said(run(*words, *more)) == (2, f"there is no {path}\n    {hint}\n")
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize("by", ["search", "FIG_HOME", "-c"])
def test_the_file_is_found_from_elsewhere(run: Fig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str) -> None:
    """From a folder below, by FIG_HOME (which is before the search), and by -c (which is before both)."""
    below = tmp_path / "deep" / "down"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    if by != "search":
        (below / "routes.yaml").write_text("version: 2\n")
        monkeypatch.setenv("FIG_HOME", str(tmp_path if by == "FIG_HOME" else below))
    named = ["-c", str(tmp_path / "routes.yaml")] if by == "-c" else []
    assert said(run("promote", "repairs", "--to", "live", *named)) == (
        0, f"slice 'repairs': legacy -> live\n@@ -11,0 +12 @@\n+    stage: live\n{STOPPED}",
    )  # fmt: skip
    assert said(run("rollback", "repairs", *named))[0] == 0
    assert said(run("resume", "repairs", *named))[0] == 0
    assert said(run("bypass", "on", *named))[0] == 0
    code, output = said(run("status", *named))
    assert (code, output.splitlines()[0]) == (3, f"no proxy is running in {tmp_path}")
    assert (tmp_path / "routes.yaml").read_text() == ROUTES.replace("    routes", "    stage: legacy\n    routes")
    kept = holds.read(tmp_path / "data" / "holds.json")
    assert (kept.bypass is not None, dict(kept.by_slice)) == (True, {})
    assert not (below / "data").exists()


def test_a_home_that_is_none_is_said(run: Fig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIG_HOME", "nowhere")
    for words in (["bypass", "on"], ["status"]):
        assert said(run(*words)) == (2, "FIG_HOME is nowhere, which is no folder\n    create it, or unset FIG_HOME\n")


NO_SLICE = "there is no slice 'repair' in routes.yaml\n    declared slices: repairs. Did you mean 'repairs'?\n"
REFUSED = [
    ("a slice that is not there", ROUTES, "promote repair", 2, NO_SLICE),
    ("a slice that is not there", ROUTES, "rollback repair", 2, NO_SLICE),
    ("a slice that is not there", ROUTES, "resume repair", 2, NO_SLICE),
    ("the top", LIVE, "promote repairs", 1, "slice 'repairs' is at live, the top of its ladder\n"),
    ("down by promoting", LIVE, "promote repairs --to legacy", 2,
     "slice 'repairs' is at live, above legacy\n    to go down: fig rollback repairs --to 'legacy'\n"),
    ("up by rolling back", ROUTES, "rollback repairs --to live", 2,
     "slice 'repairs' is at legacy, below live\n    to go up: fig promote repairs --to 'live'\n"),
    ("a file with a problem", ROUTES.replace("default: legacy", "default: legcy"), "promote repairs --to live", 2,
     ("routes.yaml:8: the default is backend 'legcy', which is not declared\n"
     "    declared backends: legacy, repairs-v2. Did you mean 'legacy'?\n")),
    ("gates that nobody judges yet", ROUTES + "    gates: {requests: 10}\n", "promote repairs --to live", 1,
     "slice 'repairs' has gates, which are not judged yet; to promote it all the same: --force WHY\n"),
    ("no file", "", "promote repairs -c other.yaml", 2,
     ("cannot read other.yaml: No such file or directory\n"
     "    give the file's name with -c, or start in its folder\n")),
]  # fmt: skip


@pytest.mark.parametrize(("law", "text", "words", "code", "error"), REFUSED)
def test_what_may_not_be_done_is_refused(run: Fig, law: str, text: str, words: str, code: int, error: str) -> None:
    import shlex

    Path("routes.yaml").write_text(text)
    assert said(run(*shlex.split(words))) == (code, error), law
    assert routes() == text
    assert not Path("data").exists()


def test_a_stage_that_is_none_is_wrong_usage(run: Fig) -> None:
    code, output = said(run("promote", "repairs", "--to", "lve"))
    assert code == 2
    assert output.endswith(
        "Error: Invalid value for '--to': 'lve' is not a stage;"
        " stages: legacy, shadow, canary N%, live, retired. Did you mean 'live'?\n"
    )


def test_a_hold_is_not_raised_to_where_it_is(run: Fig) -> None:
    Path("routes.yaml").write_text(LIVE)
    holds.write(Path("data/holds.json"), Holds(None, {"repairs": HOLD}))
    assert said(run("resume", "repairs", "--to", "legacy")) == (
        2, "a hold at legacy cannot be raised to legacy\n    without --to it is cleared, and live holds again\n",
    )  # fmt: skip


def test_broken_holds_stop_every_move(run: Fig) -> None:
    Path("data").mkdir()
    Path("data/holds.json").write_text("{")
    for words in (
        ["promote", "repairs", "--to", "live"],
        ["rollback", "repairs"],
        ["resume", "repairs"],
        ["bypass", "on"],
    ):
        code, output = said(run(*words))
        assert (code, output.splitlines()[-1]) == (
            2, "    put it right; or, only if no slice needs to be held back, delete it",
        )  # fmt: skip
    assert routes() == ROUTES


def test_without_a_proxy_status_says_how_to_start_one(run: Fig, tmp_path: Path) -> None:
    assert said(run("status")) == (
        3, f"no proxy is running in {tmp_path}\n    start it with: fig serve -c routes.yaml\n",
    )  # fmt: skip


def test_a_running_proxy_follows_every_move(run: Fig, tmp_path: Path, start: Start, fig: Path) -> None:
    """One real proxy from promotion to rollback: it says which generation every worker serves."""
    serving = start([fig, "serve"], folder=tmp_path, name="fig serve")
    serving.wait_for("serving")
    code, output = said(run("promote", "repairs", "--to", "live"))
    assert (code, re.sub(r"generation \d+", "generation N", output)) == (
        0, "slice 'repairs': legacy -> live\n@@ -11,0 +12 @@\n+    stage: live\nevery worker serves generation N\n",
    )  # fmt: skip
    code, output = said(run("rollback", "repairs", "--why", "wrong wards"))
    assert (code, re.sub(r"generation \d+", "generation N", output)) == (
        0,
        (
            "slice 'repairs': live -> legacy\nheld at legacy; every worker serves generation N\n"
            "@@ -12 +12 @@\n-    stage: live\n+    stage: legacy\n"
        ),
    )
    code, output = said(run("status"))
    assert code == 0
    assert re.search(r"^repairs +legacy +legacy +0 +0", output, re.M)
    assert re.search(rf"^repairs is held at legacy since {WHEN} by ann \(wrong wards\)$", output, re.M)

    Path("routes.yaml").write_text(routes().replace("stage: legacy", "stage: live"))
    assert control.ask(tmp_path, {"do": "reload"})["ok"]
    assert json.loads(said(run("status", "--json"))[1])["slices"][0]["stage"] == "legacy"  # the hold is above the file
    assert said(run("bypass", "on", "--why", "storm"))[0] == 0
    assert re.search(
        rf"^BYPASS since {WHEN} by ann \(storm\): everything goes to legacy$", said(run("status"))[1], re.M
    )
    assert said(run("bypass", "off"))[0] == 0

    Path("routes.yaml").write_text("version: 2\n")
    code, output = said(run("resume", "repairs"))  # works although the file is broken
    assert (code, output.splitlines()[0]) == (0, "slice 'repairs': legacy -> live")
    code, output = said(run("rollback", "repairs"))
    assert code == 0
    assert "write there, under slices: repairs: stage: legacy\n" in output
    assert holds.read(Path("data/holds.json")).held_at("repairs") == Stage("legacy")
    assert [change["by"] for change in changes()] == [
        "promote", "rollback", "bypass", "bypass", "resume", "rollback",
    ]  # fmt: skip


def test_while_a_proxy_runs_it_says_what_is_held_and_not_the_file(
    run: Fig, tmp_path: Path, start: Start, fig: Path
) -> None:
    """So the way back is open whatever became of data/holds.json, and even of routes.yaml."""
    Path("routes.yaml").write_text(LIVE)
    start([fig, "serve"], folder=tmp_path, name="fig serve").wait_for("serving")
    kept = Path("data/holds.json")
    for words, first in (
        ("rollback repairs --why storm", "slice 'repairs': live -> legacy"),
        ("promote repairs --to live", "slice 'repairs': legacy -> live"),
        ("rollback repairs --why again", "slice 'repairs': live -> legacy"),
        (
            "bypass on",
            "the bypass is on: everything goes to legacy, redirects and gone paths too, until fig bypass off",
        ),
        ("bypass on", "the bypass is on already"),
        ("bypass off", "the bypass is off: slices are at their stages again"),
    ):
        kept.write_text("{")
        code, output = said(run(*words.split()))
        assert (code, output.splitlines()[0]) == (0, first), words
    assert holds.read(kept).by_slice["repairs"].why == "again"

    Path("routes.yaml").write_text(LIVE)
    assert control.ask(tmp_path, {"do": "reload"})["ok"]
    kept.write_text("{")
    code, output = said(run("resume", "repairs"))
    assert (code, output.splitlines()[0]) == (0, "slice 'repairs': legacy -> live")
    assert re.search(rf"^cleared the hold at legacy that ann set at {WHEN} \(again\)$", output, re.M)
    assert holds.read(kept) == Holds()

    Path("routes.yaml").unlink()
    assert said(run("bypass", "on"))[0] == 0
    assert holds.read(kept).bypass is not None


def test_another_file_than_the_proxys_is_refused(run: Fig, tmp_path: Path, start: Start, fig: Path) -> None:
    start([fig, "serve"], folder=tmp_path, name="fig serve").wait_for("serving")
    Path("other.yaml").write_text(ROUTES)
    assert said(run("promote", "repairs", "--to", "live", "-c", "other.yaml")) == (
        2, "the proxy here serves by routes.yaml, not by other.yaml\n    name it: -c routes.yaml\n",
    )  # fmt: skip
