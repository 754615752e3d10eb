"""pip builds the compiled part where it can, and an installation never fails for it."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import hatch_build
from proxy.wire import compiled

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The source alone, and what an earlier one was built into."""
    (tmp_path / hatch_build.SOURCE).parent.mkdir(parents=True)
    (tmp_path / hatch_build.SOURCE).write_text((ROOT / hatch_build.SOURCE).read_text())
    (tmp_path / hatch_build.BUILT).write_text("of another source")
    return tmp_path


def left(root: Path) -> list[str]:
    return sorted(path.name for path in (root / hatch_build.SOURCE).parent.iterdir())


def compiler(folder: Path, body: str) -> str:
    program = folder / "cc"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
    return str(program)


def test_what_was_built_can_be_imported(root: Path) -> None:
    problem = hatch_build.build(root)
    if problem:
        pytest.skip(f"{problem}; this installs what it takes: apt-get install -y gcc libc6-dev python3-dev")
    assert left(root) == ["_cut.abi3.so", "_cut.c"]
    loads = f"""
from importlib.util import module_from_spec, spec_from_file_location
spec = spec_from_file_location("_cut", {str(root / hatch_build.BUILT)!r})
cut = module_from_spec(spec)
spec.loader.exec_module(cut)
cut.set_names((b"te",), (), ())
print(cut.cut_request(b"GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n", 99), cut.cut_request(b"GET", 99))
"""
    said = subprocess.run([sys.executable, "-c", loads], capture_output=True, text=True, check=True).stdout
    assert said == "(b'GET', b'/', b'a', b'a', b'', None, 27) None\n"


def test_a_compiler_that_fails_is_quoted_and_leaves_nothing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hatch_build.sysconfig, "get_path", lambda name: str(root))
    (root / "Python.h").touch()
    monkeypatch.setenv("CC", compiler(root, "echo a strange machine >&2; exit 1"))
    assert hatch_build.build(root).endswith(" said: a strange machine")
    assert left(root) == ["_cut.c"]


def test_one_that_makes_nothing_is_no_success(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hatch_build.sysconfig, "get_path", lambda name: str(root))
    (root / "Python.h").touch()
    monkeypatch.setenv("CC", compiler(root, "exit 0"))
    assert "No such file" in hatch_build.build(root)
    assert left(root) == ["_cut.c"]


def test_without_headers_or_compiler_it_goes_without(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", compiler(root, "exit 0"))
    monkeypatch.setattr(hatch_build.sysconfig, "get_path", lambda name: str(root / "none"))
    assert hatch_build.build(root) == f"Python's headers are not in {root / 'none'}"
    monkeypatch.setattr(hatch_build.shutil, "which", lambda name: None)
    assert hatch_build.build(root) == "no C compiler was found"
    assert left(root) == ["_cut.c"]


def test_the_names_of_what_is_built_agree() -> None:
    assert hatch_build.BUILT.removesuffix(".abi3.so").replace("/", ".") == compiled.NAME
    assert f"/{hatch_build.BUILT}" in (ROOT / ".gitignore").read_text().splitlines()
    hooks = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]
    assert hooks == {"custom": {}}
