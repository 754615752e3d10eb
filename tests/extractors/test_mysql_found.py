"""MariaDB, a real one: what is found in it, whatever it is called and however large it is."""

from __future__ import annotations

import pytest

from extractors.dialects import Relation, Select
from extractors.raw import Undecodable
from extractors.refused import NativeFailed, SourceRefused
from notation.problems import Refused
from tests.servers.mariadb import Server

from .test_mysql import opened, rows


def test_the_catalogue_says_keys_counts_and_comments(mariadb: Server) -> None:
    with mariadb.database("found") as session:
        session.execute("CREATE TABLE a (x int COMMENT 'where', y varchar(9) charset latin1, PRIMARY KEY (y, x))")
        session.execute("CREATE TABLE b (n int NULL UNIQUE, p text, m int NOT NULL UNIQUE, UNIQUE (p(3)))")
        session.execute("CREATE TABLE c (n int)")
        session.execute("CREATE VIEW v AS SELECT m FROM b")
        session.execute("INSERT INTO c VALUES (1), (2)")
        session.execute("ANALYZE TABLE c")
        with opened(mariadb.reader("found")) as reading:
            found = {table.table: table for table in reading.tables()}
    assert list(found) == ["a", "b", "c", "v"]
    assert found["a"].columns == {"x": "int(11)", "y": "varchar(9) character set latin1"}
    assert [found[name].key for name in "abcv"] == [("y", "x"), ("m",), (), ()]
    assert found["a"].comments == {"x": "where"}
    assert (found["c"].rows, found["v"].rows) == (2, None)


def test_a_table_that_is_not_there_is_answered_with_those_that_are(mariadb: Server) -> None:
    with mariadb.database("absent") as session, opened(mariadb.reader("absent")) as reading:
        session.execute("CREATE TABLE jobs (id int)")
        with pytest.raises(SourceRefused) as refused:
            reading.columns(reading.dialect.table("jbos"))
    assert str(refused.value) == (
        "source 'silo': there is no table or view 'jbos'. Tables this login may read: jobs. Did you mean 'jobs'?"
    )


NAMES = ["order", "Größe in m²", "back`tick", 'double"quote', "per%cent", "a\\b", "ends with '", "select"]


def test_reserved_and_unicode_names_are_names(mariadb: Server) -> None:
    with mariadb.database("names") as session:
        listed = ", ".join(f"`{name.replace('`', '``')}` int" for name in NAMES).replace("%", "%%")
        session.execute(f"CREATE TABLE `table ``of\\ things` (id int, {listed})", ())
        values = ", ".join(str(at) for at in range(len(NAMES) + 1))
        session.execute(f"INSERT INTO `table ``of\\ things` VALUES ({values})")
        with opened(mariadb.reader("names")) as reading:
            assert list(reading.columns(reading.dialect.table("table `of\\ things"))) == ["id", *NAMES]
            assert rows(reading, "table `of\\ things") == [tuple(range(len(NAMES) + 1))]
            assert rows(reading, "names.table `of\\ things") == [tuple(range(len(NAMES) + 1))]


@pytest.mark.slow
def test_a_thousand_columns_and_a_text_of_many_sizes(mariadb: Server) -> None:
    with mariadb.database("wide") as session:
        session.execute(f"CREATE TABLE w ({', '.join(f'c{at} int' for at in range(1000))})")
        session.execute(f"INSERT INTO w VALUES ({', '.join(str(at) for at in range(1000))})")
        session.execute("CREATE TABLE t (id int, v longtext)")
        sizes = [0, 250, 251, 65_535, 65_536, 2**20, 2**24 - 6, 2**24 - 1, 2**24, 2**24 + 5, 2**25, 1]
        for at, size in enumerate(sizes):
            session.execute(f"INSERT INTO t VALUES ({at}, REPEAT('x', {size}))")
        session.execute("INSERT INTO t VALUES (99, NULL)")
        with opened(mariadb.reader("wide")) as reading:
            assert rows(reading, "w") == [tuple(range(1000))]
            found = [(at, None if v is None else len(v), v and v.strip("x")) for at, v in rows(reading, "t")]  # type: ignore[misc]
    assert found == [*((at, size, "") for at, size in enumerate(sizes)), (99, None, None)]


def test_a_query_is_read_by_the_types_it_says_itself(mariadb: Server) -> None:
    with mariadb.database("asked") as session:
        session.execute(
            "CREATE TABLE k (a tinyint(1), b bigint unsigned, c decimal(12,2), d float, e double, f bit(3), g year,"
            " h date, i datetime, j timestamp NULL, k time, l varchar(9), m char(9) charset latin1, n enum('x'),"
            " o set('y'), p blob, q binary(2), r text, s json, t point, u int zerofill, v decimal(38,10) unsigned)"
        )
        with opened(mariadb.reader("asked")) as reading:
            query = Relation("(SELECT k.*, 1 AS one, 'x' AS text, NULL AS nothing FROM k) AS q")
            assert reading.columns(query) == {
                "a": "tinyint", "b": "bigint unsigned", "c": "decimal(12,2)", "d": "float", "e": "double",
                "f": "bit(3)", "g": "year", "h": "date", "i": "datetime", "j": "timestamp", "k": "time", "l": "text",
                "m": "text character set latin1", "n": "enum", "o": "set", "p": "blob", "q": "blob", "r": "text",
                "s": "text", "t": "geometry", "u": "int unsigned zerofill", "v": "decimal(38,10) unsigned",
                "one": "int", "text": "text", "nothing": "blob",
            }  # fmt: skip
            with_cte = Relation("q", "WITH q AS (SELECT 5 AS id, 'é' AS t)")
            assert rows(reading, with_cte) == [(5, "é")]
            assert reading.count(Select(with_cte, ())) == 1


def test_bytes_that_the_server_cannot_convert_are_told_from_text(mariadb: Server) -> None:
    with mariadb.database("broken") as session:
        session.execute("CREATE TABLE t (id int, v varchar(9) charset cp1250, w varchar(9) charset sjis)")
        session.execute("INSERT INTO t VALUES (1, 'ř', 'あ'), (2, CONVERT(x'6181' USING cp1250), NULL)")
        with opened(mariadb.reader("broken")) as reading:
            assert rows(reading, "t") == [(1, "ř", "あ"), (2, Undecodable(b"a\x81"), None)]


def test_an_instant_that_is_none_is_noticed_and_read_as_text(mariadb: Server) -> None:
    with mariadb.database("noticed") as session:
        session.execute("CREATE TABLE t (id int, v timestamp NULL)")
        session.execute("INSERT INTO t VALUES (1, '2024-01-31 09:30:00'), (2, 0)")
        with opened(mariadb.reader("noticed")) as reading:
            with pytest.raises(NativeFailed) as failed:
                rows(reading, "t")
            assert failed.value.columns == frozenset({"v"})
            assert rows(reading, "t", as_text=True) == [
                ("1", "2024-01-31 09:30:00+00:00"), ("2", "0000-00-00 00:00:00+00:00"),
            ]  # fmt: skip


CURSORS = [  # a type, and values of it in the order an index has
    ("int", ["-5", "7"]), ("bigint unsigned", ["0", "18446744073709551615"]), ("decimal(20,5)", ["-1.5", "12.00001"]),
    ("float", ["0.1", "16777216"]), ("double", ["1e-300", "0.1", "1.5e300"]),
    ("date", ["'0000-00-00'", "'2024-02-29'"]),
    ("datetime(6)", ["'2024-01-31 09:30:00.000001'", "'2024-01-31 09:30:00.000002'"]),
    ("timestamp(3)", ["'2024-03-31 02:30:00.5'", "'2024-10-27 01:30:00.25'"]), ("year", ["1999", "2024"]),
    ("time", ["'-26:00:00'", "'26:00:00'"]), ("varchar(40)", ["''", "'it''s'", "'ü'", "'\\\\'"]),
    ("varchar(40) character set latin1", ["'a\\\\b'", "'é'"]), ("varbinary(9)", ["''", "x'00ff'"]),
    ("enum('z','a')", ["'z'", "'a'"]), ("bit(9)", ["b'1'", "b'111111111'"]),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "values"), CURSORS, ids=[kind for kind, _ in CURSORS])
def test_a_value_told_as_text_is_found_again(kind: str, values: list[str], mariadb: Server) -> None:
    with mariadb.database("again") as session:
        session.execute(f"CREATE TABLE t (id int, v {kind})")
        for at, value in enumerate(values):
            session.execute(f"INSERT INTO t VALUES ({at}, {value.replace('%', '%%')})")
        with opened(mariadb.reader("again")) as reading:
            speak, native = reading.dialect, reading.columns(reading.dialect.table("t"))["v"]
            for at in range(len(values)):
                ((told,),) = reading.ask(f"SELECT {speak.text('v', native)} FROM t WHERE id = {at}")
                literal = speak.literal(told or "", native)
                assert reading.ask(f"SELECT id FROM t WHERE v = {literal}") == [(str(at),)]
                after = [(str(later),) for later in range(at + 1, len(values))]
                assert reading.ask(f"SELECT id FROM t WHERE v > {literal} ORDER BY v") == after


def test_a_moment_can_be_set_back(mariadb: Server) -> None:
    with mariadb.database("back"), opened(mariadb.reader("back")) as reading:
        speak = reading.dialect
        moment = speak.literal("2024-01-31 09:30:00.250000", "datetime(6)")
        assert reading.ask(f"SELECT {speak.earlier(moment, 900.5, 'datetime(6)')}") == [("2024-01-31 09:14:59.750000",)]
        with pytest.raises(Refused):
            speak.earlier("5", 900.0, "int(11)")
        with pytest.raises(Refused):
            speak.literal("1 OR 1=1", "int(11)")
