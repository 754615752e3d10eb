"""How the proxy stands, for `fig status` and the admin page: plain values that can be written as JSON."""

from collections.abc import Iterable, Sequence
from time import monotonic
from typing import TYPE_CHECKING

from proxy.backends import backends
from proxy.counters import CONNECTIONS, CUT, IN_FLIGHT, LINES, LINES_LOST, TASKS, Counters
from proxy.ledger.place import place_of, set_aside
from proxy.plan import DEFAULT_SERIES, NOT_FOUND_SERIES, REFUSED_SERIES
from proxy.verdicts import told

if TYPE_CHECKING:
    from proxy.sums import Span
    from proxy.supervisor import Supervisor

_CLASSES = ("1xx", "2xx", "3xx", "4xx", "5xx")


def report(supervisor: "Supervisor") -> dict[str, object]:
    """Everything `fig status` shows."""
    counters = supervisor.counters
    bypass = supervisor.holds.bypass
    crew, keeper = supervisor.crew, supervisor.keeper
    spans = supervisor.book.spans()
    return {
        "ok": True,
        "generation": crew.generation,
        "config": supervisor.config.name,
        "problems": list(supervisor.problems),
        "listen": [str(listener.address) for listener in supervisor.listeners],
        "admin": str(supervisor.admin.address) if supervisor.admin else None,
        "bypass": {"who": bypass.who, "when": bypass.when, "why": bypass.why} if bypass else None,
        "uptime": monotonic() - supervisor.began,
        "connections": sum(counters.gauge(hand.index, CONNECTIONS) for hand in crew.hands),
        "in_flight": sum(counters.gauge(hand.index, IN_FLIGHT) for hand in crew.hands),
        "tasks": sum(counters.gauge(hand.index, TASKS) for hand in crew.hands),
        "metrics": f"http://{supervisor.admin.address}/metrics" if supervisor.admin else None,
        "access_log": _access_log(supervisor),
        "workers": [
            {
                "index": hand.index,
                "pid": hand.process.pid if hand.process else None,
                "generation": hand.generation,
                "state": "serving" if hand.generation else "starting",
            }
            for hand in crew.hands
        ],
        "keeper": {
            "pid": keeper.process.pid if keeper and keeper.process else None,
            "state": "running" if keeper and keeper.is_running else "not running",
        },
        "ledger": _ledger(supervisor),
        "slices": [_slice(supervisor, name, spans.get(name, ())) for name in supervisor.loaded.spec.slices],
        "backends": backends(counters, crew.current.generation.backends.values(), int(monotonic() * 1000)),
        "elsewhere": {
            "default": _counted(*_one(counters, DEFAULT_SERIES)),
            "not_found": _counted(*_one(counters, NOT_FOUND_SERIES)),
            "refused": _counted(*_one(counters, REFUSED_SERIES)),
            "redirects_and_gone": _both(counters, spans.get("", ()))[0],
        },
    }


def _ledger(supervisor: "Supervisor") -> dict[str, object]:
    """Where it is, what is wrong with it and since when, and broken ones that were set aside."""
    trouble = supervisor.keeper.ledger_trouble if supervisor.keeper else None
    return {
        "place": place_of(supervisor.home, supervisor.loaded.spec.ledger).name,
        "trouble": trouble.text if trouble else None,
        "since": trouble.since if trouble else None,
        "set_aside": set_aside(supervisor.home),
    }


def _access_log(supervisor: "Supervisor") -> dict[str, object]:
    log, counters = supervisor.loaded.spec.log, supervisor.counters
    return {
        "access": log.access,
        "format": log.format,
        "file": log.file or "standard output",
        "written": counters.total(LINES),
        "lost": counters.total(LINES_LOST),
    }


def _slice(supervisor: "Supervisor", name: str, spans: "Iterable[Span]") -> dict[str, object]:
    spec = supervisor.loaded.spec
    slice_spec = spec.slices[name]
    hold = supervisor.holds.by_slice.get(name)
    by_legacy, by_slice = _both(supervisor.counters, spans)
    return {
        "name": name,
        "owner": slice_spec.owner,
        "file_stage": str(slice_spec.stage),
        "ladder": [str(rung) for rung in slice_spec.ladder],
        "hold": {"stage": str(hold.stage), "who": hold.who, "when": hold.when, "why": hold.why} if hold else None,
        "stage": str(supervisor.held().stage(name, slice_spec)),
        "backend": slice_spec.backend,
        "legacy": spec.legacy_of(name),
        "hits": {"legacy": by_legacy["hits"], "slice": by_slice["hits"]},
        "statuses": {key: by_legacy[key] + by_slice[key] for key in (*_CLASSES, "cut")},
        "verdicts": _verdicts(supervisor.counters, spans),
    }


def _verdicts(counters: Counters, spans: "Iterable[Span]") -> dict[str, object]:
    """How much of its traffic was compared, and what came of it."""
    from proxy.sums import drop_sums, verdict_sums

    return told(verdict_sums(counters.fd, spans), drop_sums(counters.fd, counters.workers, spans)).as_json()


def _both(counters: Counters, spans: "Iterable[Span]") -> list[dict[str, int]]:
    """What legacy or the proxy answered, and what the slice answered."""
    from proxy.sums import sums  # numpy; only who asks waits for it

    both = sums(counters.fd, counters.workers, spans).tolist()
    return [_counted(cells[:CUT], cells[CUT]) for cells in both]


def _one(counters: Counters, series: int) -> tuple[Sequence[int], int]:
    tally = counters.tally(series)
    return tally.answers, tally.cut


def _counted(answers: Sequence[int], cut: int) -> dict[str, int]:
    return {"hits": sum(answers) + cut, **dict(zip(_CLASSES, answers[1:], strict=True)), "cut": cut}
