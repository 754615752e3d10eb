"""A running monolith for the tests of a file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.demo.anytown import Monolith, Resident, running_monolith


@pytest.fixture(scope="module")
def monolith(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monolith]:
    with running_monolith(tmp_path_factory.mktemp("anytown")) as running:
        yield running


@pytest.fixture
def resident(monolith: Monolith) -> Iterator[Resident]:
    with Resident(monolith.address) as browser:
        yield browser
