"""Whoever reads a check finds the line of the RFC that asks for it above it, in the RFC's own words."""

from __future__ import annotations

import ast
import inspect
import re
from types import ModuleType

import pytest

from proxy.wire import chunked, grammar

# As in: RFC 9112 section 6.3: "…"
QUOTED = re.compile(r'^ *# RFC \d{4} section \d+(\.\d+)*: ".{10,}', re.MULTILINE)
REFUSALS = ("Refused", "BadReply", "BadChunk")


def refusing(module: ModuleType) -> list[tuple[str, str]]:
    """Each function that refuses, by name, with its text."""
    source = inspect.getsource(module)
    return [
        (f"{module.__name__}.{node.name}", ast.get_source_segment(source, node) or "")
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef)
        and any(
            isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in REFUSALS
            for call in ast.walk(node)
        )
    ]


FOUND = [*refusing(grammar), *refusing(chunked)]


def test_there_are_functions_that_refuse() -> None:
    assert {name.rpartition(".")[2] for name, _ in FOUND} >= {"read_request", "read_reply", "_request_framing", "feed"}


@pytest.mark.parametrize(("name", "text"), FOUND, ids=[name for name, _ in FOUND])
def test_a_function_that_refuses_quotes_the_line_that_asks_for_it(name: str, text: str) -> None:
    assert QUOTED.search(text), f"{name} refuses, and quotes no RFC above its check"
