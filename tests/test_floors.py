"""The house stands: a file imports only from its own floor or one below, and the parts meet over HTTP and in data/."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("notation", "proxy", "extractors", "slices", "demo")

# What a package may import of ours, beside itself. The front door, fig.py, names its commands in words and imports
# them when they are used, so it may know all.
MAY_IMPORT: Mapping[str, frozenset[str]] = {
    "notation": frozenset(),
    "proxy": frozenset({"notation"}),
    "extractors": frozenset({"notation"}),
    "slices": frozenset({"notation"}),
    "demo": frozenset({"notation"}),
    "fig": frozenset(PACKAGES),
}

DECISIONS, HANDS, ROOMS = 1, 2, 3  # pure; input and output; wiring

# Every module of the two packages that have floors. A folder's name stands for all in it.
FLOORS: Mapping[str, int] = {
    "extractors.address": DECISIONS,
    "extractors.ahead": HANDS,
    "extractors.analysts": ROOMS,
    "extractors.build": ROOMS,
    "extractors.carried": HANDS,
    "extractors.casts": DECISIONS,
    "extractors.cli": ROOMS,
    "extractors.commit": ROOMS,
    "extractors.coarser": DECISIONS,
    "extractors.compiled": DECISIONS,
    "extractors.cursor": DECISIONS,
    "extractors.cursors": DECISIONS,
    "extractors.declared": DECISIONS,
    "extractors.deletes": ROOMS,
    "extractors.dialects": DECISIONS,
    "extractors.digits": DECISIONS,
    "extractors.discover": ROOMS,
    "extractors.draft_yaml": DECISIONS,
    "extractors.drafting": DECISIONS,
    "extractors.drift": DECISIONS,
    "extractors.duck": HANDS,
    "extractors.evidence": DECISIONS,
    "extractors.exposed": HANDS,
    "extractors.faults": DECISIONS,
    "extractors.few_keys": HANDS,
    "extractors.follow": ROOMS,
    "extractors.formats": DECISIONS,
    "extractors.keys": HANDS,
    "extractors.matching": HANDS,
    "extractors.merge": HANDS,
    "extractors.model": DECISIONS,
    "extractors.no_pandas": HANDS,
    "extractors.origin": DECISIONS,
    "extractors.pace": DECISIONS,
    "extractors.parquet_files": HANDS,
    "extractors.parsing": DECISIONS,
    "extractors.personal": DECISIONS,
    "extractors.plan": DECISIONS,
    "extractors.privacy": DECISIONS,
    "extractors.progress": ROOMS,
    "extractors.proof": HANDS,
    "extractors.proved": ROOMS,
    "extractors.queries": DECISIONS,
    "extractors.query": HANDS,
    "extractors.ranges": DECISIONS,
    "extractors.raw": DECISIONS,
    "extractors.reference": DECISIONS,
    "extractors.refused": DECISIONS,
    "extractors.run": ROOMS,
    "extractors.schema": DECISIONS,
    "extractors.shown": DECISIONS,
    "extractors.sources": HANDS,
    "extractors.spec": DECISIONS,
    "extractors.splice": HANDS,
    "extractors.suggested": DECISIONS,
    "extractors.take": ROOMS,
    "extractors.thrift": DECISIONS,
    "extractors.upkeep": HANDS,
    "extractors.walls": DECISIONS,
    "proxy.access": DECISIONS,
    "proxy.addresses": DECISIONS,
    "proxy.admin": ROOMS,
    "proxy.admin_cli": ROOMS,
    "proxy.alone": HANDS,
    "proxy.answers": ROOMS,
    "proxy.asked": DECISIONS,
    "proxy.asking": HANDS,
    "proxy.backends": DECISIONS,
    "proxy.balance": DECISIONS,
    "proxy.breaker": DECISIONS,
    "proxy.caching": DECISIONS,
    "proxy.certificates": HANDS,
    "proxy.channel": HANDS,
    "proxy.checks": DECISIONS,
    "proxy.children": HANDS,
    "proxy.cli": ROOMS,
    "proxy.chosen": HANDS,
    "proxy.claims": DECISIONS,
    "proxy.coming_up": ROOMS,
    "proxy.commits": HANDS,
    "proxy.compare": DECISIONS,
    "proxy.compiler": DECISIONS,
    "proxy.composing": HANDS,
    "proxy.config": DECISIONS,
    "proxy.confirming": HANDS,
    "proxy.conflicts": DECISIONS,
    "proxy.control": HANDS,
    "proxy.cookies": DECISIONS,
    "proxy.copies": DECISIONS,
    "proxy.copyable": DECISIONS,
    "proxy.counters": DECISIONS,  # cells of memory it is given; that others see them changes nothing here
    "proxy.crew": ROOMS,
    "proxy.descriptors": HANDS,
    "proxy.doubts": DECISIONS,
    "proxy.draining": ROOMS,
    "proxy.edit": DECISIONS,
    "proxy.edited": HANDS,
    "proxy.ends": DECISIONS,
    "proxy.entrances": ROOMS,
    "proxy.estate": HANDS,
    "proxy.exchanged": DECISIONS,
    "proxy.expectations": DECISIONS,
    "proxy.exposition": DECISIONS,
    "proxy.explain": DECISIONS,
    "proxy.explain_cli": ROOMS,
    "proxy.fields": DECISIONS,
    "proxy.findings": DECISIONS,
    "proxy.founding": ROOMS,
    "proxy.fronts": DECISIONS,
    "proxy.gathered": DECISIONS,
    "proxy.generation": DECISIONS,
    "proxy.headers": DECISIONS,
    "proxy.health": HANDS,
    "proxy.heard": DECISIONS,
    "proxy.hearing": HANDS,
    "proxy.history_cli": ROOMS,
    "proxy.holds": HANDS,
    "proxy.ignored": DECISIONS,
    "proxy.intake": HANDS,
    "proxy.judge": HANDS,
    "proxy.judging": DECISIONS,
    "proxy.juror": HANDS,
    "proxy.jury": HANDS,
    "proxy.keeper": ROOMS,
    "proxy.keeping": ROOMS,
    "proxy.ledger": HANDS,
    "proxy.listeners": HANDS,
    "proxy.logfile": HANDS,
    "proxy.loops": DECISIONS,
    "proxy.model": DECISIONS,
    "proxy.moves": ROOMS,
    "proxy.pacing": DECISIONS,
    "proxy.naming": ROOMS,
    "proxy.newness": HANDS,
    "proxy.noise": DECISIONS,
    "proxy.paths": DECISIONS,
    "proxy.patience": DECISIONS,
    "proxy.patterns": DECISIONS,
    "proxy.plan": DECISIONS,
    "proxy.predicates": DECISIONS,
    "proxy.predecessor": HANDS,
    "proxy.reach": DECISIONS,
    "proxy.reference": DECISIONS,
    "proxy.regexes": DECISIONS,
    "proxy.report": ROOMS,
    "proxy.rereading": HANDS,
    "proxy.rereads": DECISIONS,
    "proxy.retrying": DECISIONS,
    "proxy.routes": DECISIONS,
    "proxy.second": DECISIONS,
    "proxy.sections": DECISIONS,
    "proxy.serve_cli": ROOMS,
    "proxy.shadows": HANDS,
    "proxy.sockets": HANDS,
    "proxy.stages": DECISIONS,
    "proxy.standing": DECISIONS,
    "proxy.standins": DECISIONS,
    "proxy.status_cli": ROOMS,
    "proxy.sums": HANDS,
    "proxy.supervisor": ROOMS,
    "proxy.systemd": HANDS,
    "proxy.table": DECISIONS,
    "proxy.trace": DECISIONS,
    "proxy.translate": DECISIONS,
    "proxy.verdicts": DECISIONS,
    "proxy.visitors": DECISIONS,
    "proxy.votes": DECISIONS,
    "proxy.wire": HANDS,
    "proxy.upgrade": ROOMS,
    "proxy.waiting": DECISIONS,
    "proxy.watching": HANDS,
    "proxy.worker": ROOMS,
    "proxy.written": DECISIONS,
}

# A decision is made from what it is given: no clock, no dice, no sockets, no database.
NOT_ON_FLOOR_1 = frozenset(
    (
        *("aiohttp", "asyncio", "deltalake", "duckdb", "multiprocessing", "random", "requests", "secrets", "socket"),
        *("sqlite3", "subprocess", "threading", "time", "uvloop", "watchfiles"),
    )
)


def modules() -> dict[str, Path]:
    """Every module of ours by its dotted name; a package is its __init__."""
    found = {"fig": ROOT / "fig.py"}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def for_types_only(tree: ast.AST) -> set[ast.AST]:
    """What stands under `if TYPE_CHECKING:`, and so is never imported."""
    return {
        inside
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for statement in node.body
        for inside in ast.walk(statement)
    }


def imported(name: str) -> Iterator[tuple[str, int]]:
    """What the module imports, by absolute name, with the line. `from a import b` is a.b where that is a module."""
    path = MODULES[name]
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    ignored = for_types_only(tree)
    for node in ast.walk(tree):
        if node in ignored:
            continue
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, base] if base else above)
            for alias in node.names:
                full = f"{base}.{alias.name}"
                yield (full if full in MODULES else base), node.lineno


def floor(name: str) -> int | None:
    """The floor of the module or of the nearest folder that is listed."""
    while name:
        if name in FLOORS:
            return FLOORS[name]
        name = name.rpartition(".")[0]
    return None


def has_floors(name: str) -> bool:
    return name.startswith(("proxy.", "extractors."))


def place(name: str, line: int) -> str:
    return f"{MODULES[name].relative_to(ROOT)}:{line}"


def test_the_parts_do_not_import_each_other() -> None:
    wrong = []
    for name in MODULES:
        package = name.partition(".")[0]
        for target, line in imported(name):
            other = target.partition(".")[0]
            if other != package and other in MAY_IMPORT and other not in MAY_IMPORT[package]:
                allowed = ", ".join(sorted(MAY_IMPORT[package])) or "nothing of ours"
                wrong.append(f"{place(name, line)}: {package} imports {target}; it may import {allowed}")
    assert not wrong, "\n".join(wrong)


def test_nothing_but_the_tests_imports_the_tests_or_the_scripts() -> None:
    wrong = [
        f"{place(name, line)}: imports {target}"
        for name in MODULES
        for target, line in imported(name)
        if target.partition(".")[0] in ("tests", "scripts")
    ]
    assert not wrong, "\n".join(wrong)


def test_every_module_has_a_floor() -> None:
    homeless = [name for name in MODULES if has_floors(name) and floor(name) is None]
    assert not homeless, f"say in FLOORS of tests/test_floors.py on which floor these stand: {', '.join(homeless)}"


def test_every_floor_has_its_module() -> None:
    assert [name for name in FLOORS if name not in MODULES] == []


def test_imports_go_down_the_floors() -> None:
    wrong = []
    for name in MODULES:
        mine = floor(name)
        for target, line in imported(name):
            theirs = floor(target)
            if mine is not None and theirs is not None and theirs > mine and has_floors(target):
                wrong.append(f"{place(name, line)}: {name} (floor {mine}) imports {target} (floor {theirs})")
    assert not wrong, "\n".join(wrong)


def test_no_module_imports_itself_by_a_detour() -> None:
    graph = {
        name: {target for target, _ in imported(name) if target in MODULES and target not in {name, *PACKAGES}}
        for name in MODULES
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


def test_decisions_are_pure() -> None:
    wrong = [
        f"{place(name, line)}: {name} is on floor 1 and imports {target}"
        for name in MODULES
        if has_floors(name) and floor(name) == DECISIONS
        for target, line in imported(name)
        if target.partition(".")[0] in NOT_ON_FLOOR_1
    ]
    assert not wrong, "\n".join(wrong)


def test_the_lake_is_touched_in_one_package() -> None:
    touching = {name for name in MODULES for target, _ in imported(name) if target.partition(".")[0] == "deltalake"}
    assert {name for name in touching if not name.startswith("notation.lake.")} == set()
    assert touching == {"notation.lake.log", "notation.lake.writing"}
