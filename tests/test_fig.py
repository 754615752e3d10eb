"""The front door: help, mistyped commands, exit codes, and what it imports."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from fig import COMMANDS, main

SAMPLES = Path(__file__).parent / "samples"
GOOD = "version: 1\nlisten: 127.0.0.1:8080\nbackends: {legacy: {url: 'http://127.0.0.1:8081'}}\n"


def run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, words, prog_name="fig")
    return result.exit_code, result.output


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_help_lists_every_command_and_imports_none() -> None:
    code = "import sys, fig\ntry: fig.main(['--help'])\nexcept SystemExit: pass\n"
    code += "print(sorted(m for m in sys.modules if m.partition('.')[0] in ('proxy', 'extractors', 'slices', 'demo')))"
    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert printed.splitlines()[-1] == "[]"
    assert all(f"\n  {name} " in printed for name in COMMANDS)


def test_a_mistyped_command_is_wrong_usage_with_the_nearest_name() -> None:
    code, output = run("promot")
    assert code == 2
    assert output.endswith(
        "Error: there is no command 'promot'\n    commands: demo, serve, check, explain, status, promote, rollback,"
        " resume, bypass, history, admin, extract and 3 more. Did you mean 'promote'?\n"
    )


def test_the_version_is_said() -> None:
    code, said = run("--version")
    assert code == 0
    assert re.fullmatch(r"fig, version 0\.1\.0\nheads are read by (compiled code|Python alone: .+)\n", said)


def test_check_reads_what_is_in_the_folder(folder: Path) -> None:
    assert run("check") == (
        2,
        (
            "there is neither routes.yaml nor datasets.yaml here\n"
            "    start in their folder, or name a file: fig check FILE\n"
        ),
    )
    (folder / "routes.yaml").write_text(GOOD)
    assert run("check") == (0, "routes.yaml: no problem\n")
    (folder / "routes.yaml").write_text(GOOD + "default: legcy\n")
    problem = "the default is backend 'legcy', which is not declared"
    hint = "declared backends: legacy. Did you mean 'legacy'?"
    assert run("check") == (1, f"routes.yaml:4: {problem}\n    {hint}\n")
    code, output = run("check", "--json")
    assert (code, json.loads(output)) == (
        1, {"ok": False, "problems": [{"file": "routes.yaml", "line": 4, "what": problem, "hint": hint}]},
    )  # fmt: skip


def test_check_says_what_is_wrong_in_every_file_named(folder: Path) -> None:
    (folder / "routes.yaml").write_text(GOOD)
    code, output = run("check", "routes.yaml", "other.yaml")
    assert (code, output) == (
        1,
        (
            "routes.yaml: no problem\ncannot read other.yaml: No such file or directory\n"
            "    give the file's name with -c, or start in its folder\n"
        ),
    )


def test_check_knows_a_draft_by_what_stands_in_it(folder: Path) -> None:
    (folder / "draft.yaml").write_text("version: 1\nsources:\n  silo: {urll: 'sqlite:///x.db'}\n")
    code, output = run("check", "draft.yaml")
    assert code == 1
    assert "draft.yaml:3: unknown key 'urll' in sources.silo" in output
    assert "backends" not in output


def test_check_accepts_the_whole_notation_of_both_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOUSING_URL", "mssql://me@127.0.0.1/housing")
    code, output = run("check", str(SAMPLES / "routes.yaml"), str(SAMPLES / "datasets.yaml"))
    share = "1 of 1 tests hold; they cover 1 of 7 routes, redirects and gone paths (14%)"
    assert (code, output) == (
        0,
        f"{SAMPLES}/routes.yaml: no problem\n{SAMPLES}/routes.yaml: {share}\n{SAMPLES}/datasets.yaml: no problem\n",
    )


@pytest.mark.parametrize(
    ("shell", "first"), [("bash", "_fig_completion() {"), ("zsh", "#compdef fig"), ("fish", "fun")]
)
def test_completion_is_a_script_for_the_shell(shell: str, first: str) -> None:
    code, output = run("completion", shell)
    assert code == 0
    assert output.startswith(first)


def test_the_shell_completes_commands_slices_datasets_and_sources(folder: Path) -> None:
    (folder / "routes.yaml").write_text(
        GOOD.replace("8081'}", "8081'}, r: {url: 'http://127.0.0.1:9001'}")
        + "default: legacy\nslices: {repairs: {backend: r, routes: [/repairs/*]}}\n"
    )
    command = [str(Path(sys.executable).parent / "fig")]
    (folder / "datasets.yaml").write_text("sources: {housing: {}}\ndatasets: {tenancies: {}}\n")
    subprocess.run([*command, "admin", "add", "ann"], check=True, capture_output=True)
    cases = (
        ("fig prom", "promote"), ("fig promote r", "repairs"),
        ("fig promote repairs --to sh", "shadow"), ("fig admin remove a", "ann"),
        ("fig extract t", "tenancies"), ("fig extract --discover h", "housing"),
    )  # fmt: skip
    for words, wanted in cases:
        given = {"_FIG_COMPLETE": "fish_complete", "COMP_WORDS": words, "COMP_CWORD": words.split()[-1]}
        printed = subprocess.run(command, env=given, capture_output=True, text=True).stdout
        assert [line.split("\t")[0] for line in printed.splitlines()] == [f"plain,{wanted}"] or wanted in printed
