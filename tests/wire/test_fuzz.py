"""The fuzzer finds nothing: for moments always, for a minute where there is time."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from tests.processes import free_port
from tests.wire.fuzz import fuzz_functions, fuzz_proxy, mutated
from tests.wire.ours import serving


def test_the_same_seed_changes_the_same_bytes() -> None:
    first, second = random.Random(1), random.Random(1)
    assert [mutated(first, b"GET / HTTP/1.1") for _ in range(50)] == [
        mutated(second, b"GET / HTTP/1.1") for _ in range(50)
    ]


def test_for_moments_the_functions_hold() -> None:
    found = fuzz_functions(1, 2.0)
    assert found.wrong == []
    assert found.passed > 100


@pytest.mark.slow
def test_for_half_a_minute_the_functions_hold() -> None:
    found = fuzz_functions(random.randrange(1 << 32), 25.0)
    assert found.wrong == []


@pytest.mark.slow
def test_for_half_a_minute_the_proxy_holds(tmp_path: Path) -> None:
    backend = free_port()
    with serving(tmp_path, backend) as (port, proxy):
        found = asyncio.run(fuzz_proxy(port, backend, random.randrange(1 << 32), 30.0))
        assert "Traceback" not in proxy.log
    assert found.wrong == []
    assert found.passed > 100
