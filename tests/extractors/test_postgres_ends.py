"""PostgreSQL: how a reading ends, cancelled, cut off or let go of; and what no error tells."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from threading import Thread

import psycopg
import pyarrow as pa
import pytest

from extractors.dialects import Relation, Select
from extractors.refused import SourceRefused
from extractors.sources import postgres_scan
from tests.processes import free_port
from tests.servers.postgres import PASSWORD, Server, serving
from tests.servers.postgres_reading import WAYS, opened, rows, select, until

# --- how a reading ends -----------------------------------------------------------------------------------------------

RUNNING = b"""SELECT pid FROM pg_stat_activity WHERE datname = 'silo' AND usename = 'reader' AND state = 'active'"""
LOST = r"^source 'silo': the connection was lost: [^\n]+$"
SLEEP = Relation("(SELECT 1 AS v FROM pg_sleep(60)) q", table="jobs")


@WAYS
@pytest.mark.parametrize("what", ["ask", "read"])
def test_cancelling_ends_what_runs_on_the_server(what: str, most: int, silo: psycopg.Connection, url: str) -> None:
    silo.execute(b"CREATE TABLE jobs (v int)")
    raised: list[BaseException] = []
    with opened(url, most) as reading:
        chosen = select(reading, "jobs")
        asleep = Select(SLEEP, chosen.columns)

        def run() -> None:
            try:
                reading.ask("SELECT pg_sleep(60)") if what == "ask" else list(reading.read(asleep))
            except BaseException as exc:
                raised.append(exc)

        thread = Thread(target=run)
        thread.start()
        until(lambda: len(silo.execute(RUNNING).fetchall()) == 1)
        began = time.monotonic()
        reading.cancel()
        until(lambda: silo.execute(RUNNING).fetchall() == [])
        assert time.monotonic() - began < 1
        thread.join(5)
        assert not thread.is_alive()
        assert [str(exc) for exc in raised] == ["source 'silo': the reading was cancelled"]
        assert isinstance(raised[0], SourceRefused)
        with pytest.raises(SourceRefused, match="the reading was cancelled"):
            reading.ask("SELECT 1")


@pytest.fixture
def many(silo: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """200 MB: several times what the kernel takes for the sockets of the two ends (60 MB were seen)."""
    monkeypatch.setattr(postgres_scan, "ROWS", (2048, 8192))
    silo.execute(b"CREATE TABLE jobs (v int, w text)")
    silo.execute(b"INSERT INTO jobs SELECT g, repeat('x', 1000) FROM generate_series(1, 200000) g")


def waits_to_send(silo: psycopg.Connection) -> bool:
    return silo.execute(RUNNING + b" AND wait_event = 'ClientWrite'").fetchall() != []


@WAYS
@pytest.mark.usefixtures("many")
def test_who_reads_slowly_is_waited_for(most: int, silo: psycopg.Connection, url: str) -> None:
    """Nothing piles up here: the server has sent little, and sends no more until it is taken."""
    with opened(url, most) as reading:
        batches = reading.read(select(reading, "jobs"))
        read = next(batches).num_rows
        until(lambda: waits_to_send(silo))
        ((sent,),) = silo.execute(b"SELECT tuples_processed FROM pg_stat_progress_copy").fetchall()
        assert sent - read < 100_000
        assert read + sum(batch.num_rows for batch in batches) == 200_000


@WAYS
@pytest.mark.usefixtures("many")
def test_cancelling_is_heard_by_a_server_that_waits_for_us(most: int, silo: psycopg.Connection, url: str) -> None:
    with opened(url, most) as reading:
        batches = reading.read(select(reading, "jobs"))
        next(batches)
        until(lambda: waits_to_send(silo))
        began = time.monotonic()
        reading.cancel()
        until(lambda: silo.execute(RUNNING).fetchall() == [])
        assert time.monotonic() - began < 1
        with pytest.raises(SourceRefused, match="the reading was cancelled"):
            list(batches)


@WAYS
@pytest.mark.usefixtures("many")
def test_who_stops_reading_ends_the_query_and_keeps_the_snapshot(most: int, silo: psycopg.Connection, url: str) -> None:
    with opened(url, most) as reading:
        # Whoever reads to the end before letting go waits here for days.
        batches = reading.read(select(reading, "jobs", "v <= 150000 OR pg_sleep(60)::text = ''"))
        next(batches)
        began = time.monotonic()
        batches.close()
        assert time.monotonic() - began < 10
        assert silo.execute(RUNNING).fetchall() == []
        silo.execute(b"DELETE FROM jobs")
        assert sum(batch.num_rows for batch in reading.read(select(reading, "jobs"))) == 200_000


@WAYS
@pytest.mark.usefixtures("many")
def test_a_source_that_goes_is_told_in_a_sentence(most: int, silo: psycopg.Connection, url: str) -> None:
    with opened(url, most) as reading:
        batches = reading.read(select(reading, "jobs"))
        next(batches)
        silo.execute(b"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'reader'")
        with pytest.raises(SourceRefused, match=LOST):
            list(batches)
        with pytest.raises(SourceRefused, match=LOST):
            reading.ask("SELECT 1")


@WAYS
def test_a_server_that_dies_is_told_and_read_again_once_it_is_back(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_scan, "ROWS", (2048, 8192))
    with serving() as server:
        with server.admin() as session:
            session.execute(b"CREATE TABLE jobs (v int, w text)")
            session.execute(b"INSERT INTO jobs SELECT g, repeat('x', 1000) FROM generate_series(1, 120000) g")
        with opened(server.reader(), most) as reading:
            batches = reading.read(select(reading, "jobs"))
            next(batches)
            server.kill()
            with pytest.raises(SourceRefused, match=LOST):
                raise AssertionError(f"{sum(batch.num_rows for batch in batches)} more rows, and no word of the loss")
        with (
            pytest.raises(SourceRefused, match="refused"),
            opened(server.reader()),
        ):
            pass
        server.start()
        with opened(server.reader(), most) as reading:
            assert len(rows(reading, "jobs")) == 120_000


# --- the password -----------------------------------------------------------------------------------------------------

SECRET = "hunter2 %/'\\"


def unreachable(server: Server) -> str:
    return f"postgresql://reader:{PASSWORD.replace('/', '%2F')}@127.0.0.1:{free_port()}/silo"


WRONG: list[tuple[str, Callable[[Server], str], str]] = [
    ("a wrong password", lambda server: server.url(password=SECRET), r"password authentication failed"),
    ("no server", unreachable, r"refused"),
    ("no such database", lambda server: server.url("nowhere"), r'database "nowhere" does not exist'),
    ("no such option", lambda server: f"{server.url()}?colour={SECRET}", "invalid connection option"),
    ("no password", lambda server: server.url(password=""), "no password supplied"),
]


@pytest.mark.parametrize(("url", "said"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_no_error_tells_the_password(url: Callable[[Server], str], said: str, postgres: Server) -> None:
    with pytest.raises(SourceRefused, match=said) as refused, opened(url(postgres)):
        pass
    told = "".join(traceback.format_exception(refused.value)) + repr(refused.value)
    assert "\n" not in str(refused.value)
    for secret in (SECRET, PASSWORD, PASSWORD.replace("/", "%2F").replace(" ", "%20")):
        assert secret not in told


def test_the_scanners_errors_do_not_tell_it_either(postgres: Server, silo: psycopg.Connection) -> None:
    silo.execute(b"CREATE TABLE jobs (v int)")
    with opened(postgres.url("silo")) as reading:
        chosen = select(reading, "jobs")
        silo.execute(b"ALTER DATABASE silo CONNECTION LIMIT 0")
        silo.execute(b"ALTER ROLE reader CONNECTION LIMIT 0")
        reading.at = type(reading.at)("postgresql", "127.0.0.1", postgres.port, "reader2", PASSWORD, "silo", {})
        with pytest.raises(SourceRefused) as refused:
            list(reading.read(chosen))
        silo.execute(b"ALTER ROLE reader CONNECTION LIMIT -1")
    told = "".join(traceback.format_exception(refused.value))
    assert 'password authentication failed for user "reader2"' in str(refused.value)
    assert PASSWORD not in told


def test_batches_have_the_types_that_were_promised(silo: psycopg.Connection, url: str) -> None:
    silo.execute(b"CREATE TABLE jobs (i int, n numeric(10,2), s timestamp, d date, b bytea, o bool, t text, f real)")
    silo.execute(b"INSERT INTO jobs VALUES (NULL), (1)")
    for most in (1, 2):
        with opened(url, most) as reading:
            chosen = select(reading, "jobs")
            (batch,) = reading.read(chosen)
        assert batch.schema == pa.schema([(f"c{at}", p.arrow) for at, p in enumerate(chosen.columns)])
