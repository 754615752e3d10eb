"""What a run says of itself is what tells up to when its dataset knows what the source knew."""

from __future__ import annotations

from time import time

import pytest

from extractors import follow
from notation.as_of import as_of

from .conftest import Council
from .test_follow import COLUMNS, CURSOR, HEAD, moment, silo


def test_a_run_knows_what_was_there_when_it_began(council: Council, monkeypatch: pytest.MonkeyPatch) -> None:
    silo(council)
    council.declare(*COLUMNS, head=HEAD.replace("    columns:", CURSOR))
    folder = council.home / "data" / "lake" / "jobs"
    began = int(time())
    council.run()
    assert began <= as_of(folder) <= time()
    council.silo(*(f"INSERT INTO JOBS VALUES ({n}, 'Y', '{moment(n)}')" for n in range(50, 90)))
    monkeypatch.setattr(follow, "STRETCH", 10)
    council.run()
    commits = sorted((folder / "_delta_log").glob("*.json"))
    assert len(commits) > 4
    assert as_of(folder) >= began
    commits[-1].unlink()
    for path in commits[1:-1]:
        path.write_text(path.read_text().replace(r"\"began\": \"20", r"\"began\": \"21"))
    assert as_of(folder) <= time(), "its stretches alone do not count"
