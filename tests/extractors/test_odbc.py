"""ODBC over real drivers: one snapshot, nothing cut, bounded memory, and an end within a second."""

from __future__ import annotations

import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import psycopg
import pyarrow as pa
import pytest

from extractors.compiled import Column, Source
from extractors.declared import Type
from extractors.dialects import Planned, Relation, Select
from extractors.raw import Undecodable, unpack
from extractors.refused import NativeFailed, SourceRefused
from extractors.sources import Reading, odbc, odbc_products, open_reading
from notation.problems import Where
from tests.processes import free_port
from tests.servers import odbc as drivers
from tests.servers.mariadb import Server as MariaDb
from tests.servers.postgres import Server

from .conftest import Council


def source(url: str, dialect: str = "") -> Source:
    return Source("silo", url, Path(), Where("datasets.yaml", 3), dialect)


def select(reading: Reading, table: str, *names: str, where: str = "", as_text: bool = False) -> Select:
    relation = reading.dialect.table(table)
    types = reading.columns(relation)
    columns = [Column(name, name, Type("string"), "keep") for name in names]
    plans = tuple(reading.dialect.plan(each, types[each.source], as_text=as_text) for each in columns)
    return Select(relation, plans, where)


def values(reading: Reading, what: Select) -> list[object]:
    return [value for batch in reading.read(what) for value in batch.column(0).to_pylist()]


# --- through SQLite's driver ------------------------------------------------------------------------------------------


@pytest.fixture
def file(council: Council) -> str:
    drivers.driver("SQLite3")
    return drivers.url({"driver": "SQLite3", "database": str(council.home / "silo.db")})


def test_a_text_that_a_driver_cannot_hand_over_is_refused_never_cut(file: str, council: Council) -> None:
    council.silo("CREATE TABLE T (A VARCHAR(3))", rows=("INSERT INTO T VALUES (?)", [("x" * 1_000_000,), ("y",)]))
    with open_reading(source(file)) as reading:
        with pytest.raises(NativeFailed) as failed:
            values(reading, select(reading, "T", "A"))
        assert failed.value.columns == {"A"}
        with pytest.raises(SourceRefused, match=r"longer than its driver can hand over\n    read the file itself"):
            values(reading, select(reading, "T", "A", as_text=True))


LONG = [("é🏠\0" * 10_000,), (None,), ("",), ("y",)]


def test_a_long_text_is_read_whole_the_second_time(file: str, council: Council) -> None:
    council.silo("CREATE TABLE T (A VARCHAR(3))", rows=("INSERT INTO T VALUES (?)", LONG))
    with open_reading(source(file)) as reading:
        with pytest.raises(NativeFailed):
            values(reading, select(reading, "T", "A"))
        assert values(reading, select(reading, "T", "A", as_text=True)) == [text for (text,) in LONG]


def test_an_engine_inside_the_driver_lets_go_within_two_seconds(file: str, council: Council) -> None:
    """SQLite runs in this process: it cannot be stopped from outside, and nobody waits for it."""
    council.silo("CREATE TABLE T (A)")
    # A minute's work, were it waited for; the thread that does it ends with these tests.
    endless = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT 30000000) SELECT count(*) FROM c"
    with open_reading(source(file)) as reading:
        timer = threading.Timer(0.2, reading.cancel)
        timer.start()
        began = monotonic()
        with pytest.raises(SourceRefused, match="the reading was cancelled"):
            reading.ask(endless)
        assert monotonic() - began < 2
        timer.join()


def test_the_catalogue_of_a_known_product_is_listed(file: str, council: Council) -> None:
    council.silo("CREATE TABLE JOBS (A INTEGER PRIMARY KEY, B TEXT)", "CREATE VIEW V AS SELECT A FROM JOBS")
    with open_reading(source(file)) as reading:
        assert [(found.table, dict(found.columns), found.key) for found in reading.tables()] == [
            ("JOBS", {"A": "INTEGER", "B": "TEXT"}, ("A",)), ("V", {"A": "INTEGER"}, ()),
        ]  # fmt: skip
        with pytest.raises(SourceRefused) as refused:
            reading.columns(reading.dialect.table("JOBZ"))
    assert str(refused.value) == (
        "source 'silo': there is no table or view 'JOBZ'; there are: JOBS, V. Did you mean 'JOBS'?"
    )


def test_of_another_product_nothing_is_listed(file: str, council: Council) -> None:
    council.silo("CREATE TABLE JOBS (A INTEGER)", "INSERT INTO JOBS VALUES (1), (2)")
    with open_reading(source(file, "odbc")) as reading:
        assert reading.tables() == []
        assert not reading.is_snapshot
        what = select(reading, "JOBS", "A")
        assert reading.counted() is None
        assert values(reading, what) == [1, 2]
        assert reading.counted() == 2
        assert values(reading, select(reading, "JOBS", "A", where='"A" > 5')) == []
        assert reading.counted() == 0
        with pytest.raises(SourceRefused, match="its driver does not list the tables there are"):
            reading.columns(reading.dialect.table("JOBZ"))


def test_what_a_query_gives_has_the_driver_s_types(file: str, council: Council) -> None:
    council.silo("CREATE TABLE JOBS (A INTEGER)")
    with open_reading(source(file, "odbc")) as reading:
        assert reading.columns(Relation('(SELECT "A" FROM "JOBS") AS q')) == {"A": "ODBC int32"}


# --- through PostgreSQL's driver --------------------------------------------------------------------------------------


@pytest.fixture
def silo(postgres: Server) -> Iterator[psycopg.Connection]:
    drivers.driver("PostgreSQL Unicode")
    with postgres.database("odbc") as session:
        session.execute(b"CREATE TABLE t AS SELECT i AS a, 'n ' || i AS b FROM generate_series(1, 1000) i")
        yield session


def url(postgres: Server, **more: object) -> str:
    words = {"driver": "PostgreSQL Unicode", "server": "127.0.0.1", "port": postgres.port, "database": "odbc"}
    return drivers.url(words | {"uid": "reader"} | more)


def test_everything_is_of_one_moment(postgres: Server, silo: psycopg.Connection) -> None:
    with open_reading(source(url(postgres))) as reading:
        assert reading.is_snapshot
        what = select(reading, "public.t", "a")
        assert reading.count(what) == 1000
        silo.execute(b"DELETE FROM t WHERE a > 10")
        assert len(values(reading, what)) == reading.count(what) == 1000
    with open_reading(source(url(postgres))) as reading:
        assert reading.count(select(reading, "public.t", "a")) == 10


def test_the_session_can_write_nothing(postgres: Server, silo: psycopg.Connection) -> None:
    refusal = pytest.raises(SourceRefused, match="cannot execute DELETE in a read-only transaction")
    with open_reading(source(url(postgres, uid="postgres", pwd="s3cret/pass word"))) as reading, refusal:
        reading.ask("DELETE FROM t")
    assert silo.execute(b"SELECT count(*) FROM t").fetchone() == (1000,)


@pytest.mark.parametrize("dialect", ["", "odbc"])
def test_a_statement_ends_within_a_second(dialect: str, postgres: Server, silo: psycopg.Connection) -> None:
    """As a known product, on the server; as any, here."""
    running = (
        b"SELECT count(*) FROM pg_stat_activity WHERE datname = 'odbc' AND state = 'active' AND pid <> pg_backend_pid()"
    )
    with open_reading(source(url(postgres), dialect)) as reading:
        timer = threading.Timer(0.3, reading.cancel)
        timer.start()
        began = monotonic()
        with pytest.raises(SourceRefused, match="the reading was cancelled"):
            reading.ask("SELECT pg_sleep(20)")
        assert monotonic() - began < 1.5
        timer.join()
        if not dialect:
            assert silo.execute(running).fetchone() == (0,)


def test_a_server_that_is_shut_off_ends_the_statement_when_it_next_sends(
    postgres: Server, silo: psycopg.Connection
) -> None:
    running = b"SELECT count(*), pg_sleep(0.05) FROM pg_stat_activity WHERE query LIKE '%' || repeat('x', 3) || 'yz%'"
    rows = "SELECT repeat('x', 9000) AS xxxyz, pg_sleep(0.05) FROM generate_series(1, 400)"
    with open_reading(source(url(postgres), "odbc")) as reading:
        timer = threading.Timer(0.3, reading.cancel)
        timer.start()
        with pytest.raises(SourceRefused, match="the reading was cancelled"):
            reading.ask(rows)
        timer.join()
        began, left = monotonic(), 1
        while left and monotonic() - began < 5:
            ((left, _),) = silo.execute(running).fetchall()
    assert left == 0


def test_a_reading_ends_within_a_second_amid_its_rows(postgres: Server, silo: psycopg.Connection) -> None:
    with open_reading(source(url(postgres))) as reading:
        relation = Relation(
            "(SELECT i AS a, pg_sleep(CASE WHEN i > 5000 THEN 20 END) FROM generate_series(1, 5001) i) q"
        )
        plan = Planned(Column("a", "a", Type("int64"), "keep"), '"a"', pa.int64())
        timer = threading.Timer(0.5, reading.cancel)
        timer.start()
        began = monotonic()
        with pytest.raises(SourceRefused, match="the reading was cancelled"):
            list(reading.read(Select(relation, (plan,), "pg_sleep IS NULL OR pg_sleep IS NOT NULL")))
        assert monotonic() - began < 2
        timer.join()


def test_a_large_text_is_read_whole_and_the_others_stay_small(postgres: Server, silo: psycopg.Connection) -> None:
    silo.execute(b"INSERT INTO t VALUES (0, repeat('\xc3\xa9', 1048576))")
    with open_reading(source(url(postgres))) as reading:
        with pytest.raises(NativeFailed) as failed:
            values(reading, select(reading, "public.t", "b", "a"))
        assert failed.value.columns >= {"b"}
        read = values(reading, select(reading, "public.t", "b", "a", as_text=True))
    assert len(read) == 1001
    assert "é" * 1_048_576 in read


def test_bytes_that_are_no_text_in_their_character_set_are_undecodable(mariadb: MariaDb) -> None:
    driver = drivers.driver("MariaDB Unicode")
    words = {"driver": driver, "server": "127.0.0.1", "port": mariadb.port, "database": "odbc_sjis", "uid": "reader"}
    with mariadb.database("odbc_sjis") as session:
        session.execute("CREATE TABLE t (id int PRIMARY KEY, a varchar(9) CHARACTER SET cp1250)")
        session.execute("INSERT INTO t VALUES (1, x'6181'), (2, 'ř')")
        with open_reading(source(drivers.url(words))) as reading:
            with pytest.raises(NativeFailed) as failed:
                list(reading.read(select(reading, "t", "a")))
            assert failed.value.columns == {"a"}
            (batch,) = reading.read(select(reading, "t", "a", as_text=True))
            assert reading.is_snapshot
    assert unpack(batch.column(0)) == [Undecodable(b"a\x81"), "ř"]


def test_a_table_outside_the_snapshot_is_counted_with_its_rows(mariadb: MariaDb) -> None:
    driver = drivers.driver("MariaDB Unicode")
    words = {"driver": driver, "server": "127.0.0.1", "port": mariadb.port, "database": "odbc_loose", "uid": "reader"}
    with mariadb.database("odbc_loose") as session:
        session.execute("CREATE TABLE t (a int) ENGINE MyISAM")
        session.execute("INSERT INTO t VALUES (1), (2)")
        with open_reading(source(drivers.url(words))) as reading:
            assert not reading.is_snapshot
            assert len(values(reading, select(reading, "t", "a"))) == reading.counted() == 2


@pytest.mark.slow
def test_memory_does_not_grow_with_the_table(postgres: Server, silo: psycopg.Connection) -> None:
    code = (
        "import sys, re; from pathlib import Path; from tests.extractors.test_odbc import *;"
        "made = Relation(f\"(SELECT i AS a, repeat('words ', 20) AS b FROM generate_series(1, {sys.argv[2]}) i) q\");"
        "plan = Planned(Column('b', 'b', Type('string'), 'keep'), 'b::varchar', pa.string());"
        "reading = open_reading(source(sys.argv[1])); live = reading.__enter__();"
        "print(sum(batch.num_rows for batch in live.read(Select(made, (plan,)))),"
        "re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1])"
    )
    peaks = []
    for rows in (100_000, 1_000_000):
        said = subprocess.run(
            [sys.executable, "-c", code, url(postgres), str(rows)], check=True, capture_output=True, text=True
        )
        count, peak = said.stdout.split()
        assert int(count) == rows
        peaks.append(int(peak) / 1024)
    assert peaks[1] - peaks[0] < 50, f"MiB: {peaks}"


def test_a_dsn_is_recognised_by_what_it_answers(
    postgres: Server, silo: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ini = tmp_path / "odbc.ini"
    ini.write_text(
        f"[HOUSING]\nDriver=PostgreSQL Unicode\nServername=127.0.0.1\nPort={postgres.port}\nDatabase=odbc\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("ODBCINI", str(ini))
    with open_reading(source("odbc://?dsn=HOUSING&uid=reader")) as reading:
        assert reading.dialect is odbc_products.POSTGRES.dialect
        assert reading.count(select(reading, "public.t", "a")) == 1000


def test_a_wrong_password_is_said_without_it(postgres: Server, silo: psycopg.Connection) -> None:
    silo_ = source(url(postgres, uid="postgres", pwd="wr0ng;}x"))
    with pytest.raises(SourceRefused, match="password authentication failed") as refused, open_reading(silo_):
        pass
    assert "wr0ng" not in "".join(traceback.format_exception(refused.value))


def test_a_closed_door_is_said_plainly() -> None:
    drivers.driver("PostgreSQL Unicode")
    words = {"driver": "PostgreSQL Unicode", "server": "127.0.0.1", "port": free_port(), "uid": "u", "pwd": "s3cr3t"}
    with pytest.raises(SourceRefused, match="Connection refused") as refused, open_reading(source(drivers.url(words))):
        pass
    assert "s3cr3t" not in "".join(traceback.format_exception(refused.value))


def test_a_driver_that_is_not_there_is_named() -> None:
    with (
        pytest.raises(SourceRefused, match="Can't open lib 'Nonesuch'"),
        open_reading(source("odbc://?driver=Nonesuch", "odbc")),
    ):
        pass


def test_a_person_s_interrupt_ends_what_runs(file: str, council: Council, monkeypatch: pytest.MonkeyPatch) -> None:
    council.silo("CREATE TABLE T (A)")
    with open_reading(source(file)) as reading:
        assert isinstance(reading, odbc.OdbcReading)

        def interrupted(*_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(odbc.OdbcReading, "_awaited", interrupted)
        with pytest.raises(KeyboardInterrupt):
            reading.ask("SELECT 1")
        assert reading.cancelled is not None
