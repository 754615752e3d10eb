"""What the scripts say, and how they end, where something they need is missing."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SUDO = "" if os.geteuid() == 0 else "sudo "
PYTHONS = ("python3", "python3.11", "python3.12", "python3.13")


def run(script: str, *, path: Path, venv: Path) -> tuple[int, str, str]:
    """Exit code, output, errors, with the programs in `path` found before the machine's own."""
    environ = {"PATH": f"{path}:{os.environ['PATH']}", "HOME": str(path), "FIG_VENV": str(venv)}
    done = subprocess.run([ROOT / "scripts" / script], capture_output=True, text=True, env=environ, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder of programs in which no Python runs at all."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in PYTHONS:
        write(folder / name, "exit 1")
    return folder


def write(program: Path, body: str) -> None:
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)


@pytest.mark.parametrize("script", ["demo", "test", "check", "fix"])
def test_without_a_python_it_names_the_line_that_installs_one(script: str, programs: Path, tmp_path: Path) -> None:
    assert run(script, path=programs, venv=tmp_path / "venv") == (
        2,
        "",
        (
            f"scripts/{script}: no Python 3.11, 3.12 or 3.13 found (FIG_PYTHON names one elsewhere). "
            "This installs it on Debian 12:\n"
            f"    {SUDO}apt-get install -y python3 python3-venv\n"
        ),
    )


def test_without_venv_it_names_the_line_that_installs_it(programs: Path, tmp_path: Path) -> None:
    # Debian's python3 as it comes: the right version, but ensurepip is in another package.
    write(programs / "python3", 'case "$2" in *ensurepip*) exit 1 ;; *) exit 0 ;; esac')
    assert run("demo", path=programs, venv=tmp_path / "venv") == (
        2,
        "",
        (
            "scripts/demo: python3 cannot make a virtual environment yet. This installs what it needs:\n"
            f"    {SUDO}apt-get install -y python3-venv\n"
        ),
    )


def test_a_folder_that_is_no_environment_is_left_alone(tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    venv.mkdir()
    (venv / "thesis.odt").touch()
    assert run("demo", path=tmp_path, venv=venv) == (
        2,
        "",
        (
            f"scripts/demo: {venv} is in the way: it is no virtual environment. Move it, or name another place:\n"
            "    FIG_VENV=/some/folder scripts/demo\n"
        ),
    )
    assert [path.name for path in venv.iterdir()] == ["thesis.odt"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_place_that_may_not_be_written_is_named(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o555)
    assert run("demo", path=tmp_path, venv=closed / "venv") == (
        2,
        "",
        (
            f"scripts/demo: this user may not write in {closed}. Use another place:\n"
            "    FIG_VENV=$HOME/.fig-venv scripts/demo\n"
        ),
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Another project that is set up by the same setup.sh, in an environment whose Python says yes to everything."""
    for name in ("scripts/setup.sh", "hatch_build.py", "pyproject.toml", "proxy/wire/_cut.c"):
        copy = tmp_path / "project" / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes((ROOT / name).read_bytes())
    root = tmp_path / "project"
    (root / "requirements.lock").write_text("click==8.2.0\n")
    (root / "scripts" / "begin").write_text('. "${BASH_SOURCE[0]%/*}/setup.sh"\nset_up requirements.lock\n')
    (root / ".venv" / "bin").mkdir(parents=True)
    write(root / ".venv" / "bin" / "python", "exit 0")
    return root


def begin(project: Path, **environ: str) -> str:
    command = ["bash", str(project / "scripts" / "begin")]
    done = subprocess.run(
        command, env={"PATH": os.environ["PATH"], **environ}, capture_output=True, text=True, check=True
    )
    return done.stdout + done.stderr


INSTALLED = "scripts/begin: installing 1 packages from requirements.lock (once; up to a minute)\n"
NOT_COMPILED = (
    "scripts/begin: proxy/wire/_cut.c was not compiled: heads are read by Python alone, slower. "
    f"Once this has run, it will be:\n    {SUDO}apt-get install -y gcc libc6-dev python3-dev\n"
)


def test_what_is_not_compiled_is_told_once_with_the_line_that_mends_it(project: Path) -> None:
    assert begin(project) == INSTALLED + NOT_COMPILED
    assert begin(project) == ""


def test_where_it_is_compiled_nothing_is_told(project: Path) -> None:
    (project / "proxy" / "wire" / "_cut.abi3.so").touch()
    assert begin(project) == INSTALLED


def test_it_is_built_anew_when_its_source_or_the_compiler_changes(project: Path) -> None:
    begin(project)
    with (project / "proxy" / "wire" / "_cut.c").open("a") as source:
        source.write("/* changed */\n")
    assert begin(project) == INSTALLED + NOT_COMPILED
    write(project / "cc", "exit 1")
    assert begin(project, CC=str(project / "cc")) == INSTALLED + NOT_COMPILED
    assert begin(project, CC=str(project / "cc")) == ""
