"""A ticket tracker nobody here wrote a line of: used through the proxy, moved piece by piece, its data liberated."""

from __future__ import annotations

import sqlite3
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest
import requests

from tests.conftest import Start
from tests.live.citizen import Citizen
from tests.live.conftest import Helpdesk, Proxy

pytestmark = [pytest.mark.live, pytest.mark.slow]

PHOTO = bytes(range(256)) * 1200  # 300 KiB of every byte: larger than any buffer on the way
NEW = "the new service: GET /kb/"
READERS, WRITERS, ENOUGH = 6, 2, 60


def routes(helpdesk: Helpdesk, new: str, stage: str) -> str:
    return f"""\
version: 1
listen: 127.0.0.1:8080
backends:
  legacy: {{url: "{helpdesk.address}"}}
  knowledge: {{url: "{new}"}}
default: legacy
slices:
  knowledge:
    owner: helpdesk@anytown.gov.uk
    backend: knowledge
    stage: {stage}
    routes: [/kb/*]
"""


def tickets(database: Path, columns: str = "*") -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return connection.execute(f"SELECT {columns} FROM helpdesk_ticket ORDER BY id").fetchall()


def journey(address: str, helpdesk: Helpdesk) -> None:
    with Citizen(address) as citizen:
        citizen.sign_in()
        number, page = citizen.create_ticket("Damp in the hall, £5 & more", "It drips.\nStill.", ("damp.pdf", PHOTO))
        assert "Damp in the hall, £5 &amp; more" in page.text
        assert citizen.attachment_of(page) == PHOTO
        assert tickets(helpdesk.database, "id, title, description, priority, submitter_email") == [
            (number, "Damp in the hall, £5 & more", "It drips.\nStill.", 2, "citizen@example.test")
        ]
        citizen.sign_out()


def test_the_application_works_by_itself(helpdesk: Helpdesk) -> None:
    journey(helpdesk.address, helpdesk)


def test_a_citizen_signs_in_files_a_ticket_and_signs_out_through_the_proxy(
    helpdesk: Helpdesk, answering: str, serve: Callable[[str], Proxy]
) -> None:
    proxy = serve(routes(helpdesk, answering, "legacy"))
    journey(proxy.address, helpdesk)


class Load:
    """Readers and writers that do not stop while the routes change; what each got is counted."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.seen: Counter[str] = Counter()
        self.filed: list[str] = []
        self._numbers = count()
        self._news = threading.Condition()
        self._stop = threading.Event()

    def _count(self, what: str) -> None:
        with self._news:
            self.seen[what] += 1
            self._news.notify_all()

    def read(self) -> None:
        with requests.Session() as session:
            while not self._stop.is_set():
                try:
                    answer = session.get(f"{self.address}/kb/", timeout=30)
                except requests.RequestException as error:
                    self._count(f"lost: {error!r}")
                    continue
                if answer.status_code == 200 and answer.text == NEW:
                    self._count("new")
                elif answer.status_code == 200 and "Powered by" in answer.text and "Knowledge" in answer.text:
                    self._count("legacy")
                else:
                    self._count(f"wrong: {answer.status_code} {answer.text[:200]}")

    def write(self) -> None:
        with Citizen(self.address) as citizen:
            citizen.sign_in()
            while not self._stop.is_set():
                title = f"ticket {next(self._numbers)}"
                try:
                    status = citizen.report(title)
                except requests.RequestException as error:
                    self._count(f"lost: {error!r}")
                    continue
                self._count("filed" if status == 201 else f"wrong: POST {status}")
                self.filed.append(title)

    def wait_for_more(self, what: str, number: int) -> None:
        """Waits until `number` more answers of that kind came."""
        with self._news:
            goal = self.seen[what] + number
            assert self._news.wait_for(lambda: self.seen[what] >= goal, timeout=60), dict(self.seen)

    def stop(self) -> None:
        self._stop.set()


def test_a_path_moves_to_another_backend_and_back_under_load_and_no_request_is_lost(
    helpdesk: Helpdesk, answering: str, serve: Callable[[str], Proxy]
) -> None:
    proxy = serve(routes(helpdesk, answering, "legacy"))
    load = Load(proxy.address)
    with ThreadPoolExecutor(READERS + WRITERS) as pool:
        work = [pool.submit(load.read) for _ in range(READERS)] + [pool.submit(load.write) for _ in range(WRITERS)]
        try:
            load.wait_for_more("legacy", ENOUGH)
            load.wait_for_more("filed", 2)
            proxy.write(routes(helpdesk, answering, "live"))
            load.wait_for_more("new", ENOUGH)
            proxy.write("version: 1\nslices: [not, a, mapping\n")  # a broken file changes nothing
            load.wait_for_more("new", ENOUGH)
            proxy.write(routes(helpdesk, answering, "legacy"))
            load.wait_for_more("legacy", ENOUGH)
        finally:
            load.stop()
    for each in work:
        each.result()
    assert set(load.seen) == {"legacy", "new", "filed"}, dict(load.seen)
    assert sorted(str(title) for (title,) in tickets(helpdesk.database, "title")) == sorted(load.filed)
    assert len(load.filed) == load.seen["filed"]


DATASETS = """\
version: 1
publisher: {name: Anytown Borough Council, id: "local-authority-eng:ANY", contact: data@anytown.gov.uk}
sources:
  helpdesk: {url: "${HELPDESK_URL}"}
datasets:
  tickets:
    title: Tickets
    description: Every ticket of the helpdesk.
    owner: helpdesk@anytown.gov.uk
    licence: OGL-UK-3.0
    source: helpdesk
    table: helpdesk_ticket
    key: [id]
    columns:
      id: {type: int64}
      title: {type: string}
      created: {type: timestamp}
      status: {type: int32}
      on_hold: {type: boolean}
      description: {type: string}
      resolution: {type: string}
      priority: {type: int32}
      due_date: {type: timestamp}
      queue_id: {type: int64}
      submitter_email: {privacy: drop}
"""


@pytest.mark.once
def test_its_tickets_become_parquet_that_equals_its_database(
    helpdesk: Helpdesk, start: Start, fig: Path, tmp_path: Path
) -> None:
    import pyarrow.parquet

    with Citizen(helpdesk.address) as citizen:
        citizen.sign_in()
        for number in range(25):
            assert citizen.report(f"Ticket {number}: £{number} — «ünï» 💧") == 201
        citizen.create_ticket("With a file", "line 1\nline 2", ("a.pdf", PHOTO))
    home = tmp_path / "home"
    home.mkdir()
    (home / "datasets.yaml").write_text(DATASETS, encoding="utf-8")
    environ = {"HELPDESK_URL": f"sqlite:///{helpdesk.database}"}
    extraction = start([fig, "extract", "tickets"], folder=home, environ=environ)
    assert extraction.wait(seconds=60) == 0, extraction.log
    files = sorted((home / "data" / "lake" / "tickets").glob("*.parquet"))
    table = pyarrow.concat_tables([pyarrow.parquet.read_table(file) for file in files]).sort_by("id")
    assert set(table.column_names) == {
        "id", "title", "created", "status", "on_hold", "description", "resolution", "priority", "due_date", "queue_id",
    }  # fmt: skip
    names = ["id", "title", "status", "on_hold", "description", "resolution", "priority", "queue_id"]
    rows = table.to_pylist()
    assert [tuple(row[name] for name in names) for row in rows] == tickets(helpdesk.database, ", ".join(names))
    created = [f"{row['created']:%Y-%m-%d %H:%M:%S.%f}" for row in rows]
    assert created == [str(text) for (text,) in tickets(helpdesk.database, "created")]
    assert table.num_rows == 26
