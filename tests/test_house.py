"""The house is in order: short files, true documents, whole locks, scripts that explain themselves."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
GENERATED = re.compile(
    r"^(\.git|\.venv.*|\..*_cache|\.hypothesis|__pycache__|dist|build|node_modules|.*\.egg-info|.*\.so)$"
)
LONGEST = 400

# A lock, a script or a document that names one of these works only where that address can be reached.
REGISTRIES = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("python" + "hosted", "org"),
        ("anaconda", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("crates", "io"),
        ("docker", "io"),
        ("ghcr", "io"),
        ("quay", "io"),
        ("deb", "debian", "org"),
    )
)
OF_ONE_MACHINE = re.compile(r"(?<![\w.:}])/(?:work|root|home|Users)/\w")
A_NUMBER_OF_A_LIST_ELSEWHERE = re.compile(r"\b[Ii]ssue #?\d+\b")


def files() -> Iterator[Path]:
    """What belongs to the project: not the environment, not caches, not what is generated in data/."""
    for folder, inside, names in os.walk(ROOT):
        inside[:] = sorted(name for name in inside if not GENERATED.match(name))
        if Path(folder) == ROOT / "data":
            inside.clear()
            names = ["README.md"]
        for name in sorted(names):
            if not GENERATED.match(name):
                yield Path(folder) / name


FILES = list(files())
PYTHON = [path for path in FILES if path.suffix == ".py"]
DOCUMENTS = [path for path in FILES if path.suffix == ".md"]
SCRIPTS = [path for path in FILES if path.parent == ROOT / "scripts" and path.suffix == ""]


def short(path: Path) -> str:
    return str(path.relative_to(ROOT))


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def test_no_file_is_longer_than_a_reader_can_hold() -> None:
    lengths = {short(path): len(text(path).splitlines()) for path in PYTHON}
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}


def test_every_file_says_what_it_is() -> None:
    silent = [short(path) for path in PYTHON if text(path).strip() and not ast.get_docstring(ast.parse(text(path)))]
    assert silent == []


@pytest.mark.parametrize("registry", REGISTRIES)
def test_no_file_names_a_package_registry(registry: str) -> None:
    assert [short(path) for path in FILES if registry in text(path)] == []


def places(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{short(path)}:{number}: {line.strip()}"
        for path in FILES
        for number, line in enumerate(text(path).splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_file_names_a_folder_of_one_machine() -> None:
    assert places(OF_ONE_MACHINE) == []


def test_no_file_counts_on_a_list_kept_elsewhere() -> None:
    assert places(A_NUMBER_OF_A_LIST_ELSEWHERE) == []


def test_a_document_that_is_named_exists() -> None:
    known = {path.name for path in DOCUMENTS}
    dangling = [
        f"{short(path)}: {name}"
        for path in FILES
        for name in re.findall(r"(?<![\w/-])[A-Z]{2,}\.md\b", text(path))
        if name not in known
    ]
    assert dangling == []


# -- documents


def slug(heading: str) -> str:
    """The anchor a heading gets: lower case, blanks as hyphens, no punctuation."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def anchors(path: Path) -> set[str]:
    return {slug(heading) for heading in re.findall(r"^#+ (.+)$", text(path), flags=re.MULTILINE)}


@pytest.mark.parametrize("path", DOCUMENTS, ids=short)
def test_links_lead_somewhere(path: Path) -> None:
    prose = re.sub(r"```.*?```", "", text(path), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if "://" in target or target.startswith("mailto:"):
            continue
        name, _, anchor = target.partition("#")
        file = (path.parent / name).resolve() if name else path
        assert file.exists(), f"{short(path)} links to {target}, which is not there"
        assert not anchor or file.suffix != ".md" or anchor in anchors(file), f"{short(path)}: no heading for {target}"


def test_the_first_screen_of_the_readme_has_both_commands() -> None:
    screen = text(ROOT / "README.md").splitlines()[:24]
    assert any(line.strip().startswith("scripts/demo") for line in screen)
    assert any(line.strip().startswith("scripts/test") for line in screen)


def test_the_index_names_every_document() -> None:
    index = text(ROOT / "docs" / "README.md")
    documents = [path.relative_to(ROOT / "docs") for path in DOCUMENTS if path.is_relative_to(ROOT / "docs")]
    assert [str(path) for path in documents if str(path) not in ("README.md",) and f"]({path})" not in index] == []


def test_the_changelog_has_a_place_for_what_comes_next() -> None:
    assert "## Unreleased" in text(ROOT / "CHANGELOG.md").splitlines()


def test_the_licence_is_the_one_declared() -> None:
    project = tomllib.loads(text(ROOT / "pyproject.toml"))["project"]
    assert project["license"] == "MIT"
    assert text(ROOT / "LICENSE").startswith("MIT License\n")


# -- scripts and commands


@pytest.mark.parametrize("script", SCRIPTS, ids=short)
def test_a_script_says_what_it_does(script: Path, tmp_path: Path) -> None:
    # In an empty place: asking for help installs nothing.
    environ = {**os.environ, "FIG_VENV": str(tmp_path / "none")}
    asked = subprocess.run([script, "--help"], capture_output=True, text=True, cwd=tmp_path, env=environ, check=False)
    assert (asked.returncode, asked.stderr) == (0, "")
    assert short(script) in asked.stdout
    assert list(tmp_path.iterdir()) == []


def fig(*arguments: str) -> str:
    command = [Path(sys.executable).parent / "fig", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_every_command_gives_an_example_in_its_help() -> None:
    listed = re.search(r"^Commands:\n((?:  .*\n?)+)", fig("--help"), flags=re.MULTILINE)
    assert listed is not None
    names = re.findall(r"^  (\w+)", listed[1], flags=re.MULTILINE)
    with ThreadPoolExecutor(2) as pool:
        helps = dict(zip(names, pool.map(lambda name: fig(name, "--help"), names), strict=True))
    bare = [name for name, said in helps.items() if not re.search(rf"^\s+fig {name}\b", said.partition("\n")[2], re.M)]
    assert not bare, f"no example in the help of: {', '.join(bare)}"


def test_the_routes_file_in_the_readme_is_accepted(tmp_path: Path) -> None:
    sample = re.search(r"```yaml\n(# routes\.yaml\n.*?)```", text(ROOT / "README.md"), flags=re.DOTALL)
    assert sample is not None
    (tmp_path / "routes.yaml").write_text(sample[1], encoding="utf-8")
    assert "routes.yaml" in fig("check", str(tmp_path / "routes.yaml"))


# -- locks


def pins(lock: str) -> dict[str, list[str]]:
    """Of each package the locked versions with their markers, as written."""
    found: dict[str, list[str]] = {}
    for line in text(ROOT / lock).splitlines():
        if match := re.match(r"([A-Za-z0-9][\w.-]*)==(\S+ ?.*?) ?\\?$", line):
            found.setdefault(canonicalize_name(match[1]), []).append(match[2].strip())
    return found


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-test.lock", "requirements-record.lock"])
def test_a_lock_pins_with_hashes_and_names_no_address(lock: str) -> None:
    locked = text(ROOT / lock)
    assert "://" not in locked
    assert not re.search(r"^-|--(index|find|extra)", locked, flags=re.MULTILINE)
    entries = re.split(r"\n(?=[A-Za-z0-9])", locked)[1:]
    assert len(entries) > 40
    assert [entry.splitlines()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_the_test_lock_holds_every_pin_of_the_core_lock() -> None:
    core, test = pins("requirements.lock"), pins("requirements-test.lock")
    assert {name: versions for name, versions in core.items() if test.get(name) != versions} == {}


def test_the_locks_hold_what_the_project_asks_for() -> None:
    settings = tomllib.loads(text(ROOT / "pyproject.toml"))
    build = settings["dependency-groups"]["build"] + settings["build-system"]["requires"]
    extras = settings["project"]["optional-dependencies"]
    first, *tests = extras["test"]  # it names the drivers' extras
    drivers = [each for name in Requirement(first).extras for each in extras[name]]
    asked = {
        "requirements.lock": settings["project"]["dependencies"] + build,
        "requirements-test.lock": tests + drivers + build,
        "requirements-record.lock": extras["record"],
    }
    for lock, requirements in asked.items():
        locked = pins(lock)
        for requirement in map(Requirement, requirements):
            versions = [version.split(" ")[0] for version in locked.get(canonicalize_name(requirement.name), [])]
            fits = bool(versions) and all(version in requirement.specifier for version in versions)
            assert fits, f"{lock} has {versions} for {requirement}: run scripts/lock"
