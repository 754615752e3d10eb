"""Every case of the wire against the real `fig serve`: whole, byte by byte, with junk behind, and with slow replies."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.conformances.play import play
from tests.processes import free_port
from tests.wire.case import Case
from tests.wire.ours import serving
from tests.wire.player import VARIANTS, variants_of
from tests.wire.subjects import CASES, SUBJECTS

# Cases that fail today, each with the reason; one that passes must leave this list.
PENDING: dict[str, str] = {}

# The aim: more than anybody asks of a proxy, and no fewer as the files change.
AT_LEAST = 250


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, int]]:
    """Where citizens arrive, and where the backend is to listen: one proxy for the whole file."""
    backend = free_port()
    with serving(tmp_path_factory.mktemp("conformance"), backend) as (port, proxy):
        yield port, backend
        assert "Traceback" not in proxy.log


def wrongs(cases: list[Case], ports: tuple[int, int], variant: str) -> tuple[dict[str, list[str]], tuple[bytes, ...]]:
    """By name, what is wrong of the cases in this variant; and what the backend got that belongs to none."""
    report = asyncio.run(play(*ports, cases=cases, variants=[variant]))
    found = {name: [*must, *strict] for name, (must, strict) in report.findings.items()}
    return {name: wrong for name, wrong in found.items() if wrong}, report.strays


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("subject", [name for name, _ in SUBJECTS])
def test_our_proxy_conforms(ports: tuple[int, int], subject: str, variant: str) -> None:
    cases = [case for case in CASES if case.subject == subject and variant in variants_of(case)]
    found, strays = wrongs([case for case in cases if case.name not in PENDING], ports, variant)
    assert found == {}
    assert strays == ()


def test_what_is_pending_still_fails(ports: tuple[int, int]) -> None:
    for name in PENDING:
        case = next(case for case in CASES if case.name == name)
        found = [wrongs([case], ports, variant)[0] for variant in variants_of(case)]
        assert any(found), f"{name} passes: take it off PENDING"


def test_each_case_has_a_name_of_its_own_and_a_reference() -> None:
    names = [case.name for case in CASES]
    assert sorted(names) == sorted(set(names))
    assert [case.name for case in CASES if not case.reference] == []
    assert len(names) >= AT_LEAST


def test_each_file_of_cases_is_a_subject() -> None:
    files = {path.stem for path in (Path(__file__).parent / "subjects").glob("*.py")} - {"__init__"}
    assert files == {module.__name__.rpartition(".")[2] for _, module in SUBJECTS}


def test_the_document_speaks_of_cases_there_are() -> None:
    text = (Path(__file__).parent.parent.parent / "docs" / "conformance.md").read_text(encoding="utf-8")
    named = {re.sub(r"\\(.)", r"\1", name) for name in re.findall(r"^- (?!\*\*)(.+) \([^()]+\)$", text, re.MULTILINE)}
    assert len(named) > 100
    assert named - {case.name for case in CASES} == set()
    assert "## stranglerfig\n\nFails none of" in text, "scripts/conformance --all writes it anew"
