"""/metrics says what the workers counted, as Prometheus reads it; docs/watching.md names every measurement."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from proxy.admin.metrics import BUCKETS, families
from proxy.compiler import SeriesBook
from proxy.copies import Cause, Outcome
from proxy.counters import BOUNDS, LINES_LOST, Counters
from proxy.exposition import Family, Sample, buckets, page
from proxy.plan import DEFAULT_SERIES, NOT_FOUND_SERIES
from proxy.standing import DOWN, EJECTED, EVERY, FAILED_THERE, FOUND, NOT_COPIED
from proxy.sums import sums
from tests.conftest import Start
from tests.proxy.conftest import Proxy, Server
from tests.proxy.test_serving import get, until

Values = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def read(text: str) -> Values:
    """Every sample by name and labels, as Prometheus's own library reads them."""
    found: Values = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in found, f"{key} is there twice"
            found[key] = sample.value
    return found


def value(values: Values, name: str, **labels: str) -> float:
    return values[f"stranglerfig_{name}", tuple(sorted(labels.items()))]


@pytest.fixture
def counters() -> Iterator[Counters]:
    one = Counters.create(2)
    yield one
    one.close()
    os.close(one.fd)


def told(book: SeriesBook, **changes: object) -> dict[str, object]:
    spans = book.spans()
    return {
        "ok": True, "began": 1.5, "generation": 3, "refused": False, "bypass": False, "ledger_trouble": False,
        "workers": {"0": 3, "1": 2},
        "default": "legacy", "backends": {"legacy": 0, "repairs": 1},
        "slices": [{"name": "repairs", "backend": "repairs", "legacy": "legacy", "share": 0.1, "held": True,
                    "series": spans.get("repairs", [])}],
        "redirects_and_gone": spans.get("", []),
        "addresses": [{"backend": "repairs", "address": f"10.0.0.{place}:9001", "place": place} for place in (3, 4)],
        **changes,
    }  # fmt: skip


def scraped(counters: Counters, said: dict[str, object]) -> Values:
    return read(page(families(said, counters)))


def test_counts_are_by_slice_side_backend_and_class(counters: Counters) -> None:
    book = SeriesBook()
    first, second = book.number("repairs", "/a"), book.number("repairs", "/b")
    redirect = book.number("", "redirect /c")
    one, other = counters.writer(0), counters.writer(1)
    one.count(first, 2, 1000)
    other.count(second, 2, 3000)
    other.count(second + 1, 5, 200)
    one.count_cut(first + 1)
    one.count(DEFAULT_SERIES, 4, 50)
    one.count(redirect, 3, 0)
    other.count(NOT_FOUND_SERIES, 4, 0)
    other.set(LINES_LOST, 7)
    values = scraped(counters, told(book))
    by_legacy = {"slice": "repairs", "side": "legacy", "backend": "legacy"}
    by_slice = {"slice": "repairs", "side": "slice", "backend": "repairs"}
    default = {"slice": "", "side": "legacy", "backend": "legacy"}
    assert value(values, "answers_total", **by_legacy, status="2xx") == 2
    assert value(values, "answers_total", **by_slice, status="5xx") == 1
    assert value(values, "answers_total", **by_slice, status="2xx") == 0
    assert value(values, "answers_total", **default, status="4xx") == 1
    assert value(values, "answers_cut_total", **by_slice) == 1
    assert value(values, "answer_seconds_count", **by_legacy) == 2
    assert value(values, "answer_seconds_sum", **by_legacy) == 0.004
    assert value(values, "own_answers_total", kind="redirects_and_gone", status="3xx") == 1
    assert value(values, "own_answers_total", kind="not_found", status="4xx") == 1
    assert value(values, "access_log_lines_lost_total") == 7
    assert value(values, "slice_share", slice="repairs") == 0.1
    assert value(values, "slice_held", slice="repairs") == 1
    assert value(values, "worker_generation", worker="1") == 2


def test_copies_are_by_candidate_and_outcome(counters: Counters) -> None:
    counters.shadowed(1)[Outcome.SENT] = 5
    counters.shadowed(1)[Outcome.LATE] = 1
    for row in (0, 1):
        counters.of_backend(1)[row][NOT_COPIED[Cause.FULL]] = 2 + row
    values = scraped(counters, told(SeriesBook()))
    for outcome, count in {"sent": 5, "late": 1, "answered": 0, "full": 5, "large": 0}.items():
        assert value(values, "copies_total", backend="repairs", outcome=outcome) == count
    assert value(values, "copies_total", backend="legacy", outcome="sent") == 0


def test_addresses_that_are_down_or_left_out_are_told(counters: Counters) -> None:
    now = int(monotonic() * 1000)
    found = counters.found_by_keeper(3)
    found[DOWN], found[FOUND], found[EVERY] = 1, now, 60_000
    for row in (0, 1):
        counters.of_server(4)[row][FAILED_THERE] = 2 + row
    counters.of_server(4)[1][EJECTED] = now + 60_000
    values = scraped(counters, told(SeriesBook()))
    said = {
        (name, place): value(values, f"address_{name}", backend="repairs", address=f"10.0.0.{place}:9001")
        for name in ("down", "ejected", "failures_total")
        for place in (3, 4)
    }
    assert said == {
        ("down", 3): 1, ("down", 4): 0, ("ejected", 3): 0, ("ejected", 4): 1,
        ("failures_total", 3): 0, ("failures_total", 4): 5,
    }  # fmt: skip
    del found


@settings(max_examples=30)
@given(st.lists(st.integers(0, 10**9), max_size=30))
def test_the_histogram_is_of_what_was_counted(micros: list[int]) -> None:
    counters = Counters.create(1)
    writer = counters.writer(0)
    for each in micros:
        writer.count(DEFAULT_SERIES, 2, each)
    values = scraped(counters, told(SeriesBook()))
    default = {"slice": "", "side": "legacy", "backend": "legacy"}
    shown = [
        (float(dict(labels)["le"]), count)
        for (name, labels), count in values.items()
        if name == "stranglerfig_answer_seconds_bucket" and dict(labels)["slice"] == ""
    ]
    assert len(shown) == len(BUCKETS) + 1
    for bound, count in shown:
        assert count == sum(each < bound * 1e6 for each in micros)
    assert value(values, "answer_seconds_count", **default) == len(micros)
    os.close(counters.fd)


def test_a_hundred_thousand_routes_make_no_more_lines_and_take_no_memory(counters: Counters) -> None:
    book = SeriesBook()
    few = page(families(told(book), counters))
    for number in range(100_000):
        book.number("repairs", f"/r/{number}")
    counters.writer(1).count(book.number("repairs", "/r/99999") + 1, 2, 10)
    before = os.fstat(counters.fd).st_blocks
    many = page(families(told(book), counters))
    assert many.count("\n") == few.count("\n")
    assert os.fstat(counters.fd).st_blocks == before
    assert value(read(many), "answers_total", slice="repairs", side="slice", backend="repairs", status="2xx") == 1


def test_spans_are_few_and_hold_every_series() -> None:
    book = SeriesBook()
    numbers = {name: [book.number(name, f"/{name}/{at}") for at in range(50)] for name in ("a", "b")}
    numbers["a"].append(book.number("a", "/later"))
    spans = book.spans()
    assert len(spans["a"]) == 2
    for name, firsts in numbers.items():
        assert [at for first, end in spans[name] for at in range(first, end, 2)] == firsts


def test_sums_are_of_all_rows_and_of_each_side(counters: Counters) -> None:
    for worker in (0, 1):
        writer = counters.writer(worker)
        for series in range(4, 5000):
            writer.count(series, 2, series % 2)
    both = sums(counters.fd, 2, [(4, 4100), (4200, 4202)])
    assert [int(cells[2]) for cells in both] == [2 * 2049, 2 * 2049]
    assert [int(cells[7]) for cells in both] == [0, 2 * 2049]


LABELS = st.text(max_size=20)


@given(LABELS, LABELS, st.integers(0, 2**64 - 1))
def test_any_label_is_read_back(one: str, other: str, count: int) -> None:
    text = page([Family("a_total", "counter", "Says\nso \\ far.", [Sample({"x": one, "y": other}, count)])])
    (family,) = text_string_to_metric_families(text)
    assert family.documentation == "Says\nso \\ far."
    assert family.samples[0].labels == {"x": one, "y": other}
    assert family.samples[0].value == count


def test_buckets_grow_to_the_count() -> None:
    samples = list(buckets({"s": "x"}, [0.1, 0.5], [1, 0, 2], 4.25))
    assert [(sample.suffix, sample.labels.get("le"), sample.value) for sample in samples] == [
        ("_bucket", "0.1", 1), ("_bucket", "0.5", 1), ("_bucket", "+Inf", 3), ("_sum", None, 4.25), ("_count", None, 3),
    ]  # fmt: skip


def test_the_bounds_are_those_of_the_map() -> None:
    assert [BOUNDS[at] for at in BUCKETS][:3] == [177, 416, 979]
    assert len(BUCKETS) <= 20


# A whole proxy.


async def scrape(proxy: Proxy) -> Values:
    async with aiohttp.ClientSession() as session, session.get(f"http://{proxy.status()['admin']}/metrics") as reply:
        assert (reply.status, reply.headers["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
        return read(await reply.text())


def test_after_known_traffic_the_numbers_are_the_traffic(proxy: Proxy) -> None:
    proxy.write("live")
    proxy.ask(do="reload")

    async def main() -> None:
        for number in range(7):
            await get(f"{proxy.url}/repairs/{number}")
        for number in range(5):
            await get(f"{proxy.url}/{number}")
        assert (await get(f"{proxy.url}/a%00"))[0] == 400
        values = await scrape(proxy)
        by_slice = {"slice": "repairs", "side": "slice", "backend": "repairs"}
        default = {"slice": "", "side": "legacy", "backend": "legacy"}
        assert value(values, "answers_total", **by_slice, status="2xx") == 7
        assert value(values, "answers_total", **default, status="2xx") == 5
        assert value(values, "own_answers_total", kind="refused", status="4xx") == 1
        assert value(values, "answer_seconds_count", **by_slice) == 7
        assert value(values, "backend_requests_total", backend="repairs") == 7
        assert value(values, "slice_share", slice="repairs") == 1
        assert value(values, "generation") == 2
        assert [value(values, "worker_generation", worker=worker) for worker in "01"] == [2, 2]
        everything = sum(
            count
            for (name, _), count in values.items()
            if name
            in ("stranglerfig_answers_total", "stranglerfig_own_answers_total", "stranglerfig_answers_cut_total")
        )
        assert everything == 13

    asyncio.run(main())


def test_a_scrape_lives_without_the_supervisors_word(proxy: Proxy) -> None:
    """It hangs: what it said last still names what is counted."""
    admin = proxy.status()["admin"]

    async def main() -> None:
        await scrape(proxy)
        await get(f"{proxy.url}/a")
        os.kill(proxy.process.pid, signal.SIGSTOP)
        try:
            status, text = await get(f"http://{admin}/metrics")
        finally:
            os.kill(proxy.process.pid, signal.SIGCONT)
        assert status == 200
        default = {"slice": "", "side": "legacy", "backend": "legacy"}
        assert value(read(text), "answers_total", **default, status="2xx") == 1

    asyncio.run(main())


def test_a_file_that_is_refused_can_be_alerted_on(proxy: Proxy) -> None:
    async def main() -> None:
        proxy.file.write_text("nonsense")
        proxy.ask(do="reload")
        assert value(await scrape(proxy), "routes_refused") == 1
        proxy.write("legacy")
        proxy.ask(do="reload")
        assert value(await scrape(proxy), "routes_refused") == 0

    asyncio.run(main())


def test_a_new_keeper_reads_the_same_counts(
    tmp_path: Path, backends: dict[str, Server], start: Start, fig: Path
) -> None:
    proxy = Proxy(tmp_path, backends, start, fig)

    async def main() -> None:
        await get(f"{proxy.url}/a")
        pid = proxy.status()["keeper"]["pid"]  # type: ignore[call-overload, index]
        os.kill(pid, signal.SIGKILL)
        await until(lambda: proxy.status()["keeper"]["pid"] not in (pid, None))  # type: ignore[call-overload, index]
        default = {"slice": "", "side": "legacy", "backend": "legacy"}
        assert value(await scrape(proxy), "answers_total", **default, status="2xx") == 1

    asyncio.run(main())


def test_every_measurement_is_documented(counters: Counters, root: Path) -> None:
    names = {family.name for family in families(told(SeriesBook()), counters)}
    documented = set(re.findall(r"^\| `(stranglerfig_\w+)`", (root / "docs" / "watching.md").read_text(), re.MULTILINE))
    assert documented == names
