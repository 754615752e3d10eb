"""The map of shared memory: each worker counts in its own rows, and everybody reads the sum."""

from __future__ import annotations

import subprocess
import sys

import pytest

from proxy.counters import BOUNDS, COLUMNS, CONNECTIONS, MAX_SERIES, Counters, Tally


def test_what_two_workers_count_is_added_up() -> None:
    counters = Counters.create(2)
    counters.writer(0).count(7, 2, 150)
    counters.writer(1).count(7, 5, 900)
    counters.writer(1).count_cut(7)
    tally = counters.tally(7)
    assert tally.answers == (0, 0, 1, 0, 0, 1)
    assert (tally.cut, tally.micros, tally.hits) == (1, 1050, 3)
    assert sum(tally.histogram) == 2
    assert counters.tally(8).hits == 0


def test_another_process_counts_in_the_same_map() -> None:
    counters = Counters.create(1)
    code = f"from proxy.counters import Counters; Counters({counters.fd}, 1).writer(0).count(3, 2, 10)"
    subprocess.run([sys.executable, "-c", code], pass_fds=[counters.fd], check=True)
    assert counters.tally(3).hits == 1


def test_what_a_worker_that_died_had_open_is_closed_and_its_counts_stay() -> None:
    counters = Counters.create(1)
    writer = counters.writer(0)
    writer.add(CONNECTIONS, 3)
    writer.add_address("10.1.2.3", 3)
    writer.count(1, 2, 10)
    counters.writer(0)
    assert counters.gauge(0, CONNECTIONS) == 0
    assert counters.of_address("10.1.2.3") == 0
    assert counters.tally(1).hits == 1


def test_connections_of_an_address_are_known_over_all_workers_and_never_too_few() -> None:
    counters = Counters.create(2)
    writers = [counters.writer(0), counters.writer(1)]
    addresses = [f"10.{n // 250}.{n % 250}.1" for n in range(2000)]
    for number, address in enumerate(addresses):
        writers[number % 2].add_address(address, 1 + number % 3)
    over = 0
    for number, address in enumerate(addresses):
        known = counters.of_address(address)
        assert known >= 1 + number % 3
        over += known > 1 + number % 3
    assert over < len(addresses) * (2000 / COLUMNS) ** 2 * 2, "two columns are seldom both shared"


def test_a_whole_ipv6_network_is_one_host() -> None:
    counters = Counters.create(1)
    writer = counters.writer(0)
    for last in range(5):
        writer.add_address(f"2001:db8:1:2::{last}", 1)
    assert counters.of_address("2001:db8:1:2:ffff::9") == 5
    assert counters.of_address("2001:db8:1:3::1") == 0
    writer.add_address("::ffff:10.1.2.3", 1)
    assert counters.of_address("10.1.2.3") == 1


def test_a_quantile_is_an_upper_bound_within_a_third() -> None:
    counters = Counters.create(1)
    writer = counters.writer(0)
    for micros in range(1000, 101_000, 1000):
        writer.count(0, 2, micros)
    for share, exact in ((0.5, 0.050), (0.95, 0.095), (1.0, 0.100)):
        known = counters.tally(0).quantile(share)
        assert known is not None
        assert exact <= known <= exact * 1.34


def test_no_answers_no_quantile() -> None:
    assert Counters.create(1).tally(0).quantile(0.5) is None


def test_an_answer_that_took_longer_than_every_bound_is_in_the_last_bucket() -> None:
    counters = Counters.create(1)
    counters.writer(0).count(0, 2, BOUNDS[-1] * 10)
    assert counters.tally(0).histogram[-1] == 1


def test_a_series_that_is_not_there_is_loud() -> None:
    with pytest.raises(IndexError, match=f"there is no series {MAX_SERIES}"):
        Counters.create(1).tally(MAX_SERIES)


def test_untouched_rows_take_no_memory() -> None:
    """The map of 8 workers is over a gigabyte long; what it takes is what was written."""
    code = (
        "from proxy.counters import Counters, layout\n"
        "c = Counters.create(8)\n"
        "[c.writer(n).count(5, 2, 10) for n in range(8)]\n"
        "import os\n"
        "print(layout(8), os.fstat(c.fd).st_blocks * 512)\n"
    )
    length, taken = map(int, subprocess.check_output([sys.executable, "-c", code]).split())
    assert length > 2**30
    assert taken < 4 * 2**20


def test_a_tally_is_a_value() -> None:
    assert Tally((0,) * 6, 0, 0, (0,)) == Tally((0,) * 6, 0, 0, (0,))
