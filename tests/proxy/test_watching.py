"""When routes.yaml may have changed: what changes while another change is taken in is told too."""

from __future__ import annotations

import asyncio
from pathlib import Path

from proxy.config import load
from proxy.watching import changes

ROUTES = """\
version: 1
listen: 127.0.0.1:0
backends: {legacy: {url: "http://127.0.0.1:8081"}}
default: legacy
"""


def test_a_change_right_after_another_is_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "routes.yaml"
    file.write_text(ROUTES)
    told: list[object] = []

    async def main() -> None:
        stop = asyncio.Event()
        async for change in changes(file, lambda: load(file, {}).spec, stop):
            # The first is told when nothing has changed for a second: it is being watched by now.
            told.append(change)
            if len(told) == 5:
                stop.set()
            beside = tmp_path / "beside"
            beside.write_text(f"{ROUTES}# {len(told)}\n")
            beside.replace(file)

    asyncio.run(main())
    assert all(told[1:]), "not only found when nothing was told for a second"
