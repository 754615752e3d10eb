"""How soon a changed route answers when there are 10,000: from the file's replacement to the first new answer."""

from __future__ import annotations

import http.client
import os
import time
from contextlib import ExitStack
from pathlib import Path

from scripts.benches.origin import origin_command
from scripts.benches.processes import free_port, start
from scripts.benches.proxy_cases import BODY, MANY, Setup
from scripts.benches.proxy_load import Wrong
from scripts.benches.proxy_programs import Found
from scripts.benches.proxy_runs import patience, say
from scripts.benches.tables import routes_yaml

OTHER = BODY - 1  # bytes by which the slice's answer is known from legacy's
PAUSE = 0.001  # seconds between two requests


def milliseconds(ours: Found, rounds: int, scratch: Path) -> list[float]:
    """Once for each round; supervisor, worker, backends and client share all cores. Raises Wrong."""
    assert ours.program is not None
    with ExitStack() as stack:
        folder = scratch / "change"
        folder.mkdir()
        cores = sorted(os.sched_getaffinity(0))
        ports = []
        for name, size in (("legacy", BODY), ("slice", OTHER)):
            place = folder / name
            place.mkdir()
            ports.append(free_port())
            backend = start(name, origin_command(place, ports[-1], size), place, cores[-1])
            stack.callback(backend.stop)
            backend.wait_until_it_listens(ports[-1])
        port, legacy, slice_ = free_port(), *ports
        text = routes_yaml(MANY, port, 0, legacy).replace(
            f'slice: {{url: "http://127.0.0.1:{legacy}', f'slice: {{url: "http://127.0.0.1:{slice_}'
        )
        (folder / "routes.yaml").write_text(text)
        program = start("stranglerfig", [ours.program, "serve", "-c", "routes.yaml"], folder, *cores)
        stack.callback(program.stop)
        program.wait_until_it_listens(port, patience(Setup(MANY)))
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        stack.callback(client.close)
        found = []
        for number in range(rounds + 1):  # the first time also imports what it needs
            path = f"/changed-{number}/page"
            if _length(client, path) != BODY:
                raise Wrong(f"{path} was answered by the slice before it was the slice's")
            text += f"      - /changed-{number}/*\n"
            (folder / "routes.new").write_text(text)
            (folder / "routes.new").replace(folder / "routes.yaml")
            found.append(_until(client, path))
            say(f"a changed route at {MANY:,} routes answers after {found[-1]:.0f} ms")
    return found[1:]


def _until(client: http.client.HTTPConnection, path: str) -> float:
    began = time.perf_counter()
    while _length(client, path) != OTHER:
        if time.perf_counter() - began > (longest := patience(Setup(MANY))):
            raise Wrong(f"the changed route did not answer within {longest:.0f} s")
        time.sleep(PAUSE)
    return round((time.perf_counter() - began) * 1000, 1)


def _length(client: http.client.HTTPConnection, path: str) -> int:
    client.request("GET", path)
    with client.getresponse() as answer:
        if answer.status != 200:
            raise Wrong(f"{path} was answered with {answer.status}")
        return len(answer.read())
