"""docs/limits.md says what the code has."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[1] / "docs" / "limits.md"
ROWS = re.findall(r"^\| `([a-z_.]+)\.([A-Z_]+)` \| ([0-9.]+) \|", PAGE.read_text(), re.MULTILINE)


def test_there_are_rows() -> None:
    assert len(ROWS) > 10


@pytest.mark.parametrize(("module", "name", "value"), ROWS, ids=[f"{module}.{name}" for module, name, _ in ROWS])
def test_a_documented_limit_is_the_codes(module: str, name: str, value: str) -> None:
    assert getattr(importlib.import_module(module), name) == float(value)
