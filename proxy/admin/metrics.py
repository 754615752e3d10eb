"""`/metrics`: the counts in the shared map as Prometheus reads them, by slice, side, backend and status class.

As many lines as there are slices and backends, however many routes. The keeper counts nothing: it reads, and asks the
supervisor what the counts belong to.
"""

import asyncio
import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from time import monotonic
from typing import Any, Literal

from aiohttp import web

from proxy import verdicts
from proxy.control import NotRunning, ask
from proxy.copies import Cause, Outcome
from proxy.counters import (
    BOUNDS,
    CONNECTIONS,
    CUT,
    FIRST_BUCKET,
    IN_FLIGHT,
    LINES,
    LINES_LOST,
    SUM,
    TASKS,
    Counters,
)
from proxy.exposition import CONTENT_TYPE, Family, Sample, buckets, page
from proxy.plan import DEFAULT_SERIES, HEALTH_SERIES, NOT_FOUND_SERIES, REFUSED_SERIES
from proxy.standing import (
    ASKED,
    CLOSED,
    EJECTED,
    FAILED,
    FAILED_THERE,
    FALLBACKS,
    NOT_COPIED,
    OPENED,
    QUEUED,
    REFUSED,
    RETRIES,
    Standing,
    is_down,
)
from proxy.standing import CONNECTIONS as TO_BACKEND
from proxy.sums import Span, drop_sums, sums, verdict_sums

# The supervisor answers in a millisecond; if it has not after this long, it hangs, and the page says so.
STATUS_SECONDS = 5.0
# Each third of the map's bounds, 2.4 times the one before: enough to tell a p95 that doubled, few enough to keep by
# slice and side.
BUCKETS = tuple(range(2, len(BOUNDS), 3))
CLASSES = ("1xx", "2xx", "3xx", "4xx", "5xx")

Told = Mapping[str, Any]  # what the supervisor says: see proxy/naming.py


@dataclass(frozen=True, slots=True)
class Side:
    """What one side of one slice, or the default, has answered."""

    labels: Mapping[str, str]
    cells: Sequence[int]

    @property
    def histogram(self) -> list[int]:
        """Counts between the bounds that are shown."""
        cells = self.cells[FIRST_BUCKET:]
        edges = [0, *(at + 1 for at in BUCKETS), len(cells)]
        return [sum(cells[low:high]) for low, high in pairwise(edges)]


class Scrapes:
    """Answers Prometheus. What the supervisor said last serves on while it does not answer."""

    def __init__(self, home: Path, counters: Counters) -> None:
        self._home = home
        self._counters = counters
        self._told: Told | None = None

    async def answer(self, _: web.Request) -> web.Response:
        """One scrape."""
        with contextlib.suppress(NotRunning, TimeoutError, OSError):
            self._told = await asyncio.to_thread(ask, self._home, {"do": "naming"}, STATUS_SECONDS)
        if self._told is None:
            return web.Response(status=503, text="the supervisor has not said yet what is counted\n")
        text = await asyncio.to_thread(_page, self._told, self._counters)
        return web.Response(body=text.encode(), headers={"Content-Type": CONTENT_TYPE})


def _page(told: Told, counters: Counters) -> str:
    return page(families(told, counters))


def families(told: Told, counters: Counters) -> Iterator[Family]:
    """Everything that is measured."""
    yield from _answers(list(_sides(told, counters)))
    yield from _own(told, counters)
    yield from _backends(told, counters)
    yield from _addresses(told, counters, int(monotonic() * 1000))
    yield from _slices(told)
    yield from _verdicts(told, counters)
    yield from _processes(told, counters)


def _cells(counters: Counters, spans: Sequence[Span], side: int) -> list[int]:
    return [int(cell) for cell in sums(counters.fd, counters.workers, spans)[side]]


def _sides(told: Told, counters: Counters) -> Iterator[Side]:
    for each in told["slices"]:
        both = sums(counters.fd, counters.workers, each["series"])
        for side, backend, cells in (("legacy", each["legacy"], both[0]), ("slice", each["backend"], both[1])):
            labels = {"slice": each["name"], "side": side, "backend": backend}
            yield Side(labels, [int(cell) for cell in cells])
    if told["default"] is not None:
        cells = counters.tally(DEFAULT_SERIES)
        yield Side(
            {"slice": "", "side": "legacy", "backend": told["default"]},
            [*cells.answers, cells.cut, cells.micros, *cells.histogram],
        )


def _answers(sides: Sequence[Side]) -> Iterator[Family]:
    yield Family(
        "stranglerfig_answers_total",
        "counter",
        "Whole answers of backends, by status class.",
        [
            Sample({**side.labels, "status": name}, side.cells[at])
            for side in sides
            for at, name in enumerate(CLASSES, 1)
        ],
    )
    yield Family(
        "stranglerfig_answers_cut_total",
        "counter",
        "Answers that ended before their end, and citizens who left before it.",
        [Sample(side.labels, side.cells[CUT]) for side in sides],
    )
    bounds = [BOUNDS[at] / 1e6 for at in BUCKETS]
    yield Family(
        "stranglerfig_answer_seconds",
        "histogram",
        "From the head of a request to the end of a backend's answer.",
        [each for side in sides for each in buckets(side.labels, bounds, side.histogram, side.cells[SUM] / 1e6)],
    )


def _own(told: Told, counters: Counters) -> Iterator[Family]:
    kinds = {
        "redirects_and_gone": _cells(counters, told["redirects_and_gone"], 0),
        "not_found": counters.tally(NOT_FOUND_SERIES).answers,
        "refused": counters.tally(REFUSED_SERIES).answers,
        "health": counters.tally(HEALTH_SERIES).answers,
    }
    yield Family(
        "stranglerfig_own_answers_total",
        "counter",
        "Answers that the proxy gave by itself, by status class.",
        [
            Sample({"kind": kind, "status": name}, cells[at])
            for kind, cells in kinds.items()
            for at, name in enumerate(CLASSES, 1)
        ],
    )


_OF_BACKENDS: Sequence[tuple[str, Literal["counter", "gauge"], int, str]] = (
    ("requests_total", "counter", ASKED, "Requests to a backend whose outcome is known."),
    ("failures_total", "counter", FAILED, "Those of them that failed."),
    ("retries_total", "counter", RETRIES, "Requests that a backend was sent again."),
    ("fallbacks_total", "counter", FALLBACKS, "Requests that another backend was asked in its place."),
    ("refused_total", "counter", REFUSED, "Requests refused because its queue was full."),
    ("connections", "gauge", TO_BACKEND, "Connections to a backend, open or being opened."),
    ("queued", "gauge", QUEUED, "Requests that wait for a connection to it."),
)


def _backends(told: Told, counters: Counters) -> Iterator[Family]:
    standings = {name: Standing(counters.of_backend(place), 0) for name, place in told["backends"].items()}
    for name, kind, cell, meaning in _OF_BACKENDS:
        samples = [Sample({"backend": backend}, each.total(cell)) for backend, each in standings.items()]
        yield Family(f"stranglerfig_backend_{name}", kind, meaning, samples)
    copies = {name: counters.shadowed(place) for name, place in told["backends"].items()}
    yield Family(
        "stranglerfig_copies_total",
        "counter",
        "Copies for a candidate, by what became of them.",
        [
            *(
                Sample({"backend": name, "outcome": outcome.name.lower()}, cells[outcome])
                for name, cells in copies.items()
                for outcome in Outcome
            ),
            *(
                Sample({"backend": name, "outcome": cause.name.lower()}, each.total(NOT_COPIED[cause]))
                for name, each in standings.items()
                for cause in Cause
            ),
        ],
    )
    yield Family(
        "stranglerfig_backend_breaker_open",
        "gauge",
        "1: its breaker is open, or half-open.",
        [
            Sample({"backend": backend}, int(each.latest(OPENED) > each.latest(CLOSED)))
            for backend, each in standings.items()
        ],
    )


def _addresses(told: Told, counters: Counters, now: int) -> Iterator[Family]:
    """`now`: in milliseconds of the machine's monotonic clock."""
    labels = [{"backend": each["backend"], "address": each["address"]} for each in told["addresses"]]
    places = [each["place"] for each in told["addresses"]]
    rows = [counters.of_server(place) for place in places]

    def one(name: str, meaning: str, values: Iterable[int]) -> Family:
        kind: Literal["counter", "gauge"] = "counter" if name.endswith("_total") else "gauge"
        return Family(f"stranglerfig_address_{name}", kind, meaning, list(map(Sample, labels, values)))

    down = (int(is_down(counters.found_by_keeper(place), now)) for place in places)
    yield one("down", "1: the keeper has asked it for its health, and got no good answer.", down)
    ejected = (int(max(row[EJECTED] for row in each) > now) for each in rows)
    yield one("ejected", "1: it failed several times in a row and is left out for a while.", ejected)
    failures = (sum(row[FAILED_THERE] for row in each) for each in rows)
    yield one("failures_total", "Connections and answers of it that failed.", failures)


def _slices(told: Told) -> Iterator[Family]:
    yield Family(
        "stranglerfig_slice_share",
        "gauge",
        "The share of its visitors that the slice answers at its effective stage, 0 to 1.",
        [Sample({"slice": each["name"]}, each["share"]) for each in told["slices"]],
    )
    yield Family(
        "stranglerfig_slice_held",
        "gauge",
        "1: a hold keeps the slice at or below a stage.",
        [Sample({"slice": each["name"]}, int(each["held"])) for each in told["slices"]],
    )


def _verdicts(told: Told, counters: Counters) -> Iterator[Family]:
    slices = {
        each["name"]: verdicts.told(
            verdict_sums(counters.fd, each["series"]), drop_sums(counters.fd, counters.workers, each["series"])
        )
        for each in told["slices"]
    }
    yield Family(
        "stranglerfig_verdicts_total",
        "counter",
        "Answers of both sides that were compared, by verdict.",
        [
            Sample({"slice": name, "verdict": verdict}, said.judged[verdict])
            for name, said in slices.items()
            for verdict in said.judged
        ],
    )
    yield Family(
        "stranglerfig_unjudged_total",
        "counter",
        "Exchanges of the sample that have no verdict, by cause.",
        [
            Sample({"slice": name, "cause": cause}, count)
            for name, said in slices.items()
            for cause, count in said.unjudged.items()
        ],
    )
    yield Family(
        "stranglerfig_mismatches_waiting",
        "gauge",
        "Mismatches that wait for second reads of legacy (learning) or for the next commit of a dataset (stale).",
        [
            Sample({"slice": name, "for": cause}, count)
            for name, said in slices.items()
            for cause, count in said.waiting.items()
        ],
    )
    yield Family(
        "stranglerfig_second_reads_total",
        "counter",
        "Times that legacy was asked again, to learn what differs by itself.",
        [Sample({"slice": name}, said.second_reads) for name, said in slices.items()],
    )
    yield Family(
        "stranglerfig_routes_untaught",
        "gauge",
        "Routes whose mismatches count without second reads, because legacy must not be asked again.",
        [Sample({"slice": name}, said.routes_untaught) for name, said in slices.items()],
    )


def _processes(told: Told, counters: Counters) -> Iterator[Family]:
    def one(name: str, meaning: str, value: float) -> Family:
        kind: Literal["counter", "gauge"] = "counter" if name.endswith("_total") else "gauge"
        return Family(f"stranglerfig_{name}", kind, meaning, [Sample({}, value)])

    yield one("connections", "Open connections of citizens.", counters.total(CONNECTIONS))
    yield one("requests_in_flight", "Requests that are being answered.", counters.total(IN_FLIGHT))
    yield one("tasks", "Tasks of the workers' event loops.", counters.total(TASKS))
    yield one("access_log_lines_total", "Lines of the access log that were written.", counters.total(LINES))
    yield one("access_log_lines_lost_total", "Lines that could not be written.", counters.total(LINES_LOST))
    yield one("generation", "The number of the newest table.", told["generation"])
    yield one("routes_refused", "1: routes.yaml was changed and is not taken in.", int(told["refused"]))
    yield one("bypass", "1: everything goes to legacy.", int(told["bypass"]))
    yield one("ledger_trouble", "1: the ledger cannot be written; counts wait in memory.", int(told["ledger_trouble"]))
    yield one("start_time_seconds", "When counting began, in seconds since 1970.", round(told["began"], 3))
    yield Family(
        "stranglerfig_worker_generation",
        "gauge",
        "The number of the table that a worker serves by; 0: it is not there yet.",
        [Sample({"worker": worker}, number) for worker, number in told["workers"].items()],
    )
