"""Several citizens at once, who report repairs through the council's own form and keep the numbers they are given."""

import re
import threading
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from types import TracebackType

from demo.asking import ask
from demo.children import Failed

CITIZENS = 3
PAUSE = 0.15  # seconds of a citizen between two reports, so that thirty of them last as long as a run does
FORM = "/repairs/report"


def report_repair(port: int, report: Mapping[str, str]) -> int:
    """The form as a browser sends it, with its session and its token. -> the job's number. Raises Failed, OSError."""
    page = ask(port, FORM)
    token = re.search(r'name="_csrf" value="([^"]+)"', page.text)
    if page.status != 200 or token is None:
        raise Failed(f"GET {FORM} was answered {page.status}, without the form")
    sent = ask(port, FORM, {**report, "_csrf": token[1]}, page.cookie)
    found = re.search(r"/repairs/([0-9]+)\?reported=1", sent.location)
    if sent.status != 303 or found is None:
        raise Failed(f"a citizen's report was answered {sent.status} and led to '{sent.location}', which is no job")
    return int(found[1])


class Citizens:
    """Leaving the `with` waits until all they were asked for is reported. Raises Failed if a report was not taken."""

    def __init__(self, port: int, report: Mapping[str, str]) -> None:
        self._port, self._report = port, report
        self._wanted: SimpleQueue[str | None] = SimpleQueue()
        self._known = dict[int, str]()
        self._go_home = threading.Event()
        self._pool = ThreadPoolExecutor(CITIZENS)
        self._citizens: list[Future[None]] = []

    def __enter__(self) -> "Citizens":
        self._citizens = [self._pool.submit(self._live) for _ in range(CITIZENS)]
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is not None:
            self._go_home.set()
        for _ in self._citizens:
            self._wanted.put(None)
        self._pool.shutdown()
        if kind is None:
            for each in self._citizens:
                each.result()

    @property
    def reported(self) -> dict[int, str]:
        """Number of a job -> what its citizen wrote, of all that legacy has taken so far."""
        return dict(self._known)

    def ask_for(self, problems: list[str]) -> None:
        """Each of these is reported by whoever is free next."""
        for each in problems:
            self._wanted.put(each)

    def _live(self) -> None:
        while (problem := self._wanted.get()) is not None and not self._go_home.is_set():
            self._known[report_repair(self._port, {**self._report, "description": problem})] = problem
            self._go_home.wait(PAUSE)
