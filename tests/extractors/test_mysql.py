"""MariaDB, a real one: read in one snapshot, without a trace, and how a reading ends."""

from __future__ import annotations

import traceback
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from time import monotonic

import pytest

from extractors.compiled import Column, Source
from extractors.declared import Type, parse
from extractors.dialects import Relation, Select
from extractors.raw import unpack
from extractors.refused import SourceRefused
from extractors.sources import Reading, open_reading
from extractors.sources.mysql import MySqlReading
from notation.problems import Where
from tests.processes import free_port
from tests.servers.mariadb import PASSWORD, USER, Server, Session, serving

from .conftest import Council, numbered


def source(url: str) -> Source:
    return Source("silo", url, Path(), Where("datasets.yaml", 3))


@contextmanager
def opened(url: str) -> Iterator[MySqlReading]:
    with open_reading(source(url)) as reading:
        assert isinstance(reading, MySqlReading)
        yield reading


_DECLARED = {"int(11)": parse("int64"), "timestamp": parse("timestamp(UTC)"), "blob": parse("binary")}


def select(reading: Reading, relation: Relation | str, where: str = "", *, as_text: bool = False) -> Select:
    relation = reading.dialect.table(relation) if isinstance(relation, str) else relation
    planned = (
        reading.dialect.plan(
            Column(name, "x", _DECLARED.get(kind, Type("string")), "keep"), kind, as_text=as_text
        )
        for name, kind in reading.columns(relation).items()
    )  # fmt: skip
    return Select(relation, tuple(planned), where)


def rows(reading: Reading, relation: Relation | str, where: str = "", *, as_text: bool = False) -> list[object]:
    found: list[object] = []
    for batch in reading.read(select(reading, relation, where, as_text=as_text)):
        found += zip(*(unpack(column) for column in batch.columns), strict=True)
    return found


def jobs(session: Session, many: int, engine: str = "InnoDB") -> None:
    session.execute(f"CREATE TABLE jobs (id int PRIMARY KEY, ward varchar(200)) ENGINE={engine}")
    session.execute(f"INSERT INTO jobs SELECT seq, CONCAT('Ward ', seq, REPEAT('.', 100)) FROM seq_1_to_{many}")


def running(session: Session) -> list[str]:
    """What the reader's sessions are doing."""
    found = session.execute(
        "SELECT INFO FROM information_schema.PROCESSLIST WHERE USER IN ('reader', %s) AND INFO IS NOT NULL", (USER,)
    )
    return [info for (info,) in found]


# --- one snapshot, without a trace ------------------------------------------------------------------------------------


def test_what_is_committed_later_is_not_seen(mariadb: Server) -> None:
    with mariadb.database("later") as session:
        jobs(session, 100)
        with opened(mariadb.reader("later")) as reading:
            session.execute("INSERT INTO jobs VALUES (1000, 'new')")
            session.execute("DELETE FROM jobs WHERE id < 50")
            assert reading.is_snapshot
            assert reading.count(select(reading, "jobs")) == 100
            assert len(rows(reading, "jobs")) == 100
            assert reading.ask("SELECT count(*), max(id) FROM jobs") == [("100", "100")]


def test_money_that_is_moved_meanwhile_is_neither_lost_nor_doubled(mariadb: Server) -> None:
    with mariadb.database("moved") as session:
        session.execute("CREATE TABLE accounts (id int PRIMARY KEY, pence int)")
        session.execute("INSERT INTO accounts SELECT seq, 100 FROM seq_1_to_40000")
        stop = Event()

        def move() -> None:
            with mariadb.admin("moved") as writer:
                at = 0
                while not stop.is_set():
                    at = at % 20_000 + 1
                    writer.execute(
                        "UPDATE accounts SET pence = pence + IF(id = %s, -1, 1) WHERE id IN (%s, %s)",
                        (at, at, 40_001 - at),
                    )

        writing = Thread(target=move)
        writing.start()
        try:
            for _ in range(3):
                with opened(mariadb.reader("moved")) as reading:
                    found = rows(reading, "accounts")
                    assert (len(found), sum(pence for _, pence in found)) == (40_000, 4_000_000)  # type: ignore[misc]
                    assert reading.ask("SELECT sum(pence) FROM accounts") == [("4000000",)]
        finally:
            stop.set()
            writing.join()


@pytest.mark.parametrize("table", ["jobs", "seen"])
def test_without_a_snapshot_a_statement_counts_its_own_rows(table: str, mariadb: Server) -> None:
    with mariadb.database("loose") as session:
        jobs(session, 70_000, "MyISAM")
        session.execute("CREATE VIEW seen AS SELECT * FROM jobs")
        with opened(mariadb.reader("loose")) as reading:
            chosen = select(reading, table)
            assert not reading.is_snapshot
            assert reading.count(chosen) == 70_000
            session.execute("INSERT INTO jobs VALUES (0, 'new')")
            batches = list(reading.read(chosen))
            assert (sum(batch.num_rows for batch in batches), reading.counted()) == (70_001, 70_001)
            assert {batch.num_columns for batch in batches} == {2}
            assert list(reading.read(select(reading, table, "id < 0"))) == []
            assert reading.counted() == 0


WRITES = ["INSERT INTO jobs VALUES (0, '')", "DELETE FROM jobs", "DROP TABLE jobs", "CREATE TABLE more (id int)",
          "SET GLOBAL max_connections = 1"]  # fmt: skip


@pytest.mark.parametrize("write", WRITES)
def test_nothing_can_be_written(write: str, mariadb: Server) -> None:
    """The login here may do everything: it is the session that may not."""
    with mariadb.database("unwritten") as session:
        jobs(session, 3)
        session.execute("CREATE USER IF NOT EXISTS plain@'%%' IDENTIFIED BY 'x'", ())
        session.execute("GRANT ALL ON unwritten.* TO plain@'%%'", ())
        with opened(mariadb.url("unwritten", user="plain", password="x")) as reading, pytest.raises(SourceRefused):
            reading.ask(write)
        assert session.execute("SELECT count(*) FROM jobs") == [(3,)]
        assert session.execute("SHOW TABLES") == [("jobs",)]


# --- how a reading ends -----------------------------------------------------------------------------------------------


def test_the_next_question_is_of_the_same_snapshot_after_a_reading_is_left(mariadb: Server) -> None:
    with mariadb.database("left") as session:
        jobs(session, 300_000)
        with opened(mariadb.reader("left")) as reading:
            session.execute("DELETE FROM jobs WHERE id > 10")
            for _ in range(3):
                batches = reading.read(select(reading, "jobs"))
                assert next(batches).num_rows == 16_384
                batches.close()  # type: ignore[attr-defined]
                assert running(session) == []
            assert reading.ask("SELECT count(*) FROM jobs") == [("300000",)]


SLOW = "SELECT count(*) FROM seq_1_to_100000000 a, seq_1_to_1000 b WHERE a.seq * b.seq = 7"


def gone_within(session: Session, seconds: float) -> float:
    began = monotonic()
    while running(session):
        assert monotonic() - began < seconds, running(session)
    return monotonic() - began


def wait_until_running(session: Session) -> None:
    while not running(session):
        continue


@pytest.mark.parametrize("way", ["ask", "read"])
def test_cancel_ends_the_query_on_the_server(way: str, mariadb: Server) -> None:
    with mariadb.database("cancelled") as session, opened(mariadb.reader("cancelled")) as reading:
        failed: list[Exception] = []

        def wait() -> None:
            try:
                if way == "ask":
                    reading.ask(SLOW)
                else:
                    rows(reading, Relation(f"({SLOW}) AS q"))
            except SourceRefused as exc:
                failed.append(exc)

        if way == "read":
            reading.columns = lambda relation: {"count(*)": "bigint"}  # type: ignore[method-assign]
        waiting = Thread(target=wait)
        waiting.start()
        wait_until_running(session)
        reading.cancel()
        gone_within(session, 1.0)
        waiting.join(1.0)
        assert not waiting.is_alive()
        assert [str(exc) for exc in failed] == ["source 'silo': the reading was cancelled"]


def test_cancel_ends_a_query_whose_rows_nobody_takes(mariadb: Server) -> None:
    with mariadb.database("untaken") as session:
        jobs(session, 300_000)
        with opened(mariadb.reader("untaken")) as reading:
            batches = reading.read(select(reading, "jobs"))
            next(batches)
            assert running(session)
            reading.cancel()
            gone_within(session, 1.0)
            with pytest.raises(SourceRefused, match="the reading was cancelled"):
                list(batches)
            with pytest.raises(SourceRefused, match="the reading was cancelled"):
                reading.ask("SELECT 1")


@pytest.mark.parametrize("way", ["KILL", "KILL QUERY"])
def test_a_stream_that_is_cut_never_looks_complete(way: str, mariadb: Server) -> None:
    with mariadb.database("cut") as session:
        jobs(session, 300_000)
        with opened(mariadb.reader("cut")) as reading:
            batches = reading.read(select(reading, "jobs"))
            next(batches)
            session.execute(f"{way} {reading.thread}")
            with pytest.raises(SourceRefused) as refused:
                list(batches)
    assert str(refused.value) in (
        "source 'silo': the connection was lost: the server closed the connection in the middle of its answer",
        "source 'silo': the connection was lost: Connection was killed",
        "source 'silo': Query execution was interrupted",
    )


@pytest.mark.slow
def test_a_server_that_dies_is_told_in_a_sentence() -> None:
    with serving() as server, server.database("dies") as session:
        jobs(session, 300_000)
        with opened(server.reader("dies")) as reading:
            batches = reading.read(select(reading, "jobs"))
            next(batches)
            server.kill()
            with pytest.raises(SourceRefused, match=r"^source 'silo': the connection was lost: "):
                list(batches)
            with pytest.raises(SourceRefused):
                reading.ask("SELECT 1")
        with pytest.raises(SourceRefused, match=r"^source 'silo': Can't connect"), opened(server.reader("dies")):
            pass
        server.start()


def test_no_message_holds_the_password(mariadb: Server) -> None:
    urls = [
        mariadb.url("no_such_database"),
        mariadb.url(user="nobody-here"),
        mariadb.url(password="not" + PASSWORD),
        mariadb.url().replace(str(mariadb.port), str(free_port())),
        mariadb.url() + "?no_such_option=1",
        mariadb.url() + "?ssl_ca=/no/such/file",
        mariadb.url() + "?ssl=true",
    ]
    for url in urls:
        with pytest.raises(SourceRefused) as refused, opened(url):
            pass
        shown = "".join(traceback.format_exception(refused.value)) + repr(refused.value)
        assert PASSWORD not in shown
        assert url.split("@")[0] not in shown
        assert shown.count("\nTraceback") == 0, "no other exception behind it"


@pytest.mark.slow
def test_memory_stays_bounded_while_a_slow_reader_takes_large_rows(mariadb: Server) -> None:
    with mariadb.database("large") as session:
        session.execute("CREATE TABLE t (id int, v longtext)")
        session.execute("INSERT INTO t SELECT seq, REPEAT('x', 1048576) FROM seq_1_to_200")
        with opened(mariadb.reader("large")) as reading:
            chosen = select(reading, "t")
            tracemalloc.start()
            try:
                seen = [batch.nbytes for batch in reading.read(chosen)]
                _, peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
    assert sum(seen) > 200 * 2**20
    assert max(seen) < 32 * 2**20
    assert peak < 100 * 2**20


# --- through a whole run ----------------------------------------------------------------------------------------------


def test_a_run_reads_a_noticed_column_again_and_keeps_it_so(mariadb: Server, council: Council) -> None:
    with mariadb.database("whole") as session:
        session.execute("CREATE TABLE jobs (id int PRIMARY KEY, ward varchar(40), at timestamp NULL)")
        session.execute(
            "INSERT INTO jobs SELECT seq, CONCAT('W', seq), IF(seq = 90000, 0, '2024-01-31 09:30:00') "
            "FROM seq_1_to_100000"
        )
        head = numbered(mariadb.reader("whole"), "jobs")
        council.declare("ward: {}", "at: {type: timestamp(UTC)}", head=head)
        done = council.run()
        assert (done.rows_in, done.rows_out, done.faults) == (100_000, 100_000, 1)
        assert council.run().rows_in == 100_000
        assert council.steps.count("read again as text") == 1
