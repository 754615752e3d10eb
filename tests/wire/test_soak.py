"""After a minute of backends that refuse, stall, die and talk nonsense, nothing is left: descriptors, memory, tasks."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.wire.soak import soak

# What a process may have grown by after it was warm. A leak of one kilobyte a request would be ten times that.
KILOBYTES = 6 * 1024
# The load is bounded, and a busy machine does less of it; under this the soak says nothing.
ANSWERS = 1_000


@pytest.mark.slow
def test_nothing_is_left_of_a_bad_minute(tmp_path: Path) -> None:
    soaked = soak(tmp_path, seconds=45)
    assert sum(soaked.statuses.values()) > ANSWERS
    assert {200, 400, 502, 504} <= set(soaked.statuses)
    assert (soaked.connections, soaked.in_flight) == (0, 0)
    assert soaked.tasks[0] == soaked.tasks[1]
    for left in soaked.left:
        assert left.descriptors[1] <= left.descriptors[0], f"{left.name} keeps descriptors: {left.descriptors}"
        assert left.kilobytes[1] - left.kilobytes[0] <= KILOBYTES, f"{left.name} grew: {left.kilobytes} kB"
    assert "Traceback" not in soaked.log
