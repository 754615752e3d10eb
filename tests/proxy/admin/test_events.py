"""Server-sent events: who looks is told when something changes; streams are few, and end with the keeper."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from time import monotonic

import requests

from proxy.admin.events import STREAMS
from proxy.control import ask
from tests.proxy.admin.conftest import ROUTES, Admin, Make


@contextlib.contextmanager
def listening(admin: Admin) -> Iterator[Iterator[str]]:
    while (answer := requests.get(f"{admin.url}/events", stream=True, timeout=60)).status_code == 503:
        answer.close()
    with answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        yield (line.decode() for line in answer.iter_lines(chunk_size=1) if line)


def wait_for_change(lines: Iterator[str]) -> str:
    return next(line for line in lines if line.startswith("data: "))


def test_a_change_is_told_to_everybody_who_looks(admin: Admin) -> None:
    with listening(admin) as one, listening(admin) as other:
        assert next(one) == next(other) == "retry: 5000"
        first = wait_for_change(one)
        assert ask(admin.home, {"do": "hold", "slice": "repairs", "stage": "legacy", "who": "bob", "why": ""})["ok"]
        assert wait_for_change(one) > first
        wait_for_change(other)


def test_only_so_many_streams_are_open_and_one_that_ends_makes_room(make: Make) -> None:
    admin = make(ROUTES)
    with contextlib.ExitStack() as stack:
        streams = [stack.enter_context(listening(admin)) for _ in range(STREAMS)]
        assert {next(lines) for lines in streams} == {"retry: 5000"}
        with requests.get(f"{admin.url}/events", stream=True, timeout=30) as refused:
            assert (refused.status_code, refused.headers["Retry-After"]) == (503, "60")
        assert admin.get("/").status_code == 200
    assert ask(admin.home, {"do": "bypass", "on": True, "who": "bob", "why": ""})["ok"]  # who is gone is noticed
    with listening(admin) as lines:
        assert next(lines) == "retry: 5000"


def test_the_keeper_ends_its_streams_and_is_not_kept_by_them(make: Make) -> None:
    admin = make(ROUTES)
    pid = admin.get("/api/v1/status").json()["keeper"]["pid"]
    with listening(admin) as lines:
        wait_for_change(lines)
        began = monotonic()
        os.kill(pid, signal.SIGTERM)
        assert [line for line in lines if line.startswith("data: ")] == []  # to its end, which came
        assert monotonic() - began < 5
    while True:  # the next keeper answers at the same address
        with contextlib.suppress(requests.ConnectionError):
            if admin.get("/api/v1/status").json()["keeper"]["pid"] != pid:
                break
    with listening(admin) as lines:
        wait_for_change(lines)
