"""The same ledger in PostgreSQL; its password is nowhere to be read, and a server that is away disturbs nobody."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from time import time
from urllib.request import urlopen

import pytest

from proxy.compare.values import Verdict
from proxy.counters import Counters
from proxy.findings import Finding, Findings
from proxy.ledger.clerk import Clerk
from proxy.ledger.differing import note_differences
from proxy.ledger.engines import writing
from proxy.ledger.place import place_of
from proxy.ledger.reads import Ledger, Unreadable
from proxy.ledger.upkeep import keep_up
from proxy.ledger.versions import bring_up
from proxy.ledger.writing import Succeeded, Writer
from proxy.verdicts import Verdicts
from tests.conftest import Start
from tests.proxy.conftest import ROUTES
from tests.proxy.conftest import Server as Backend
from tests.proxy.ledger.test_recording import until
from tests.servers import postgres

NAMES = {4: ("repairs", "/repairs/*"), 6: ("repairs", "GET /housing")}
NOON = 1_790_000_000 // 86_400 * 86_400 + 43_200.0
PASSWORD = postgres.PASSWORD


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    with postgres.serving() as server:
        yield server


@pytest.fixture
def url(server: postgres.Server) -> Iterator[str]:
    with server.database("ledger"):
        yield server.url("ledger")


def test_it_is_written_rolled_up_and_read_as_in_a_file(url: str, tmp_path: Path) -> None:
    engine, counters = writing(place_of(tmp_path, url)), Counters.create(2)
    bring_up(engine)
    bring_up(engine)
    writer, next_writer = Writer(counters, "one"), Writer(counters, "two")
    writer.names = next_writer.names = NAMES
    for moment in range(0, 7200, 600):
        counters.writer(0).count(4 + moment % 4 // 2, 2, 900)
        counters.writer(1).count(5, 5, 90_000)
        Verdicts(counters.judged(4)).reached(Verdict.MISMATCHED)
        writer.write(engine, NOON + moment)
    counters.writer(0).count(6, 2, 900)
    next_writer.write(engine, NOON + 7200)
    with pytest.raises(Succeeded):
        writer.write(engine, NOON + 7201)
    with engine.begin() as connection:
        found = Finding("repairs", "/repairs/*", "status", "status", "200", "500", 3, NOON, NOON, ("GET /repairs/1",))
        note_differences(connection, [found, found])

    def seen() -> object:
        with Ledger.of(tmp_path, url) as ledger:
            return [
                ledger.over_time("hour", NOON, NOON + 9000, "repairs"), ledger.moved(NOON, NOON + 86_400 * 3),
                ledger.by_route("repairs", NOON, NOON + 86_400 * 3), ledger.judged(NOON, NOON + 86_400 * 3, "repairs"),
                ledger.latencies("repairs", "slice", NOON, NOON + 86_400 * 3), ledger.differences("repairs"),
            ]  # fmt: skip

    before = seen()
    with Ledger.of(tmp_path, url) as ledger:
        assert ledger.moved(NOON, NOON + 9000) == 12 / 25
        assert [each.mismatched for each in ledger.judged(NOON, NOON + 9000)] == [12]
        assert [each.count for each in ledger.differences()] == [6]
    list(keep_up(engine, NOON + 86_400 * 3))
    assert seen() == before
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM hits_by_minute").scalar_one() == 0
    engine.dispose()
    counters.close()


def test_the_password_is_in_no_text(server: postgres.Server, tmp_path: Path) -> None:
    counters = Counters.create(1)
    clerk = Clerk(tmp_path, counters, "one", print, Findings())
    for url in (
        server.url("no such database"), server.url("postgres", password=f"not {PASSWORD}"),
        server.url().replace(str(server.port), "1"),
    ):  # fmt: skip
        place = place_of(tmp_path, url)
        said = clerk.attempt(place, NAMES, NOON)
        assert said is not None
        assert said.startswith("postgresql://127.0.0.1:")
        with Ledger.of(tmp_path, url) as ledger, pytest.raises(Unreadable) as unreadable:
            ledger.history()
        for text in (said, str(unreadable.value), repr(place), repr(unreadable)):
            assert PASSWORD not in text
            assert "s3cret" not in text
    counters.close()


@pytest.mark.slow
def test_a_proxy_writes_there_and_a_server_that_is_away_disturbs_nobody(
    server: postgres.Server, url: str, tmp_path: Path, backends: dict[str, Backend], start: Start, fig: Path
) -> None:
    ports = {name: each.server_port for name, each in backends.items()}
    routes = ROUTES.format(stage="legacy", workers=1, **ports)
    user, _, rest = url.partition(f":{url.split(':', 2)[2].partition('@')[0]}@")
    (tmp_path / "routes.yaml").write_text(f'{routes}ledger: "{user}:${{LEDGER_PASSWORD}}@{rest}"\n')
    environ = {"LEDGER_PASSWORD": PASSWORD}
    proxy = start([fig, "serve", "-c", tmp_path / "routes.yaml"], name="proxy", environ=environ)
    port = int(proxy.wait_for(r"serving http://127\.0\.0\.1:(\d+)", seconds=20).group(1))

    def ask(count: int) -> None:
        for _ in range(count):
            with urlopen(f"http://127.0.0.1:{port}/a") as answer:
                assert answer.status == 200

    def hits() -> int:
        with Ledger.of(tmp_path, url) as ledger:
            try:
                return sum(each.hits.hits for each in ledger.by_slice(0, 2**40))
            except Unreadable:
                return 0

    ask(3)
    until(hits, 3, 60)
    server.stop()
    ask(3)
    proxy.wait_for(r"keeper: the ledger cannot be written: postgresql://127\.0\.0\.1:\d+/ledger: ", seconds=60)
    server.start()
    until(hits, 6, 60)
    proxy.wait_for("keeper: the ledger is written again", seconds=60)
    shown = subprocess.run(["ps", "axww", "-o", "args"], capture_output=True, text=True, check=True).stdout
    assert not (tmp_path / "data" / "ledger.sqlite").exists()
    for text in (proxy.log, shown):
        assert "s3cret" not in text


def test_a_password_in_the_file_is_a_problem(tmp_path: Path, fig: Path) -> None:
    text = ROUTES.format(stage="legacy", workers=1, legacy=1, repairs=2)

    def checked(ledger: str) -> str:
        (tmp_path / "routes.yaml").write_text(f'{text}ledger: "{ledger}"\n')
        command = [fig, "check", "routes.yaml"]
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path).stdout

    assert checked("postgresql://fig:hunter2@db/fig") == (
        "routes.yaml:15: the ledger's URL holds a password\n"
        "    put it in the environment and write ${NAME} in its place, behind the user's name\n"
    )
    assert checked("mysql://fig@db/fig") == (
        "routes.yaml:15: ledger: this is not the URL of a PostgreSQL database\n"
        "    write postgresql://user:${PASSWORD}@host/name\n"
    )
    assert "ledger" not in checked("postgresql://fig@db/fig")


def test_now_is_a_time_that_the_ledger_knows(tmp_path: Path) -> None:
    """Whoever asks before anything was written is told so."""
    with Ledger.of(tmp_path) as ledger, pytest.raises(Unreadable, match="there is no ledger yet"):
        ledger.moved(0, time())
