"""PostgreSQL, a real one: what is found in it, in one snapshot, over no more connections than allowed."""

from __future__ import annotations

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from extractors.dialects import Relation, Select
from extractors.refused import NativeFailed, SourceRefused
from extractors.sources import postgres_copy, postgres_scan
from extractors.sources.catalogue import Found
from tests.servers.postgres import Server
from tests.servers.postgres_reading import WAYS, opened, rows, select, until

from .conftest import Council, numbered

# --- what is found ----------------------------------------------------------------------------------------------------

NAMES = [
    ("a table of a schema", "CREATE SCHEMA housing; CREATE TABLE housing.jobs (v int)", "housing.jobs"),
    ("a table without its schema", "CREATE TABLE jobs (v int)", "jobs"),
    ("a table of the path", "CREATE SCHEMA h; CREATE TABLE h.t (v int); ALTER DATABASE silo SET search_path = h", "t"),
    ("capitals", 'CREATE TABLE "JOBS" ("V" int)', "JOBS"),
    ("a reserved word", 'CREATE TABLE "select" ("from" int)', "select"),
    ("other letters", 'CREATE TABLE "Réparations 🏠" ("Wärme \'x\' 100%" int)', "Réparations 🏠"),
    ("quotes", 'CREATE TABLE "a""b" ("c""d" int)', 'a"b'),
    ("a view", "CREATE VIEW jobs (v) AS SELECT NULL::int WHERE false", "jobs"),
    ("a materialized view", "CREATE MATERIALIZED VIEW jobs (v) AS SELECT NULL::int WHERE false", "jobs"),
    ("a partitioned table", "CREATE TABLE t (v int) PARTITION BY LIST (v); CREATE TABLE p PARTITION OF t DEFAULT", "t"),
    ("a child of a table", "CREATE TABLE base (v int); CREATE TABLE jobs () INHERITS (base)", "jobs"),
]  # fmt: skip


@WAYS
@pytest.mark.parametrize(("made", "table"), [case[1:] for case in NAMES], ids=[case[0] for case in NAMES])
def test_a_table_is_found_by_its_name(made: str, table: str, most: int, silo: psycopg.Connection, url: str) -> None:
    for statement in made.split("; "):
        silo.execute(statement.encode())
    with opened(url, most) as reading:
        assert list(reading.columns(reading.dialect.table(table)).values()) == ["integer"]
        assert rows(reading, table) == []


@WAYS
def test_rows_of_all_kinds_of_tables_are_read(most: int, silo: psycopg.Connection, url: str) -> None:
    for statement in (
        "CREATE TABLE t (a int, b text, c int GENERATED ALWAYS AS (a * 2) STORED, d int GENERATED ALWAYS AS (a + 1))",
        "INSERT INTO t VALUES (1, 'x'), (2, NULL)",
        "CREATE VIEW v AS SELECT a, b || '!' AS b FROM t",
        "CREATE MATERIALIZED VIEW m AS SELECT * FROM v",
        "CREATE TABLE p (a int, b text) PARTITION BY LIST (a)",
        "CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1)",
        "CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2)",
        "INSERT INTO p VALUES (2, ''), (1, 'x')",
        "CREATE TABLE gone (a int, b int, c text)",
        "INSERT INTO gone VALUES (1, 2, 'c')",
        "ALTER TABLE gone DROP COLUMN b",
    ):
        silo.execute(statement.encode())
    with opened(url, most) as reading:
        assert rows(reading, "t") == [(1, "x", 2, 2), (2, None, 4, 3)]
        assert rows(reading, "v") == [(1, "x!"), (2, None)]
        assert rows(reading, "m") == [(1, "x!"), (2, None)]
        assert sorted(rows(reading, "p")) == [(1, "x"), (2, "")]
        assert rows(reading, "gone") == [(1, "c")]
        assert rows(reading, "t", "a > 1") == [(2, None, 4, 3)]
        query = Relation(
            '(SELECT w.a, w.b AS "B %s", 1.5::numeric(10,2) AS n FROM w) AS q', "WITH w AS (SELECT * FROM t)"
        )
        assert reading.columns(query) == {"a": "integer", "B %s": "text", "n": "numeric(10,2)"}
        assert rows(reading, query) == [(1, "x", "1.50"), (2, None, "1.50")]


def test_a_foreign_table_is_read(postgres: Server, silo: psycopg.Connection, url: str) -> None:
    for statement in (
        "CREATE EXTENSION postgres_fdw",
        "CREATE TABLE near (a int, b text)",
        "INSERT INTO near VALUES (1, 'x')",
        f"CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', port '{postgres.port}')",
        "ALTER SERVER far OPTIONS (dbname 'silo')",
        "CREATE USER MAPPING FOR reader SERVER far OPTIONS (user 'reader', password_required 'false')",
        "CREATE FOREIGN TABLE jobs (a int, b text) SERVER far OPTIONS (table_name 'near')",
    ):
        silo.execute(statement.encode())
    with opened(url) as reading:
        assert rows(reading, "jobs") == [(1, "x")]


@WAYS
def test_wide_tables_and_long_texts_are_read(most: int, silo: psycopg.Connection, url: str) -> None:
    listed = ", ".join(f"v{at} text" for at in range(1000))
    silo.execute(f"CREATE TABLE wide ({listed})".encode())
    silo.execute(
        f"INSERT INTO wide SELECT {', '.join(['NULLIF(g, 2)::text'] * 1000)} FROM generate_series(1, 3) g".encode()
    )
    silo.execute(b"CREATE TABLE long (a int, b text)")
    silo.execute(b"INSERT INTO long SELECT g, repeat(chr(128512 + g), 262144) FROM generate_series(1, 60) g")
    with opened(url, most) as reading:
        assert rows(reading, "wide") == [("1",) * 1000, (None,) * 1000, ("3",) * 1000]
        batches = list(reading.read(select(reading, "long")))
    assert [text for batch in batches for text in batch.column(1).to_pylist()] == [
        chr(128512 + n) * 2**18 for n in range(1, 61)
    ]


def test_large_values_come_in_batches_by_size(silo: psycopg.Connection, url: str) -> None:
    silo.execute(b"CREATE TABLE long (a int, b text STORAGE EXTERNAL)")
    silo.execute(b"INSERT INTO long SELECT g, repeat('x', 1048576) FROM generate_series(1, 60) g")
    with opened(url) as reading:
        sizes = [batch.nbytes for batch in reading.read(select(reading, "long"))]
    assert sum(sizes) > 60 * 2**20
    assert max(sizes) < 2 * postgres_copy.BYTES


def test_a_table_that_is_not_there_is_told_with_those_that_are(silo: psycopg.Connection, url: str) -> None:
    for statement in ("CREATE SCHEMA housing", "CREATE TABLE housing.jobs (v int)", "CREATE TABLE wards (v int)"):
        silo.execute(statement.encode())
    with opened(url) as reading, pytest.raises(SourceRefused) as refused:
        reading.columns(reading.dialect.table("housing.job"))
    assert str(refused.value) == (
        "source 'silo': there is no table or view 'housing.job'. "
        "Tables this login may read: housing.jobs, public.wards. Did you mean 'housing.jobs'?"
    )


def test_the_catalogue_tells_keys_types_comments_and_about_how_many_rows(silo: psycopg.Connection, url: str) -> None:
    for statement in (
        "CREATE DOMAIN reference AS varchar(12)",
        "CREATE TABLE jobs (a int, ref reference, PRIMARY KEY (ref, a))",
        "CREATE TABLE unique_only (a int NOT NULL, b int NOT NULL, c int UNIQUE, d text)",
        "CREATE UNIQUE INDEX open_only ON unique_only (b) WHERE a > 1",
        "CREATE UNIQUE INDEX pair ON unique_only (a, b) INCLUDE (d)",
        "CREATE VIEW v AS SELECT a FROM jobs",
        "COMMENT ON COLUMN jobs.ref IS 'No.'",
        "INSERT INTO jobs SELECT g, 'r' FROM generate_series(1, 500) g",
        "ANALYZE jobs",
    ):
        silo.execute(statement.encode())
    with opened(url) as reading:
        assert reading.tables() == [
            Found("public.jobs", {"a": "integer", "ref": "character varying(12)"}, ("ref", "a"), 500, {"ref": "No."}),
            Found("public.unique_only", {"a": "integer", "b": "integer", "c": "integer", "d": "text"}, ("a", "b")),
            Found("public.v", {"a": "integer"}),
        ]  # fmt: skip


# --- read only, in one snapshot, over no more connections than allowed ------------------------------------------------


@WAYS
def test_nothing_can_be_written(most: int, postgres: Server, silo: psycopg.Connection) -> None:
    """Not even by a login that may."""
    silo.execute(b"CREATE TABLE jobs (v int)")
    url = postgres.url("silo")
    with opened(url, most) as reading, pytest.raises(SourceRefused, match="cannot execute INSERT in a read-only"):
        reading.ask("INSERT INTO jobs VALUES (1)")
    silo.execute(b"CREATE FUNCTION sneak() RETURNS int LANGUAGE sql AS 'INSERT INTO jobs VALUES (1) RETURNING v'")
    with opened(url, most) as reading, pytest.raises(SourceRefused, match="cannot execute INSERT in a read-only"):
        list(reading.read(Select(Relation("(SELECT sneak() AS v) q", table="jobs"), select(reading, "jobs").columns)))
    assert silo.execute(b"SELECT count(*) FROM jobs").fetchone() == (0,)


@WAYS
def test_what_is_committed_meanwhile_is_not_seen(most: int, silo: psycopg.Connection, url: str) -> None:
    silo.execute(b"CREATE TABLE jobs (v int, w text)")
    silo.execute(b"INSERT INTO jobs SELECT g, repeat('x', 200) FROM generate_series(1, 100000) g")
    with opened(url, most) as reading:
        chosen = select(reading, "jobs")
        silo.execute(b"INSERT INTO jobs VALUES (-1)")
        assert (reading.is_snapshot, reading.count(chosen)) == (True, 100_000)
        seen, batches = 0, reading.read(chosen)
        for batch in batches:
            if not seen:
                silo.execute(b"DELETE FROM jobs WHERE v > 50000")
                silo.execute(b"INSERT INTO jobs SELECT -g FROM generate_series(1, 1000) g")
            seen += batch.num_rows
        assert seen == 100_000
        assert reading.ask("SELECT count(*), min(v), max(v) FROM jobs") == [("100000", "1", "100000")]
        assert len(rows(reading, "jobs")) == 100_000  # and again


@WAYS
def test_no_more_connections_are_open_than_allowed(most: int, silo: psycopg.Connection, url: str) -> None:
    silo.execute(b"CREATE TABLE jobs (v int, w text)")
    silo.execute(b"INSERT INTO jobs SELECT g, repeat('x', 200) FROM generate_series(1, 100000) g")
    count = b"SELECT count(*) FROM pg_stat_activity WHERE usename = 'reader' AND datname = 'silo'"
    with opened(url, most) as reading:
        seen = set()
        for _ in range(2):
            chosen = select(reading, "jobs")
            reading.count(chosen)
            for _ in reading.read(chosen):
                seen.add(silo.execute(count).fetchone())
    assert seen == {(most,)}
    until(lambda: silo.execute(count).fetchone() == (0,))


# --- both ways give the same ------------------------------------------------------------------------------------------


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=8, phases=(Phase.generate,))
@given(
    values=st.lists(
        st.tuples(
            st.none() | st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0")),
            st.none() | st.integers(-(2**31), 2**31 - 1),
            st.none() | st.floats(),
            st.none() | st.decimals(-99_999_999, 99_999_999, places=2),
            st.none() | st.datetimes().map(lambda moment: moment.replace(fold=0)),
            st.none() | st.dates(),
            st.none() | st.binary(),
            st.none() | st.booleans(),
        ),
        max_size=20,
    )
)
def test_any_row_is_read_exactly_and_alike(
    values: list[tuple[object, ...]], silo: psycopg.Connection, url: str
) -> None:
    silo.execute(b"DROP TABLE IF EXISTS jobs")
    silo.execute(
        b"CREATE TABLE jobs (id int, t text, i int, f float8, n numeric(10,2), s timestamp, d date, b bytea, o bool)"
    )
    with silo.cursor() as cursor:
        cursor.executemany(
            b"INSERT INTO jobs VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)", [(at, *v) for at, v in enumerate(values)]
        )
    read = []
    for most in (1, 2):
        with opened(url, most) as reading:
            batches = list(reading.read(select(reading, "jobs")))
            read.append([tuple(row.values()) for batch in batches for row in batch.to_pylist()])
    assert list(map(repr, read[0])) == list(map(repr, read[1])) == [repr((at, *v)) for at, v in enumerate(values)]


@WAYS
def test_a_value_that_has_no_form_in_arrow_is_told_with_its_column(
    most: int, silo: psycopg.Connection, url: str
) -> None:
    silo.execute(b"""CREATE TABLE jobs (a numeric(10,2), b numeric(10,2), "c ""'%" numeric(10,2))""")
    silo.execute(b"INSERT INTO jobs VALUES (1, 2, 'NaN')")
    with opened(url, most) as reading:
        with pytest.raises(NativeFailed) as failed:
            list(reading.read(select(reading, "jobs")))
        assert failed.value.columns == {"c \"'%"}
        silo.execute(b"DELETE FROM jobs")
        assert reading.ask("SELECT count(*) FROM jobs") == [("1",)]  # still in the snapshot


def test_without_duckdbs_scanner_rows_come_all_the_same(
    silo: psycopg.Connection, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    silo.execute(b"CREATE TABLE jobs (v int)")
    silo.execute(b"INSERT INTO jobs VALUES (7)")
    monkeypatch.setattr(postgres_scan, "is_installed", lambda: False)
    with opened(url) as reading:
        assert rows(reading, "jobs") == [(7,)]
        assert reading.scan is None


def test_text_of_no_known_encoding_is_a_fault(postgres: Server, council: Council) -> None:
    with postgres.database("ascii", "ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0") as session:
        session.execute(b"SET client_encoding = 'SQL_ASCII'")
        session.execute(b"CREATE TABLE jobs (id int PRIMARY KEY, v text)")
        session.execute(b"INSERT INTO jobs VALUES (1, 'Caf\xe9'), (2, 'Caf\xc3\xa9'), (3, NULL)")
        council.declare("v: {}", head=numbered(postgres.reader("ascii"), "jobs"))
        council.run()
    assert council.rows() == [{"id": 1, "v": None}, {"id": 2, "v": "Café"}, {"id": 3, "v": None}]
    assert [(fault["rule"], fault["value"]) for fault in council.faults()] == [
        ("text that is not valid UTF-8", "436166e9")
    ]
