"""A map of counters, a ledger, and the writer between them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from proxy.counters import Counters
from proxy.ledger.engines import writing
from proxy.ledger.place import place_of
from proxy.ledger.reads import Ledger
from proxy.ledger.versions import bring_up
from proxy.ledger.writing import Writer

NAMES = {4: ("repairs", "/repairs/*"), 6: ("repairs", "GET /housing"), 8: ("", "gone /kiosk/*")}
NOON = 1_790_000_000 // 86_400 * 86_400 + 43_200.0  # of some day


@pytest.fixture
def counters() -> Iterator[Counters]:
    counters = Counters.create(workers=2)
    yield counters
    counters.close()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = writing(place_of(tmp_path))
    bring_up(engine)
    yield engine
    engine.dispose()


def keeper(counters: Counters, name: str = "one") -> Writer:
    writer = Writer(counters, name)
    writer.names = NAMES
    return writer


def in_all(home: Path) -> dict[tuple[str, str], int]:
    with Ledger.of(home) as ledger:
        return {(each.slice, each.side): each.hits.hits for each in ledger.by_slice(0, 2**40)}
