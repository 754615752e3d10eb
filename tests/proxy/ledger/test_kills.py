"""Every process is killed at many moments under load: the ledger opens, and its hits are those the backends counted."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from time import sleep, time

import pytest

from proxy.counters import Counters
from proxy.findings import Findings
from proxy.ledger.clerk import Clerk
from proxy.ledger.place import place_of
from tests.conftest import Start
from tests.proxy.conftest import Server
from tests.proxy.ledger.killing import AT_ONCE, hits, is_sound, kill_children, kill_supervisors

NAMES = {4: ("repairs", "/repairs/*"), 6: ("repairs", "GET /housing")}


# -- the writer alone, which is killed while it writes without a pause


@pytest.fixture
def counters() -> Iterator[Counters]:
    counters = Counters.create(workers=1)
    yield counters
    counters.close()


def writing_until_killed(home: Path, counters: Counters, name: str) -> int:
    """A process that writes as fast as it can."""
    pid = os.fork()
    if pid == 0:
        try:
            clerk = Clerk(home, counters, name, print, Findings())
            while True:
                clerk.attempt(place_of(home), NAMES, time())
        finally:
            os._exit(1)
    return pid


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")  # nothing of the threads of others is used there
@pytest.mark.once
def test_a_writer_that_is_killed_at_a_hundred_moments_loses_and_doubles_nothing(
    counters: Counters, tmp_path: Path
) -> None:
    dice, counted, done = random.Random(11), 0, threading.Event()
    worker = counters.writer(0)

    def count() -> None:
        nonlocal counted
        while not done.wait(0.0005):
            worker.count(4 + counted % 4, 2, counted % 5000)
            counted += 1

    counting = threading.Thread(target=count)
    counting.start()
    before = 0
    for number in range(100):
        pid = writing_until_killed(tmp_path, counters, str(number))
        sleep(dice.uniform(0.0, 0.15))  # the moment
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        seen = hits(tmp_path)
        assert before <= seen <= counted
        before = seen
        if number % 10 == 0 and (tmp_path / "data" / "ledger.sqlite").exists():
            assert is_sound(tmp_path)
    done.set()
    counting.join()
    worker.cells.release()  # what sqlite raised may keep this frame until garbage is collected, and the map with it
    assert before > 100
    clerk = Clerk(tmp_path, counters, "last", print, Findings())
    assert clerk.attempt(place_of(tmp_path), NAMES, time()) is None
    clerk.close()
    assert hits(tmp_path) == counted
    assert is_sound(tmp_path)


# -- all of the processes; at a hundred moments each by hand: scripts/ledger-kills


@pytest.mark.parametrize("moments", [2, pytest.param(15, marks=pytest.mark.slow)])
def test_a_keeper_that_is_killed_costs_the_ledger_no_hit(
    tmp_path: Path, backends: dict[str, Server], start: Start, fig: Path, moments: int
) -> None:
    killed = kill_children(tmp_path, backends, start, fig, "keeper", moments=moments, seed=5)
    assert killed.hits == killed.asked == killed.answered


@pytest.mark.parametrize("moments", [2, pytest.param(15, marks=pytest.mark.slow)])
def test_a_worker_that_is_killed_costs_the_ledger_what_was_under_way_in_it(
    tmp_path: Path, backends: dict[str, Server], start: Start, fig: Path, moments: int
) -> None:
    """That never came to be answers."""
    killed = kill_children(tmp_path, backends, start, fig, "worker", moments=moments, seed=5)
    assert killed.asked - killed.answered <= moments * AT_ONCE


@pytest.mark.parametrize("moments", [2, pytest.param(15, marks=pytest.mark.slow)])
def test_a_supervisor_that_is_killed_costs_the_ledger_no_hit_that_was_answered(
    tmp_path: Path, backends: dict[str, Server], start: Start, fig: Path, moments: int
) -> None:
    killed = kill_supervisors(tmp_path, backends, start, fig, moments=moments, seed=6)
    assert killed.answered <= killed.hits <= killed.asked
